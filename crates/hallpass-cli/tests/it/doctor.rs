//! `hallpass doctor`, on configurations, databases and files that are as they should be and that are not.

use std::{fs, path::Path};

use hallpass_test_services::{Postgres, Redis, Settings};

use crate::support::{Server, err, out, run};

/// As good as it gets: nothing but oks.
const GOOD: &str = r#"environment = "production"
secret = "hK3vXq8ZtR5nW2yBc7LmP9dFgJ4sVaEu-QwTiOoNx6z"
base_url = "https://api.example.com"
[advanced.ip_address]
peer_address = true
[rate_limit.custom_rules]
"/get-session" = false
"#;

/// What is found: level and subject of each, and all that is said. An error is exit code 1.
fn examined(folder: &Path, config: &str) -> (Vec<(String, String)>, String) {
    fs::write(folder.join("hallpass.toml"), config).unwrap();
    let output = run(folder, &["doctor", "--json"]);
    let json = out(&output);
    assert!(!json.is_empty(), "{}", err(&output));
    let findings: serde_json::Value = serde_json::from_str(&json).unwrap();
    let text = |finding: &serde_json::Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let all: Vec<_> =
        findings.as_array().unwrap().iter().map(|finding| (text(finding, "level"), text(finding, "about"))).collect();
    let is_bad = all.iter().any(|(level, _)| level == "error");
    assert_eq!(output.status.success(), !is_bad, "{json} {}", err(&output));
    let words = out(&run(folder, &["doctor"]));
    assert_eq!(words.lines().count(), all.len(), "the same in words: {words}");
    (all, json)
}

/// The one finding that `config` adds to those of a good one, or takes their place.
fn finding(config: &str, level: &str, about: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hallpass.toml"), GOOD).unwrap();
    assert!(run(folder.path(), &["migrate"]).status.success());
    let (found, json) = examined(folder.path(), config);
    let bad: Vec<_> = found.iter().filter(|(level, _)| level != "ok").collect();
    assert_eq!(bad, [&(level.to_owned(), about.to_owned())], "{config}: {json}");
    json
}

fn good_but(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replace(from, to)
}

#[test]
fn what_is_as_it_should_be_is_ok() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hallpass.toml"), GOOD).unwrap();
    run(folder.path(), &["migrate"]);
    let (found, json) = examined(folder.path(), GOOD);
    assert!(found.len() >= 4 && found.iter().all(|(level, _)| level == "ok"), "{json}");
    assert!(!json.contains("hK3vXq8Z"), "no secret is told: {json}");
}

#[test]
fn before_the_first_start_nothing_is_wrong_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let (found, json) = examined(folder.path(), "");
    assert!(found.iter().all(|(level, _)| level == "hint"), "{json}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "but for the configuration");
}

#[test]
fn beside_a_running_server_of_its_own_making_it_finds_no_fault() {
    let server = Server::start("");
    let token = server.sign_up("ada");
    let (found, json) = examined(server.folder.path(), "");
    assert!(found.iter().all(|(level, _)| level == "ok"), "{json}");
    assert_eq!(server.get("/api/auth/get-session", Some(&token)).json()["user"]["name"], "ada");
}

#[test]
fn the_base_url_is_looked_at_in_production() {
    let line = "base_url = \"https://api.example.com\"\n";
    assert!(finding(&good_but(line, ""), "warning", "base_url").contains("Host header"));
    let plain = "base_url = \"http://api.example.com\"\n";
    assert!(finding(&good_but(line, plain), "warning", "base_url").contains("in the clear"));
}

#[test]
fn a_development_server_that_others_can_reach_is_warned_of() {
    let config = good_but("\"production\"", "\"development\"") + "[server]\nlisten = \"0.0.0.0:3000\"\n";
    finding(&config, "warning", "environment");
}

#[test]
fn a_weak_secret_is_warned_of_and_not_told() {
    let json =
        finding(&good_but("hK3vXq8ZtR5nW2yBc7LmP9dFgJ4sVaEu-QwTiOoNx6z", "hushhush"), "warning", "configuration");
    assert!(json.contains("short or repeats itself") && !json.contains("hushhush"), "{json}");
}

#[test]
fn clients_that_share_one_count_are_warned_of() {
    finding(&good_but("peer_address = true", "peer_address = false"), "warning", "advanced.ip_address");
    finding(&good_but("peer_address = true", "disable_ip_tracking = true"), "warning", "advanced.ip_address");
    for good in ["trusted_proxies = [\"10.0.0.0/8\"]", "ip_address_headers = [\"cf-connecting-ip\"]"] {
        let folder = tempfile::tempdir().unwrap();
        let (found, json) = examined(folder.path(), &good_but("peer_address = true", good));
        assert!(found.contains(&("ok".into(), "advanced.ip_address".into())), "{json}");
    }
}

#[test]
fn a_limiter_that_is_off_in_production_is_warned_of() {
    finding(
        &good_but("[rate_limit.custom_rules]", "[rate_limit]\nenabled = false\n[rate_limit.custom_rules]"),
        "warning",
        "rate_limit",
    );
}

#[test]
fn services_that_ask_get_session_want_a_rule() {
    let rule = "\"/get-session\" = false";
    let json = finding(&good_but(rule, ""), "hint", "rate_limit.custom_rules");
    assert!(json.contains("100 calls in 10 s") && json.contains("services that ask /get-session"), "{json}");
    let json = finding(&good_but(rule, "\"/**\" = { window = 60, max = 7 }"), "hint", "rate_limit.custom_rules");
    assert!(json.contains("7 calls in 60 s"), "{json}");
    let folder = tempfile::tempdir().unwrap();
    let (_, json) = examined(folder.path(), &good_but(rule, "\"/get-*\" = { window = 10, max = 5000 }"));
    assert!(!json.contains("services that ask"), "{json}");
}

#[test]
fn a_gateway_that_is_limited_or_not_answered_is_warned_of() {
    let on = "\n[plugins.bearer]\nverify_endpoint = true\n";
    let limited =
        good_but("\"/get-session\" = false", "\"/get-session\" = false\n\"/*/*\" = { window = 10, max = 5 }") + on;
    assert!(finding(&limited, "warning", "rate_limit.custom_rules").contains("/bearer/verify"));
    finding(&format!("{GOOD}{on}enabled = false\n"), "warning", "plugins.bearer.verify_endpoint");
    finding(&format!("disabled_paths = [\"/bearer/verify\"]\n{GOOD}{on}"), "warning", "plugins.bearer.verify_endpoint");
}

#[test]
fn a_database_that_lacks_something_is_wrong_if_nobody_adds_it() {
    let field = "\n[user.additional_fields.nick]\ntype = \"string\"\n";
    assert!(finding(&format!("{GOOD}{field}"), "warning", "database").contains("adds at its start"));
    let config = format!("{GOOD}{field}[database]\nauto_migrate = false\n");
    assert!(finding(&config, "error", "database").contains("run `hallpass migrate`"));
}

#[test]
fn a_database_that_is_none_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hallpass.db"), "something else altogether, and long enough to be looked at").unwrap();
    let (found, json) = examined(folder.path(), GOOD);
    assert!(found.contains(&("error".into(), "database".into())), "{json}");
    let (found, json) = examined(folder.path(), &format!("{GOOD}[database]\nurl = \"sqlite::memory:\"\n"));
    assert!(found.contains(&("warning".into(), "database".into())), "{json}");
    let (found, json) = examined(folder.path(), &format!("{GOOD}[database]\nurl = \"sqlite://nowhere/a.db\"\n"));
    assert!(found.contains(&("error".into(), "database.url".into())) && json.contains("does not exist"), "{json}");
}

#[cfg(unix)]
#[test]
fn files_that_others_can_read_are_found() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start("");
    server.sign_up("ada");
    let folder = server.folder.path();
    for (name, level, about) in [
        ("hallpass.db", "warning", "database"),
        ("hallpass.db-wal", "warning", "database"),
        ("hallpass.secret", "error", "secret"),
    ] {
        let path = folder.join(name);
        for mode in [0o644, 0o640, 0o602] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let (found, json) = examined(folder, "");
            assert!(
                found.contains(&(level.into(), about.into())) && json.contains("chmod 600"),
                "{name} {mode:o}: {json}"
            );
        }
        // SQLite may have given the files beside the database the mode that it had.
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        assert!(examined(folder, "").0.iter().all(|(level, _)| level == "ok"));
    }
}

#[test]
fn an_openapi_document_in_production_is_hinted_at() {
    finding(&format!("{GOOD}\n[plugins.open_api]\n"), "hint", "plugins.open_api");
}

#[test]
fn what_stops_a_start_is_an_error_here_too() {
    let config = format!("disabled_paths = [\"nowhere\"]\n{GOOD}");
    assert!(finding(&config, "error", "configuration").contains("matches nothing"));
    let folder = tempfile::tempdir().unwrap();
    let (found, json) = examined(folder.path(), "bass_url = \"x\"\nsecrets = 7\n");
    assert_eq!(found, vec![("error".to_owned(), "configuration".to_owned()); 2]);
    assert!(json.contains("did you mean `base_url`"), "{json}");
    let later = format!("{GOOD}[social_providers.github]\nclient_id = \"x\"\n");
    assert!(finding(&later, "warning", "configuration").contains("does nothing with it yet"));
}

#[test]
fn servers_at_one_database_are_told_where_calls_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let hint = ("hint".to_owned(), "rate_limit.storage".to_owned());
    // Whether it answers does not matter.
    let shared = format!("{GOOD}[database]\nurl = \"postgres://ann@127.0.0.1:1/app\"\n");
    assert!(examined(folder.path(), &shared).0.contains(&hint));
    for counted in ["enabled = false", "storage = \"database\""] {
        assert!(!examined(folder.path(), &format!("{shared}[rate_limit]\n{counted}\n")).0.contains(&hint), "{counted}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secondary_storage_that_tells_of_changes_has_a_cache() {
    let Some(redis) = Redis::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{GOOD}[secondary_storage]\nurl = \"{}\"\n", redis.url());
    fs::write(folder.path().join("hallpass.toml"), &config).unwrap();
    run(folder.path(), &["migrate"]);
    let (_, json) = examined(folder.path(), &config);
    assert!(json.contains("it is on: changes are heard of"), "{json}");
    let (_, json) = examined(
        folder.path(),
        &config.replace("[secondary", "[session]\nstore_session_in_database = true\n[secondary"),
    );
    assert!(json.contains("of whose changes Redis does not tell; leave that key out"), "{json}");
}

#[test]
fn a_secondary_storage_that_is_away_is_an_error() {
    let config = format!("{GOOD}[secondary_storage]\nurl = \"redis://:hush@127.0.0.1:1\"\n");
    let says = finding(&config, "error", "secondary_storage");
    assert!(says.contains("Redis at 127.0.0.1:1 cannot be used") && !says.contains("hush"), "{says}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_does_not_take_sessions_or_loses_them_is_told() {
    let settings = Settings::default().with("appendonly", "no").with("maxmemory", "100mb");
    let Some(redis) = Redis::exclusive(settings.with("maxmemory-policy", "allkeys-lru")).await else { return };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hallpass.toml"), GOOD).unwrap();
    run(folder.path(), &["migrate"]);
    let config = format!("{GOOD}[secondary_storage]\nurl = \"{}\"\n", redis.url());
    let (found, json) = examined(folder.path(), &config);
    assert!(found.contains(&("ok".into(), "secondary_storage".into())), "{json}");
    assert!(json.contains("maxmemory-policy noeviction") && json.contains("appendonly yes"), "{json}");
    assert_eq!(redis.statement(&redis.url(), "KEYS *").await.trim(), "", "nothing is left");

    // Who may only read, and only keys of another name.
    redis.statement(&redis.url(), "ACL SETUSER ann on >hush ~better-auth:* +@all -@write").await;
    redis.statement(&redis.url(), "ACL SETUSER bob on >hush ~mine:* +@all").await;
    for user in ["ann", "bob"] {
        let config = config.replace("redis://", &format!("redis://{user}:hush@"));
        let (found, json) = examined(folder.path(), &config);
        assert!(found.contains(&("error".into(), "secondary_storage".into())), "{user}: {json}");
        assert!(json.contains("its user may not") && !json.contains("hush"), "{user}: {json}");
    }
    redis.statement(&redis.url(), "REPLICAOF 127.0.0.1 1").await;
    let (_, json) = examined(folder.path(), &config);
    assert!(json.contains("does not do what sessions need") && json.contains("read only replica"), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_no_writes_is_told() {
    let Some(postgres) = Postgres::exclusive(Settings::default()).await else { return };
    let url = postgres.database().await;
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{GOOD}[database]\nurl = \"{url}\"\n");
    fs::write(folder.path().join("hallpass.toml"), &config).unwrap();
    assert!(run(folder.path(), &["migrate"]).status.success());
    let (found, json) = examined(folder.path(), &config);
    assert!(!found.iter().any(|(level, _)| level == "error"), "{json}");
    postgres.statement(&url, "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader").await;
    let (_, rest) = url.rsplit_once('@').unwrap_or_else(|| url.split_once("://").unwrap());
    let (found, json) = examined(folder.path(), &config.replace(&url, &format!("postgres://reader@{rest}")));
    assert!(found.contains(&("error".into(), "database".into())), "{json}");
    assert!(
        json.contains("does not take what is written") && json.contains("grant the user of database.url SELECT"),
        "{json}"
    );
    assert_eq!(postgres.statement(&url, "SELECT count(*) FROM \"user\"").await.trim(), "0", "nobody is left");
}
