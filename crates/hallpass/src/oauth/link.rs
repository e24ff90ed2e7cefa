//! An account at a provider becomes a user's because they ask for it (CONTRACT §11.9).

use hallpass_store::{Account, Filter, Session, SessionToken, User, UserId};
use serde_json::{Map, Value};

use super::{
    sign_in::{self, additional, find_account, new_account},
    state::Link,
    stored,
    tokens::Tokens,
};
use crate::{context::Context, crypto::symmetric, error::ApiError, fields::Action, oauth::profile};

/// What the token of the session that began a link is encrypted for.
const SESSION_PURPOSE: &str = "oauth-link-session-token";

/// What is to be linked.
pub(crate) struct Linked<'a> {
    pub(crate) provider_id: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) user: &'a Map<String, Value>,
    pub(crate) tokens: &'a Tokens,
    /// What was granted; nothing is known of it where no code was exchanged.
    pub(crate) scopes: Option<&'a [String]>,
}

/// Why it is not linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The provider cannot be believed, or linking is off.
    NotAllowed,
    /// Its address is another than the user's.
    OtherAddress,
    /// It is somebody else's.
    Taken,
    /// A database hook called it off, or the database did.
    Failed,
}

/// The token of a session, to be kept while its user is at the provider.
pub(crate) fn seal_session(cx: &Context, token: &SessionToken) -> Result<String, ApiError> {
    symmetric::encrypt(&cx.engine.secrets.for_purpose(SESSION_PURPOSE), &*cx.engine.randomness, token.expose())
}

/// Whether the session that a link was begun with is still there.
pub(crate) async fn is_live(cx: &Context, link: &Link) -> Result<bool, ApiError> {
    let sealed = link.encrypted_session_token.as_deref().filter(|sealed| !sealed.is_empty());
    let Some(sealed) = sealed else { return Ok(true) };
    let Ok(token) = symmetric::decrypt(&cx.engine.secrets.for_purpose(SESSION_PURPOSE), sealed) else {
        return Ok(false);
    };
    let session = cx.find::<Session>(Filter::eq("token", &SessionToken::new(token))).await?.into_iter().next();
    Ok(session.is_some_and(|session| session.user_id == link.user_id && session.expires_at > cx.now()))
}

/// Whether the rules let a user have this account.
pub(crate) fn check(cx: &Context, linked: &Linked<'_>, email: &str) -> Result<(), Refused> {
    let rules = &cx.engine.account.account_linking;
    let is_trusted = rules.trusted_providers.iter().any(|trusted| trusted == linked.provider_id);
    if !(is_trusted || profile::is_true(linked.user.get("emailVerified"))) || !rules.enabled {
        return Err(Refused::NotAllowed);
    }
    let theirs = linked.user.get("email").and_then(Value::as_str).filter(|email| !sign_in::folds_into_ascii(email));
    let theirs = theirs.map(str::to_lowercase);
    if theirs != Some(email.to_lowercase()) && !rules.allow_different_emails {
        return Err(Refused::OtherAddress);
    }
    Ok(())
}

/// Whose the account is by now.
pub(crate) enum Held {
    Nobody,
    Theirs(Box<Account>),
    Other,
}

pub(crate) async fn held(cx: &Context, linked: &Linked<'_>, user_id: &UserId) -> Result<Held, ApiError> {
    Ok(match find_account(cx, linked.provider_id, linked.subject).await? {
        None => Held::Nobody,
        Some(account) if account.user_id == *user_id => Held::Theirs(Box::new(account)),
        Some(_) => Held::Other,
    })
}

/// Renews the tokens of an account that is linked already. Scopes are added to those that were granted before.
pub(crate) async fn renew(
    cx: &mut Context,
    account: Account,
    linked: &Linked<'_>,
    user_id: &UserId,
) -> Result<(), ApiError> {
    let mut cells = stored::cells(cx, linked.tokens)?;
    if let Some(scopes) = linked.scopes {
        let mut merged = stored::scopes(account.scope.as_deref());
        for scope in scopes {
            if !merged.contains(scope) {
                merged.push(scope.clone());
            }
        }
        if !merged.is_empty() {
            cells.set("scope", merged.join(","));
        }
    }
    sign_in::update_account(cx, account, cells).await?;
    take_over(cx, user_id, linked.user).await;
    Ok(())
}

/// Gives a user a new account.
pub(crate) async fn add(cx: &mut Context, linked: &Linked<'_>, user_id: &UserId) -> Result<(), Refused> {
    let told = |error: ApiError| {
        tracing::error!(error = &error as &dyn std::error::Error, "an account could not be linked");
        Refused::Failed
    };
    let mut account = new_account(cx, linked.provider_id, linked.subject, user_id, linked.tokens).map_err(told)?;
    account.scope = linked.scopes.map(|scopes| scopes.join(","));
    let mut tx = cx.transaction();
    // The user may have gone while they were at the provider.
    tx.require("user", Filter::eq("id", user_id));
    let account = tx.create(account).await.map_err(told)?.ok_or(Refused::Failed)?;
    if !tx.commit_if_guards_hold().await.map_err(|error| told(error.into()))? {
        return Err(Refused::Failed);
    }
    let account = cx.settled(account).map_err(|error| told(error.into()))?;
    if !sign_in::stays(cx, &account).await.map_err(told)? {
        return Err(Refused::Taken);
    }
    take_over(cx, user_id, linked.user).await;
    Ok(())
}

/// Takes name, picture and additional fields from a linked account, where that is on. That it fails is no reason not to link.
pub(super) async fn take_over(cx: &mut Context, user_id: &UserId, user: &Map<String, Value>) -> Option<User> {
    if !cx.engine.account.account_linking.update_user_info_on_link {
        return None;
    }
    let updated = async {
        let mut set = sign_in::shown(user);
        set.merge(additional(cx, user, Action::Update)?);
        if set.is_empty() { Ok(None) } else { sign_in::update_user(cx, user_id, set).await }
    };
    updated.await.unwrap_or_else(|error: ApiError| {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "what a linked account says of its user was not taken over"
        );
        None
    })
}
