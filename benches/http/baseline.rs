//! The least that a server could do: bare axum routes.
//!
//! They check no signature and no date. One takes the answer from a hash map; each of the others runs the query that this store needs, on
//! a statement that is held ready, and writes what it finds.

use std::{
    collections::HashMap,
    fs,
    net::SocketAddr,
    process::ExitCode,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
    serve::ListenerExt,
};
use hallpass_benches::seed::{self, STATEMENT};
use hallpass_store::Timestamp;
use mysql_async::prelude::Queryable;
use redis::AsyncCommands;
use serde::Serialize;

/// Serves what the arguments say: a kind, where it finds its data, and an address.
pub(crate) fn serve() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, place, address] = &arguments[..] else { panic!("kind, place and address") };
    let address: SocketAddr = address.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        let route = match &**kind {
            "map" => from_map(place),
            "sqlite" => from_sqlite(place),
            "postgres" => from_postgres(place).await,
            "mariadb" => from_mariadb(place),
            "redis" => from_redis(place).await,
            other => panic!("no such baseline: {other}"),
        };
        let ok = get(|| async { Json(serde_json::json!({"ok": true})) });
        let app = Router::new().route("/api/auth/get-session", route).route("/api/auth/ok", ok);
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        axum::serve(listener.tap_io(|stream| stream.set_nodelay(true).unwrap()), app).await.unwrap();
    });
    ExitCode::SUCCESS
}

/// The token of a header, unchecked.
fn token(headers: &HeaderMap) -> &str {
    let signed = headers[header::AUTHORIZATION].to_str().unwrap().strip_prefix("Bearer ").unwrap();
    signed.split('.').next().unwrap()
}

fn json(body: impl Into<axum::body::Body>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.into()).into_response()
}

/// Out of a file with a token and an answer in each line.
fn from_map(place: &str) -> MethodRouter {
    let file = fs::read_to_string(place).unwrap();
    let entry = |line: &str| {
        let (token, answer) = line.split_once('\t').unwrap();
        (token.to_owned(), Bytes::from(answer.to_owned()))
    };
    let answers: Arc<HashMap<String, Bytes>> = Arc::new(file.lines().map(entry).collect());
    let answer = async |State(answers): State<Arc<HashMap<String, Bytes>>>, headers: HeaderMap| {
        json(answers[token(&headers)].clone())
    };
    get(answer).with_state(answers)
}

/// An answer, with whatever has its texts.
#[derive(Serialize)]
struct Answer<'a, D> {
    session: Session<'a, D>,
    user: User<'a, D>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Session<'a, D> {
    expires_at: D,
    token: &'a str,
    created_at: D,
    updated_at: D,
    ip_address: Option<&'a str>,
    user_agent: Option<&'a str>,
    user_id: &'a str,
    id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct User<'a, D> {
    name: &'a str,
    email: &'a str,
    email_verified: bool,
    image: Option<&'a str>,
    created_at: D,
    updated_at: D,
    id: &'a str,
}

impl<'a, D> Answer<'a, D> {
    /// From the columns of the statement: texts, dates, and whether the address is proven.
    fn read(text: impl Fn(usize) -> Option<&'a str>, date: impl Fn(usize) -> D, email_verified: bool) -> Self {
        let must = |column| text(column).unwrap();
        Self {
            session: Session {
                expires_at: date(1),
                token: must(2),
                created_at: date(3),
                updated_at: date(4),
                ip_address: text(5),
                user_agent: text(6),
                user_id: must(7),
                id: must(0),
            },
            user: User {
                name: must(9),
                email: must(10),
                email_verified,
                image: text(12),
                created_at: date(13),
                updated_at: date(14),
                id: must(8),
            },
        }
    }
}

fn from_sqlite(place: &str) -> MethodRouter {
    thread_local! {
        static CONNECTION: std::cell::OnceCell<rusqlite::Connection> = const { std::cell::OnceCell::new() };
    }
    let answer = async |State(place): State<Arc<str>>, headers: HeaderMap| {
        CONNECTION.with(|connection| {
            let connection = connection.get_or_init(|| seed::connect(place.as_ref().as_ref()));
            let mut statement = connection.prepare_cached(STATEMENT).unwrap();
            let mut rows = statement.query([token(&headers)]).unwrap();
            let row = rows.next().unwrap().expect("every token has a session");
            let text = |column: usize| row.get_ref(column).unwrap().as_str_or_null().unwrap();
            let date = |column: usize| text(column).unwrap();
            json(serde_json::to_vec(&Answer::read(text, date, row.get(11).unwrap())).unwrap())
        })
    };
    get(answer).with_state(Arc::from(place))
}

async fn from_postgres(place: &str) -> MethodRouter {
    let (client, connection) = tokio_postgres::connect(place, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let statement = client.prepare(&STATEMENT.replace("?1", "$1")).await.unwrap();
    let held = Arc::new((client, statement));
    let answer = async |State(held): State<Arc<(tokio_postgres::Client, tokio_postgres::Statement)>>,
                        headers: HeaderMap| {
        let row = held.0.query_one(&held.1, &[&token(&headers)]).await.unwrap();
        let date = |column: usize| {
            let since = row.get::<_, SystemTime>(column).duration_since(UNIX_EPOCH).unwrap();
            Timestamp::from_millis(since.as_millis().try_into().unwrap())
        };
        json(serde_json::to_vec(&Answer::read(|column| row.get(column), date, row.get(11))).unwrap())
    };
    get(answer).with_state(held)
}

fn from_mariadb(place: &str) -> MethodRouter {
    // Connections that are reset after each use forget what was prepared.
    let options = mysql_async::PoolOpts::new().with_reset_connection(false);
    let opts = mysql_async::Opts::from_url(place).unwrap();
    let pool = mysql_async::Pool::new(mysql_async::OptsBuilder::from_opts(opts).pool_opts(options));
    let answer = async |State(pool): State<mysql_async::Pool>, headers: HeaderMap| {
        let mut connection = pool.get_conn().await.unwrap();
        // The driver keeps it ready.
        let statement = STATEMENT.replace('"', "`").replace("?1", "?");
        let row: mysql_async::Row = connection.exec_first(statement, (token(&headers),)).await.unwrap().unwrap();
        let text = |column: usize| match &row[column] {
            mysql_async::Value::Bytes(bytes) => Some(std::str::from_utf8(bytes).unwrap()),
            _ => None,
        };
        let date = |column: usize| match row[column] {
            mysql_async::Value::Date(year, month, day, hour, minute, second, micros) => {
                format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", micros / 1000)
            }
            _ => panic!("no date"),
        };
        json(serde_json::to_vec(&Answer::read(text, date, row.get(11).unwrap())).unwrap())
    };
    get(answer).with_state(pool)
}

/// What Redis holds is the answer already.
async fn from_redis(place: &str) -> MethodRouter {
    let client = redis::Client::open(place).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    let answer = async |State(mut connection): State<redis::aio::MultiplexedConnection>, headers: HeaderMap| {
        let entry: Vec<u8> = connection.get(format!("better-auth:{}", token(&headers))).await.unwrap();
        json(entry)
    };
    get(answer).with_state(connection)
}
