//! Tokens in a file.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use super::{
    Expect, Slot, TokenStore, TokenStoreError, blocking,
    lock::{Lock, data_folder, make_folder, private},
};
use crate::Token;

const VERSION: u64 = 1;

/// Keeps tokens in a file for its owner's eyes only: mode 0600, in a folder of mode 0700 if it has to be made. A file that others can
/// read is refused. (On Windows the user's own folders are what protects it.)
///
/// The tokens of several servers, and of several profiles at each, live side by side in one file. Any number of clients and processes
/// may share it: writers take turns (a lock on the file beside it whose name ends in `.lock`), and a reader sees the file as it was
/// before a write or as it is after it, since it is written beside its place (`.new`), flushed to the disk, and moved into it. A
/// process that is killed meanwhile changes nothing.
///
/// The file is JSON. Programs may read it, and write it if they keep to the above; what they add to it is left alone.
///
/// ```json
/// {
///   "version": 1,
///   "servers": {
///     "https://api.example.com/api/auth": { "default": { "token": "…" } }
///   }
/// }
/// ```
///
/// ```
/// use hallpass_client::{AuthClient, store::FileTokenStore};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let store = FileTokenStore::new(folder.path().join("tokens.json"));
/// let client = AuthClient::builder("https://api.example.com").token_store(store).build()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct FileTokenStore {
    path: Arc<Path>,
}

impl FileTokenStore {
    /// In the file at this path. It is made when the first token is kept.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into().into() }
    }

    /// In `tokens.json` where programs of this user keep their data: `~/.local/share/hallpass` on Linux (or what `XDG_DATA_HOME`
    /// says), `~/Library/Application Support/hallpass` on macOS, the user's `AppData` on Windows.
    ///
    /// # Errors
    /// When the user has no home directory.
    pub fn default_path() -> Result<PathBuf, TokenStoreError> {
        Ok(data_folder()?.join("tokens.json"))
    }

    /// Where the tokens are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every slot that holds a token.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn slots(&self) -> Result<Vec<Slot>, TokenStoreError> {
        let path = Arc::clone(&self.path);
        blocking(move || {
            let contents = Contents::read(&path)?;
            let slots = contents
                .servers
                .iter()
                .flat_map(|(server, profiles)| profiles.keys().map(move |profile| Slot::new(server, profile)));
            Ok(slots.collect())
        })
        .await
    }

    /// The file beside the tokens' with this at the end of its name.
    fn beside(path: &Path, ending: &str) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        name.into()
    }

    fn replace_now(path: &Path, slot: &Slot, expect: Expect<'_>, new: Option<&Token>) -> Result<bool, TokenStoreError> {
        make_folder(folder_of(path))?;
        let _lock = Lock::take(&Self::beside(path, ".lock"))?;
        let mut contents = Contents::read(path)?;
        let there = contents.get(slot);
        if !expect.is_met_by(there.as_ref()) {
            return Ok(false);
        }
        if there.as_ref() != new {
            contents.set(slot, new);
            contents.write(path).map_err(|error| failed(path, "written", error))?;
        }
        Ok(true)
    }
}

impl TokenStore for FileTokenStore {
    fn load<'a>(&'a self, slot: &'a Slot) -> BoxFuture<'a, Result<Option<Token>, TokenStoreError>> {
        let (path, slot) = (Arc::clone(&self.path), slot.clone());
        Box::pin(blocking(move || Ok(Contents::read(&path)?.get(&slot))))
    }

    fn replace<'a>(
        &'a self,
        slot: &'a Slot,
        expect: Expect<'a>,
        new: Option<&'a Token>,
    ) -> BoxFuture<'a, Result<bool, TokenStoreError>> {
        let (path, slot, expect, new) = (Arc::clone(&self.path), slot.clone(), expect.detached(), new.cloned());
        Box::pin(blocking(move || Self::replace_now(&path, &slot, expect.borrow(), new.as_ref())))
    }
}

impl fmt::Debug for FileTokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileTokenStore").field("path", &self.path).finish()
    }
}

/// What stands in the file.
#[derive(Serialize, Deserialize)]
struct Contents {
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
    fn read(path: &Path) -> Result<Self, TokenStoreError> {
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

    fn get(&self, slot: &Slot) -> Option<Token> {
        let entry = self.servers.get(slot.server())?.get(slot.profile())?;
        Some(Token::from(entry.token.as_str())).filter(|token| !token.is_empty())
    }

    fn set(&mut self, slot: &Slot, new: Option<&Token>) {
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
    fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = Zeroizing::new(serde_json::to_vec_pretty(self)?);
        text.push(b'\n');
        let new = FileTokenStore::beside(path, ".new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Nobody can have put a file of theirs there: it has to be a new one.
        let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&new)?;
        file.write_all(&text)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&new, path)?;
        sync_folder(folder_of(path))
    }
}

fn folder_of(path: &Path) -> &Path {
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
