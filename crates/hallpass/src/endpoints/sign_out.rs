use hallpass_store::SessionToken;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    ApiError, Context, Endpoint, Input, Route,
    session::{cookies, revoke},
    wire::Reader,
};

/// `POST /sign-out` (CONTRACT §11.5).
pub(crate) struct SignOutEndpoint;

/// How to sign out. The fields concern outside providers that offer a sign-out of their own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignOut {
    /// Where the provider is to send the browser afterwards.
    #[serde(rename = "callbackURL", skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// Returns the provider's address instead of going there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_redirect: Option<bool>,
    /// Handed to the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

impl Input for SignOut {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let body = from.body().optional_object();
        let callback_url = body.optional_string("callbackURL");
        let (disable_redirect, state) = (body.optional_boolean("disableRedirect"), body.optional_string("state"));
        Some(Self { callback_url: callback_url?, disable_redirect: disable_redirect?, state: state? })
    }
}

/// `{"success":true}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SignedOut {
    /// Always true, also when there was no session.
    pub success: bool,
}

impl Endpoint for SignOutEndpoint {
    type Input = SignOut;
    type Output = SignedOut;

    fn route(&self) -> Route {
        Route::post("/sign-out").summary("Ends the caller's session")
    }

    async fn handle(&self, cx: &mut Context, _: SignOut) -> Result<SignedOut, ApiError> {
        let token = cx.signed_cookie(&cx.engine.cookies.session_token.name);
        // Before the store is asked: the client forgets its session even if the store is away.
        cookies::clear(cx);
        if let Some(token) = token.map(SessionToken::new) {
            revoke::by_token(cx, &token, revoke::failed).await?;
        }
        Ok(SignedOut { success: true })
    }
}
