//! Tokens in the operating system's keyring.

use std::{fmt, path::PathBuf};

use futures_util::future::BoxFuture;
use keyring::{Entry, Error};

use super::{
    Expect, Slot, TokenStore, TokenStoreError, blocking,
    lock::{Lock, data_folder, make_folder},
};
use crate::Token;

/// Keeps tokens in the keyring of the operating system: Keychain on macOS, Credential Manager on Windows, and elsewhere the *Secret
/// Service* that GNOME Keyring, KWallet and KeePassXC offer. (Feature `keyring`.)
///
/// An entry's service is the one that is given here, its user name is the profile and the server, such as
/// `default at https://api.example.com/api/auth`.
///
/// Keyrings cannot compare and write in one step, so processes take turns by a lock on a file in the user's data folder, which holds
/// nothing.
///
/// ```no_run
/// use hallpass_client::{AuthClient, store::KeyringTokenStore};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = KeyringTokenStore::new("my-program")?;
/// let client = AuthClient::builder("https://api.example.com").token_store(store).build()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct KeyringTokenStore {
    service: String,
    folder: PathBuf,
}

impl KeyringTokenStore {
    /// Under this service's name in the keyring.
    ///
    /// # Errors
    /// When there is no keyring, or the user has no home directory.
    pub fn new(service: impl Into<String>) -> Result<Self, TokenStoreError> {
        let store = Self { service: service.into(), folder: data_folder()? };
        match Entry::store_status() {
            Ok(()) => Ok(store),
            Err(error) => Err(told(error)),
        }
    }

    fn entry(&self, slot: &Slot) -> Result<Entry, TokenStoreError> {
        Entry::new(&self.service, &format!("{} at {}", slot.profile(), slot.server())).map_err(|error| told(&error))
    }

    fn load_now(&self, slot: &Slot) -> Result<Option<Token>, TokenStoreError> {
        match self.entry(slot)?.get_password() {
            Ok(text) => Ok(Some(Token::from(text)).filter(|token| !token.is_empty())),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(told(&error)),
        }
    }

    fn replace_now(&self, slot: &Slot, expect: Expect<'_>, new: Option<&Token>) -> Result<bool, TokenStoreError> {
        make_folder(&self.folder)?;
        let _lock = Lock::take(&self.folder.join("keyring.lock"))?;
        let there = self.load_now(slot)?;
        if !expect.is_met_by(there.as_ref()) {
            return Ok(false);
        }
        let written = match new {
            Some(token) => self.entry(slot)?.set_password(token.expose()),
            None => self.entry(slot)?.delete_credential(),
        };
        match written {
            Ok(()) | Err(Error::NoEntry) => Ok(true),
            Err(error) => Err(told(&error)),
        }
    }
}

impl TokenStore for KeyringTokenStore {
    fn load<'a>(&'a self, slot: &'a Slot) -> BoxFuture<'a, Result<Option<Token>, TokenStoreError>> {
        let (store, slot) = (self.clone(), slot.clone());
        Box::pin(blocking(move || store.load_now(&slot)))
    }

    fn replace<'a>(
        &'a self,
        slot: &'a Slot,
        expect: Expect<'a>,
        new: Option<&'a Token>,
    ) -> BoxFuture<'a, Result<bool, TokenStoreError>> {
        let (store, slot, new, expect) = (self.clone(), slot.clone(), new.cloned(), expect.detached());
        Box::pin(blocking(move || store.replace_now(&slot, expect.borrow(), new.as_ref())))
    }
}

impl fmt::Debug for KeyringTokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyringTokenStore").field("service", &self.service).finish_non_exhaustive()
    }
}

/// In words that say what to do. What a keyring reports of an unreadable entry can hold the entry, so it is left out.
fn told(error: &Error) -> TokenStoreError {
    let why = match error {
        Error::NoStorageAccess(source) => format!("it cannot be opened: {source}; unlock it and try again"),
        Error::PlatformFailure(source) => source.to_string(),
        Error::NoDefaultStore => "there is none on this system".into(),
        Error::Ambiguous(_) => "it has several entries of this name; remove all but one".into(),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => "its entry is no token; remove it and sign in again".into(),
        _ => "it refused".into(),
    };
    TokenStoreError::new(format!(
        "the keyring of the operating system cannot be used: {why}. On Linux it takes a running Secret Service, such as GNOME Keyring \
         or KWallet, in a desktop session; where there is none, keep tokens in a file"
    ))
}
