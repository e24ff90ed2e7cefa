use serde_json::json;

use super::{member::Member, sessions};
use crate::{commands::Failure, output};

/// `hallpass whoami`
pub(super) async fn run(member: &Member, as_json: bool) -> Result<(), Failure> {
    member.needed_token().await?;
    let current = member.client.get_session().await.map_err(|error| member.failed(&error))?;
    let current = current.ok_or_else(|| member.session_over())?;
    let (user, session) = (&current.user, &current.session);
    if as_json {
        let shown = json!({
            "profile": member.name, "server": member.profile.server, "user": user, "session": sessions::shown(session, true),
        });
        output::data(&output::json(&shown)?);
        return Ok(());
    }
    let verified = if user.email_verified { "verified" } else { "not verified" };
    for (what, value) in [
        ("email", format!("{} ({verified})", user.email)),
        ("name", user.name.clone()),
        ("id", user.id.clone()),
        ("server", member.profile.server.clone()),
        ("profile", member.name.clone()),
        ("session", format!("{}, until {}", session.id, session.expires_at)),
    ] {
        output::data(&output::harmless(&format!("{what}: {value}")));
    }
    Ok(())
}
