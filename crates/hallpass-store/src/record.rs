//! The core records as types (CONTRACT §3.1, §13.1).
//!
//! Columns that a configuration or a plugin adds travel beside the typed ones, in `extra`.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};
use subtle::ConstantTimeEq;

use crate::{
    error::StoreError,
    shown::{Shown, shown},
    timestamp::Timestamp,
    value::{Fields, Row, Value},
};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        #[schemars(inline)]
        pub struct $name(String);

        impl $name {
            /// Takes a text as this id.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl From<&$name> for Value {
            fn from(id: &$name) -> Self {
                Self::Text(id.0.clone())
            }
        }
    };
}

id!(
    /// Which user.
    UserId
);
id!(
    /// Which session; unlike the token this names it without giving access to it.
    SessionId
);

/// The secret that stands for a session. Whoever holds it is the user, so it does not print.
///
/// ```
/// use hallpass_store::SessionToken;
/// let token = SessionToken::new("abcdefghijklmnopqrstuvwxyzABCDEF");
/// assert_eq!(format!("{token:?}"), "SessionToken(…)");
/// ```
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct SessionToken(String);

impl SessionToken {
    /// Takes a text as a session token.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The token itself, for the places where it must be written: the store, the cookie, the answer.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for SessionToken {
    /// Compares in constant time for tokens of one length.
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}
impl Eq for SessionToken {}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(…)")
    }
}

impl From<&SessionToken> for Value {
    fn from(token: &SessionToken) -> Self {
        Self::Text(token.0.clone())
    }
}

/// A record of one table: how it is read from a row and written to one.
///
/// Plugins implement it for their own tables.
pub trait Record: Sized {
    /// The table, by logical name.
    const TABLE: &'static str;
    /// Reads the record. Columns it has no field for become its `extra`, if it has one.
    fn from_row(row: Row) -> Result<Self, StoreError>;
    /// Writes the record, every column of it.
    fn into_row(self) -> Row;
}

/// A person with an account.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct User {
    /// Which user.
    pub id: UserId,
    /// The name they gave.
    pub name: String,
    /// E-mail address, lower case.
    pub email: String,
    /// Whether they proved that the address is theirs.
    pub email_verified: bool,
    /// Address of a picture.
    pub image: Option<String>,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
    /// Configured additional fields and plugin columns, in schema order.
    pub extra: Fields,
}

impl User {
    /// A user with an unproven address, made at `now`.
    pub fn new(id: UserId, name: impl Into<String>, email: impl Into<String>, now: Timestamp) -> Self {
        Self {
            id,
            name: name.into(),
            email: email.into(),
            email_verified: false,
            image: None,
            created_at: now,
            updated_at: now,
            extra: Fields::new(),
        }
    }
}

impl Record for User {
    const TABLE: &'static str = "user";

    fn from_row(row: Row) -> Result<Self, StoreError> {
        let mut cells = Cells::new(Self::TABLE, row);
        Ok(Self {
            id: UserId(cells.text("id")?),
            name: cells.text("name")?,
            email: cells.text("email")?,
            email_verified: cells.boolean("emailVerified")?,
            image: cells.optional_text("image")?,
            created_at: cells.date("createdAt")?,
            updated_at: cells.date("updatedAt")?,
            extra: cells.rest(),
        })
    }

    fn into_row(self) -> Row {
        let mut row = Row::new()
            .with("id", self.id.0)
            .with("name", self.name)
            .with("email", self.email)
            .with("emailVerified", self.email_verified)
            .with("image", self.image)
            .with("createdAt", self.created_at)
            .with("updatedAt", self.updated_at);
        row.merge(self.extra);
        row
    }
}

impl User {
    /// What is written of it, in its order.
    pub(crate) fn shown(&self) -> impl Iterator<Item = (&str, Shown<'_>)> {
        let known = [
            ("name", Shown::Text(&self.name)),
            ("email", Shown::Text(&self.email)),
            ("emailVerified", Shown::Flag(self.email_verified)),
            ("image", Shown::Optional(self.image.as_deref())),
            ("createdAt", Shown::Date(self.created_at)),
            ("updatedAt", Shown::Date(self.updated_at)),
        ];
        known.into_iter().chain(shown(&self.extra)).chain([("id", Shown::Text(self.id.as_str()))])
    }
}

impl Serialize for User {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.shown())
    }
}

impl JsonSchema for User {
    fn schema_name() -> Cow<'static, str> {
        "User".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let date = generator.subschema_for::<Timestamp>();
        json_schema!({
            "type": "object",
            "description": "A person with an account. Configured additional fields come beside these.",
            "properties": {
                "name": {"type": "string"},
                "email": {"type": "string", "description": "Lower case."},
                "emailVerified": {"type": "boolean"},
                "image": {"type": ["string", "null"]},
                "createdAt": date,
                "updatedAt": date,
                "id": {"type": "string"},
            },
            "required": ["name", "email", "emailVerified", "image", "createdAt", "updatedAt", "id"],
        })
    }
}

/// A signed-in client of a user.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Session {
    /// Which session.
    pub id: SessionId,
    /// From this moment on it is worth nothing.
    pub expires_at: Timestamp,
    /// The secret that stands for it.
    pub token: SessionToken,
    /// When it began; freshness counts from here (CONTRACT §7.3).
    pub created_at: Timestamp,
    /// When it was last extended or changed.
    pub updated_at: Timestamp,
    /// The client's address when it began; empty when unknown.
    pub ip_address: Option<String>,
    /// The client's `user-agent` when it began; empty when unknown.
    pub user_agent: Option<String>,
    /// Whose session.
    pub user_id: UserId,
    /// Configured additional fields and plugin columns, in schema order.
    pub extra: Fields,
}

impl Session {
    /// A session of a user that begins at `now`.
    pub fn new(id: SessionId, token: SessionToken, user_id: UserId, now: Timestamp, expires_at: Timestamp) -> Self {
        Self {
            id,
            expires_at,
            token,
            created_at: now,
            updated_at: now,
            ip_address: Some(String::new()),
            user_agent: Some(String::new()),
            user_id,
            extra: Fields::new(),
        }
    }
}

impl Record for Session {
    const TABLE: &'static str = "session";

    fn from_row(row: Row) -> Result<Self, StoreError> {
        let mut cells = Cells::new(Self::TABLE, row);
        Ok(Self {
            id: SessionId(cells.text("id")?),
            expires_at: cells.date("expiresAt")?,
            token: SessionToken(cells.text("token")?),
            created_at: cells.date("createdAt")?,
            updated_at: cells.date("updatedAt")?,
            ip_address: cells.optional_text("ipAddress")?,
            user_agent: cells.optional_text("userAgent")?,
            user_id: UserId(cells.text("userId")?),
            extra: cells.rest(),
        })
    }

    fn into_row(self) -> Row {
        let mut row = Row::new()
            .with("id", self.id.0)
            .with("expiresAt", self.expires_at)
            .with("token", self.token.0)
            .with("createdAt", self.created_at)
            .with("updatedAt", self.updated_at)
            .with("ipAddress", self.ip_address)
            .with("userAgent", self.user_agent)
            .with("userId", self.user_id.0);
        row.merge(self.extra);
        row
    }
}

impl Session {
    /// What is written of it, in its order.
    pub(crate) fn shown(&self) -> impl Iterator<Item = (&str, Shown<'_>)> {
        let known = [
            ("expiresAt", Shown::Date(self.expires_at)),
            ("token", Shown::Text(self.token.expose())),
            ("createdAt", Shown::Date(self.created_at)),
            ("updatedAt", Shown::Date(self.updated_at)),
            ("ipAddress", Shown::Optional(self.ip_address.as_deref())),
            ("userAgent", Shown::Optional(self.user_agent.as_deref())),
            ("userId", Shown::Text(self.user_id.as_str())),
        ];
        known.into_iter().chain(shown(&self.extra)).chain([("id", Shown::Text(self.id.as_str()))])
    }
}

impl Serialize for Session {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.shown())
    }
}

impl JsonSchema for Session {
    fn schema_name() -> Cow<'static, str> {
        "Session".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let date = generator.subschema_for::<Timestamp>();
        json_schema!({
            "type": "object",
            "description": "A signed-in client of a user. Configured additional fields come beside these.",
            "properties": {
                "expiresAt": date,
                "token": {"type": "string", "description": "Unsigned. Whoever holds it is the user."},
                "createdAt": date,
                "updatedAt": date,
                "ipAddress": {"type": ["string", "null"]},
                "userAgent": {"type": ["string", "null"]},
                "userId": {"type": "string"},
                "id": {"type": "string"},
            },
            "required": ["expiresAt", "token", "createdAt", "updatedAt", "ipAddress", "userAgent", "userId", "id"],
        })
    }
}

/// One way in which a user can sign in: a password (`provider_id` is `credential`) or an outside provider.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Account {
    /// Row id.
    pub id: String,
    /// The user's id at the provider; for `credential` the user's own id.
    pub account_id: String,
    /// Which provider.
    pub provider_id: String,
    /// Whose account.
    pub user_id: UserId,
    /// The provider's access token.
    pub access_token: Option<String>,
    /// The provider's refresh token.
    pub refresh_token: Option<String>,
    /// The provider's id token.
    pub id_token: Option<String>,
    /// When the access token ends.
    pub access_token_expires_at: Option<Timestamp>,
    /// When the refresh token ends.
    pub refresh_token_expires_at: Option<Timestamp>,
    /// What the provider granted, comma-separated.
    pub scope: Option<String>,
    /// The password's hash, for `credential`.
    pub password: Option<String>,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
    /// Plugin columns, in schema order.
    pub extra: Fields,
}

impl Account {
    /// The `provider_id` of accounts with a password.
    pub const CREDENTIAL: &'static str = "credential";

    /// A user's password account.
    pub fn credential(id: impl Into<String>, user_id: UserId, password_hash: String, now: Timestamp) -> Self {
        Self {
            id: id.into(),
            account_id: user_id.0.clone(),
            provider_id: Self::CREDENTIAL.into(),
            user_id,
            access_token: None,
            refresh_token: None,
            id_token: None,
            access_token_expires_at: None,
            refresh_token_expires_at: None,
            scope: None,
            password: Some(password_hash),
            created_at: now,
            updated_at: now,
            extra: Fields::new(),
        }
    }
}

impl fmt::Debug for Account {
    /// Leaves out every secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("provider_id", &self.provider_id)
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

impl Record for Account {
    const TABLE: &'static str = "account";

    fn from_row(row: Row) -> Result<Self, StoreError> {
        let mut cells = Cells::new(Self::TABLE, row);
        Ok(Self {
            id: cells.text("id")?,
            account_id: cells.text("accountId")?,
            provider_id: cells.text("providerId")?,
            user_id: UserId(cells.text("userId")?),
            access_token: cells.optional_text("accessToken")?,
            refresh_token: cells.optional_text("refreshToken")?,
            id_token: cells.optional_text("idToken")?,
            access_token_expires_at: cells.optional_date("accessTokenExpiresAt")?,
            refresh_token_expires_at: cells.optional_date("refreshTokenExpiresAt")?,
            scope: cells.optional_text("scope")?,
            password: cells.optional_text("password")?,
            created_at: cells.date("createdAt")?,
            updated_at: cells.date("updatedAt")?,
            extra: cells.rest(),
        })
    }

    fn into_row(self) -> Row {
        let mut row = Row::new()
            .with("id", self.id)
            .with("accountId", self.account_id)
            .with("providerId", self.provider_id)
            .with("userId", self.user_id.0)
            .with("accessToken", self.access_token)
            .with("refreshToken", self.refresh_token)
            .with("idToken", self.id_token)
            .with("accessTokenExpiresAt", self.access_token_expires_at)
            .with("refreshTokenExpiresAt", self.refresh_token_expires_at)
            .with("scope", self.scope)
            .with("password", self.password)
            .with("createdAt", self.created_at)
            .with("updatedAt", self.updated_at);
        row.merge(self.extra);
        row
    }
}

/// A single-use thing that was handed out: what it is for, and what it stands for.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Verification {
    /// Row id.
    pub id: String,
    /// What it is for and the secret itself, such as `reset-password:<token>` (CONTRACT §13.2).
    pub identifier: String,
    /// What it stands for.
    pub value: String,
    /// From this moment on it is worth nothing.
    pub expires_at: Timestamp,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
}

impl Verification {
    /// A value that is kept under `identifier` until `expires_at`.
    pub fn new(
        id: impl Into<String>,
        identifier: impl Into<String>,
        value: impl Into<String>,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Self {
        Self {
            id: id.into(),
            identifier: identifier.into(),
            value: value.into(),
            expires_at,
            created_at: now,
            updated_at: now,
        }
    }
}

impl fmt::Debug for Verification {
    /// Leaves out identifier and value, which hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verification").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Record for Verification {
    const TABLE: &'static str = "verification";

    fn from_row(row: Row) -> Result<Self, StoreError> {
        let mut cells = Cells::new(Self::TABLE, row);
        Ok(Self {
            id: cells.text("id")?,
            identifier: cells.text("identifier")?,
            value: cells.text("value")?,
            expires_at: cells.date("expiresAt")?,
            created_at: cells.date("createdAt")?,
            updated_at: cells.date("updatedAt")?,
        })
    }

    fn into_row(self) -> Row {
        Row::new()
            .with("id", self.id)
            .with("identifier", self.identifier)
            .with("value", self.value)
            .with("expiresAt", self.expires_at)
            .with("createdAt", self.created_at)
            .with("updatedAt", self.updated_at)
    }
}

/// Takes typed cells out of a row, and says which cell of which row was wrong.
///
/// ```
/// use hallpass_store::{Row, record::Cells};
/// let mut cells = Cells::new("note", Row::new().with("id", "n1").with("text", "hello"));
/// assert_eq!(cells.text("text").unwrap(), "hello");
/// assert!(cells.date("createdAt").is_err());
/// ```
#[derive(Debug)]
pub struct Cells {
    table: &'static str,
    id: String,
    row: Row,
}

impl Cells {
    /// Reads from a row of this table.
    pub fn new(table: &'static str, row: Row) -> Self {
        let id = row.get("id").and_then(Value::as_text).unwrap_or_default().to_owned();
        Self { table, id, row }
    }

    /// A text that must be there.
    pub fn text(&mut self, column: &str) -> Result<String, StoreError> {
        self.optional_text(column)?.ok_or_else(|| self.wrong(column, "no value"))
    }

    /// A text, if there is one.
    pub fn optional_text(&mut self, column: &str) -> Result<Option<String>, StoreError> {
        match self.row.take(column) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(column, "not a text")),
        }
    }

    /// A truth value that must be there.
    pub fn boolean(&mut self, column: &str) -> Result<bool, StoreError> {
        match self.row.take(column) {
            Some(Value::Boolean(flag)) => Ok(flag),
            _ => Err(self.wrong(column, "not true or false")),
        }
    }

    /// A number that must be there.
    pub fn integer(&mut self, column: &str) -> Result<i64, StoreError> {
        match self.row.take(column) {
            Some(Value::Integer(number)) => Ok(number),
            _ => Err(self.wrong(column, "not a whole number")),
        }
    }

    /// A date that must be there.
    pub fn date(&mut self, column: &str) -> Result<Timestamp, StoreError> {
        self.optional_date(column)?.ok_or_else(|| self.wrong(column, "no value"))
    }

    /// A date, if there is one.
    pub fn optional_date(&mut self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        match self.row.take(column) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Date(moment)) => Ok(Some(moment)),
            Some(_) => Err(self.wrong(column, "not a date")),
        }
    }

    /// The cells not taken yet.
    pub fn rest(&mut self) -> Row {
        std::mem::take(&mut self.row)
    }

    fn wrong(&self, column: &str, reason: &str) -> StoreError {
        StoreError::corrupt(self.table, column, &self.id, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        let now = Timestamp::from_millis(0);
        Session::new(SessionId::new("s1"), SessionToken::new("secret"), UserId::new("u1"), now, now)
    }

    #[test]
    fn records_survive_the_way_through_a_row() {
        let mut user = User::new(UserId::new("u1"), "Ann", "ann@example.com", Timestamp::from_millis(1));
        user.extra.set("plan", "free");
        assert_eq!(User::from_row(user.clone().into_row()).unwrap(), user);
        assert_eq!(Session::from_row(session().into_row()).unwrap(), session());
        let account = Account::credential("a1", UserId::new("u1"), "hash".into(), Timestamp::from_millis(1));
        assert_eq!(Account::from_row(account.clone().into_row()).unwrap(), account);
    }

    #[test]
    fn users_and_sessions_have_the_key_order_of_a_database_read() {
        let json = serde_json::to_string(&session()).unwrap();
        let keys = ["expiresAt", "token", "createdAt", "updatedAt", "ipAddress", "userAgent", "userId", "id"];
        let places: Vec<usize> = keys.iter().map(|key| json.find(&format!("\"{key}\"")).unwrap()).collect();
        assert!(places.is_sorted(), "{json}");
    }

    #[test]
    fn a_cell_of_the_wrong_kind_is_named() {
        let row = session().into_row().with("expiresAt", "soon");
        let error = Session::from_row(row).unwrap_err().to_string();
        assert!(error.contains("`session`") && error.contains("`expiresAt`") && error.contains("`s1`"), "{error}");
        assert!(!error.contains("soon"));
    }

    #[test]
    fn secrets_do_not_print() {
        let account = Account::credential("a1", UserId::new("u1"), "hash".into(), Timestamp::from_millis(1));
        let printed = format!("{:?} {account:?}", session());
        assert!(!printed.contains("secret") && !printed.contains("hash"), "{printed}");
    }
}
