//! Whether Redis does what sessions need, and keeps them.

use hallpass::Hallpass;
use hallpass_redis::RedisStorage;

use super::{
    Findings,
    Level::{self, Error, Warning},
};
use crate::{
    commands::{chain, rehearsal},
    config::Config,
};

/// The subject of what is found.
pub(super) const ABOUT: &str = "secondary_storage";

/// Whether the secondary storage answers, and to what. The engine's own database is in memory here, and always does.
pub(super) async fn examine(config: &Config, engine: &Hallpass, findings: &mut Findings) {
    let section = &config.secondary_storage;
    let Some(url) = &section.url else { return };
    if let Err(error) = engine.store().ping().await {
        return findings.add(Error, ABOUT, chain(error).to_string());
    }
    let storage = match RedisStorage::connect_with_prefix(url, &section.key_prefix) {
        Ok(storage) => storage,
        Err(error) => return findings.add(Error, ABOUT, error.to_string()),
    };
    match rehearsal::redis(&storage, engine.schema()).await {
        Ok(()) => findings.add(Level::Ok, ABOUT, "it answers, and takes sessions"),
        Err(error) => {
            let says = format!("it answers, but does not do what sessions need: {}", chain(error));
            return findings.add(Error, ABOUT, says);
        }
    }
    match storage.keeping().await {
        Ok(keeping) => {
            if keeping.evicts {
                let says = "when its memory is full, Redis makes room by dropping sessions, whose users are then signed out; have it \
                            refuse writes with maxmemory-policy noeviction";
                findings.add(Warning, ABOUT, says);
            }
            if !keeping.appends {
                let says = "after a crash Redis would have what was in its last snapshot, if it takes any: sessions that have ended \
                            since would be accepted again, and new ones be gone, unless a replica takes over; give it appendonly yes";
                findings.add(Warning, ABOUT, says);
            }
        }
        Err(error) => findings.add(Warning, ABOUT, chain(error).to_string()),
    }
}
