//! What the endpoints around the tokens of an account share: whose it is, which it is, and a token that is still good.

use hallpass_store::{Account, Filter, Record, Row, Timestamp, UserId, Value};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::{
    ApiError, Context, ErrorCode,
    oauth::{Ready, Tokens, sign_in, stored},
    request::Door,
    session::{account_cookie, requirement},
    wire::Form,
};

/// A token that is good for no longer than this is refreshed, in milliseconds.
const MARGIN: i64 = 5000;

/// Which account: one of the caller's rows, or the one in their cookie.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(default)]
pub struct AccountSelection {
    /// The id of its row, as `/list-accounts` has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// Takes the account in the caller's cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_account_cookie: Option<bool>,
    /// Whose account, for calls in process that no session stands behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
}

impl AccountSelection {
    /// The account of this row.
    pub fn row(account_id: impl Into<String>) -> Self {
        Self { account_id: Some(account_id.into()), ..Self::default() }
    }

    /// The account in the caller's cookie.
    pub fn cookie() -> Self {
        Self { use_account_cookie: Some(true), ..Self::default() }
    }

    pub(super) const FORMS: [Form<Self>; 2] = [
        Form {
            keys: &["accountId", "userId"],
            read: |whole| {
                let account_id = Some(whole.get("accountId")?.as_str()?.to_owned());
                Some(Self { account_id, use_account_cookie: None, user_id: user_id(whole)? })
            },
        },
        Form {
            keys: &["useAccountCookie", "userId"],
            read: |whole| {
                let use_account_cookie = whole.get("useAccountCookie")?.as_bool().filter(|given| *given)?;
                Some(Self { account_id: None, use_account_cookie: Some(use_account_cookie), user_id: user_id(whole)? })
            },
        },
    ];
}

#[expect(clippy::option_option, reason = "unreadable, absent, or there")]
fn user_id(whole: &Map<String, Json>) -> Option<Option<UserId>> {
    whole.get("userId").map_or(Some(None), |id| id.as_str().map(|id| Some(UserId::new(id))))
}

/// An account that was selected.
pub(super) struct Selected {
    pub(super) account: Account,
    /// Whether it came in a cookie, which then has to follow.
    pub(super) from_cookie: bool,
}

/// The account that is selected, if it is the caller's.
pub(super) async fn select(cx: &mut Context, selection: &AccountSelection) -> Result<Selected, ApiError> {
    let session = requirement::current(cx, true).await?;
    let is_trusted = cx.request().door() == Door::InProcess && cx.request().original_headers().is_empty();
    let user_id = match (session, &selection.user_id) {
        (Some(session), _) => session.user.id.clone(),
        (None, _) if !is_trusted => return Err(ApiError::empty(StatusCode::UNAUTHORIZED)),
        (None, Some(user_id)) => user_id.clone(),
        (None, None) => {
            let message = "Either userId or session is required";
            return Err(ApiError::coded(StatusCode::BAD_REQUEST, "USER_ID_OR_SESSION_REQUIRED", message));
        }
    };
    let from_cookie = selection.account_id.is_none();
    let account = match &selection.account_id {
        Some(id) => {
            let filter = Filter::eq("id", &**id).and(Filter::eq("userId", &user_id));
            cx.find::<Account>(filter).await?.into_iter().next()
        }
        None if cx.engine.account.store_account_cookie => {
            let held = account_cookie::read(cx).and_then(as_account);
            held.filter(|account| account.user_id == user_id)
        }
        None => None,
    };
    Ok(Selected { account: account.ok_or(ErrorCode::AccountNotFound)?, from_cookie })
}

/// A row that was JSON in the meantime.
fn as_account(cells: Map<String, Json>) -> Option<Account> {
    let mut row = Row::new();
    for (name, value) in cells {
        let value = match (&*name, value) {
            ("iat" | "exp" | "jti", _) => continue,
            (name, Json::String(text)) if name.ends_with("At") => {
                text.parse::<Timestamp>().map_or(Value::Null, Value::Date)
            }
            (_, value) => Value::from(value),
        };
        row.set(name, value);
    }
    Account::from_row(row).ok()
}

/// The provider of an account.
pub(super) async fn provider(cx: &Context, account: &Account) -> Result<Ready, ApiError> {
    cx.provider(&account.provider_id).await.ok_or_else(|| {
        let message = format!("Provider {} is not supported.", account.provider_id);
        ApiError::coded(StatusCode::BAD_REQUEST, "PROVIDER_NOT_SUPPORTED", message)
    })
}

/// An access token that is good at this moment.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccessToken {
    /// The token; empty where the provider gave none.
    #[schemars(with = "String")]
    pub access_token: String,
    /// Until when it is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_expires_at: Option<Timestamp>,
    /// What was granted.
    pub scopes: Vec<String>,
    /// What says who the user is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
}

impl std::fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessToken").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

/// A good access token of an account, refreshed if need be.
pub(super) async fn access_token(
    cx: &mut Context,
    provider: &Ready,
    selected: &Selected,
) -> Result<AccessToken, ApiError> {
    let failed = || {
        let message = "Failed to get a valid access token";
        ApiError::coded(StatusCode::BAD_REQUEST, "FAILED_TO_GET_ACCESS_TOKEN", message)
    };
    let account = &selected.account;
    let expires_at = account.access_token_expires_at;
    let is_due = expires_at.is_some_and(|end| end.millis_since(cx.now()) < MARGIN);
    let refresh_token = account.refresh_token.as_deref().filter(|token| !token.is_empty() && is_due);
    let fresh = match refresh_token {
        Some(sealed) => {
            let token = stored::open(cx, sealed).map_err(|_| failed())?;
            let tokens = provider.refresh(&token).await.map_err(|error| {
                let cause: &dyn std::error::Error = &error;
                tracing::error!(provider = provider.id(), error = cause, "a token could not be refreshed");
                failed()
            })?;
            let kept = keep(cx, selected, &tokens).await;
            let kept = kept.map_err(|error| if error.status().is_server_error() { error } else { failed() })?;
            sign_in::hand_out(cx, kept);
            tokens
        }
        None => Tokens::default(),
    };
    let access_token = match fresh.access_token {
        Some(token) => token,
        None => stored::open(cx, account.access_token.as_deref().unwrap_or_default()).map_err(|_| failed())?,
    };
    Ok(AccessToken {
        access_token,
        access_token_expires_at: fresh.access_token_expires_at.or(expires_at),
        scopes: stored::scopes(account.scope.as_deref()),
        id_token: fresh.id_token.or_else(|| account.id_token.clone()),
    })
}

/// Keeps refreshed tokens, in the row and in the cookie that it came from. Scopes stay: an answer may name fewer.
pub(super) async fn keep(cx: &mut Context, selected: &Selected, tokens: &Tokens) -> Result<Account, ApiError> {
    let filled = |token: &Option<String>| token.clone().filter(|token| !token.is_empty());
    let kept =
        Tokens { refresh_token: filled(&tokens.refresh_token), id_token: filled(&tokens.id_token), ..tokens.clone() };
    let cells = stored::cells(cx, &kept)?;
    let account = selected.account.clone();
    let updated = sign_in::update_account(cx, account.clone(), cells.clone()).await?;
    // The row may be gone; a cookie lives on.
    let updated = match updated {
        Some(updated) => updated,
        None => sign_in::with(account, cells)?,
    };
    Ok(updated)
}
