//! Tokens as the database has them (`account.encrypt_oauth_tokens`).

use hallpass_store::{Row, Timestamp, Value};

use super::tokens::Tokens;
use crate::{
    context::Context,
    crypto::symmetric::{self, Undecryptable},
    error::ApiError,
};

/// A token as it is to be stored.
pub(crate) fn seal(cx: &Context, token: &str) -> Result<String, ApiError> {
    if cx.engine.account.encrypt_oauth_tokens && !token.is_empty() {
        return symmetric::encrypt(&cx.engine.secrets, &*cx.engine.randomness, token);
    }
    Ok(token.to_owned())
}

/// A token as the provider gave it. What does not look encrypted is from before tokens were.
pub(crate) fn open(cx: &Context, stored: &str) -> Result<String, Undecryptable> {
    if cx.engine.account.encrypt_oauth_tokens && looks_encrypted(stored) {
        return symmetric::decrypt(&cx.engine.secrets, stored);
    }
    Ok(stored.to_owned())
}

fn looks_encrypted(text: &str) -> bool {
    let is_hex = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.starts_with("$ba$") || is_hex && !text.is_empty()
}

/// The cells of an account that tokens set; those that were not given stay as they are.
pub(crate) fn cells(cx: &Context, tokens: &Tokens) -> Result<Row, ApiError> {
    let mut row = Row::new();
    let mut set = |column: &'static str, value: Option<Value>| {
        if let Some(value) = value {
            row.set(column, value);
        }
    };
    let sealed = |token: &Option<String>| token.as_deref().map(|token| seal(cx, token)).transpose();
    let date = |moment: Option<Timestamp>| moment.map(Value::from);
    set("accessToken", sealed(&tokens.access_token)?.map(Value::from));
    set("refreshToken", sealed(&tokens.refresh_token)?.map(Value::from));
    set("idToken", tokens.id_token.clone().map(Value::from));
    set("accessTokenExpiresAt", date(tokens.access_token_expires_at));
    set("refreshTokenExpiresAt", date(tokens.refresh_token_expires_at));
    Ok(row)
}

/// Scopes as the database has them, taken apart.
pub(crate) fn scopes(stored: Option<&str>) -> Vec<String> {
    let scopes = stored.unwrap_or_default().split(',').map(str::trim);
    scopes.filter(|scope| !scope.is_empty()).map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_before_is_told_from_what_is_encrypted() {
        for (text, encrypted) in [
            ("abcdef", true),
            ("ABCDEF00", true),
            ("abcde", false),
            ("ya29.token", false),
            ("$ba$1$00", true),
            ("", false),
        ] {
            assert_eq!(looks_encrypted(text), encrypted, "{text}");
        }
    }
}
