//! A node with a cache beside a server of the npm package, which changes things through its endpoints and knows of no cache.

use std::{sync::Arc, time::Duration};

use hallpass_cache::suite::Race;
use hallpass_sql::SqlStore;
use hallpass_store::{
    Action, Batch, Filter, Fut, Mode, Operation, Outcome, Plan, Query, Row, Schema, Session, SessionAndUser, SessionId,
    SessionToken, Store, StoreError, Timestamp, User, UserId, Value,
};
use hallpass_test_services::NpmPackage;
use serde_json::{Value as Json, json};

use crate::{
    coherence::reads,
    fleet::{Node, TOKEN, are_coherent, relay},
    postgres::{database, node},
    redis::Stage,
};

const LEASE: Duration = Duration::from_millis(400);

/// A server of the npm package in the place of a node: what a node would write or look up is asked of its endpoints. Only sessions begin
/// beside it, since nobody can tell it which token to draw.
struct Npm {
    origin: String,
    client: reqwest::Client,
    /// What it shares with the nodes.
    shared: Arc<dyn Store>,
    _server: NpmPackage,
}

impl Npm {
    async fn start(database: &str, redis: Option<&str>, shared: Arc<dyn Store>) -> Option<Self> {
        let mut server = NpmPackage::start().await?;
        let options = json!({
            "secret": "a secret of this test, and of no other", "baseURL": server.origin(),
            "logger": { "disabled": true }, "rateLimit": { "enabled": false }, "session": { "freshAge": 0 },
            "user": { "deleteUser": { "enabled": true } },
        });
        let configuration = json!({ "options": options, "bearer": {}, "url": database, "redis": redis });
        server.be(&configuration.to_string()).await;
        Some(Self { origin: server.origin(), client: reqwest::Client::new(), shared, _server: server })
    }

    async fn ask(&self, path: &str, token: &SessionToken, body: Option<Json>) -> Result<Json, StoreError> {
        let url = format!("{}/api/auth{path}", self.origin);
        let request = match &body {
            None => self.client.get(url),
            Some(body) => self.client.post(url).header("content-type", "application/json").body(body.to_string()),
        };
        let answer = request.bearer_auth(token.expose()).send().await.map_err(StoreError::unavailable)?;
        let (status, text) = (answer.status(), answer.text().await.map_err(StoreError::unavailable)?);
        if !status.is_success() {
            return Err(StoreError::misuse(format!("{path} was answered with {status}: {text}")));
        }
        serde_json::from_str(&text).map_err(|error| StoreError::misuse(error.to_string()))
    }

    /// The session that a filter is about.
    async fn token(&self, schema: &Schema, filter: Filter) -> SessionToken {
        let rows = self.shared.find(schema, Query::table("session").filter(filter)).await.unwrap();
        SessionToken::new(rows[0].get("token").and_then(Value::as_text).unwrap())
    }

    async fn change(&self, schema: &Schema, operation: &Operation) -> Result<(), StoreError> {
        let (path, filter, body) = match (&*operation.table, &operation.action) {
            ("user", Action::Update { filter, set }) => {
                ("/update-user", of_user(filter), json!({ "name": set.get("name").and_then(Value::as_text) }))
            }
            ("user", Action::Delete(filter)) => ("/delete-user", of_user(filter), json!({})),
            ("session", Action::Take(filter)) => {
                let token = self.token(schema, filter.clone()).await;
                ("/revoke-session", filter.clone(), json!({ "token": token.expose() }))
            }
            ("session", Action::Delete(filter @ Filter::Eq(column, _))) if &**column == "token" => {
                ("/sign-out", filter.clone(), json!({}))
            }
            ("session", Action::Delete(filter)) => ("/revoke-sessions", filter.clone(), json!({})),
            _ => panic!("nobody does this in a race: {operation:?}"),
        };
        self.ask(path, &self.token(schema, filter).await, Some(body)).await.map(drop)
    }
}

/// The sessions of the user that a filter chooses.
fn of_user(filter: &Filter) -> Filter {
    let Filter::Eq(_, id) = filter else { panic!("a user is chosen by its id: {filter:?}") };
    Filter::Eq("userId".into(), id.clone())
}

impl Store for Npm {
    fn migrate<'a>(&'a self, schema: &'a Schema, mode: Mode) -> Fut<'a, Plan> {
        self.shared.migrate(schema, mode)
    }

    fn session_with_user<'a>(&'a self, _: &'a Schema, token: &'a SessionToken) -> Fut<'a, Option<SessionAndUser>> {
        Box::pin(async move {
            let found = self.ask("/get-session", token, None).await?;
            let text = |pointer: &str| found.pointer(pointer).and_then(Json::as_str).map(ToOwned::to_owned);
            let (Some(id), Some(token), Some(owner)) =
                (text("/session/id"), text("/session/token"), text("/session/userId"))
            else {
                return Ok(None);
            };
            let never = Timestamp::from_millis(0);
            let session = Session::new(SessionId::new(id), SessionToken::new(token), UserId::new(owner), never, never);
            let user = (text("/user/id").unwrap(), text("/user/name").unwrap(), text("/user/email").unwrap());
            Ok(Some(SessionAndUser::new(session, User::new(UserId::new(user.0), user.1, user.2, never))))
        })
    }

    fn find<'a>(&'a self, schema: &'a Schema, query: Query) -> Fut<'a, Vec<Row>> {
        self.shared.find(schema, query)
    }

    fn write<'a>(&'a self, schema: &'a Schema, batch: Batch) -> Fut<'a, Vec<Outcome>> {
        Box::pin(async move {
            if batch.operations().iter().all(|operation| matches!(operation.action, Action::Insert(_))) {
                return self.shared.write(schema, batch).await;
            }
            for operation in batch.operations() {
                self.change(schema, operation).await?;
            }
            Ok(Vec::new())
        })
    }

    fn ping(&self) -> Fut<'_, ()> {
        self.shared.ping()
    }
}

async fn race(node: &Node, npm: Npm, schema: Schema) {
    let nodes = [node.racing(), Arc::new(npm) as _];
    let racing = || Race::new(nodes.to_vec(), schema.clone()).users(30).readers(12);
    are_coherent(|| racing().reads(reads(1_500)).changes(60)).await;
    let stats = node.cached.stats();
    assert!(stats.hits > 100, "{stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_a_node_server_on_one_postgres() {
    let schema = Schema::core();
    let Some((_postgres, url)) = database(&schema).await else { return };
    let node = node(&url, &schema, LEASE, None).await;
    let shared = Arc::new(SqlStore::connect(&url).await.unwrap());
    let Some(npm) = Npm::start(&url, None, shared).await else { return };
    race(&node, npm, schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_a_node_server_on_one_redis() {
    let Some(stage) = Stage::new(|_| {}).await else { return };
    let node = stage.node(LEASE).await;
    let shared = stage.store(&stage.redis).await;
    let Some(npm) = Npm::start(&stage.database, Some(&stage.redis), shared).await else { return };
    race(&node, npm, stage.schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_server_changes_is_seen_without_the_channel() {
    let schema = Schema::core();
    let Some((_postgres, url)) = database(&schema).await else { return };
    let (relay, shared) = (relay(&url).await, Arc::new(SqlStore::connect(&url).await.unwrap()));
    let Some(npm) = Npm::start(&url, None, shared).await else { return };
    let token = SessionToken::new(TOKEN);
    let renamed = async |to: &str| drop(npm.ask("/update-user", &token, Some(json!({ "name": to }))).await.unwrap());
    let listen = relay.through(&url);
    let patient = node(&url, &schema, Duration::from_secs(10), Some(&listen)).await;
    patient.is_not_asked_once_closed(&relay, renamed).await;
    let node = node(&url, &schema, LEASE, Some(&listen)).await;
    node.is_not_believed_for_longer_than_the_lease(&relay, renamed).await;
}
