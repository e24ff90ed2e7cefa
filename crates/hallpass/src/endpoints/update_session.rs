use hallpass_store::{Filter, Session};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    ApiError, Context, Endpoint, ErrorCode, Input, Requirement, Route,
    fields::{self, Action},
    session::{
        SessionAndUser,
        cookies::{self, Remember},
        requirement,
    },
    wire::Reader,
};

/// `POST /update-session`: sets configured additional fields of the session (CONTRACT §11.5).
pub(crate) struct UpdateSessionEndpoint;

/// What to set, by field name; whatever is no configured field is ignored.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct UpdateSession(pub Map<String, Value>);

impl Input for UpdateSession {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.body().record().map(|record| Self(record.clone()))
    }
}

/// The session as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SessionUpdated {
    /// The session.
    pub session: Session,
}

impl Endpoint for UpdateSessionEndpoint {
    type Input = UpdateSession;
    type Output = SessionUpdated;

    fn route(&self) -> Route {
        Route::post("/update-session")
            .summary("Sets additional fields of the caller's session")
            .requires(Requirement::Session)
    }

    async fn handle(&self, cx: &mut Context, input: UpdateSession) -> Result<SessionUpdated, ApiError> {
        let confirmed = requirement::confirmed(cx).await?;
        let (session, user) = confirmed.ok_or(ErrorCode::Unauthorized)?.into_parts();
        let mut set = fields::read(&cx.engine.session_fields, &input.0, Action::Update)?;
        if set.is_empty() {
            return Err(ApiError::message(StatusCode::BAD_REQUEST, "No fields to update"));
        }
        set.set("updatedAt", cx.now());
        let mut tx = cx.transaction();
        tx.update("session", Filter::eq("token", &session.token), set).await?;
        if tx.commit().await?.iter().all(|outcome| outcome.affected == 0) {
            cookies::clear(cx);
            return Err(ErrorCode::FailedToGetSession.into());
        }
        let stored = cx.find::<Session>(Filter::eq("token", &session.token)).await?;
        let session = stored.into_iter().next().ok_or(ErrorCode::FailedToGetSession)?;
        cookies::set(cx, SessionAndUser::new(session.clone(), user), Remember::AsBefore);
        Ok(SessionUpdated { session: cx.engine.visible_session(session) })
    }
}
