use http::Method;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use url::form_urlencoded;

use super::provider_request;
use crate::{
    ApiError, Context, Endpoint, Input, Route,
    oauth::{
        CodeGrant, Person, Ready, Tokens,
        authorization::Ask,
        link::{self, Held, Linked, Refused},
        sign_in::{self, Arrival, Turned},
        state::{self, State, Targets},
    },
    session::cookies::{self, Remember},
    wire::{Reader, redirect},
};

/// `GET` and `POST /callback/:id`: where a provider sends browsers back to (CONTRACT §11.9).
pub(crate) struct OAuthCallbackEndpoint;

/// What the provider sent along. Nothing of it prints.
#[derive(Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[schemars(default)]
pub struct OAuthCallback {
    /// Which provider; stands in the path.
    #[serde(skip)]
    pub id: String,
    /// The code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why there is no code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What some providers call the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// The same as `error`, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// What ties it to the way there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// What some providers say of the user at the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Who says so (RFC 9207).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
}

impl std::fmt::Debug for OAuthCallback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OAuthCallback").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Input for OAuthCallback {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let id = from.param("id").to_owned();
        let body = read(from.body().optional_object());
        let query = read(from.query());
        let (body, query) = (body?, query?);
        // On POST both count, and the query before the body; a GET has no body.
        Some(Self {
            id,
            code: query.code.or(body.code),
            error: query.error.or(body.error),
            device_id: query.device_id.or(body.device_id),
            error_description: query.error_description.or(body.error_description),
            state: query.state.or(body.state),
            user: query.user.or(body.user),
            iss: query.iss.or(body.iss),
        })
    }
}

fn read(from: &mut crate::wire::Fields<'_>) -> Option<OAuthCallback> {
    let (code, error) = (from.optional_string("code"), from.optional_string("error"));
    let (device_id, description) = (from.optional_string("device_id"), from.optional_string("error_description"));
    let (state, user, iss) = (from.optional_string("state"), from.optional_string("user"), from.optional_string("iss"));
    Some(OAuthCallback {
        id: String::new(),
        code: code?,
        error: error?,
        device_id: device_id?,
        error_description: description?,
        state: state?,
        user: user?,
        iss: iss?,
    })
}

impl Endpoint for OAuthCallbackEndpoint {
    type Input = OAuthCallback;
    type Output = ();

    fn route(&self) -> Route {
        Route::get_or_post("/callback/{id}").summary("Where a provider sends browsers back to").accepts_forms()
    }

    async fn handle(&self, cx: &mut Context, input: OAuthCallback) -> Result<(), ApiError> {
        if cx.request().method() == Method::POST {
            return Err(as_get(cx, &input));
        }
        let page = cx.engine.error_url.clone().unwrap_or_else(|| format!("{}/error", cx.base_url()));
        let code = input.code.as_deref().filter(|code| !code.is_empty());
        if input.state.is_none()
            && code.is_some()
            && let Some(provider) = cx.provider(&input.id).await
            && provider.options().allow_idp_initiated
        {
            return Err(ask_first(cx, &provider).await?);
        }
        let Some(state) = input.state.as_deref().filter(|state| !state.is_empty()) else {
            return Err(told(&page, "state_not_found", None));
        };
        let kept = match state::take(cx, state).await {
            Ok(kept) => kept,
            Err(lost) => return Err(told(lost.error_url.as_deref().unwrap_or(&page), lost.code, None)),
        };
        let page = kept.error_url.clone().filter(|url| !url.is_empty()).unwrap_or(page);
        match arrive(cx, &input, &kept).await {
            Ok(target) => Err(ApiError::redirect(&target)),
            Err(Stop::Told(code, description)) => Err(told(&page, &code, description.as_deref())),
            Err(Stop::Failed(error)) => Err(error),
        }
    }
}

/// A form that a provider has a browser post comes without cookies; sent on as a GET it has them.
fn as_get(cx: &Context, input: &OAuthCallback) -> ApiError {
    let mut params = form_urlencoded::Serializer::new(String::new());
    for (name, value) in [
        ("code", &input.code),
        ("error", &input.error),
        ("device_id", &input.device_id),
        ("error_description", &input.error_description),
        ("state", &input.state),
        ("user", &input.user),
        ("iss", &input.iss),
    ] {
        if let Some(value) = value {
            params.append_pair(name, value);
        }
    }
    ApiError::redirect(&format!("{}/callback/{}?{}", cx.base_url(), input.id, params.finish()))
}

/// Somebody began at the provider: nothing ties that code to them, so they are sent back to get one that is.
async fn ask_first(cx: &mut Context, provider: &Ready) -> Result<ApiError, ApiError> {
    let begun = state::begin(cx, provider, Targets::default()).await?;
    let url = provider.authorization_url(&begun, &cx.provider_callback(provider), &Ask::default());
    Ok(ApiError::redirect(&url.map_err(provider_request::unusable)?))
}

fn told(page: &str, code: &str, description: Option<&str>) -> ApiError {
    let mut params = vec![("error", code)];
    params.extend(description.filter(|text| !text.is_empty()).map(|text| ("error_description", text)));
    redirect::append(page, &params)
        .map_or_else(|| ApiError::unexpected("the page for errors is no URL"), |location| ApiError::redirect(&location))
}

/// Why somebody does not arrive.
enum Stop {
    /// The browser is told, by a redirect.
    Told(String, Option<String>),
    /// The request fails.
    Failed(ApiError),
}

impl Stop {
    fn told(code: &str) -> Self {
        Self::Told(code.to_owned(), None)
    }

    /// What hooks and field checks say, the browser is told as well.
    fn of(error: ApiError) -> Self {
        match error.code() {
            Some(code) if error.status().is_client_error() => Self::Told(code.to_owned(), Some(error.to_string())),
            _ => Self::Failed(error),
        }
    }
}

/// From the code to where the browser is to go.
async fn arrive(cx: &mut Context, input: &OAuthCallback, kept: &State) -> Result<String, Stop> {
    if let Some(error) = input.error.as_deref().filter(|error| !error.is_empty()) {
        return Err(Stop::Told(error.to_owned(), input.error_description.clone()));
    }
    let code = input.code.as_deref().filter(|code| !code.is_empty()).ok_or_else(|| Stop::told("no_code"))?;
    let provider = cx.provider(&input.id).await.ok_or_else(|| Stop::told("oauth_provider_not_found"))?;
    let exchanged = exchange(cx, &provider, input, code, kept).await?;
    if kept.callback_url.is_empty() {
        return Err(Stop::told("no_callback_url"));
    }
    if kept.link.is_some() {
        return link_account(cx, &provider, &exchanged, kept).await;
    }
    enter(cx, &provider, exchanged, kept).await
}

/// What a code was good for.
struct Exchanged {
    tokens: Tokens,
    person: Person,
    subject: String,
}

async fn exchange(
    cx: &Context,
    provider: &Ready,
    input: &OAuthCallback,
    code: &str,
    kept: &State,
) -> Result<Exchanged, Stop> {
    let issuer = input.iss.as_deref().filter(|iss| !iss.is_empty()).zip(provider.issuer());
    if issuer.is_some_and(|(said, known)| said != known) {
        tracing::error!(provider = provider.id(), "somebody came back from another issuer than they were sent to");
        return Err(Stop::told("issuer_mismatch"));
    }
    let nonce = kept.id_token_nonce.as_deref().filter(|nonce| !nonce.is_empty());
    if provider.binds_nonce() && nonce.is_none() {
        return Err(Stop::told("nonce_binding_missing"));
    }
    let grant = CodeGrant {
        code: code.to_owned(),
        code_verifier: Some(kept.code_verifier.clone()),
        redirect_uri: cx.provider_callback(provider),
        device_id: input.device_id.clone(),
    };
    let tokens = provider.exchange(grant).await.map_err(|error| {
        let cause: &dyn std::error::Error = &error;
        tracing::error!(provider = provider.id(), error = cause, "a code could not be exchanged");
        Stop::told("invalid_code")
    })?;
    let unknown = || Stop::told("unable_to_get_user_info");
    let person = provider.person(&tokens, nonce).await.ok_or_else(unknown)?;
    let subject = provider.subject(&tokens, &person.profile).ok_or_else(unknown)?;
    Ok(Exchanged { tokens, person, subject })
}

async fn link_account(cx: &mut Context, provider: &Ready, exchanged: &Exchanged, kept: &State) -> Result<String, Stop> {
    let Some(begun) = &kept.link else { return Err(Stop::told("unable_to_link_account")) };
    let linked = Linked {
        provider_id: provider.id(),
        subject: &exchanged.subject,
        user: &exchanged.person.user,
        tokens: &exchanged.tokens,
        scopes: Some(&exchanged.tokens.scopes),
    };
    if !link::is_live(cx, begun).await.map_err(Stop::Failed)? {
        return Err(Stop::told("unable_to_link_account"));
    }
    let refused = |why| {
        Stop::told(match why {
            Refused::NotAllowed | Refused::Failed => "unable_to_link_account",
            Refused::OtherAddress => "email_does_not_match",
            Refused::Taken => "account_already_linked_to_different_user",
        })
    };
    link::check(cx, &linked, &begun.email).map_err(refused)?;
    match link::held(cx, &linked, &begun.user_id).await.map_err(Stop::Failed)? {
        Held::Other => return Err(refused(Refused::Taken)),
        Held::Theirs(account) => {
            link::renew(cx, *account, &linked, &begun.user_id).await.map_err(Stop::Failed)?;
        }
        Held::Nobody => link::add(cx, &linked, &begun.user_id).await.map_err(refused)?,
    }
    Ok(kept.callback_url.clone())
}

async fn enter(cx: &mut Context, provider: &Ready, exchanged: Exchanged, kept: &State) -> Result<String, Stop> {
    let email = exchanged.person.user.get("email").and_then(Value::as_str).filter(|email| !email.is_empty());
    let Some(email) = email.map(String::from) else {
        tracing::error!(
            provider = provider.id(),
            "the provider gives no address; ask for the scope of addresses, or make one up in map_profile_to_user"
        );
        return Err(Stop::told("email_not_found"));
    };
    let options = provider.options();
    let must_ask = options.disable_implicit_sign_up && kept.request_sign_up != Some(true);
    let arrival = Arrival {
        provider,
        subject: exchanged.subject,
        email,
        user: sign_in::named(exchanged.person.user),
        scope: Some(exchanged.tokens.scopes.join(",")),
        tokens: exchanged.tokens,
        callback_url: Some(&kept.callback_url),
        may_sign_up: !must_ask && !options.disable_sign_up,
        overrides: options.override_user_info,
    };
    let entered = sign_in::enter(cx, &arrival).await.map_err(|turned| match turned {
        Turned::Away(reason) => Stop::told(&reason.replace(' ', "_")),
        Turned::Failed(error) => Stop::of(error),
    })?;
    cookies::set(cx, entered.session, Remember::AsBefore);
    let new_user_url = kept.new_user_url.as_ref().filter(|url| entered.is_new && !url.is_empty());
    Ok(new_user_url.unwrap_or(&kept.callback_url).clone())
}
