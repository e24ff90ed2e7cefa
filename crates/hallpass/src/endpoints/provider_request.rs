//! What the endpoints that send people to a provider share.

use http::header;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    ApiError, Context, ErrorCode,
    oauth::{
        Person, Ready, Tokens, Unusable,
        authorization::{Ask, RESERVED},
        state::{self, Targets},
    },
    wire::{Fields, header_value},
};

/// What a provider has told the client already, in place of the way there and back. Nothing of it prints.
#[derive(Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IdToken {
    /// The ID token.
    pub token: String,
    /// The nonce that it was asked for with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// An access token that came with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// A refresh token that came with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

impl std::fmt::Debug for IdToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdToken(…)")
    }
}

impl IdToken {
    /// With nothing but the token.
    pub fn new(token: impl Into<String>) -> Self {
        Self { token: token.into(), ..Self::default() }
    }

    pub(super) fn read(from: &mut Fields<'_>) -> Option<Self> {
        let (token, nonce) = (from.string("token"), from.optional_string("nonce"));
        let (access_token, refresh_token) = (from.optional_string("accessToken"), from.optional_string("refreshToken"));
        Some(Self { token: token?, nonce: nonce?, access_token: access_token?, refresh_token: refresh_token? })
    }

    /// As if the provider had given them to us.
    pub(super) fn tokens(&self) -> Tokens {
        Tokens {
            id_token: Some(self.token.clone()),
            access_token: self.access_token.clone(),
            refresh_token: self.refresh_token.clone(),
            ..Tokens::default()
        }
    }

    /// Who it is about, once the provider's signature is checked, and what they are known by there.
    pub(super) async fn person(&self, provider: &Ready) -> Result<(Person, String), ApiError> {
        if !provider.verifies_id_tokens() {
            return Err(ErrorCode::IdTokenNotSupported.into());
        }
        if !provider.vouches_for(&self.token, self.nonce.as_deref()).await {
            return Err(ApiError::from(ErrorCode::InvalidToken).with_status(http::StatusCode::UNAUTHORIZED));
        }
        let said = Tokens { id_token: Some(self.token.clone()), ..Tokens::default() };
        let person = provider.person(&said, self.nonce.as_deref()).await.ok_or(ErrorCode::FailedToGetUserInfo)?;
        let has_email = person.user.get("email").and_then(Value::as_str).is_some_and(|email| !email.is_empty());
        if !has_email {
            tracing::error!(provider = provider.id(), "the ID token has no address; ask for the scope of addresses");
            return Err(ErrorCode::UserEmailNotFound.into());
        }
        let subject = provider.subject(&self.tokens(), &person.profile).ok_or(ErrorCode::FailedToGetUserInfo)?;
        Ok((person, subject))
    }
}

/// Reads parameters that a client wants the authorization URL to have.
pub(super) fn additional_params(from: &mut Fields<'_>) -> Option<IndexMap<String, String>> {
    const NAME: &str = "additionalParams";
    let params = from.optional_texts_by_name(NAME)?.unwrap_or_default();
    if params.keys().any(|name| RESERVED.contains(&&**name)) {
        let listed = RESERVED.join(", ");
        return from.refuse(NAME, &format!("{NAME} cannot include reserved OAuth parameters: {listed}"));
    }
    Some(params)
}

/// Reads what a client wants to have kept until it comes back.
pub(super) fn additional_data(from: &mut Fields<'_>) -> Option<Map<String, Value>> {
    let mut data = from.optional_record("additionalData")?.cloned().unwrap_or_default();
    // In ECMAScript this is no key like others, and the npm package leaves it out.
    data.shift_remove("__proto__");
    Some(data)
}

/// The provider a request names.
pub(super) async fn find(cx: &Context, id: &str) -> Result<Ready, ApiError> {
    cx.provider(id).await.ok_or_else(|| {
        // A name that nobody configured is the client's own text, and not the operator's business.
        if cx.knows_provider(id) {
            tracing::error!(provider = id, "the provider cannot be used at this moment");
        }
        ErrorCode::ProviderNotFound.into()
    })
}

/// Begins the way to a provider: where the browser is to go, which a header repeats unless the client goes there itself.
pub(super) async fn depart(
    cx: &mut Context,
    provider: &Ready,
    targets: Targets,
    ask: &Ask,
    disable_redirect: bool,
) -> Result<String, ApiError> {
    let begun = state::begin(cx, provider, targets).await?;
    let url = provider.authorization_url(&begun, &cx.provider_callback(provider), ask).map_err(unusable)?;
    if !disable_redirect {
        let location = header_value(&url).ok_or_else(|| ApiError::unexpected("an authorization URL fits no header"))?;
        cx.out.set_header(header::LOCATION, location);
    }
    Ok(url)
}

pub(super) fn unusable(why: Unusable) -> ApiError {
    match why {
        Unusable::Missing => ErrorCode::InvalidOauthConfiguration.into(),
        Unusable::NoUrl => ApiError::unexpected("the authorization endpoint of a provider is no URL"),
    }
}
