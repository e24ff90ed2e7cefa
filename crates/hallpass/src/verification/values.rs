//! Values that are kept until somebody brings the secret that names them (CONTRACT §13.2).
//!
//! The identifier of a row holds that secret: `reset-password:<token>`. Whoever reads the table can use it, unless identifiers are stored
//! hashed (`verification.store_identifier`).

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hallpass_store::{Filter, Order, Query, Record, Value, Verification};
use sha2::{Digest, Sha256};

use crate::{
    context::Context,
    error::{ApiError, ErrorCode},
    options::StoreIdentifier,
    records::Transaction,
};

/// Expired rows are swept no more often than this.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// When expired rows are swept next.
#[derive(Debug, Default)]
pub(crate) struct NextSweep(AtomicI64);

/// Adds a value to a transaction; it is good for `life`.
pub(crate) async fn create(
    tx: &mut Transaction<'_>,
    identifier: &str,
    value: impl Into<String>,
    life: Duration,
) -> Result<(), ApiError> {
    let cx = tx.context();
    let now = cx.now();
    let stored = stored_as(cx, identifier).swap_remove(0);
    let row = Verification::new(cx.draw_id(), stored, value, now, now + life);
    tx.create(row).await?;
    Ok(())
}

/// The newest value of an identifier, expired or not. Sweeps expired ones now and then.
pub(crate) async fn find(cx: &mut Context, identifier: &str) -> Result<Option<Verification>, ApiError> {
    let found = newest(cx, identifier).await?;
    sweep(cx).await;
    Ok(found)
}

/// The newest value of an identifier, expired or not.
pub(crate) async fn newest(cx: &Context, identifier: &str) -> Result<Option<Verification>, ApiError> {
    let mut found = None;
    for stored in stored_as(cx, identifier) {
        let query = Query::table(Verification::TABLE)
            .filter(Filter::eq("identifier", stored))
            .order_by("createdAt", Order::Descending)
            .limit(1);
        let rows = cx.store().find(cx.schema(), query).await?;
        found = rows.into_iter().next().map(Verification::from_row).transpose()?;
        if found.is_some() {
            break;
        }
    }
    Ok(found)
}

/// The newest value of an identifier, if its time has not passed.
pub(crate) async fn find_live(cx: &mut Context, identifier: &str) -> Result<Option<Verification>, ApiError> {
    let now = cx.now();
    Ok(find(cx, identifier).await?.filter(|found| found.expires_at >= now))
}

/// Uses a value up as part of a transaction, which is called off when somebody else was faster.
pub(crate) async fn use_up(tx: &mut Transaction<'_>, found: &Verification) -> Result<(), ApiError> {
    if !tx.take_guarded(Verification::TABLE, exactly(found)).await? {
        // A hook that keeps the row must not let it be used twice.
        return Err(ErrorCode::InvalidToken.into());
    }
    // Older values of the same identifier end with it, so that none of them can be brought again.
    tx.delete(Verification::TABLE, Filter::eq("identifier", &*found.identifier)).await
}

/// Takes a value that was found, live or not; of any number of callers at once, one gets it.
pub(crate) async fn claim(cx: &mut Context, found: &Verification) -> Result<bool, ApiError> {
    let mut tx = cx.transaction();
    if !tx.take_guarded(Verification::TABLE, exactly(found)).await? {
        return Ok(false);
    }
    tx.delete(Verification::TABLE, Filter::eq("identifier", &*found.identifier)).await?;
    let is_ours = tx.commit_if_guards_hold().await?;
    sweep(cx).await;
    Ok(is_ours)
}

/// This value and no other. A secondary storage has it under its identifier.
fn exactly(found: &Verification) -> Filter {
    Filter::eq("id", &*found.id).and(Filter::eq("identifier", &*found.identifier))
}

/// How an identifier may be stored: as new ones are, then as it was before hashing was switched on.
fn stored_as(cx: &Context, identifier: &str) -> Vec<String> {
    match cx.engine.verification.store_identifier.of(identifier) {
        StoreIdentifier::Plain => vec![identifier.to_owned()],
        StoreIdentifier::Hashed => {
            let hashed = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(identifier));
            vec![hashed, identifier.to_owned()]
        }
    }
}

/// Removes values whose time has passed. That it failed is no reason to refuse whatever it was called for.
pub(crate) async fn sweep(cx: &mut Context) {
    let now = cx.now();
    let next = &cx.engine.next_sweep.0;
    let due = next.load(Ordering::Relaxed);
    let after = (now + SWEEP_EVERY).as_millis();
    let is_ours =
        due <= now.as_millis() && next.compare_exchange(due, after, Ordering::Relaxed, Ordering::Relaxed).is_ok();
    if !is_ours || cx.engine.verification.disable_cleanup {
        return;
    }
    let mut tx = cx.transaction();
    let swept = match tx.delete(Verification::TABLE, Filter::lt("expiresAt", Value::from(now))).await {
        Ok(()) => tx.commit().await.map(drop).map_err(ApiError::from),
        Err(error) => Err(error),
    };
    if let Err(error) = swept {
        tracing::warn!(error = &error as &dyn std::error::Error, "expired verification values could not be removed");
    }
}
