//! Tokens in a file.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::future::BoxFuture;

use super::{
    Expect, Slot, TokenStore, TokenStoreError, blocking,
    contents::{Contents, beside, folder_of},
    lock::{Lock, data_folder, make_folder},
};
use crate::Token;

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
        blocking(move || Ok(Contents::read(&path)?.slots())).await
    }

    fn replace_now(path: &Path, slot: &Slot, expect: Expect<'_>, new: Option<&Token>) -> Result<bool, TokenStoreError> {
        make_folder(folder_of(path))?;
        // A link stays one: what it leads to is written.
        let real = path.canonicalize();
        let path = real.as_deref().unwrap_or(path);
        let _lock = Lock::take(&beside(path, ".lock"))?;
        let mut contents = Contents::read(path)?;
        let there = contents.get(slot);
        if !expect.is_met_by(there.as_ref()) {
            return Ok(false);
        }
        if there.as_ref() != new {
            contents.set(slot, new);
            contents.write(path)?;
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
