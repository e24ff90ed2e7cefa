use hallpass_store::{SessionToken, User};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::provider_request::{self, IdToken};
use crate::{
    ApiError, Context, Endpoint, ErrorCode, Input, Route,
    oauth::{
        Ready,
        authorization::Ask,
        sign_in::{self, Arrival, Turned},
        state::Targets,
    },
    session::cookies::{self, Remember},
    wire::Reader,
};

/// `POST /sign-in/social` (CONTRACT §11.9).
pub(crate) struct SignInSocialEndpoint;

/// Where somebody wants to sign in.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignInSocial {
    /// Which provider.
    pub provider: String,
    /// Where the browser goes in the end.
    #[serde(rename = "callbackURL", skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// Where it goes if somebody is new.
    #[serde(rename = "newUserCallbackURL", skip_serializing_if = "Option::is_none")]
    pub new_user_callback_url: Option<String>,
    /// Where it goes if something is wrong.
    #[serde(rename = "errorCallbackURL", skip_serializing_if = "Option::is_none")]
    pub error_callback_url: Option<String>,
    /// Leaves it to the client to go there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_redirect: Option<bool>,
    /// What the provider told the client already; signs in at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<IdToken>,
    /// What is asked for besides what is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Signs up where that has to be asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_sign_up: Option<bool>,
    /// Who it probably is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// Further parameters of the authorization URL.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(default, with = "std::collections::BTreeMap<String, String>")]
    pub additional_params: IndexMap<String, String>,
    /// Kept until the browser is back.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schemars(default)]
    pub additional_data: Map<String, Value>,
}

impl SignInSocial {
    /// With nothing but what is required.
    pub fn new(provider: impl Into<String>) -> Self {
        Self { provider: provider.into(), ..Self::default() }
    }
}

impl Input for SignInSocial {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let body = from.body().object();
        let (callback_url, new_user) =
            (body.optional_string("callbackURL"), body.optional_string("newUserCallbackURL"));
        let (error, provider) = (body.optional_string("errorCallbackURL"), body.string_of_some_kind("provider"));
        let disable_redirect = body.optional_boolean("disableRedirect");
        let id_token = body.optional_nested("idToken", |token| {
            let read = IdToken::read(token);
            // What this endpoint makes nothing of, but has to be what it says.
            token.optional_number("expiresAt");
            token.optional_nested("user", |user| {
                user.optional_nested("name", |name| {
                    let _ = (name.optional_string("firstName"), name.optional_string("lastName"));
                    Some(())
                });
                user.optional_string("email")
            });
            read
        });
        let (scopes, request_sign_up) = (body.optional_strings("scopes"), body.optional_boolean("requestSignUp"));
        let login_hint = body.optional_string("loginHint");
        let additional_params = provider_request::additional_params(body);
        let additional_data = provider_request::additional_data(body);
        Some(Self {
            provider: provider?,
            callback_url: callback_url?,
            new_user_callback_url: new_user?,
            error_callback_url: error?,
            disable_redirect: disable_redirect?,
            id_token: id_token?,
            scopes: scopes?,
            request_sign_up: request_sign_up?,
            login_hint: login_hint?,
            additional_params: additional_params?,
            additional_data: additional_data?,
        })
    }
}

/// What it came to: somewhere to go, or a session.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SocialSignIn {
    /// Where the browser is to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether a browser is to go to `url`.
    pub redirect: bool,
    /// The new session's unsigned token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<SessionToken>,
    /// The user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
}

impl Endpoint for SignInSocialEndpoint {
    type Input = SignInSocial;
    type Output = SocialSignIn;

    fn route(&self) -> Route {
        Route::post("/sign-in/social").summary("Signs somebody in at an outside provider")
    }

    async fn handle(&self, cx: &mut Context, input: SignInSocial) -> Result<SocialSignIn, ApiError> {
        let provider = provider_request::find(cx, &input.provider).await?;
        if let Some(token) = &input.id_token {
            return enter(cx, &provider, token, &input).await;
        }
        let disable_redirect = input.disable_redirect == Some(true);
        let targets = Targets {
            callback_url: input.callback_url,
            error_url: input.error_callback_url,
            new_user_url: input.new_user_callback_url,
            request_sign_up: input.request_sign_up,
            link: None,
            additional_data: input.additional_data,
        };
        let ask = Ask {
            scopes: input.scopes.unwrap_or_default(),
            login_hint: input.login_hint,
            additional_params: input.additional_params,
        };
        let url = provider_request::depart(cx, &provider, targets, &ask, disable_redirect).await?;
        Ok(SocialSignIn { url: Some(url), redirect: !disable_redirect, token: None, user: None })
    }
}

async fn enter(
    cx: &mut Context,
    provider: &Ready,
    token: &IdToken,
    input: &SignInSocial,
) -> Result<SocialSignIn, ApiError> {
    let (person, subject) = token.person(provider).await?;
    let options = provider.options();
    let must_ask = options.disable_implicit_sign_up && input.request_sign_up != Some(true);
    let arrival = Arrival {
        provider,
        subject,
        email: person.user.get("email").and_then(Value::as_str).unwrap_or_default().to_owned(),
        user: sign_in::named(person.user),
        // A refresh token of the client's stays the client's.
        tokens: crate::oauth::Tokens { refresh_token: None, ..token.tokens() },
        scope: None,
        callback_url: input.callback_url.as_deref(),
        may_sign_up: !must_ask && !options.disable_sign_up,
        overrides: false,
    };
    let entered = sign_in::enter(cx, &arrival).await.map_err(|turned| match turned {
        Turned::Away("email_not_verified") => ErrorCode::EmailNotVerified.into(),
        Turned::Away(reason) => ApiError::coded(http::StatusCode::UNAUTHORIZED, "OAUTH_LINK_ERROR", reason),
        Turned::Failed(error) => error,
    })?;
    let (shown, user) = cx.engine.visible(entered.session.clone()).into_parts();
    cookies::set(cx, entered.session, Remember::AsBefore);
    Ok(SocialSignIn { url: None, redirect: false, token: Some(shown.token), user: Some(user) })
}
