//! Signing in at an outside provider: what the conformance flows with a real provider cannot reach.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture, future::join_all};
use hallpass::{
    Bearer,
    oauth::{GenericOAuth, HttpClient, HttpError, Provider, ProviderOptions},
    options::AccountOptions,
    store::{Filter, Query},
};
use http::{Request, Response};
use serde_json::{Value, json};
use url::Url;

use crate::support::{Answer, Stage, stage_with};

/// A provider that says the same of everybody who brings a code, and counts what it is asked.
#[derive(Clone, Default)]
struct Forge {
    discoveries: Arc<AtomicUsize>,
    exchanges: Arc<AtomicUsize>,
    /// How often discovery fails before it does not.
    down: Arc<AtomicUsize>,
}

impl Forge {
    async fn answer(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let body = match request.uri().path() {
            "/discovery" => {
                self.discoveries.fetch_add(1, Ordering::SeqCst);
                let fails = self.down.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
                if fails.is_ok() {
                    return Err(HttpError::new("the line is dead"));
                }
                json!({"issuer": "https://forge.example", "authorization_endpoint": "https://forge.example/authorize",
                    "token_endpoint": "https://forge.example/token", "userinfo_endpoint": "https://forge.example/user"})
            }
            "/token" => {
                self.exchanges.fetch_add(1, Ordering::SeqCst);
                json!({"access_token": "hush-access", "refresh_token": "hush-refresh", "expires_in": 3600})
            }
            _ => json!({"id": 7, "email": "pat@example.com", "email_verified": true, "name": "Pat"}),
        };
        Ok(Response::new(Bytes::from(body.to_string())))
    }
}

impl HttpClient for Forge {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, HttpError>> {
        self.answer(request).boxed()
    }
}

fn options() -> ProviderOptions {
    ProviderOptions {
        provider_id: "forge".into(),
        discovery_url: Some("https://forge.example/discovery".into()),
        client_id: "us".into(),
        client_secret: Some("hush-client".into()),
        ..ProviderOptions::default()
    }
}

fn stage_at(forge: &Forge, account: AccountOptions) -> Stage {
    let plugin = GenericOAuth::new([Provider::new(options())]);
    stage_with(|builder| builder.plugin(Bearer::new()).plugin(plugin).http_client(forge.clone()).account(account))
}

/// Begins a sign-in: the state, and the cookie that goes with it.
async fn begin(stage: &Stage) -> (String, String) {
    let answer = stage.post("/sign-in/social").json(json!({"provider": "forge", "callbackURL": "/in"})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let url: Url = answer.json()["url"].as_str().unwrap().parse().unwrap();
    let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let cookie = answer.cookies()[0].split(';').next().unwrap().to_owned();
    (state, cookie)
}

async fn come_back(stage: &Stage, state: &str, cookie: &str) -> Answer {
    stage.get(&format!("/callback/forge?code=c&state={state}")).header("cookie", cookie).await
}

async fn accounts(stage: &Stage) -> Vec<hallpass::store::Row> {
    let query = Query::table("account").filter(Filter::eq("providerId", "forge"));
    stage.store.find(stage.auth.schema(), query).await.unwrap()
}

#[tokio::test]
async fn of_many_callbacks_with_one_state_one_gets_a_session() {
    let forge = Forge::default();
    let stage = stage_at(&forge, AccountOptions::default());
    let (state, cookie) = begin(&stage).await;
    let answers = join_all((0..64).map(|_| come_back(&stage, &state, &cookie))).await;
    let (entered, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.set_auth_token().is_some());
    assert_eq!((entered.len(), refused.len(), forge.exchanges.load(Ordering::SeqCst)), (1, 63, 1));
    assert_eq!(entered[0].header("location"), Some("/in"));
    for answer in refused {
        assert!(answer.header("location").unwrap().ends_with("/api/auth/error?error=state_mismatch"), "{answer:?}");
    }
    assert_eq!(accounts(&stage).await.len(), 1);
}

#[tokio::test]
async fn those_who_come_first_at_once_ask_for_the_discovery_document_once() {
    let forge = Forge::default();
    let stage = stage_at(&forge, AccountOptions::default());
    join_all((0..32).map(|_| begin(&stage))).await;
    assert_eq!(forge.discoveries.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_provider_that_is_down_is_not_found_until_it_is_back() {
    let forge = Forge::default();
    forge.down.store(1, Ordering::SeqCst);
    let stage = stage_at(&forge, AccountOptions::default());
    let refused = stage.post("/sign-in/social").json(json!({"provider": "forge"})).await;
    assert_eq!(refused.code(), (404, "PROVIDER_NOT_FOUND".into()));
    assert_eq!(stage.get("/ok").await.status, 200);
    let (state, cookie) = begin(&stage).await;
    assert!(come_back(&stage, &state, &cookie).await.set_auth_token().is_some());
}

#[tokio::test]
async fn a_state_is_good_for_ten_minutes() {
    let stage = stage_at(&Forge::default(), AccountOptions::default());
    for (minutes, lives) in [(10, true), (11, false)] {
        let (state, cookie) = begin(&stage).await;
        stage.clock.advance(Duration::from_mins(minutes));
        let answer = come_back(&stage, &state, &cookie).await;
        assert_eq!(answer.set_auth_token().is_some(), lives, "{answer:?}");
    }
}

#[tokio::test]
async fn encrypted_tokens_are_nowhere_to_be_read() {
    let account = AccountOptions { encrypt_oauth_tokens: true, ..AccountOptions::default() };
    let stage = stage_at(&Forge::default(), account);
    let (state, cookie) = begin(&stage).await;
    come_back(&stage, &state, &cookie).await;
    let rows = accounts(&stage).await;
    for column in ["accessToken", "refreshToken"] {
        let stored = rows[0].get(column).and_then(|value| value.as_text()).unwrap();
        assert!(!stored.contains("hush") && stored.bytes().all(|byte| byte.is_ascii_hexdigit()), "{stored}");
    }
}

#[tokio::test]
async fn tokens_are_the_callers_own() {
    let stage = stage_at(&Forge::default(), AccountOptions::default());
    let (state, cookie) = begin(&stage).await;
    let answer = come_back(&stage, &state, &cookie).await;
    let token = answer.set_auth_token().unwrap().to_owned();
    let id = accounts(&stage).await[0].get("id").and_then(|id| id.as_text()).unwrap().to_owned();
    let asked = |token: String| stage.post("/get-access-token").bearer(&token).json(json!({"accountId": id}));
    let own = asked(token).await;
    assert_eq!((own.status, &own.json()["accessToken"]), (200, &json!("hush-access")));
    let mallory = stage.caller("mallory").await;
    assert_eq!(asked(mallory.token.clone()).await.code(), (400, "ACCOUNT_NOT_FOUND".into()));
    let unlink = stage.post("/unlink-account").by(&mallory).json(json!({"accountId": id})).await;
    assert_eq!(unlink.status, 400);
    assert_eq!(accounts(&stage).await.len(), 1);
}

#[tokio::test]
async fn in_process_a_user_can_be_named_where_no_session_stands() {
    use hallpass::endpoints::AccountSelection;
    let stage = stage_at(&Forge::default(), AccountOptions::default());
    let (state, cookie) = begin(&stage).await;
    come_back(&stage, &state, &cookie).await;
    let row = accounts(&stage).await.remove(0);
    let text = |column: &str| row.get(column).and_then(|value| value.as_text()).unwrap().to_owned();
    let mut selection = AccountSelection::row(text("id"));
    let nobody = http::HeaderMap::new();
    let refused = stage.auth.api().get_access_token(selection.clone(), &nobody).await.unwrap_err();
    assert_eq!(refused.code(), Some("USER_ID_OR_SESSION_REQUIRED"));
    selection.user_id = Some(hallpass::store::UserId::new(text("userId")));
    let given = stage.auth.api().get_access_token(selection.clone(), &nobody).await.unwrap();
    assert_eq!(given.access_token, "hush-access");
    // With headers somebody stands behind the call, and nobody speaks for others.
    let headers = stage.caller("mallory").await.headers();
    assert!(stage.auth.api().get_access_token(selection, &headers).await.is_err());
}

#[test]
fn nothing_secret_prints() {
    let provider = Provider::new(options());
    assert!(!format!("{provider:?} {:?}", options()).contains("hush"));
}

#[test]
fn what_cannot_work_is_refused() {
    let build = |options: ProviderOptions| {
        let builder = hallpass::Hallpass::builder().secret(crate::support::SECRET).base_url(crate::support::ORIGIN);
        let builder = builder.store(hallpass::store::MemoryStore::new()).http_client(Forge::default());
        builder.plugin(GenericOAuth::new([options])).build().map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(build(options()), Ok(()));
    for (wrong, word) in [
        (ProviderOptions { provider_id: "a/b".into(), ..options() }, "provider_id"),
        (ProviderOptions { client_id: String::new(), ..options() }, "client_id"),
        (ProviderOptions { discovery_url: Some("file:///etc/passwd".into()), ..options() }, "discovery_url"),
        (ProviderOptions { discovery_url: None, require_id_token_verification: true, ..options() }, "discovery_url"),
        (
            ProviderOptions {
                client_secret: None,
                authentication: Some(hallpass::oauth::Authentication::Basic),
                ..options()
            },
            "client_secret",
        ),
    ] {
        let error = build(wrong).unwrap_err();
        assert!(error.contains(word), "{error}");
    }
    let alone = hallpass::Hallpass::builder().secret(crate::support::SECRET).store(hallpass::store::MemoryStore::new());
    let error = alone.plugin(GenericOAuth::new([options()])).build().unwrap_err().to_string();
    assert!(error.contains("http_client"), "{error}");
}

#[tokio::test]
async fn the_query_of_a_provider_is_never_taken_for_markup() {
    let stage = stage_at(&Forge::default(), AccountOptions::default());
    let (state, cookie) = begin(&stage).await;
    let path = format!("/callback/forge?state={state}&error=%3Cscript%3E&error_description=%0d%0ax:y%22%3E");
    let answer = stage.get(&path).header("cookie", &cookie).await;
    let location = answer.header("location").unwrap();
    assert!(location.ends_with("?error=%3Cscript%3E&error_description=%0D%0Ax%3Ay%22%3E"), "{location}");
    let value: Option<Value> = serde_json::from_slice(&answer.body).ok();
    assert_eq!(value, None);
}
