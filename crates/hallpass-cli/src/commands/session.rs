use hallpass::{
    Clock, Hallpass, SystemClock,
    store::{Batch, Filter, Query, Record, Session},
};
use serde_json::json;

use super::{Failure, chain, find_user};
use crate::{cli::SessionCommand, output};

/// `hallpass session …`
pub(super) async fn run(auth: &Hallpass, command: SessionCommand) -> Result<(), Failure> {
    match command {
        SessionCommand::List { user, json } => list(auth, &user, json).await,
        SessionCommand::Revoke { session, user } => revoke(auth, session, user).await,
    }
}

/// Without tokens: a terminal's scroll-back is no place for them.
async fn list(auth: &Hallpass, named: &str, as_json: bool) -> Result<(), Failure> {
    let user = find_user(auth, named).await?;
    let live = Filter::eq("userId", &user.id).and(Filter::gt("expiresAt", SystemClock.now()));
    let rows = auth.store().find(auth.schema(), Query::table(Session::TABLE).filter(live)).await.map_err(chain)?;
    let sessions = rows.into_iter().map(Session::from_row).collect::<Result<Vec<_>, _>>().map_err(chain)?;
    if as_json {
        let shown: Vec<_> = sessions
            .iter()
            .map(|session| {
                json!({
                    "id": session.id, "createdAt": session.created_at, "expiresAt": session.expires_at,
                    "ipAddress": session.ip_address, "userAgent": session.user_agent,
                })
            })
            .collect();
        output::data(&output::json(&shown)?);
        return Ok(());
    }
    let cells = |session: &Session| {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        vec![
            session.id.to_string(),
            session.created_at.to_string(),
            session.expires_at.to_string(),
            text(&session.ip_address),
            text(&session.user_agent),
        ]
    };
    let rows: Vec<Vec<String>> = sessions.iter().map(cells).collect();
    output::data(&output::table(&["id", "created", "expires", "address", "client"], &rows));
    Ok(())
}

async fn revoke(auth: &Hallpass, session: Option<String>, user: Option<String>) -> Result<(), Failure> {
    let is_one = session.is_some();
    let filter = match (session, user) {
        (Some(session), _) => Filter::eq("id", session),
        (None, Some(named)) => Filter::eq("userId", &find_user(auth, &named).await?.id),
        (None, None) => return Err("say which session, or --user whose sessions".into()),
    };
    let batch = Batch::new().delete("session", filter);
    let outcomes = auth.store().write(auth.schema(), batch).await.map_err(chain)?;
    match outcomes.iter().map(|outcome| outcome.affected).sum::<u64>() {
        0 if is_one => Err("there is no such session".into()),
        ended => {
            output::say(&format!("ended {ended} session{}", if ended == 1 { "" } else { "s" }));
            Ok(())
        }
    }
}
