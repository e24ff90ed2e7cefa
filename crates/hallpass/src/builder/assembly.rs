//! From what was said to an engine.

use std::{collections::HashMap, num::NonZeroUsize, sync::Arc};

use hallpass_cache::{CachedStore, WhyOff};
use hallpass_store::{Schema, SecondaryStorage, Store, Table, Tiered, TieredOptions};
use hallpass_verify::SigningKey;

use super::{
    Builder,
    checks::{
        Base, check_disabled_paths, check_domain, check_fields, check_links, check_spans, check_storage, trusted,
        warn_of_refresh_cache,
    },
};
use crate::{
    auth::{Engine, Hallpass},
    background::Background,
    cookie::AuthCookies,
    crypto::{
        ids::Ids,
        jwe::{self, KeyRing},
        pool::Pool,
        random::{ALPHANUMERIC, ID_LEN, draw},
        secrets::Secrets,
    },
    endpoints,
    error::BuildError,
    gate::{
        ClientIps, RateLimiter, StoredCounters,
        base_url::{DynamicBaseUrl, NameCookies},
        origin::OriginCheck,
        stored_counters,
    },
    mail::{MailKind, Outbox},
    oauth::Providers,
    options::{Environment, GenerateId},
    plugin::Registrar,
    routes::Routes,
    session::cache::Cache,
    table_names::{self, TableNames},
    verification::values::NextSweep,
};

impl Builder {
    /// Checks everything and builds the engine.
    ///
    /// # Errors
    /// When something required is missing or makes no sense; the text says what to change.
    pub fn build(mut self) -> Result<Hallpass, BuildError> {
        let secrets = Secrets::build(std::mem::take(&mut self.secrets), self.secret.take(), self.environment)?;
        let store = self.store.take().ok_or_else(|| BuildError::new("a store is required: call `.store(…)`"))?;
        let base = Base::new(self.base_url.as_ref(), self.base_path.as_deref())?;
        check_spans(&self.session)?;
        warn_of_refresh_cache(&self.session.cookie_cache);
        check_disabled_paths(&self.disabled_paths)?;
        check_domain(&self.advanced, &base)?;
        check_storage(&self.rate_limit, self.secondary.is_some())?;
        self.senders.switches = self.switches();
        check_links(&self, &base)?;
        let registrar = self.collect()?;
        let store = match &self.secondary {
            Some(secondary) => self.tiered(store, Arc::clone(secondary)),
            None => store,
        };
        Ok(Hallpass { engine: Arc::new(self.assemble(secrets, store, base, registrar)?) })
    }

    /// One store of the two.
    fn tiered(&self, records: Arc<dyn Store>, secondary: Arc<dyn SecondaryStorage>) -> Arc<dyn Store> {
        let mut options = TieredOptions::default();
        options.store_session_in_database = self.session.store_session_in_database;
        options.preserve_session_in_database = self.session.preserve_session_in_database;
        options.verification_in_database = self.verification.store_in_database;
        options.session_life = self.session.expires_in();
        let (clock, randomness) = (Arc::clone(&self.clock), Arc::clone(&self.randomness));
        let new_id = move || draw(&*randomness, ID_LEN, ALPHANUMERIC);
        Arc::new(Tiered::new(records, secondary, options, move || clock.now(), new_id))
    }

    /// What the user of the engine, the engine itself and the plugins add, in this order.
    fn collect(&mut self) -> Result<Registrar, BuildError> {
        let mut registrar = std::mem::replace(&mut self.hooks, Registrar::new());
        registrar.user_fields = std::mem::take(&mut self.user.additional_fields);
        registrar.session_fields = std::mem::take(&mut self.session.additional_fields);
        endpoints::mount(&mut registrar);
        self.add_plugins(&mut registrar)?;
        check_fields(&registrar)?;
        Ok(registrar)
    }

    /// Which mail is sent where one mailer carries every kind.
    fn switches(&self) -> HashMap<MailKind, bool> {
        let (change, delete) = (&self.user.change_email, &self.user.delete_user);
        HashMap::from([
            (MailKind::VERIFY_EMAIL, self.email_verification.send_verification_email.unwrap_or(true)),
            (MailKind::RESET_PASSWORD, self.email_and_password.send_reset_password.unwrap_or(true)),
            (MailKind::CHANGE_EMAIL_CONFIRMATION, change.send_change_email_confirmation.unwrap_or(false)),
            (MailKind::DELETE_ACCOUNT, delete.send_delete_account_verification.unwrap_or(false)),
        ])
    }

    /// Puts everything in its place.
    fn assemble(
        self,
        secrets: Secrets,
        store: Arc<dyn Store>,
        base: Base,
        registrar: Registrar,
    ) -> Result<Engine, BuildError> {
        let secure = self.advanced.use_secure_cookies.or(base.is_https());
        let secure = secure.unwrap_or(self.environment == Environment::Production);
        let hosts = self.dynamic_base_url(&base)?;
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let hashing = Pool::start(threads, self.hash_queue).map_err(|error| {
            BuildError::new(format!("the threads for hashing passwords could not be started: {error}"))
        })?;
        let (schema, key) = (self.schema(&registrar)?, SigningKey::new(secrets.current()));
        let session_cache = self.session_cache(&store, &schema);
        let store = session_cache.as_ref().map_or(store, |cached| Arc::clone(cached) as _);
        let ids = Ids::new(self.advanced.database.generate_id, self.make_id, Arc::clone(&self.randomness));
        let stored = self
            .rate_limit
            .is_in_database()
            .then(|| StoredCounters::new(Arc::clone(&store), schema.clone(), Arc::clone(&self.clock), ids.clone()));
        let limits = registrar.rate_limits;
        let background = Background::default();
        Ok(Engine {
            environment: self.environment,
            limiter: RateLimiter::new(&self.rate_limit, self.environment, limits, key.clone(), stored)
                .counting_in(self.secondary.filter(|_| self.rate_limit.is_in_secondary_storage())),
            store,
            session_cache,
            schema,
            key,
            ids,
            clock: self.clock,
            outbox: Outbox::new(self.senders, background.clone(), Arc::clone(&self.randomness)),
            randomness: self.randomness,
            hashing,
            background,
            callbacks: self.callbacks,
            body_limit: self.body_limit,
            disabled_paths: self.disabled_paths,
            skip_trailing_slashes: self.advanced.skip_trailing_slashes,
            trusted_proxy_headers: self.advanced.trusted_proxy_headers,
            hosts,
            default_cookies: AuthCookies::new(&self.advanced, &self.session, secure, base.host.as_deref()),
            email_and_password: self.email_and_password,
            email_verification: self.email_verification,
            verification: self.verification,
            next_sweep: NextSweep::default(),
            change_email: self.user.change_email,
            delete_user: self.user.delete_user,
            cookie_cache: Cache::new(&self.session.cookie_cache, self.cookie_cache_version, &secrets),
            account_cookie: self.account.store_account_cookie.then(|| KeyRing::new(&secrets, jwe::ACCOUNT)),
            account: self.account,
            providers: Providers::new(registrar.providers, self.http_client)?,
            secrets,
            session: self.session,
            user_fields: registrar.user_fields,
            session_fields: registrar.session_fields,
            error_url: self.error_url,
            ips: ClientIps::new(&self.advanced.ip_address, self.environment)?,
            origins: OriginCheck {
                trusted: trusted(&base, &self.trusted_origins, &registrar.trusted_origins),
                of_request: self.trusted_origins_for,
                trust_own: base.is_unknown(),
                csrf_disabled: self.advanced.disable_csrf_check,
                disabled: self.advanced.disable_origin_check,
            },
            origin: base.origin,
            base_path: base.path,
            routes: Routes::new(registrar.endpoints)?,
            before: registrar.before,
            after: registrar.after,
            on_request: registrar.on_request,
            on_response: registrar.on_response,
            database: registrar.database,
            error_codes: registrar.error_codes,
        })
    }

    /// Puts the cache in front of the store, where it may be believed.
    fn session_cache(&self, store: &Arc<dyn Store>, schema: &Schema) -> Result<Arc<CachedStore>, WhyOff> {
        if self.session.cache.enabled == Some(false) {
            return Err(WhyOff::Disabled);
        }
        let clock = Arc::clone(&self.clock);
        CachedStore::new(Arc::clone(store), schema, &(&self.session.cache).into(), move || clock.now())
    }

    /// Where the base URL depends on the request, what it can be.
    fn dynamic_base_url(&self, base: &Base) -> Result<Option<DynamicBaseUrl>, BuildError> {
        let Some(hosts) = &base.hosts else { return Ok(None) };
        let name_cookies = self.advanced.cross_sub_domain_cookies.enabled.then(|| -> NameCookies {
            let (advanced, session) = (self.advanced.clone(), self.session.clone());
            Box::new(move |is_https, host| {
                AuthCookies::new(&advanced, &session, advanced.use_secure_cookies.unwrap_or(is_https), host)
            })
        });
        let trusts_proxy = self.advanced.trusted_proxy_headers;
        DynamicBaseUrl::new(hosts, &base.path, trusts_proxy, name_cookies).map(Some)
    }

    /// The tables, with what configuration and plugins add to them.
    fn schema(&self, registrar: &Registrar) -> Result<Schema, BuildError> {
        let tables = [("user", &registrar.user_fields), ("session", &registrar.session_fields)];
        let columns = tables.into_iter().flat_map(|(table, fields)| fields.iter().map(move |field| (table, field)));
        let mut schema = columns.fold(registrar.schema.clone(), |schema, (table, (name, field))| {
            schema.with_column(table, field.column(name))
        });
        if self.rate_limit.is_in_database() {
            schema = schema.with_table(stored_counters::table());
        }
        schema = match self.advanced.database.generate_id.filter(|_| self.make_id.is_none()) {
            Some(GenerateId::Serial) => schema.numbered(),
            Some(GenerateId::Uuid) => schema.uuids(),
            _ => schema,
        };
        let named = self.table_names().iter().try_fold(schema, |schema, names| names.apply(schema))?;
        table_names::check(&named)?;
        Ok(named)
    }

    /// What the engine's own tables are called.
    fn table_names(&self) -> Vec<TableNames<'_>> {
        let named = |table: Table| {
            let (section, model_name, fields) = match &*table.name {
                "user" => ("user", &self.user.model_name, &self.user.fields),
                "session" => ("session", &self.session.model_name, &self.session.fields),
                "account" => ("account", &self.account.model_name, &self.account.fields),
                "verification" => ("verification", &self.verification.model_name, &self.verification.fields),
                _ => ("rate_limit", &self.rate_limit.model_name, &self.rate_limit.fields),
            };
            TableNames { table, section, model_name: model_name.as_deref(), fields }
        };
        let core = Schema::core();
        core.tables().iter().cloned().chain([stored_counters::table()]).map(named).collect()
    }

    fn add_plugins(&self, registrar: &mut Registrar) -> Result<(), BuildError> {
        let mut known: Vec<&str> = Vec::new();
        for plugin in &self.plugins {
            if known.contains(&plugin.id()) {
                return Err(BuildError::new(format!("the plugin `{}` is added twice", plugin.id())));
            }
            known.push(plugin.id());
            plugin.build(registrar)?;
        }
        Ok(())
    }
}
