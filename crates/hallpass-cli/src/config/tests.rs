use super::*;

fn reading(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, String> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    read(text, "hallpass.toml", &variables).map_err(|error| error.to_string())
}

#[test]
fn nothing_configured_is_a_development_server_on_loopback() {
    let config = reading("", &[]).unwrap().config;
    assert_eq!(config, Config::default());
    assert_eq!(config.environment(), Environment::Development);
    assert!(config.plugins.bearer.enabled && config.email_and_password.enabled);
}

#[test]
fn the_table_of_keys_is_the_configuration() {
    let mut config = Config::default();
    // Plugins that are off until their section is there.
    config.plugins.open_api = Some(OpenApiSection::default());
    let json = serde_json::to_value(config).unwrap();
    let mut paths = Vec::new();
    collect(&json, String::new(), &mut paths);
    let described: Vec<&str> = keys::KEYS.iter().map(|key| key.path).collect();
    for path in &paths {
        assert!(described.iter().any(|key| key == path), "{path} is not in the table");
    }
    let free = ["*", "additional_fields", "cookies.", "custom_rules", "store_identifier.", "base_url."];
    for key in keys::KEYS.iter().filter(|key| key.available && !free.iter().any(|part| key.path.contains(part))) {
        assert!(paths.iter().any(|path| path == key.path), "{} is in the table alone", key.path);
    }
}

fn collect(json: &serde_json::Value, path: String, paths: &mut Vec<String>) {
    match json {
        serde_json::Value::Object(object) if !object.is_empty() => {
            for (name, value) in object {
                collect(value, if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, paths);
            }
        }
        serde_json::Value::Object(_) => {}
        _ => paths.push(path),
    }
}

#[test]
fn a_typo_is_told_with_the_nearest_key_and_all_problems_at_once() {
    let error = reading("[sesion]\nexpires_in = 5\n[session]\nupdate_age = true\n", &[("HALLPASS__BASE_ULR", "x")]);
    let error = error.unwrap_err();
    assert!(error.contains("no key `sesion.expires_in`; did you mean `session.expires_in`?"), "{error}");
    assert!(error.contains("session.update_age: expected seconds"), "{error}");
    assert!(error.contains("HALLPASS__BASE_ULR: there is no key `base_ulr`; did you mean `base_url`?"), "{error}");
}

#[test]
fn what_others_call_a_key_leads_to_it() {
    let error = reading("[redis]\nurl = \"redis://x\"\n[database]\npool_size = 5\n", &[]).unwrap_err();
    assert!(error.contains("no key `redis.url`; that is `secondary_storage.url` here"), "{error}");
    assert!(error.contains("no key `database.pool_size`; that is `database.max_connections` here"), "{error}");
    for (name, meant) in [
        ("HALLPASS_DATABASE_URL", "HALLPASS__DATABASE__URL"),
        ("HALLPASS_BASE_URL", "HALLPASS__BASE_URL"),
        ("HALLPASS_SERVER_METRICS_LISTEN", "HALLPASS__SERVER__METRICS_LISTEN"),
        ("HALLPASS_SESSION__CACHE_LEASE", "HALLPASS__SESSION__CACHE__LEASE"),
    ] {
        let error = reading("", &[(name, "x")]).unwrap_err();
        assert!(error.contains(&format!("{name}: write {meant}, with two")), "{error}");
    }
    assert!(reading("", &[("HALLPASS_PROFILE", "work")]).is_ok(), "that is the client's");
    // What orchestrators set for a service that is called hallpass.
    assert!(reading("", &[("HALLPASS_PORT", "tcp://10.0.0.1:3000"), ("HALLPASS_SERVICE_HOST", "10.0.0.1")]).is_ok());
}

#[test]
fn limits_of_the_database_are_checked() {
    let told = reading("[database]\nmax_connections = 0\nwait_timeout = 0\n", &[]).unwrap_err();
    assert!(told.contains("database.max_connections") && told.contains("database.wait_timeout"), "{told}");
    let warnings = reading("[database]\nmax_connections = 5\nlisten_url = \"postgres://x\"\n", &[]).unwrap().warnings;
    assert!(warnings.iter().all(|it| it.contains("does nothing")) && warnings.len() == 2, "{warnings:?}");
    let few = reading("[database]\nurl = \"postgres://a@b/c\"\nmax_connections = 2\n", &[]).unwrap_err();
    assert!(few.contains("database.max_connections: a server needs at least 3"), "{few}");
    let postgres = "[database]\nurl = \"postgres://a@b/c\"\nmax_connections = 5\nconnect_timeout = \"1s\"\n";
    assert!(reading(postgres, &[("HALLPASS__DATABASE__STATEMENT_TIMEOUT", "2s")]).unwrap().warnings.is_empty());
}

#[test]
fn what_only_redis_does_is_told_where_there_is_none() {
    let keys = "[secondary_storage]\nkey_prefix = \"a:\"\n[session]\nstore_session_in_database = true\n\
                preserve_session_in_database = true\n[verification]\nstore_in_database = true\n";
    let warnings = reading(keys, &[]).unwrap().warnings;
    assert_eq!(
        warnings.iter().filter(|it| it.contains("does nothing without secondary_storage.url")).count(),
        4,
        "{warnings:?}"
    );
    assert!(reading(keys, &[("HALLPASS__SECONDARY_STORAGE__URL", "redis://h")]).unwrap().warnings.is_empty());
}

#[test]
fn keys_to_come_warn_and_change_nothing() {
    let loaded = reading("[social_providers.github]\nclient_id = \"x\"\n", &[]).unwrap();
    assert_eq!(loaded.config, Config::default());
    assert!(loaded.warnings.iter().any(|it| it.starts_with("social_providers.github")), "{:?}", loaded.warnings);
    assert!(reading("[database]\nlisten_url = 1\n", &[]).unwrap_err().contains("listen_url: expected a text"));
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_npm_variables() {
    let variables = [
        ("HALLPASS__SESSION__EXPIRES_IN", "30m"),
        ("HALLPASS__TRUSTED_ORIGINS", "https://a.example, https://b.example"),
        ("HALLPASS__USER__ADDITIONAL_FIELDS__favColor__REQUIRED", "false"),
        ("BETTER_AUTH_URL", "https://c.example"),
        ("BETTER_AUTH_TRUSTED_ORIGINS", "https://d.example"),
        ("BETTER_AUTH_SECRET", "from the environment"),
    ];
    let config = reading("secret = \"from the file\"\n[session]\nexpires_in = 5\n", &variables).unwrap().config;
    assert_eq!(config.session.expires_in, Some(Span::from_secs(1800)));
    assert_eq!(config.trusted_origins, ["https://a.example", "https://b.example", "https://d.example"]);
    assert_eq!(config.user.additional_fields["favColor"].required, Some(false));
    assert_eq!(config.base_url, Some("https://c.example".into()));
    assert_eq!(single(&config), "from the file");
}

#[test]
fn production_needs_a_secret_and_a_public_listener_an_environment() {
    let error = reading("environment = \"production\"", &[]).unwrap_err();
    assert!(error.contains("hallpass secret"), "{error}");
    let error = reading("[server]\nlisten = \"0.0.0.0:3000\"", &[]).unwrap_err();
    assert!(error.contains("environment is not set"), "{error}");
    assert!(reading("profile = \"strict\"", &[]).unwrap_err().contains("does not exist yet"));
}

fn single(config: &Config) -> String {
    config.secrets().unwrap().0.single.unwrap().expose().to_owned()
}

#[test]
fn of_versioned_secrets_the_first_is_current() {
    for variable in ["2:new secret, 1 : old:er", "2:new secret,1:old:er"] {
        let config = reading("", &[("BETTER_AUTH_SECRETS", variable)]).unwrap().config;
        let secrets = config.secrets().unwrap().0;
        let versions: Vec<_> = secrets.versions.iter().map(|(version, secret)| (*version, secret.expose())).collect();
        assert_eq!((versions, secrets.single.is_none()), (vec![(2, "new secret"), (1, "old:er")], true));
    }
    for wrong in ["x:a", "1:", "1: ", "1", "1:a,1:b", "-1:a", "+1:a", "1:a,", ",1:a", "4294967296:a", ":a", ","] {
        assert!(reading("", &[("BETTER_AUTH_SECRETS", wrong)]).is_err(), "{wrong}");
    }
}

#[test]
fn beside_versioned_secrets_the_single_one_reads_what_is_older() {
    for (text, variables) in [
        ("secrets = [\"2:new\"]", &[("AUTH_SECRET", "old")][..]),
        ("secret = \"old\"", &[("BETTER_AUTH_SECRETS", "2:new"), ("BETTER_AUTH_SECRET", "another")]),
        ("", &[("BETTER_AUTH_SECRETS", "2:new"), ("BETTER_AUTH_SECRET", "old"), ("AUTH_SECRET", "another")]),
    ] {
        let config = reading(text, variables).unwrap().config;
        let secrets = config.secrets().unwrap().0;
        assert_eq!((secrets.versions[0].1.expose(), single(&config)), ("new", "old".to_owned()), "{text}");
    }
}

#[test]
fn a_secret_is_made_once_for_the_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/my.db", folder.path().display());
    let config = Config { database: DatabaseSection { url, ..DatabaseSection::default() }, ..Config::default() };
    let (made, origin) = config.secrets().unwrap();
    let path = folder.path().join("hallpass.secret");
    assert_eq!(origin, SecretOrigin::Made(path.clone()));
    assert_eq!(single(&config), made.single.unwrap().expose());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn secrets_do_not_print() {
    let mail = "[mail]\ntransport = \"smtp\"\nurl = \"smtps://u:hush@h\"\nfrom = \"a@example.com\"\nsecret = \"hush\"";
    let config = reading(&format!("secret = \"hush\"\nsecrets = [\"1:hush\"]\n{mail}"), &[]).unwrap().config;
    assert!(!format!("{config:?}").contains("hush"));
}

#[test]
fn a_broken_line_is_named_and_not_shown() {
    let error = reading("\nsecret = \"hush\n", &[]).unwrap_err();
    assert!(error.starts_with("hallpass.toml, line 2: ") && !error.contains("hush"), "{error}");
}

#[test]
fn a_listener_from_the_command_line_passes_the_same_checks() {
    let error = load(None, Some("0.0.0.0:3000")).unwrap_err().to_string();
    assert!(error.contains("environment is not set"), "{error}");
}

#[test]
fn mail_goes_to_a_file_in_development_and_nowhere_in_production_unless_told() {
    let config = reading("[database]\nurl = \"sqlite:///var/lib/h/my.db\"", &[]).unwrap().config;
    assert!(matches!(config.mail_carrier(), Ok(Carrier::File(path)) if path == Path::new("/var/lib/h/outbox.jsonl")));
    let production = "environment = \"production\"\nsecret = \"x\"\n";
    assert!(matches!(reading(production, &[]).unwrap().config.mail_carrier(), Ok(Carrier::Nobody)));
    let told = reading(production, &[("HALLPASS__MAIL__TRANSPORT", "file"), ("HALLPASS__MAIL__PATH", "m/o")]).unwrap();
    assert!(matches!(told.config.mail_carrier(), Ok(Carrier::File(path)) if path == Path::new("m/o")));
    assert!(told.warnings[0].contains("reaches nobody"), "{:?}", told.warnings);
}

#[test]
fn what_a_transport_lacks_is_named() {
    for (mail, lacks) in [
        ("from = \"a@example.com\"", "mail.transport is not set"),
        ("transport = \"pigeon\"", "say one of `file`, `smtp`, `webhook`"),
        ("transport = \"smtp\"\nfrom = \"a@example.com\"", "mail.url is required"),
        ("transport = \"smtp\"\nurl = \"smtp://h\"", "mail.from is required"),
        ("transport = \"webhook\"\nsecret = \"whsec_\"", "mail.url is required"),
        ("transport = \"webhook\"\nurl = \"https://h\"", "mail.secret is required"),
    ] {
        let error = reading(&format!("[mail]\n{mail}"), &[]).unwrap_err();
        assert!(error.contains(lacks), "{mail}: {error}");
    }
}

#[test]
fn mail_that_leaves_the_machine_unencrypted_and_mail_that_nobody_sends_are_warned_of() {
    let smtp = |url| format!("[mail]\ntransport = \"smtp\"\nfrom = \"a@example.com\"\nurl = \"{url}\"");
    let webhook = |url| format!("[mail]\ntransport = \"webhook\"\nsecret = \"s\"\nurl = \"{url}\"");
    for (text, warns) in [
        (smtp("smtp://mail.example.com"), true),
        (smtp("smtp://mail.example.com?tls=opportunistic"), true),
        (smtp("smtp://mail.example.com?tls=required"), false),
        (smtp("smtps://mail.example.com"), false),
        (smtp("smtp://127.0.0.1:1025"), false),
        (smtp("smtp://localhost"), false),
        (webhook("http://app.example.com"), true),
        (webhook("https://app.example.com"), false),
        (webhook("http://[::1]:80/x"), false),
    ] {
        let warnings = reading(&text, &[]).unwrap().warnings;
        assert_eq!(warnings.iter().any(|it| it.contains("unencrypted")), warns, "{text}: {warnings:?}");
    }
    let unprovable =
        "environment = \"production\"\nsecret = \"x\"\n[email_and_password]\nrequire_email_verification = true";
    assert!(reading(unprovable, &[]).unwrap().warnings[0].contains("nobody can verify an address"));
}

#[test]
fn identifiers_are_stored_in_one_way_or_by_what_they_begin_with() {
    use hallpass::options::{StoreIdentifier, StoreIdentifiers};
    let config = reading("[verification]\nstore_identifier = \"hashed\"", &[]).unwrap().config;
    assert_eq!(config.verification.store_identifier, StoreIdentifiers::Every(StoreIdentifier::Hashed));
    let text = "[verification.store_identifier]\ndefault = \"plain\"\noverrides = { \"reset-password:\" = \"hashed\" }";
    let StoreIdentifiers::ByPrefix { default, overrides } =
        reading(text, &[]).unwrap().config.verification.store_identifier
    else {
        panic!("these are overrides");
    };
    assert_eq!((default, overrides["reset-password:"]), (StoreIdentifier::Plain, StoreIdentifier::Hashed));
}

#[test]
fn providers_are_a_list_of_sections_whose_secrets_come_from_the_environment() {
    let text = "[[plugins.generic_oauth.config]]\nprovider_id = \"a\"\nclient_id = \"us\"\nscopes = [\"email\"]\n\
                [[plugins.generic_oauth.config]]\nprovider_id = \"b\"\nclient_id = \"us\"\n";
    let variables = [("HALLPASS__PLUGINS__GENERIC_OAUTH__CONFIG__1__CLIENT_SECRET", "hush")];
    let config = reading(text, &variables).unwrap().config;
    let [a, b] = &*config.plugins.generic_oauth.config else { panic!("{config:?}") };
    assert_eq!((&*a.provider_id, &a.client_secret, &*a.scopes), ("a", &None, &["email".to_owned()][..]));
    assert_eq!((&*b.provider_id, b.client_secret.as_deref()), ("b", Some("hush")));
    assert!(!format!("{config:?}").contains("hush"));
}

#[test]
fn a_typo_in_a_list_of_sections_is_told_like_any_other() {
    let text = "[plugins.generic_oauth]\nconfig = [{ provider_id = \"a\", client_ids = \"us\" }]\n";
    let error = reading(text, &[]).unwrap_err();
    assert!(error.contains("no key `plugins.generic_oauth.config.0.client_ids`; did you mean"), "{error}");
    let error = reading("[[plugins.generic_oauth.config]]\npkce = \"yes\"\n", &[]).unwrap_err();
    assert!(error.contains("plugins.generic_oauth.config.0.pkce: expected true or false"), "{error}");
}

#[test]
fn no_file_is_named_by_the_url_of_a_server() {
    use super::secret::beside_the_database;
    for url in ["postgres://u:hunter2@h/d", "mysql://u:hunter2@h:1/d", "sqlite://hallpass.db", "sqlite::memory:"] {
        assert_eq!(beside_the_database(url, "x"), std::path::Path::new("x"), "{url}");
    }
    assert_eq!(beside_the_database("sqlite:///a/b.db", "x"), std::path::Path::new("/a/x"));
}
