//! What is remembered of each profile: its server, who signed in there, and where the token is. The tokens themselves are elsewhere
//! (they say which servers there are, too, but not which of two is meant, nor anything once one has signed out).

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use hallpass_client::store::FileTokenStore;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::commands::{Failure, chain};

const VERSION: u64 = 1;

/// A server, and who is signed in there.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Profile {
    /// Origin and base path.
    pub(super) server: String,
    /// Who signed in last.
    pub(super) email: String,
    pub(super) keep: Keep,
    /// Whether http:// to another machine is what the user wants.
    #[serde(default)]
    pub(super) insecure_http: bool,
}

/// Where the token is.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Keep {
    File,
    Keyring,
}

impl Keep {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Keyring => "keyring",
        }
    }
}

/// All of them, in `profiles.json` beside the file of tokens.
#[derive(Serialize, Deserialize)]
pub(super) struct Profiles {
    version: u64,
    profiles: BTreeMap<String, Profile>,
}

impl Profiles {
    pub(super) fn load() -> Result<Self, Failure> {
        Self::read(&path()?)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&String, &Profile)> {
        self.profiles.iter()
    }

    /// Remembers a profile in place of what was known by its name.
    pub(super) fn remember(name: &str, profile: Profile) -> Result<(), Failure> {
        Self::change(|profiles| drop(profiles.insert(name.to_owned(), profile)))
    }

    pub(super) fn forget(name: &str) -> Result<(), Failure> {
        Self::change(|profiles| drop(profiles.remove(name)))
    }

    /// One process at a time, and so that a reader sees what was there before or what is there after.
    fn change(make: impl FnOnce(&mut BTreeMap<String, Profile>)) -> Result<(), Failure> {
        let path = path()?;
        let failed = |error: io::Error| format!("{} cannot be written: {error}", path.display());
        let folder = path.parent().unwrap_or(Path::new("."));
        make_folder(folder).map_err(failed)?;
        let lock = File::options().write(true).create(true).truncate(false).open(path.with_extension("json.lock"));
        let lock = lock.map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut profiles = Self::read(&path)?;
        make(&mut profiles.profiles);
        let mut text = serde_json::to_vec_pretty(&profiles)?;
        text.push(b'\n');
        let mut new = NamedTempFile::new_in(folder).map_err(failed)?;
        new.write_all(&text).and_then(|()| new.as_file().sync_all()).map_err(failed)?;
        new.persist(&path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    fn read(path: &Path) -> Result<Self, Failure> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Self { version: VERSION, profiles: BTreeMap::new() });
            }
            read => read.map_err(|error| format!("{} cannot be read: {error}", path.display()))?,
        };
        let profiles: Self = serde_json::from_slice(&text).map_err(|error| {
            format!("{} is no file of profiles ({error}); move it away and sign in again", path.display())
        })?;
        if profiles.version == VERSION {
            return Ok(profiles);
        }
        let (shown, version) = (path.display(), profiles.version);
        Err(format!("{shown} has version {version}, and this program knows version {VERSION} alone").into())
    }
}

fn path() -> Result<PathBuf, Failure> {
    Ok(FileTokenStore::default_path().map_err(chain)?.with_file_name("profiles.json"))
}

/// Tokens will lie in it, so it is for its owner alone.
fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
