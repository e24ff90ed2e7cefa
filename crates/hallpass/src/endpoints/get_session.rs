use std::ops::Deref;

use hallpass_store::SessionAndUser;
use http::{HeaderValue, Method, header};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    ApiError, Context, Endpoint, ErrorCode, Input, Route,
    session::lookup::{Found, Lookup, look_up},
    wire::Reader,
};

/// `GET` and `POST /get-session` (CONTRACT §11.2).
pub(crate) struct GetSessionEndpoint;

/// How to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(default)]
pub struct GetSession {
    /// Asks the store even where a cached copy is at hand.
    pub disable_cookie_cache: bool,
    /// Leaves the session as it is.
    pub disable_refresh: bool,
}

impl Input for GetSession {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let query = from.query();
        Some(Self {
            disable_cookie_cache: query.is_truthy("disableCookieCache"),
            disable_refresh: query.is_truthy("disableRefresh"),
        })
    }
}

/// A live session and whose it is, as `session` and `user`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CurrentSession {
    /// The two.
    #[serde(flatten)]
    pub found: SessionAndUser,
    /// With `defer_session_refresh`: whether a POST would extend the session now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs_refresh: Option<bool>,
}

impl Deref for CurrentSession {
    type Target = SessionAndUser;

    fn deref(&self) -> &SessionAndUser {
        &self.found
    }
}

impl Endpoint for GetSessionEndpoint {
    type Input = GetSession;
    type Output = Option<CurrentSession>;

    fn route(&self) -> Route {
        Route::get_or_post("/get-session").summary("The caller's session, or null").ignores_body()
    }

    async fn handle(&self, cx: &mut Context, input: GetSession) -> Result<Option<CurrentSession>, ApiError> {
        cx.out.set_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        cx.out.set_header(header::PRAGMA, HeaderValue::from_static("no-cache"));
        let is_post = cx.request().method() == Method::POST;
        if is_post && !cx.engine.session.defer_session_refresh {
            return Err(ErrorCode::MethodNotAllowedDeferSessionRequired.into());
        }
        let how = Lookup {
            may_write_deferred: is_post,
            disable_refresh: input.disable_refresh,
            from_store: input.disable_cookie_cache,
        };
        let found = look_up(cx, how).await?;
        cx.session = found.as_ref().map(|found| found.found.clone());
        let current = found.map(|Found { found, needs_refresh, .. }| CurrentSession { found, needs_refresh });
        cx.written =
            current.as_ref().filter(|current| current.needs_refresh.is_none()).map(|current| current.found.clone());
        Ok(current)
    }
}
