//! From somebody that a provider vouches for to a user with a session (CONTRACT §11.9).

use hallpass_store::{Account, Filter, Record, Row, User, UserId};
use serde_json::{Map, Value};

use super::{Ready, profile, stored, tokens::Tokens};
use crate::{
    context::Context,
    error::ApiError,
    fields::{self, Action},
    mail::MailKind,
    session::{SessionAndUser, account_cookie, issue::issue},
    verification::email_token,
};

/// Somebody, and what the provider gave for them.
pub(crate) struct Arrival<'a> {
    pub(crate) provider: &'a Ready,
    /// What the account is known by there.
    pub(crate) subject: String,
    pub(crate) email: String,
    /// The fields of a user that the provider fills.
    pub(crate) user: Map<String, Value>,
    pub(crate) tokens: Tokens,
    /// What was granted, as it is to be stored.
    pub(crate) scope: Option<String>,
    pub(crate) callback_url: Option<&'a str>,
    pub(crate) may_sign_up: bool,
    /// Whether what the provider says replaces what is known.
    pub(crate) overrides: bool,
}

/// Somebody is in.
pub(crate) struct Entered {
    pub(crate) session: SessionAndUser,
    pub(crate) is_new: bool,
}

/// Why somebody is not.
pub(crate) enum Turned {
    /// In words that clients know, blanks between.
    Away(&'static str),
    Failed(ApiError),
}

impl<E: Into<ApiError>> From<E> for Turned {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// A user always has a name, if an empty one.
pub(crate) fn named(mut user: Map<String, Value>) -> Map<String, Value> {
    if !user.get("name").is_some_and(Value::is_string) {
        user.insert("name".into(), "".into());
    }
    user
}

impl Arrival<'_> {
    pub(crate) fn is_verified(&self) -> bool {
        profile::is_true(self.user.get("emailVerified"))
    }

    /// An account row for a user.
    fn account(&self, cx: &Context, user_id: &UserId) -> Result<Account, ApiError> {
        let mut account = new_account(cx, self.provider.id(), &self.subject, user_id, &self.tokens)?;
        account.scope.clone_from(&self.scope);
        Ok(account)
    }
}

/// An account row for a user, with sealed tokens.
pub(super) fn new_account(
    cx: &Context,
    provider_id: &str,
    subject: &str,
    user_id: &UserId,
    tokens: &Tokens,
) -> Result<Account, ApiError> {
    let mut row = Account::credential(cx.draw_id(), user_id.clone(), String::new(), cx.now()).into_row();
    row.set("password", hallpass_store::Value::Null);
    row.set("providerId", provider_id);
    row.set("accountId", subject);
    row.merge(stored::cells(cx, tokens)?);
    Ok(Account::from_row(row)?)
}

/// The account that a provider knows by a subject.
///
/// # Errors
/// When several users have it: it is nobody's to guess whose it is.
pub(super) async fn find_account(cx: &Context, provider_id: &str, subject: &str) -> Result<Option<Account>, ApiError> {
    let found = accounts_of(cx, provider_id, subject).await?;
    let first = found.first().cloned();
    if found.iter().any(|other| first.as_ref().is_some_and(|first| first.user_id != other.user_id)) {
        return Err(ApiError::unexpected(format!(
            "several accounts have one identity at {provider_id}; delete all but one"
        )));
    }
    Ok(first)
}

/// The rows of one identity, the oldest first. There should be one, and no rule of the table says so.
async fn accounts_of(cx: &Context, provider_id: &str, subject: &str) -> Result<Vec<Account>, ApiError> {
    let filter = Filter::eq("providerId", provider_id).and(Filter::eq("accountId", subject));
    let mut found = cx.find::<Account>(filter).await?;
    found.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
    Ok(found)
}

/// Whether an account that was just added may stay. Of two that add one identity at the same time the later goes again, unless both are
/// the same user.
pub(super) async fn stays(cx: &mut Context, added: &Account) -> Result<bool, ApiError> {
    let all = accounts_of(cx, &added.provider_id, &added.account_id).await?;
    let is_first = all.first().is_none_or(|first| first.id == added.id);
    if is_first {
        return Ok(true);
    }
    let mut tx = cx.transaction();
    tx.delete("account", Filter::eq("id", &*added.id)).await?;
    tx.commit().await?;
    Ok(all.first().is_some_and(|first| first.user_id == added.user_id))
}

/// Whether an address becomes another one by folding its letters: the Kelvin sign is no k, and whoever has the one address need not have
/// the other.
pub(super) fn folds_into_ascii(email: &str) -> bool {
    email.chars().any(|letter| !letter.is_ascii() && letter.to_lowercase().all(|folded| folded.is_ascii()))
}

/// Signs somebody in, or up, or links their account to who has their address, as the rules have it.
pub(crate) async fn enter(cx: &mut Context, arrival: &Arrival<'_>) -> Result<Entered, Turned> {
    let (user, is_new) = match find_owner(cx, arrival).await? {
        Some(Owner { user, account: Some(account) }) => (come_back(cx, arrival, user, account).await?, false),
        Some(Owner { user, account: None }) => (link_by_address(cx, arrival, user).await?, false),
        None if !arrival.may_sign_up => return Err(Turned::Away("signup disabled")),
        None => (sign_up(cx, arrival).await?, true),
    };
    check_address(cx, arrival, &user, is_new)?;
    let mut tx = cx.transaction();
    let session = issue(&mut tx, &user.id, true).await?.ok_or(Turned::Away("unable to create session"))?;
    tx.commit().await?;
    let session = SessionAndUser::new(cx.settled(session)?, user);
    Ok(Entered { session, is_new })
}

struct Owner {
    user: User,
    account: Option<Account>,
}

/// Whose account it is, or else whose address.
async fn find_owner(cx: &Context, arrival: &Arrival<'_>) -> Result<Option<Owner>, Turned> {
    if let Some(account) = find_account(cx, arrival.provider.id(), &arrival.subject).await? {
        let user = cx.find::<User>(Filter::eq("id", &account.user_id)).await?.into_iter().next();
        if let Some(user) = user {
            return Ok(Some(Owner { user, account: Some(account) }));
        }
        tracing::error!(account = account.id, "an account belongs to a user who is gone; delete it");
        return Err(Turned::Away("unable to link account"));
    }
    let user = cx.find::<User>(Filter::eq("email", arrival.email.to_lowercase())).await?.into_iter().next();
    if user.is_some() && folds_into_ascii(&arrival.email) {
        return Err(Turned::Away("account not linked"));
    }
    Ok(user.map(|user| Owner { user, account: None }))
}

/// Somebody who was here before.
async fn come_back(cx: &mut Context, arrival: &Arrival<'_>, user: User, account: Account) -> Result<User, Turned> {
    if cx.engine.account.update_account_on_sign_in {
        let cells = stored::cells(cx, &arrival.tokens)?;
        hand_out(cx, with(account.clone(), cells.clone())?);
        update_account(cx, account, cells).await?.ok_or(Turned::Away("unable to update account"))?;
    } else {
        hand_out(cx, account);
    }
    note_proof(cx, arrival, &user).await?;
    if arrival.overrides { override_user(cx, arrival, user).await } else { Ok(user) }
}

/// Somebody whose address a user has. Whether that makes them the same person:
/// the provider has to be trusted or call the address proven, and the user has to have proven it too. Otherwise somebody could sign up
/// with another's address and wait for them.
async fn link_by_address(cx: &mut Context, arrival: &Arrival<'_>, user: User) -> Result<User, Turned> {
    let engine = cx.engine.clone();
    let rules = &engine.account.account_linking;
    let is_trusted = rules.trusted_providers.iter().any(|trusted| trusted == arrival.provider.id());
    let is_same = (is_trusted || arrival.is_verified()) && (!rules.require_local_email_verified || user.email_verified);
    if !is_same || !rules.enabled || rules.disable_implicit_linking {
        return Err(Turned::Away("account not linked"));
    }
    let account = arrival.account(cx, &user.id)?;
    let mut tx = cx.transaction();
    // The address may be changed at this very moment, and then it is not the same person any more.
    tx.require("user", Filter::eq("id", &user.id).and(Filter::eq("email", &*user.email)));
    let account = tx.create(account).await?.ok_or(Turned::Away("unable to link account"))?;
    if !tx.commit_if_guards_hold().await? {
        return Err(Turned::Away("account not linked"));
    }
    let account = cx.settled(account)?;
    if !stays(cx, &account).await? {
        return Err(Turned::Away("account not linked"));
    }
    hand_out(cx, account);
    note_proof(cx, arrival, &user).await?;
    let user = match super::link::take_over(cx, &user.id, &arrival.user).await {
        Some(updated) => updated,
        None => user,
    };
    if arrival.overrides { override_user(cx, arrival, user).await } else { Ok(user) }
}

/// Somebody new: user and account come into being together, or not at all.
async fn sign_up(cx: &mut Context, arrival: &Arrival<'_>) -> Result<User, Turned> {
    let given = additional(cx, &arrival.user, Action::Create)?;
    let name = arrival.user.get("name").and_then(Value::as_str).unwrap_or_default();
    let mut user = User::new(UserId::new(cx.draw_id()), name, arrival.email.to_lowercase(), cx.now());
    user.email_verified = arrival.is_verified();
    user.image = arrival.user.get("image").and_then(Value::as_str).map(Into::into);
    user.extra = fields::completed(&cx.engine.user_fields, given);
    let account = arrival.account(cx, &user.id)?;
    let mut tx = cx.transaction();
    let user = tx.create(user).await?.ok_or(Turned::Away("unable to create user"))?;
    let account = tx.create(account).await?.ok_or(Turned::Away("unable to create user"))?;
    if let Err(error) = tx.commit().await {
        if error.is_unavailable() {
            return Err(error.into());
        }
        tracing::error!(error = &error as &dyn std::error::Error, "a user from a provider could not be created");
        return Err(Turned::Away("unable to create user"));
    }
    let account = cx.settled(account)?;
    hand_out(cx, account);
    let user = cx.settled(user)?;
    Ok(cx.as_stored(user).await)
}

/// Additional fields out of what a provider says; those that clients may not set it may not set either.
pub(super) fn additional(cx: &Context, user: &Map<String, Value>, action: Action) -> Result<Row, ApiError> {
    let fields = &cx.engine.user_fields;
    let may_set = |name: &str| fields.get(name).is_none_or(|field| field.input);
    let is_core = |name: &str| matches!(name, "id" | "email" | "emailVerified" | "name" | "image");
    let given: Map<String, Value> = user
        .iter()
        .filter(|(name, _)| may_set(name) && !is_core(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    fields::read(fields, &given, action)
}

/// The provider calls an address proven, and it is the user's.
async fn note_proof(cx: &mut Context, arrival: &Arrival<'_>, user: &User) -> Result<(), Turned> {
    let is_theirs = arrival.email.to_lowercase() == user.email && !folds_into_ascii(&arrival.email);
    if arrival.is_verified() && !user.email_verified && is_theirs {
        let set = Row::new().with("emailVerified", true).with("updatedAt", cx.now());
        let still = Filter::eq("id", &user.id).and(Filter::eq("email", &*user.email));
        let mut tx = cx.transaction();
        tx.update("user", still, set).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// What the provider says replaces what is known.
async fn override_user(cx: &mut Context, arrival: &Arrival<'_>, user: User) -> Result<User, Turned> {
    let email = arrival.email.to_lowercase();
    let is_verified = arrival.is_verified() || email == user.email && user.email_verified;
    let set = shown(&arrival.user).with("email", email).with("emailVerified", is_verified);
    let mut set = set;
    set.merge(additional(cx, &arrival.user, Action::Update)?);
    match update_user(cx, &user.id, set).await? {
        Some(updated) => Ok(updated),
        None => Ok(user),
    }
}

/// Name and picture as cells.
pub(super) fn shown(user: &Map<String, Value>) -> Row {
    let mut row = Row::new();
    for field in ["name", "image"] {
        if let Some(Value::String(text)) = user.get(field) {
            row.set(field, &**text);
        }
    }
    row
}

/// Changes a user and returns them as they are then; `None` when a hook called it off, or they are gone.
pub(super) async fn update_user(cx: &mut Context, id: &UserId, set: Row) -> Result<Option<User>, ApiError> {
    let set = set.with("updatedAt", cx.now());
    let mut tx = cx.transaction();
    if !tx.update("user", Filter::eq("id", id), set).await? {
        return Ok(None);
    }
    tx.commit().await?;
    Ok(cx.find::<User>(Filter::eq("id", id)).await?.into_iter().next())
}

/// Changes an account and returns it as it is then; `None` when a hook called it off, or it is gone.
pub(crate) async fn update_account(
    cx: &mut Context,
    account: Account,
    cells: Row,
) -> Result<Option<Account>, ApiError> {
    let set = cells.with("updatedAt", cx.now());
    let mut tx = cx.transaction();
    if !tx.update("account", Filter::eq("id", &*account.id), set.clone()).await? {
        return Ok(None);
    }
    let written = tx.commit().await?;
    if written.iter().all(|outcome| outcome.affected == 0) {
        return Ok(None);
    }
    Ok(Some(with(account, set)?))
}

/// An account with other cells.
pub(crate) fn with(account: Account, cells: Row) -> Result<Account, ApiError> {
    let mut row = account.into_row();
    row.merge(cells);
    Ok(Account::from_row(row)?)
}

/// Hands the client its account in a cookie, where that is on.
pub(crate) fn hand_out(cx: &mut Context, account: Account) {
    if cx.engine.account.store_account_cookie {
        let row = account.into_row();
        let cells = row.iter().map(|(name, value)| (name.to_owned(), serde_json::to_value(value).unwrap_or_default()));
        let mut cells: Map<String, Value> = cells.collect();
        // As the npm package reads rows, the id comes last.
        if let Some(id) = cells.shift_remove("id") {
            cells.insert("id".into(), id);
        }
        account_cookie::set(cx, cells);
    }
}

/// Asks for a proof of the address where one is wanted, and turns away where one is needed.
fn check_address(cx: &Context, arrival: &Arrival<'_>, user: &User, is_new: bool) -> Result<(), Turned> {
    let is_needed = arrival.provider.options().require_email_verification;
    let options = &cx.engine.email_verification;
    let asks = if is_new { options.send_on_sign_up.unwrap_or(is_needed) } else { is_needed && options.send_on_sign_in };
    if user.email_verified {
        return Ok(());
    }
    if asks && cx.engine.outbox.sends(&MailKind::VERIFY_EMAIL) {
        email_token::send_verification(cx, user.clone(), arrival.callback_url)?;
    }
    if is_needed { Err(Turned::Away("email_not_verified")) } else { Ok(()) }
}
