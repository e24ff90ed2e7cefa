//! The file of tokens: its format, and how it is read and written.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use super::{Slot, TokenStoreError, lock::private};
use crate::Token;

const VERSION: u64 = 1;

/// What stands in the file.
#[derive(Serialize, Deserialize)]
pub(super) struct Contents {
    version: u64,
    #[serde(default)]
    servers: BTreeMap<String, BTreeMap<String, Entry>>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// One token, with whatever others noted beside it.
#[derive(Serialize, Deserialize)]
struct Entry {
    token: String,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.token.zeroize();
    }
}

impl Contents {
    /// What is there; nothing, if there is no file.
    pub(super) fn read(path: &Path) -> Result<Self, TokenStoreError> {
        let text = match read_private(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::empty()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && error.get_ref().is_some() => {
                return Err(TokenStoreError::new(error.to_string()));
            }
            read => read.map_err(|error| failed(path, "read", error))?,
        };
        let contents: Self = serde_json::from_slice(&text).map_err(|error| {
            let shown = path.display();
            TokenStoreError::new(format!(
                "{shown} is no file of tokens (line {}, column {}); move it away and sign in again",
                error.line(),
                error.column()
            ))
        })?;
        if contents.version == VERSION {
            return Ok(contents);
        }
        let (shown, version) = (path.display(), contents.version);
        Err(TokenStoreError::new(format!(
            "{shown} has version {version}, and this program knows version {VERSION} alone"
        )))
    }

    fn empty() -> Self {
        Self { version: VERSION, servers: BTreeMap::new(), more: Map::new() }
    }

    /// Every slot that holds a token.
    pub(super) fn slots(&self) -> Vec<Slot> {
        let servers = self.servers.iter();
        servers.flat_map(|(server, profiles)| profiles.keys().map(move |profile| Slot::new(server, profile))).collect()
    }

    pub(super) fn get(&self, slot: &Slot) -> Option<Token> {
        let entry = self.servers.get(slot.server())?.get(slot.profile())?;
        Some(Token::from(entry.token.as_str())).filter(|token| !token.is_empty())
    }

    pub(super) fn set(&mut self, slot: &Slot, new: Option<&Token>) {
        let profiles = self.servers.entry(slot.server().to_owned()).or_default();
        if let Some(token) = new {
            let entry = Entry { token: token.expose().to_owned(), more: Map::new() };
            let before = profiles.insert(slot.profile().to_owned(), entry);
            if let (Some(mut before), Some(now)) = (before, profiles.get_mut(slot.profile())) {
                now.more = std::mem::take(&mut before.more);
            }
        } else {
            profiles.remove(slot.profile());
        }
        self.servers.retain(|_, profiles| !profiles.is_empty());
    }

    /// Writes beside the place, and moves there what is whole. Whoever calls it holds the lock, so what lies beside the place is what
    /// somebody left who was killed.
    pub(super) fn write(&self, path: &Path) -> Result<(), TokenStoreError> {
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::from).map(Zeroizing::new);
        let written = text.and_then(|mut text| {
            text.push(b'\n');
            put(path, &text)
        });
        written.map_err(|error| failed(path, "written", error))
    }
}

/// See [`Contents::write`].
fn put(path: &Path, text: &[u8]) -> io::Result<()> {
    let new = beside(path, ".new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Nobody can have put a file of theirs there: it has to be a new one.
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&new)?;
    file.write_all(text)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&new, path)?;
    sync_folder(folder_of(path))
}

pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The move itself is on the disk only when the folder is. Windows has no such call.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Reads a file, unless others can.
fn read_private(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut file = File::open(path)?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata()?.permissions());
        if mode & 0o077 != 0 {
            let shown = path.display();
            let text = format!("{shown} holds tokens and can be read by others; run `chmod 600 {shown}`");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        }
    }
    let mut text = Zeroizing::new(Vec::new());
    io::Read::read_to_end(&mut file, &mut text)?;
    Ok(text)
}

fn failed(path: &Path, what: &str, error: io::Error) -> TokenStoreError {
    TokenStoreError::because(format!("{} cannot be {what}", path.display()), error)
}

/// The file beside the tokens' with this at the end of its name.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
