use serde_json::json;

use super::{
    member::Member,
    profile::{Profile, Profiles},
};
use crate::{commands::Failure, output};

/// `hallpass profiles`
pub(super) async fn run(as_json: bool) -> Result<(), Failure> {
    let mut rows = Vec::new();
    let mut shown = Vec::new();
    for (name, profile) in Profiles::load()?.all() {
        let signed_in = is_signed_in(name, profile).await.map_err(|failure| {
            output::say(&output::harmless(&format!("profile {name}: {failure}")));
        });
        shown.push(json!({
            "profile": name, "server": profile.server, "email": profile.email, "signedIn": signed_in.ok(),
            "tokenIn": profile.keep.name(),
        }));
        let signed_in = match signed_in {
            Ok(true) => "yes",
            Ok(false) => "no",
            Err(()) => "unknown",
        };
        let cells = [name, &profile.server, &profile.email, signed_in, profile.keep.name()];
        rows.push(cells.map(str::to_owned).to_vec());
    }
    if as_json {
        output::data(&output::json(&shown)?);
    } else if rows.is_empty() {
        output::say("there are none yet; `hallpass login --url https://…` makes one");
    } else {
        output::data(&output::table(&["profile", "server", "email", "signed in", "token in"], &rows));
    }
    Ok(())
}

/// Whether there is a token. What it is worth, `hallpass whoami` asks the server.
async fn is_signed_in(name: &str, profile: &Profile) -> Result<bool, Failure> {
    Ok(Member::new(name, profile.clone())?.token().await?.is_some())
}
