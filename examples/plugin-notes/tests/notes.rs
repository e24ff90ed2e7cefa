//! The plugin on a real database, as its users see it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use bytes::Bytes;
use example_plugin_notes::Notes;
use hallpass::{Bearer, EmailAndPassword, Environment, Hallpass, store::Mode};
use hallpass_sql::SqlStore;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

async fn server(folder: &tempfile::TempDir) -> Hallpass {
    let url = format!("sqlite://{}/notes.db", folder.path().display());
    let auth = Hallpass::builder()
        .environment(Environment::Development)
        .secret("a secret of at least thirty-two characters")
        .store(SqlStore::connect(&url).await.unwrap())
        .email_and_password(EmailAndPassword::default())
        .plugin(Bearer::new())
        .plugin(Notes::up_to(20))
        .build()
        .unwrap();
    auth.migrate(Mode::Apply).await.unwrap();
    auth
}

async fn send(auth: &Hallpass, path: &str, token: Option<&str>, body: Option<Value>) -> Response<Full<Bytes>> {
    let mut request = Request::builder().uri(format!("/api/auth{path}"));
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = match body {
        None => request.body(Full::default()),
        Some(json) => request
            .method("POST")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(json.to_string()))),
    };
    auth.handle(request.unwrap()).await
}

async fn json_of(response: Response<Full<Bytes>>) -> Value {
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

async fn sign_up(auth: &Hallpass, name: &str) -> String {
    let body =
        json!({"name": name, "email": format!("{name}@example.com"), "password": "correct horse", "motto": "onwards"});
    let answer = send(auth, "/sign-up/email", None, Some(body)).await;
    answer.headers()["set-auth-token"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn notes_are_kept_by_user() {
    let folder = tempfile::tempdir().unwrap();
    let auth = server(&folder).await;
    let (ann, bob) = (sign_up(&auth, "ann").await, sign_up(&auth, "bob").await);

    let added = send(&auth, "/notes/add", Some(&ann), Some(json!({"text": "buy milk"}))).await;
    assert_eq!((added.status().as_u16(), &added.headers()["x-notes"]), (200, &"1".parse().unwrap()));
    assert_eq!(json_of(added).await["text"], "buy milk");
    assert_eq!(json_of(send(&auth, "/notes/list", Some(&ann), None).await).await.as_array().unwrap().len(), 1);
    assert_eq!(json_of(send(&auth, "/notes/list", Some(&bob), None).await).await, json!([]));
}

#[tokio::test]
async fn its_checks_speak_the_language_of_the_wire() {
    let folder = tempfile::tempdir().unwrap();
    let auth = server(&folder).await;
    let ann = sign_up(&auth, "ann").await;
    let answer = async |token, body| {
        let answer = send(&auth, "/notes/add", token, Some(body)).await;
        (answer.status().as_u16(), json_of(answer).await["code"].clone())
    };
    assert_eq!(answer(Some(&*ann), json!({"text": ""})).await, (400, json!("VALIDATION_ERROR")));
    assert_eq!(answer(Some(&*ann), json!({"text": "x".repeat(21)})).await, (400, json!("NOTE_TOO_LONG")));
    assert_eq!(answer(None, json!({"text": "x"})).await, (401, json!("UNAUTHORIZED")));
}

#[tokio::test]
async fn its_table_and_its_field_are_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let auth = server(&folder).await;
    let ann = sign_up(&auth, "ann").await;
    let session = json_of(send(&auth, "/get-session", Some(&ann), None).await).await;
    assert_eq!(session["user"]["motto"], "onwards");
    assert!(auth.migrate(Mode::Plan).await.unwrap().is_empty());
    assert!(auth.schema().table("note").is_some());
}

#[tokio::test]
async fn an_option_that_makes_no_sense_is_refused_with_a_sentence() {
    let built = Hallpass::builder()
        .secret("a secret of at least thirty-two characters")
        .store(hallpass::store::MemoryStore::new())
        .plugin(Notes::up_to(0))
        .build();
    assert_eq!(built.unwrap_err().to_string(), "notes: the longest note must have at least one byte");
}
