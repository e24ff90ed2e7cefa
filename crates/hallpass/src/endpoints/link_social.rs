use http::StatusCode;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::provider_request::{self, IdToken};
use crate::{
    ApiError, Context, Endpoint, ErrorCode, Input, Requirement, Route,
    oauth::{
        Ready,
        authorization::Ask,
        link::{self, Held, Linked, Refused},
        state::{Link, Targets},
    },
    session::SessionAndUser,
    wire::Reader,
};

/// `POST /link-social` (CONTRACT §11.9).
pub(crate) struct LinkSocialEndpoint;

/// Which account the caller wants to sign in with as well.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkSocial {
    /// Which provider.
    pub provider: String,
    /// Where the browser goes in the end.
    #[serde(rename = "callbackURL", skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// What the provider told the client already; links at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<IdToken>,
    /// Without effect: whoever links has signed up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_sign_up: Option<bool>,
    /// What is asked for besides what is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Where the browser goes if something is wrong.
    #[serde(rename = "errorCallbackURL", skip_serializing_if = "Option::is_none")]
    pub error_callback_url: Option<String>,
    /// Leaves it to the client to go there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_redirect: Option<bool>,
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

impl LinkSocial {
    /// With nothing but what is required.
    pub fn new(provider: impl Into<String>) -> Self {
        Self { provider: provider.into(), ..Self::default() }
    }
}

impl Input for LinkSocial {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let body = from.body().object();
        let (callback_url, provider) = (body.optional_string("callbackURL"), body.string_of_some_kind("provider"));
        let id_token = body.optional_nested("idToken", IdToken::read);
        let (request_sign_up, scopes) = (body.optional_boolean("requestSignUp"), body.optional_strings("scopes"));
        let error = body.optional_string("errorCallbackURL");
        let (disable_redirect, hint) = (body.optional_boolean("disableRedirect"), body.optional_string("loginHint"));
        let additional_params = provider_request::additional_params(body);
        let additional_data = provider_request::additional_data(body);
        Some(Self {
            provider: provider?,
            callback_url: callback_url?,
            id_token: id_token?,
            request_sign_up: request_sign_up?,
            scopes: scopes?,
            error_callback_url: error?,
            disable_redirect: disable_redirect?,
            login_hint: hint?,
            additional_params: additional_params?,
            additional_data: additional_data?,
        })
    }
}

/// Somewhere to go, or an account that is linked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SocialLink {
    /// Where the browser is to go; empty when the account is linked already.
    pub url: String,
    /// True when the account is linked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<bool>,
    /// Whether a browser is to go to `url`.
    pub redirect: bool,
}

impl Endpoint for LinkSocialEndpoint {
    type Input = LinkSocial;
    type Output = SocialLink;

    fn route(&self) -> Route {
        Route::post("/link-social")
            .summary("Lets the caller sign in at an outside provider as well")
            .requires(Requirement::Sensitive)
    }

    async fn handle(&self, cx: &mut Context, input: LinkSocial) -> Result<SocialLink, ApiError> {
        let session = cx.required_session()?;
        let provider = provider_request::find(cx, &input.provider).await?;
        if let Some(token) = &input.id_token {
            link(cx, &provider, token, &session).await?;
            return Ok(SocialLink { url: String::new(), status: Some(true), redirect: false });
        }
        let disable_redirect = input.disable_redirect == Some(true);
        let targets = Targets {
            callback_url: input.callback_url,
            error_url: input.error_callback_url,
            // The body of this endpoint has no such field, but a client may send it to any.
            new_user_url: None,
            request_sign_up: input.request_sign_up,
            link: Some(Link {
                encrypted_session_token: Some(link::seal_session(cx, &session.session.token)?),
                user_id: session.user.id.clone(),
                email: session.user.email.clone(),
            }),
            additional_data: input.additional_data,
        };
        let ask = Ask {
            scopes: input.scopes.unwrap_or_default(),
            login_hint: input.login_hint,
            additional_params: input.additional_params,
        };
        let url = provider_request::depart(cx, &provider, targets, &ask, disable_redirect).await?;
        Ok(SocialLink { url, status: None, redirect: !disable_redirect })
    }
}

async fn link(cx: &mut Context, provider: &Ready, token: &IdToken, session: &SessionAndUser) -> Result<(), ApiError> {
    let (person, subject) = token.person(provider).await?;
    let tokens = token.tokens();
    let user_id = &session.user.id;
    let linked =
        Linked { provider_id: provider.id(), subject: &subject, user: &person.user, tokens: &tokens, scopes: None };
    match link::held(cx, &linked, user_id).await? {
        Held::Theirs(account) => return link::renew(cx, *account, &linked, user_id).await,
        Held::Other => return Err(refused(Refused::Taken)),
        Held::Nobody => {}
    }
    link::check(cx, &linked, &session.user.email).map_err(refused)?;
    link::add(cx, &linked, user_id).await.map_err(refused)
}

fn refused(why: Refused) -> ApiError {
    let coded = |status, code, message: &'static str| ApiError::coded(status, code, message);
    match why {
        Refused::Taken => ErrorCode::SocialAccountAlreadyLinked.into(),
        Refused::NotAllowed => {
            coded(StatusCode::UNAUTHORIZED, "LINKING_NOT_ALLOWED", "Account not linked - linking not allowed")
        }
        Refused::OtherAddress => coded(
            StatusCode::UNAUTHORIZED,
            "LINKING_DIFFERENT_EMAILS_NOT_ALLOWED",
            "Account not linked - different emails not allowed",
        ),
        Refused::Failed => {
            coded(StatusCode::EXPECTATION_FAILED, "LINKING_FAILED", "Account not linked - unable to create account")
        }
    }
}
