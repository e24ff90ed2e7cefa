//! One connection: how it is made, and how a statement runs on it.

use std::{
    collections::HashMap,
    error::Error as _,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use futures_util::{TryStreamExt, future::BoxFuture, pin_mut};
use tokio::sync::Notify;
use tokio_postgres::{
    CancelToken, Client, Error, Row, Socket, Statement,
    error::SqlState,
    tls::MakeTlsConnect,
    types::{ToSql, Type},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    cells::type_of,
    options::{PostgresOptions, Server},
    tls,
};
use crate::{ConnectError, dialect::Cell};

const POSTGRES: &str = "Postgres";

/// How many statements a connection holds ready before it begins anew.
const STATEMENTS: usize = 256;

/// A connection that is open.
pub(super) struct Connection {
    client: Client,
    keep: bool,
    statements: Mutex<HashMap<String, Vec<Prepared>>>,
    condemned: Arc<Notify>,
    tls: MakeRustlsConnect,
    heard: Mutex<Instant>,
}

/// A statement for parameters of these types.
struct Prepared {
    types: Vec<Type>,
    statement: Statement,
}

/// What carries a connection's messages; it ends with the connection.
pub(super) type Driver = BoxFuture<'static, ()>;

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// A connection's messages.
pub(super) type Wire = tokio_postgres::Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// Connects, in bounded time.
pub(super) async fn dial(options: &PostgresOptions) -> Result<(Client, Wire, MakeRustlsConnect), ConnectError> {
    let server = &options.server;
    let tls = tls::connector(&server.trust).map_err(|problem| ConnectError::Tls {
        database: POSTGRES,
        server: server.name(),
        problem,
        cause: None,
    })?;
    let mut config = server.config.clone();
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(options.connect_timeout);
    }
    // The driver's own bound is on the TCP handshake only; a server may also fall silent after it.
    match tokio::time::timeout(options.connect_timeout, config.connect(tls.clone())).await {
        Ok(opened) => opened.map(|(client, wire)| (client, wire, tls)).map_err(|error| explained(error, server)),
        Err(late) => Err(ConnectError::Unreachable { database: POSTGRES, server: server.name(), cause: late.into() }),
    }
}

impl Connection {
    pub(super) async fn open(options: &PostgresOptions) -> Result<(Self, Driver), ConnectError> {
        let (client, connection, tls) = dial(options).await?;
        let condemned = Arc::new(Notify::new());
        let end = Arc::clone(&condemned);
        let driver = Box::pin(async move {
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(reason = error.to_string(), "a connection to Postgres has ended");
                },
                () = end.notified() => tracing::debug!("a connection to Postgres is given up"),
            }
        });
        let statements = Mutex::new(HashMap::new());
        let heard = Mutex::new(Instant::now());
        Ok((Self { client, keep: options.statement_cache, statements, condemned, tls, heard }, driver))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Whether nothing was heard on it since then.
    pub(super) fn is_silent_since(&self, moment: Instant) -> bool {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) < moment
    }

    /// Ends the connection, with all that is under way on it.
    pub(super) fn condemn(&self) {
        self.condemned.notify_one();
    }

    /// Ends it, and what the server may still do for it: behind a lock it would wait there for ever, and keep its place.
    pub(super) fn give_up(&self) {
        self.cancel();
        self.condemn();
    }

    /// Asks the server to stop what this connection does, without waiting for it.
    pub(super) fn cancel(&self) {
        let (token, tls): (CancelToken, _) = (self.client.cancel_token(), self.tls.clone());
        tokio::spawn(async move { drop(token.cancel_query(tls).await) });
    }

    /// Runs statements that have no parameters and no answer.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), Error> {
        self.client.batch_execute(sql).await
    }

    /// Runs a statement; its rows, and how many it touched.
    pub(super) async fn run(&self, sql: &str, cells: &[&Cell]) -> Result<(Vec<Row>, u64), Error> {
        let ran = self.ask(sql, cells).await;
        // A refusal is a sign of life too.
        if ran.as_ref().map_or_else(|error| error.as_db_error().is_some(), |_| true) {
            *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }
        ran
    }

    async fn ask(&self, sql: &str, cells: &[&Cell]) -> Result<(Vec<Row>, u64), Error> {
        let stream = if self.keep {
            let statement = self.prepared(sql, cells).await?;
            self.client.query_raw(&statement, cells.iter().map(|cell| *cell as &(dyn ToSql + Sync))).await?
        } else {
            let typed = cells.iter().map(|cell| (*cell as &(dyn ToSql + Sync), type_of(cell)));
            self.client.query_typed_raw(sql, typed).await?
        };
        pin_mut!(stream);
        let mut rows = Vec::new();
        while let Some(row) = stream.try_next().await? {
            rows.push(row);
        }
        Ok((rows, stream.rows_affected().unwrap_or(0)))
    }

    async fn prepared(&self, sql: &str, cells: &[&Cell]) -> Result<Statement, Error> {
        let fits = |prepared: &&Prepared| prepared.types.iter().cloned().eq(cells.iter().map(|cell| type_of(cell)));
        if let Some(known) = self.statements().get(sql).and_then(|known| known.iter().find(fits)) {
            return Ok(known.statement.clone());
        }
        let types: Vec<Type> = cells.iter().map(|cell| type_of(cell)).collect();
        let statement = self.client.prepare_typed(sql, &types).await?;
        let mut statements = self.statements();
        if statements.len() >= STATEMENTS {
            statements.clear();
        }
        statements.entry(sql.to_owned()).or_default().push(Prepared { types, statement: statement.clone() });
        Ok(statement)
    }

    /// Forgets what was prepared, because it no longer fits.
    pub(super) fn forget(&self) {
        self.statements().clear();
    }

    fn statements(&self) -> std::sync::MutexGuard<'_, HashMap<String, Vec<Prepared>>> {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why there is no connection, and what to do about it.
fn explained(error: Error, server: &Server) -> ConnectError {
    let (database, name) = (POSTGRES, server.name());
    let Some(told) = error.as_db_error() else {
        let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        let handshake = error.to_string().contains("TLS");
        return if handshake {
            ConnectError::Tls { database, server: name, problem: cause, cause: None }
        } else {
            ConnectError::Unreachable { database, server: name, cause: Box::new(error) }
        };
    };
    let user = server.config.get_user().unwrap_or_default().to_owned();
    let code = told.code().clone();
    if code == SqlState::CANNOT_CONNECT_NOW {
        // It is starting or stopping, and says so.
        return ConnectError::Unreachable { database, server: name, cause: Box::new(error) };
    }
    if code == SqlState::INVALID_CATALOG_NAME {
        let wanted = server.config.get_dbname().unwrap_or(&user).to_owned();
        let command = format!("createdb {wanted}");
        return ConnectError::NoDatabase { name: wanted, server: name, command };
    }
    if code.code().starts_with("28") {
        return ConnectError::Refused { database, server: name, user, cause: Box::new(error) };
    }
    ConnectError::Server { database, server: name, problem: told.message().to_owned() }
}
