use hallpass_client::{Token, model::Session};
use serde_json::{Value, json};

use super::member::Member;
use crate::{commands::Failure, output};

/// `hallpass sessions`
pub(super) async fn list(member: &Member, as_json: bool) -> Result<(), Failure> {
    let (own, sessions) = sessions(member).await?;
    let is_own = |session: &Session| session.token.same_session(&own);
    if as_json {
        let shown: Vec<_> = sessions.iter().map(|session| shown(session, is_own(session))).collect();
        output::data(&output::json(&shown)?);
        return Ok(());
    }
    let cells = |session: &Session| {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        vec![
            if is_own(session) { "*".into() } else { String::new() },
            session.id.clone(),
            session.created_at.to_string(),
            session.expires_at.to_string(),
            text(&session.ip_address),
            text(&session.user_agent),
        ]
    };
    let rows: Vec<Vec<String>> = sessions.iter().map(cells).collect();
    output::data(&output::table(&["", "id", "created", "expires", "address", "client"], &rows));
    Ok(())
}

/// `hallpass sessions revoke ID`
pub(super) async fn revoke(member: &Member, id: &str) -> Result<(), Failure> {
    let (own, sessions) = sessions(member).await?;
    let session = sessions.iter().find(|session| session.id == id);
    let session = session.ok_or("you have no such session; `hallpass sessions` lists them")?;
    member.client.revoke_session(&session.token).await.map_err(|error| member.failed(&error))?;
    let own = session.token.same_session(&own);
    output::say(if own { "ended this session; you are signed out" } else { "ended 1 session" });
    Ok(())
}

/// `hallpass sessions revoke --others`
pub(super) async fn revoke_others(member: &Member) -> Result<(), Failure> {
    member.needed_token().await?;
    member.client.revoke_other_sessions().await.map_err(|error| member.failed(&error))?;
    output::say("ended all sessions but this one");
    Ok(())
}

/// One's own token, and all sessions, newest first.
async fn sessions(member: &Member) -> Result<(Token, Vec<Session>), Failure> {
    let own = member.needed_token().await?;
    let mut sessions = member.client.list_sessions().await.map_err(|error| member.failed(&error))?;
    sessions.sort_by_key(|session| std::cmp::Reverse(session.created_at));
    Ok((own, sessions))
}

/// A session without its token: a terminal's scroll-back is no place for it.
pub(super) fn shown(session: &Session, current: bool) -> Value {
    json!({
        "id": session.id, "createdAt": session.created_at, "expiresAt": session.expires_at,
        "ipAddress": session.ip_address, "userAgent": session.user_agent, "current": current,
    })
}
