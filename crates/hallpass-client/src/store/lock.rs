//! One at a time, among all processes of this machine.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use etcetera::base_strategy::{BaseStrategy, choose_native_strategy};

use super::TokenStoreError;

/// How long the others may take. Each holds it for one small write.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);

/// Held until it is dropped, or its process ends, however that may be.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock at this path. Its file stays, empty.
    pub(super) fn take(path: &Path) -> Result<Self, TokenStoreError> {
        let failed = |error: io::Error| {
            TokenStoreError::because(format!("{} cannot be opened or locked", path.display()), error)
        };
        let file = private(OpenOptions::new().write(true).create(true).truncate(false)).open(path).map_err(failed)?;
        let mut left = PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) if left.is_zero() => {
                    let shown = path.display();
                    return Err(TokenStoreError::new(format!(
                        "another process has held {shown} for {} seconds; is one of them stopped?",
                        PATIENCE.as_secs()
                    )));
                }
                Err(TryLockError::WouldBlock) => {
                    thread::sleep(PAUSE);
                    left = left.saturating_sub(PAUSE);
                }
            }
        }
    }
}

/// Where programs of this user keep what they need, by the customs of the system: `$XDG_DATA_HOME/hallpass` or
/// `~/.local/share/hallpass`, `~/Library/Application Support/hallpass`, `%APPDATA%\hallpass`.
pub(super) fn data_folder() -> Result<PathBuf, TokenStoreError> {
    let strategy = choose_native_strategy().map_err(|error| {
        TokenStoreError::because("this user has no home directory; say where tokens are to be kept", error)
    })?;
    Ok(strategy.data_dir().join("hallpass"))
}

/// Makes a folder for its owner's eyes only, if it is not there yet.
pub(super) fn make_folder(path: &Path) -> Result<(), TokenStoreError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = builder.create(path);
    made.map_err(|error| TokenStoreError::because(format!("the folder {} cannot be made", path.display()), error))
}

/// New files are for their owner's eyes only.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}
