//! Tables and columns under other names in the database; nothing of it shows on the wire.

use hallpass::{
    Bearer, BuildError, Builder, Hallpass,
    options::{
        AccountOptions, AdditionalField, RateLimitOptions, RateLimitStorage, SessionOptions, UserOptions,
        VerificationOptions,
    },
    store::{MemoryStore, Mode},
};
use hallpass_sql::SqlStore;
use indexmap::IndexMap;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{PASSWORD, stage_with};

fn fields<const N: usize>(names: [(&str, &str); N]) -> IndexMap<String, String> {
    names.into_iter().map(|(column, name)| (column.to_owned(), name.to_owned())).collect()
}

fn renamed(builder: Builder) -> Builder {
    let plan = AdditionalField { field_name: Some("plan name".into()), required: Some(false), ..Default::default() };
    builder
        .user(UserOptions {
            model_name: Some("people".into()),
            fields: fields([("email", "mail"), ("name", "full_name")]),
            additional_fields: [("plan".to_owned(), plan)].into_iter().collect(),
            ..UserOptions::default()
        })
        .session(SessionOptions {
            model_name: Some("log \"ins\"".into()),
            fields: fields([("token", "tok"), ("userId", "person_id"), ("expiresAt", "until")]),
            ..SessionOptions::default()
        })
        .account(AccountOptions {
            model_name: Some("accs".into()),
            fields: fields([("userId", "owner")]),
            ..AccountOptions::default()
        })
        .verification(VerificationOptions {
            model_name: Some("verifs".into()),
            fields: fields([("identifier", "ident")]),
            ..VerificationOptions::default()
        })
        .rate_limit(RateLimitOptions {
            enabled: Some(true),
            storage: Some(RateLimitStorage::Database),
            model_name: Some("limits".into()),
            fields: fields([("key", "k"), ("lastRequest", "last")]),
            ..RateLimitOptions::default()
        })
}

#[tokio::test]
async fn everything_works_under_other_names() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("names.db");
    let store = SqlStore::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let stage = stage_with(|builder| renamed(builder).plugin(Bearer::new()).store(store));
    stage.auth.migrate(Mode::Apply).await.unwrap();
    assert!(stage.auth.migrate(Mode::Apply).await.unwrap().is_empty(), "and it recognises what it made");

    let ann = json!({"name": "Ann", "email": "ann@example.com", "password": PASSWORD, "plan": "free"});
    let answer = stage.post("/sign-up/email").json(ann.clone()).await.json();
    assert_eq!((&answer["user"]["email"], &answer["user"]["plan"]), (&json!("ann@example.com"), &json!("free")));
    assert_eq!(stage.post("/sign-up/email").json(ann).await.status, 422, "the address is taken");
    let token = answer["token"].as_str().unwrap();
    let found = stage.get("/get-session").bearer(token).await.json();
    assert_eq!(found["user"], answer["user"]);
    assert_eq!(found["session"]["userId"], answer["user"]["id"]);
    assert_eq!(stage.post("/update-user").bearer(token).json(json!({"name": "Anna"})).await.status, 200);
    let again =
        stage.post("/sign-in/email").json(json!({"email": "ann@example.com", "password": PASSWORD})).await.json();
    assert_eq!(again["user"]["name"], "Anna");
    let listed = stage.get("/list-sessions").bearer(token).await.json();
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    assert_eq!(stage.post("/revoke-other-sessions").bearer(token).await.status, 200);
    assert_eq!(stage.post("/sign-out").bearer(token).await.status, 200);
    assert_eq!(stage.get("/get-session").bearer(token).await.json(), Value::Null);

    let database = Connection::open(&file).unwrap();
    let text = |sql: &str| database.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(
        text(r#"select mail || ' ' || full_name || ' ' || "plan name" from people"#),
        "ann@example.com Anna free"
    );
    assert_eq!(
        text(
            "select count(*) || ' ' || (select count(*) from \"log \"\"ins\"\"\") from accs, people where owner = people.id"
        ),
        "1 0"
    );
    assert_eq!(text("select max(k) from limits where count > 0 and last > 0"), "127.0.0.1|/update-user");
}

/// The statements are those that the npm package leaves behind, byte for byte.
#[tokio::test]
async fn tables_are_made_as_the_npm_package_makes_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("names.db");
    let store = SqlStore::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let stage = stage_with(|builder| renamed(builder).store(store));
    stage.auth.migrate(Mode::Apply).await.unwrap();
    let database = Connection::open(&file).unwrap();
    let made = |name: &str| {
        let found = database.query_row("select sql from sqlite_master where name = ?1", [name], |row| row.get(0));
        found.unwrap_or_else(|_| String::new())
    };
    for (name, sql) in [
        (
            "people",
            r#"CREATE TABLE "people" ("id" text not null primary key, "full_name" text not null, "mail" text not null unique, "emailVerified" integer not null, "image" text, "createdAt" date not null, "updatedAt" date not null, "plan name" text)"#,
        ),
        (
            "accs",
            r#"CREATE TABLE "accs" ("id" text not null primary key, "accountId" text not null, "providerId" text not null, "owner" text not null references "people" ("id") on delete cascade, "accessToken" text, "refreshToken" text, "idToken" text, "accessTokenExpiresAt" date, "refreshTokenExpiresAt" date, "scope" text, "password" text, "createdAt" date not null, "updatedAt" date not null)"#,
        ),
        (
            "limits",
            r#"CREATE TABLE "limits" ("id" text not null primary key, "k" text not null unique, "count" integer not null, "last" bigint not null)"#,
        ),
        ("accs_owner_idx", r#"CREATE INDEX "accs_owner_idx" on "accs" ("owner")"#),
        ("verifs_ident_idx", r#"CREATE INDEX "verifs_ident_idx" on "verifs" ("ident")"#),
    ] {
        assert_eq!(made(name), sql);
    }
}

fn refused(configure: impl FnOnce(Builder) -> Builder) -> String {
    let builder = Hallpass::builder().secret("a secret of at least thirty-two characters").store(MemoryStore::new());
    let built: Result<Hallpass, BuildError> = configure(builder).build();
    built.unwrap_err().to_string()
}

#[test]
fn names_that_two_would_share_are_refused() {
    let user = |names| UserOptions { fields: names, ..UserOptions::default() };
    let said = refused(|it| it.user(user(fields([("name", "Email")]))));
    assert_eq!(
        said,
        "the columns `name` and `email` of table `user` would both be called `Email` in the database; give one another \
         name"
    );
    let said = refused(|it| it.user(user(fields([("name", "ID")]))));
    assert!(said.contains("`id` and `name`"), "{said}");
    let said =
        refused(|it| it.session(SessionOptions { model_name: Some("User".into()), ..SessionOptions::default() }));
    assert!(said.starts_with("the tables `user` and `session` would both be called `user`"), "{said}");
    let field = AdditionalField { field_name: Some("image".into()), ..AdditionalField::default() };
    let fields = [("avatar".to_owned(), field)].into_iter().collect();
    let said = refused(|it| it.user(UserOptions { additional_fields: fields, ..UserOptions::default() }));
    assert!(said.contains("`image` and `avatar`"), "{said}");
}

#[test]
fn a_column_that_does_not_exist_cannot_be_renamed() {
    for name in ["mail", "id", "plan"] {
        let said = refused(|it| it.user(UserOptions { fields: fields([(name, "x")]), ..UserOptions::default() }));
        assert!(
            said.starts_with(&format!("user.fields: `{name}` is no column that can be renamed; there are name, email"))
        );
    }
}

#[test]
fn two_tables_may_swap_their_names() {
    let swapped = stage_with(|builder| {
        builder
            .user(UserOptions { model_name: Some("session".into()), ..UserOptions::default() })
            .session(SessionOptions { model_name: Some("user".into()), ..SessionOptions::default() })
    });
    assert_eq!(&*swapped.auth.schema().table("user").unwrap().physical, "session");
}
