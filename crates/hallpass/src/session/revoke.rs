//! The end of sessions. Once the answer is out, the token is worth nothing on this node.

use hallpass_store::{Filter, SessionToken, StoreError, UserId, Value};

use crate::{
    context::Context,
    error::{ApiError, ErrorCode},
    records::Transaction,
};

/// Ends the session of a token, whoever's it is. `failed` says what a store that cannot do it means to the client.
pub(crate) async fn by_token(
    cx: &mut Context,
    token: &SessionToken,
    failed: fn(StoreError) -> ApiError,
) -> Result<(), ApiError> {
    let mut tx = cx.transaction();
    tx.delete("session", Filter::eq("token", token)).await?;
    tx.commit().await.map_err(failed)?;
    Ok(())
}

/// Ends all sessions of a user, as part of a transaction.
pub(crate) async fn all_of(tx: &mut Transaction<'_>, user_id: &UserId) -> Result<(), ApiError> {
    tx.delete("session", Filter::eq("userId", user_id)).await
}

/// Ends these sessions, all at once however many they are.
pub(crate) async fn by_tokens(cx: &mut Context, tokens: &[SessionToken]) -> Result<(), ApiError> {
    let mut tx = cx.transaction();
    // Databases take only so many values in one statement.
    for some in tokens.chunks(500) {
        tx.delete("session", Filter::In("token".into(), some.iter().map(Value::from).collect())).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(())
}

/// A session that could not be ended: 503 when the store is away, else what the contract has for it.
pub(crate) fn failed(error: StoreError) -> ApiError {
    if error.is_unavailable() { error.into() } else { ApiError::from(ErrorCode::InternalServerError).because(error) }
}
