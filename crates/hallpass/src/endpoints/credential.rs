//! What the endpoints around passwords share.

use hallpass_store::{Account, Filter, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    error::{ApiError, ErrorCode},
};

/// A password on its way to be hashed. It does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Password(String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

impl<T: Into<String>> From<T> for Password {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl Password {
    /// The password itself, to hash it.
    pub(crate) fn into_inner(self) -> String {
        self.0
    }

    /// In UTF-16 code units, before normalisation, as JavaScript counts (CONTRACT §6).
    fn length(&self) -> usize {
        self.0.encode_utf16().count()
    }

    /// Refuses a password that is shorter than the configured minimum.
    pub(crate) fn check_min(&self, cx: &Context) -> Result<(), ApiError> {
        let min = cx.engine.email_and_password.min_password_length();
        if self.length() < min { Err(ErrorCode::PasswordTooShort.into()) } else { Ok(()) }
    }

    /// Refuses a password that is longer than the configured maximum.
    pub(crate) fn check_max(&self, cx: &Context) -> Result<(), ApiError> {
        let max = cx.engine.email_and_password.max_password_length();
        if self.length() > max { Err(ErrorCode::PasswordTooLong.into()) } else { Ok(()) }
    }
}

/// Which rows are a user's password account.
pub(crate) fn filter(user_id: &UserId) -> Filter {
    Filter::eq("userId", user_id)
        .and(Filter::eq("providerId", Account::CREDENTIAL))
        .and(Filter::eq("accountId", user_id))
}

/// A user's password account.
pub(crate) async fn find(cx: &Context, user_id: &UserId) -> Result<Option<Account>, ApiError> {
    Ok(cx.find::<Account>(filter(user_id)).await?.into_iter().next())
}

/// An account together with its password's hash, if it has one.
pub(crate) fn with_password(account: Account) -> Option<(Account, String)> {
    let stored = account.password.clone().filter(|_| has_password(&account))?;
    Some((account, stored))
}

/// Whether an account has a password; an empty one is none.
pub(crate) fn has_password(account: &Account) -> bool {
    account.password.as_ref().is_some_and(|stored| !stored.is_empty())
}
