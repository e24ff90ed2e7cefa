//! Which Redis an address means.

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo, ProtocolVersion, RedisError, TlsMode,
    aio::MultiplexedConnection,
    sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType},
};

/// The address of a Redis is none, or of a kind that is not supported. The text does not repeat the address, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the address of Redis cannot be used: {0}")]
pub struct SetupError(String);

/// A Redis that connections can be made to.
pub(crate) struct Origin {
    way: Way,
    name: String,
}

enum Way {
    One(Box<Client>),
    Sentinel(Box<SentinelClient>),
}

impl Origin {
    pub(crate) fn of(url: &str) -> Result<Self, SetupError> {
        if let Some(rest) = url.strip_prefix("redis+sentinel://") {
            return sentinel(rest, false);
        }
        if let Some(rest) = url.strip_prefix("rediss+sentinel://") {
            return sentinel(rest, true);
        }
        one(url)
    }

    /// Where it is, without what is secret.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) async fn connect(
        &mut self,
        config: &AsyncConnectionConfig,
    ) -> Result<MultiplexedConnection, RedisError> {
        match &mut self.way {
            Way::One(client) => client.get_multiplexed_async_connection_with_config(config).await,
            Way::Sentinel(sentinel) => {
                sentinel.async_get_client().await?.get_multiplexed_async_connection_with_config(config).await
            }
        }
    }
}

fn one(url: &str) -> Result<Origin, SetupError> {
    let wrong = |error: RedisError| {
        SetupError(format!(
            "{:?}; write it as redis://user:password@host:6379/0, or rediss:// for TLS, and characters such as / # ? @ in a password as %2F %23 %3F \
             %40",
            error.kind()
        ))
    };
    let info = url.into_connection_info().map_err(wrong)?;
    let settings = info.redis_settings();
    if settings.username().is_some() && settings.password().is_none() {
        return Err(no_password());
    }
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let name = info.addr().to_string();
    let client = Client::open(info.set_redis_settings(settings)).map_err(wrong)?;
    Ok(Origin { way: Way::One(Box::new(client)), name })
}

/// Redis would be asked as its `default` user, who may have other rights than the one that was named.
fn no_password() -> SetupError {
    SetupError(
        "it names a user without a password; write user:password@, or :password@ for the default user".to_owned(),
    )
}

/// `user:password@host:26379,host:26379/name-of-the-master/database`; user and password are those of Redis itself.
fn sentinel(rest: &str, tls: bool) -> Result<Origin, SetupError> {
    let form = || SetupError("write it as redis+sentinel://user:password@host:26379,host:26379/master/0".to_owned());
    let (who, rest) = rest.rsplit_once('@').map_or((None, rest), |(who, rest)| (Some(who), rest));
    let (hosts, path) = rest.split_once('/').ok_or_else(form)?;
    let (master, database) = path.split_once('/').unwrap_or((path, "0"));
    let database: i64 = database.parse().map_err(|_| form())?;
    let mut addresses = Vec::new();
    for host in hosts.split(',') {
        let parsed = url::Url::parse(&format!("redis://{host}")).map_err(|_| form())?;
        let name = parsed.host_str().ok_or_else(form)?.trim_matches(['[', ']']).to_owned();
        let port = parsed.port().unwrap_or(26379);
        addresses.push(if tls {
            ConnectionAddr::TcpTls { host: name, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(name, port)
        });
    }
    if master.is_empty() || addresses.is_empty() {
        return Err(form());
    }
    let wrong = |error: RedisError| SetupError(format!("{:?}", error.kind()));
    let mut builder = SentinelClientBuilder::new(addresses, master, SentinelServerType::Master).map_err(wrong)?;
    builder = builder.set_client_to_redis_protocol(ProtocolVersion::RESP3).set_client_to_redis_db(database);
    if tls {
        builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
    }
    if let Some(who) = who {
        let parsed = url::Url::parse(&format!("redis://{who}@host")).map_err(|_| form())?;
        let decoded = |text: &str| -> String {
            url::form_urlencoded::parse(format!("k={}", text.replace('+', "%2B")).as_bytes())
                .map(|(_, value)| value.into_owned())
                .collect()
        };
        if !parsed.username().is_empty() && parsed.password().is_none() {
            return Err(no_password());
        }
        if !parsed.username().is_empty() {
            builder = builder.set_client_to_redis_username(decoded(parsed.username()));
        }
        if let Some(password) = parsed.password() {
            builder = builder.set_client_to_redis_password(decoded(password));
        }
    }
    let name = format!("`{master}`, the master that {hosts} know of,");
    Ok(Origin { way: Way::Sentinel(Box::new(builder.build().map_err(wrong)?)), name })
}
