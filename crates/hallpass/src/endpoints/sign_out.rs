use std::time::Duration;

use hallpass_store::{Account, Filter, Session, SessionToken, StoreError};
use http::header;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    ApiError, Context, Endpoint, Input, Route,
    session::{cookies, revoke},
    wire::{Reader, header_value},
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
    /// Where the browser is to go to sign out at the provider as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether it is to go there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<bool>,
}

impl Endpoint for SignOutEndpoint {
    type Input = SignOut;
    type Output = SignedOut;

    fn route(&self) -> Route {
        Route::post("/sign-out").summary("Ends the caller's session")
    }

    async fn handle(&self, cx: &mut Context, input: SignOut) -> Result<SignedOut, ApiError> {
        let token = cx.signed_cookie(&cx.auth_cookies().session_token.name);
        // Before the store is asked: the client forgets its session even if the store is away.
        cookies::clear(cx);
        let Some(token) = token.map(SessionToken::new) else { return Ok(SignedOut::here()) };
        let accounts = accounts(cx, &token).await;
        revoke::by_token(cx, &token, revoke::failed).await?;
        let Some(url) = provider_url(cx, accounts, &input).await else { return Ok(SignedOut::here()) };
        let goes = input.disable_redirect != Some(true);
        if let Some(location) = header_value(&url).filter(|_| goes) {
            cx.out.set_header(header::LOCATION, location);
        }
        Ok(SignedOut { success: true, url: Some(url), redirect: Some(goes) })
    }
}

impl SignedOut {
    fn here() -> Self {
        Self { success: true, url: None, redirect: None }
    }
}

/// The accounts at providers of whom a session belongs to, the one used last first. That they cannot be read is no reason not to sign
/// out.
async fn accounts(cx: &Context, token: &SessionToken) -> Vec<Account> {
    if !cx.has_providers() {
        return Vec::new();
    }
    let found = async {
        let sessions = cx.find::<Session>(Filter::eq("token", token)).await?;
        let Some(session) = sessions.into_iter().next() else { return Ok(Vec::new()) };
        cx.find::<Account>(Filter::eq("userId", &session.user_id)).await
    };
    let mut accounts = found.await.unwrap_or_else(|error: StoreError| {
        let cause: &dyn std::error::Error = &error;
        tracing::error!(error = cause, "accounts could not be read, and nobody is signed out at their provider");
        Vec::new()
    });
    accounts.sort_by_key(|account| std::cmp::Reverse(account.updated_at));
    accounts
}

/// How long a provider may take to say where one signs out.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where to sign out at the first provider that offers it.
async fn provider_url(cx: &Context, accounts: Vec<Account>, input: &SignOut) -> Option<String> {
    let mut seen = Vec::new();
    for account in accounts {
        if seen.contains(&account.provider_id) {
            continue;
        }
        // One that is away must not hold up a sign-out.
        let found = tokio::time::timeout(PATIENCE, cx.provider(&account.provider_id)).await;
        let Ok(Some(provider)) = found else { continue };
        let (back, state) = (input.callback_url.as_deref(), input.state.as_deref());
        if let Some(url) = provider.end_session_url(account.id_token.as_deref(), back, state, &cx.base_url()) {
            return Some(url);
        }
        seen.push(account.provider_id);
    }
    None
}
