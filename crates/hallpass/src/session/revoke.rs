//! The end of sessions. Once the answer is out, the token is worth nothing on this node.

use hallpass_store::{Filter, SessionToken, UserId, Value};

use crate::{context::Context, error::ApiError, records::Transaction};

/// Ends the session of a token, whoever's it is.
pub(crate) async fn by_token(cx: &mut Context, token: &SessionToken) -> Result<(), ApiError> {
    let mut tx = cx.transaction();
    tx.delete("session", Filter::eq("token", token)).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends all sessions of a user, as part of a transaction.
pub(crate) async fn all_of(tx: &mut Transaction<'_>, user_id: &UserId) -> Result<(), ApiError> {
    tx.delete("session", Filter::eq("userId", user_id)).await
}

/// Ends these sessions.
pub(crate) async fn by_tokens(cx: &mut Context, tokens: &[SessionToken]) -> Result<(), ApiError> {
    let tokens: Vec<Value> = tokens.iter().map(Value::from).collect();
    let mut tx = cx.transaction();
    tx.delete("session", Filter::In("token".into(), tokens)).await?;
    tx.commit().await?;
    Ok(())
}
