//! Users and sessions that are there from the start, put into the store without the cost of hashing a password.

use hallpass::{
    Clock,
    store::{
        Account, Batch, Filter, Query, Record, Row, Session, SessionId, SessionToken, Timestamp, User, UserId, Value,
    },
};
use hallpass_verify::{SigningKey, component};
use http::HeaderMap;

use super::{DAY, SECRET, Stage, headers};

/// The password of everybody on a stage.
pub(crate) const PASSWORD: &str = "password123";

/// Its hash, a vector of CONTRACT §6.
pub(crate) const PASSWORD_HASH: &str = "00112233445566778899aabbccddeeff:73122e887cfc14f91396cdef78dfe4b9dec28d459037601c4904cedba5a637ab97b39b40c236df5d42881d0109ca8cf0f85e39dbaba2911c190915bd8f30fe85";

/// A user with a session.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Caller {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) token: String,
}

impl Caller {
    /// What `set-auth-token` would hold.
    pub(crate) fn signed(&self) -> String {
        sign(&self.token)
    }

    /// The session's cookie as browsers send it.
    pub(crate) fn cookie(&self) -> String {
        cookie(&self.signed())
    }

    /// The headers of an in-process call with the bare token.
    pub(crate) fn headers(&self) -> HeaderMap {
        headers([("authorization", format!("Bearer {}", self.token))])
    }
}

/// `token.signature`.
pub(crate) fn sign(value: &str) -> String {
    SigningKey::new(SECRET).sign(value)
}

/// `token.signature` by somebody who does not know the secret.
pub(crate) fn forged(value: &str) -> String {
    SigningKey::new("another secret").sign(value)
}

/// A session cookie with this value.
pub(crate) fn cookie(value: &str) -> String {
    format!("better-auth.session_token={}", component::encode(value))
}

impl Stage {
    /// A user of this name with a password account and a session that begins now.
    pub(crate) async fn caller(&self, name: &str) -> Caller {
        let now = self.now();
        let (id, email) = (format!("{name}-id"), format!("{name}@example.com"));
        let user = User::new(UserId::new(&*id), name, &*email, now);
        let account = Account::credential(format!("{name}-account"), user.id.clone(), PASSWORD_HASH.into(), now);
        self.write(Batch::new().insert("user", user.into_row()).insert("account", account.into_row())).await;
        let token = self.session(&id, name).await;
        Caller { id, email, token }
    }

    /// A further session of a user, begun now for seven days; its token.
    pub(crate) async fn session(&self, user_id: &str, name: &str) -> String {
        self.session_until(user_id, name, self.now() + 7 * DAY).await
    }

    /// A further session that ends at a given time; its token.
    pub(crate) async fn session_until(&self, user_id: &str, name: &str, ends: Timestamp) -> String {
        let token = format!("{name:T<32}");
        let id = SessionId::new(format!("{name}-session"));
        let session = Session::new(id, SessionToken::new(&*token), UserId::new(user_id), self.now(), ends);
        self.write(Batch::new().insert("session", session.into_row())).await;
        token
    }

    /// The stage's present moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Writes to the store behind the server's back.
    pub(crate) async fn write(&self, batch: Batch) {
        self.store.write(self.auth.schema(), batch).await.unwrap();
    }

    /// Removes a session behind the server's back.
    pub(crate) async fn forget(&self, token: &str) {
        self.write(Batch::new().delete("session", Filter::eq("token", token))).await;
    }

    /// The rows of a table.
    pub(crate) async fn rows(&self, table: &'static str) -> Vec<Row> {
        self.store.find(self.auth.schema(), Query::table(table)).await.unwrap()
    }

    /// One cell of every row of a table.
    pub(crate) async fn column(&self, table: &'static str, column: &str) -> Vec<Value> {
        self.rows(table).await.into_iter().map(|mut row| row.take(column).unwrap()).collect()
    }

    /// The tokens of all sessions.
    pub(crate) async fn tokens(&self) -> Vec<String> {
        let tokens = self.column("session", "token").await;
        tokens.iter().map(|token| token.as_text().unwrap().to_owned()).collect()
    }
}
