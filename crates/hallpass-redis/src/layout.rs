//! Keys, and records as the JSON that is kept.

use hallpass_store::{Record, Row, Schema, Session, StoreError, Timestamp, User, UserId, Value, Verification};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use crate::records;

pub(crate) const LIST: &str = "active-sessions-";
pub(crate) const MARK: &str = "revoked-sessions-before-";
pub(crate) const VERIFICATION: &str = "verification:";
/// Not of the npm package's: a sorted set beside its list, which only scripts touch. Two Node servers that write the list at once lose an entry of it; this
/// one does not, and the list is made whole from it.
pub(crate) const SET: &str = "hallpass-sessions-";

/// Session tokens are the only keys without a name before them. Anything else that a stranger presents as one must not lead to a value of another kind.
pub(crate) fn is_token(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

const SESSION_ORDER: [&str; 8] =
    ["id", "ipAddress", "userAgent", "expiresAt", "userId", "token", "createdAt", "updatedAt"];

/// An entry, with the keys in the npm package's order.
pub(crate) fn entry(session: &Session, user: &User) -> Result<String, StoreError> {
    let mut row = session.clone().into_row();
    let mut document = Map::new();
    for name in SESSION_ORDER {
        document.insert(name.to_owned(), json(row.take(name).unwrap_or(Value::Null)));
    }
    document.extend(row.into_iter().map(|(name, value)| (name.to_string(), json(value))));
    Ok(Json::Object(Map::from_iter([("session".to_owned(), document.into()), ("user".to_owned(), user_json(user)?)]))
        .to_string())
}

pub(crate) fn user_json(user: &User) -> Result<Json, StoreError> {
    serde_json::to_value(user).map_err(|_| StoreError::misuse("a user that cannot be written as JSON"))
}

/// A value as `JSON.stringify` writes it.
fn json(value: Value) -> Json {
    match value {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and small enough to be exact")]
        Value::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => Json::from(number as i64),
        other => serde_json::to_value(other).unwrap_or(Json::Null),
    }
}

/// An entry taken apart, with whatever else is in it.
pub(crate) struct Entry(Map<String, Json>);

impl Entry {
    pub(crate) fn read(text: &str) -> Result<Self, StoreError> {
        match serde_json::from_str(text) {
            Ok(Json::Object(document)) => Ok(Self(document)),
            _ => Err(corrupt("session", "no JSON object")),
        }
    }

    pub(crate) fn session(&self, schema: &Schema) -> Result<Session, StoreError> {
        records::session(self.0.get("session").unwrap_or(&Json::Null), schema)
    }

    pub(crate) fn set(&mut self, set: &Row) -> Result<(), StoreError> {
        let session = self.0.get_mut("session").and_then(Json::as_object_mut);
        let session = session.ok_or_else(|| corrupt("session", "not an object"))?;
        set.iter().for_each(|(name, value)| drop(session.insert(name.to_owned(), json(value.clone()))));
        Ok(())
    }

    pub(crate) fn set_user(&mut self, user: &User) -> Result<(), StoreError> {
        self.0.insert("user".to_owned(), user_json(user)?);
        Ok(())
    }

    pub(crate) fn text(self) -> String {
        Json::Object(self.0).to_string()
    }
}

pub(crate) fn verification_json(verification: &Verification) -> String {
    let fields = [
        ("createdAt", verification.created_at.to_string()),
        ("updatedAt", verification.updated_at.to_string()),
        ("value", verification.value.clone()),
        ("identifier", verification.identifier.clone()),
        ("expiresAt", verification.expires_at.to_string()),
    ];
    Json::Object(fields.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect()).to_string()
}

/// Its id is a digest of what is stored, so that it names exactly that and gives nothing of it away.
pub(crate) fn verification(text: &str) -> Result<Verification, StoreError> {
    let wrong = || corrupt("verification", "no verification");
    let Ok(Json::Object(fields)) = serde_json::from_str(text) else { return Err(wrong()) };
    let cell = |name: &str| fields.get(name).and_then(Json::as_str).ok_or_else(wrong);
    let date = |name: &str| cell(name)?.parse::<Timestamp>().map_err(|_| wrong());
    let expires_at = date("expiresAt")?;
    let created_at = date("createdAt").unwrap_or(expires_at);
    let digest = Sha256::digest(text);
    let half = digest.first_chunk().copied().map_or(0, u128::from_be_bytes);
    let id = format!("{half:032x}");
    let mut read = Verification::new(id, cell("identifier")?, cell("value")?, created_at, expires_at);
    read.updated_at = date("updatedAt").unwrap_or(created_at);
    Ok(read)
}

pub(crate) fn mark(text: &str) -> Result<Timestamp, StoreError> {
    text.trim()
        .parse()
        .map(Timestamp::from_millis)
        .map_err(|_| corrupt("session", "a mark of revocation that is no number"))
}

/// What a push calls changed, by the key without its prefix.
pub(crate) fn change(key: &str) -> Option<hallpass_store::Change> {
    if let Some(user) = key.strip_prefix(MARK) {
        return Some(hallpass_store::Change::User(UserId::new(user)));
    }
    is_token(key).then(|| hallpass_store::Change::Session { token_sha256: Sha256::digest(key).into() })
}

pub(crate) fn corrupt(table: &str, reason: &str) -> StoreError {
    StoreError::corrupt(table, "", "", reason)
}
