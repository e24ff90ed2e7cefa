//! What the npm package makes of a SQLite file, recorded from `better-auth` 1.7.25 with `better-sqlite3` 12.11, and that this store
//! makes the same of it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod recorded;

use hallpass_sql::SqlStore;
use hallpass_store::{
    Batch, Column,
    ColumnKind::{self, BigInteger, Boolean, Date, Integer, Json, NumberList, Text, TextList},
    Filter, Mode, Query, Row, Schema, SessionToken, Store, Table, Timestamp, Value,
};
use recorded::wide;
use rusqlite::Connection;
use tempfile::TempDir;

struct File {
    folder: TempDir,
}

impl File {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    async fn store(&self) -> SqlStore {
        SqlStore::connect(&format!("sqlite://{}", self.folder.path().join("auth.db").display())).await.unwrap()
    }

    /// The file as any other program sees it.
    fn raw(&self) -> Connection {
        Connection::open(self.folder.path().join("auth.db")).unwrap()
    }

    fn ddl(&self) -> Vec<String> {
        let raw = self.raw();
        let mut statement = raw.prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

#[tokio::test]
async fn a_new_file_has_the_tables_of_the_npm_package() {
    let file = File::new();
    file.store().await.migrate(&Schema::core(), Mode::Apply).await.unwrap();
    assert_eq!(file.ddl(), CORE);
}

#[tokio::test]
async fn additional_fields_of_every_type_become_the_same_columns() {
    let file = File::new();
    file.store().await.migrate(&wide(), Mode::Apply).await.unwrap();
    assert_eq!(file.ddl(), FRESH);
}

#[tokio::test]
async fn fields_added_later_are_added_by_the_same_statements() {
    let file = File::new();
    file.raw().execute_batch(&CORE.join(";")).unwrap();
    file.raw()
        .execute(r#"INSERT INTO "user" VALUES ('u', 'n', 'e', 0, NULL, '2026-11-23T08:40:13.336Z', 'x')"#, [])
        .unwrap();
    let store = file.store().await;
    assert_eq!(store.migrate(&wide(), Mode::Plan).await.unwrap().steps, STEPS);
    assert_eq!(store.migrate(&wide(), Mode::Apply).await.unwrap().steps, STEPS);
    assert!(store.migrate(&wide(), Mode::Plan).await.unwrap().is_empty());
    let defaults = r#"SELECT "textDef" || "textReq" || "num" || "numReq" || "bool" || "boolReq" FROM "user""#;
    let defaults: String = file.raw().query_row(defaults, [], |row| row.get(0)).unwrap();
    assert_eq!(defaults, "x'yd71.501");
}

#[tokio::test]
async fn a_file_of_the_npm_package_is_served_as_it_is() {
    let file = File::new();
    file.raw().execute_batch(&FRESH.join(";")).unwrap();
    assert!(file.store().await.migrate(&wide(), Mode::Plan).await.unwrap().is_empty());
    file.raw()
        .execute_batch(
            r#"INSERT INTO "user" ("id", "name", "email", "emailVerified", "createdAt", "updatedAt", "textReq", "numReq",
                                   "boolReq", "date", "json", "texts", "nums")
               VALUES ('u', 'Ann', 'ann@example.com', 1, '2026-11-23T08:40:13.336Z', '2026-11-23T08:40:13.337Z', '5.0', 5.5,
                       0, '2023-11-14T22:13:20.123Z', '{"a":[1,2.5,"x"],"n":null}', '["a","b"]', '[1,2.5]');
               INSERT INTO "session" VALUES ('s', '2026-11-30T08:40:13.336Z', 'token', '2026-11-23T08:40:13.336Z',
                                             '2026-11-23T08:40:13.336Z', '', 'curl', 'u');"#,
        )
        .unwrap();
    let (session, user) =
        file.store().await.session_with_user(&wide(), &SessionToken::new("token")).await.unwrap().unwrap().into_parts();
    assert_eq!(session.expires_at.to_string(), "2026-11-30T08:40:13.336Z");
    assert_eq!((session.ip_address.as_deref(), session.user_agent.as_deref()), (Some(""), Some("curl")));
    assert!(user.email_verified);
    assert_eq!(user.extra.get("textReq"), Some(&Value::from("5.0")));
    assert_eq!(user.extra.get("numReq"), Some(&Value::Number(5.5)));
    assert_eq!(user.extra.get("boolReq"), Some(&Value::Boolean(false)));
    assert_eq!(user.extra.get("date"), Some(&Value::Date(Timestamp::from_millis(1_700_000_000_123))));
    assert_eq!(user.extra.get("texts"), Some(&Value::Json(serde_json::json!(["a", "b"]))));
}

/// Each value, and what the npm package's adapter leaves in the file: its SQLite type and its content. That package does not check
/// the types of additional fields, so the odd ones are what clients can bring about.
#[tokio::test]
async fn values_are_stored_as_the_npm_package_stores_them() {
    let file = File::new();
    let store = file.store().await;
    store.migrate(&values_schema(), Mode::Apply).await.unwrap();
    let json = |text: &str| Value::Json(serde_json::from_str(text).unwrap());
    let date = |millis| Value::Date(Timestamp::from_millis(millis));
    let cases: [(&str, Value, &str, &str); 32] = [
        ("text", "abc".into(), "text", "abc"),
        ("text", "".into(), "text", ""),
        ("text", Value::Integer(5), "text", "5.0"),
        ("text", Value::Number(5.5), "text", "5.5"),
        ("text", Value::Boolean(true), "text", "1.0"),
        ("text", Value::Null, "null", ""),
        ("num", Value::Integer(5), "integer", "5"),
        ("num", Value::Number(5.0), "integer", "5"),
        ("num", Value::Number(5.5), "real", "5.5"),
        ("num", Value::Integer(9_007_199_254_740_991), "integer", "9007199254740991"),
        ("num", "7".into(), "integer", "7"),
        ("num", "x".into(), "text", "x"),
        ("num", Value::Boolean(true), "integer", "1"),
        ("num", Value::Number(1e300), "real", "1.0e+300"),
        ("big", Value::Integer(9_007_199_254_740_991), "integer", "9007199254740991"),
        ("bool", Value::Boolean(true), "integer", "1"),
        ("bool", Value::Boolean(false), "integer", "0"),
        ("bool", Value::Integer(1), "integer", "1"),
        ("bool", "true".into(), "text", "true"),
        ("bool", Value::Integer(2), "integer", "2"),
        ("date", date(1_700_000_000_123), "text", "2023-11-14T22:13:20.123Z"),
        ("date", "2026-11-23".into(), "text", "2026-11-23T00:00:00.000Z"),
        ("date", Value::Integer(1_700_000_000_123), "integer", "1700000000123"),
        ("json", json(r#"{"a":[1,2.5,"x"],"n":null}"#), "text", r#"{"a":[1,2.5,"x"],"n":null}"#),
        ("json", json("[1]"), "text", "[1]"),
        ("json", "abc".into(), "text", "abc"),
        ("json", r#""abc""#.into(), "text", r#""abc""#),
        ("json", Value::Integer(5), "text", "5.0"),
        ("json", Value::Boolean(true), "text", "1.0"),
        ("texts", json(r#"["a","b"]"#), "text", r#"["a","b"]"#),
        ("texts", "x".into(), "text", "x"),
        ("nums", json("[1,2.5]"), "text", "[1,2.5]"),
    ];
    for (n, (column, value, kind, content)) in cases.into_iter().enumerate() {
        let row = Row::new().with("id", format!("v{n}")).with(column, value.clone());
        store.write(&values_schema(), Batch::new().insert("value", row)).await.unwrap();
        let stored =
            format!(r#"SELECT typeof("{column}"), coalesce("{column}" || '', '') FROM "value" WHERE "id" = 'v{n}'"#);
        let stored: (String, String) = file.raw().query_row(&stored, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(stored, (kind.into(), content.into()), "{value:?} in {column}");
    }
}

fn values_schema() -> Schema {
    let kinds: [(&str, ColumnKind); 8] = [
        ("text", Text),
        ("num", Integer),
        ("big", BigInteger),
        ("bool", Boolean),
        ("date", Date),
        ("json", Json),
        ("texts", TextList),
        ("nums", NumberList),
    ];
    let table = Table::new("value");
    let table = kinds.into_iter().fold(table, |table, (name, kind)| table.column(Column::new(name, kind).optional()));
    // One revision for the whole test would do; a new one for each call also tests that statements follow the schema.
    Schema::core().with_table(table)
}

/// A number is less than any text to SQLite, so milliseconds must not be compared with an ISO text.
#[tokio::test]
async fn dates_stored_as_milliseconds_are_read_and_compared() {
    let file = File::new();
    let (store, schema) = (file.store().await, values_schema());
    store.migrate(&schema, Mode::Apply).await.unwrap();
    file.raw()
        .execute_batch(
            r#"INSERT INTO "value" ("id", "date") VALUES ('text', '2023-11-14T22:13:20.123Z'),
                   ('integer', 1700000000123), ('real', 1700000000123.5), ('space', '2023-11-14 22:13:20.123')"#,
        )
        .unwrap();
    let moment = Timestamp::from_millis(1_700_000_000_123);
    for row in store.find(&schema, Query::table("value")).await.unwrap() {
        assert_eq!(row.get("date"), Some(&Value::Date(moment)), "{row:?}");
    }
    let day = std::time::Duration::from_hours(24);
    let count = async |filter| store.find(&schema, Query::table("value").filter(filter)).await.unwrap().len();
    assert_eq!(count(Filter::lt("date", moment - day)).await, 0);
    assert_eq!(count(Filter::gt("date", moment - day)).await, 4);
    assert_eq!(count(Filter::lt("date", moment + day)).await, 4);
    assert_eq!(count(Filter::gt("date", moment + day)).await, 0);
    assert_eq!(count(Filter::eq("date", moment)).await, 2);
}

/// What a JavaScript `Date` and a JSON document cannot be put into.
#[tokio::test]
async fn a_value_its_column_cannot_hold_is_misuse() {
    let file = File::new();
    let (store, schema) = (file.store().await, values_schema());
    store.migrate(&schema, Mode::Apply).await.unwrap();
    let object = || Value::Json(serde_json::json!({}));
    for (column, value) in [("text", object()), ("num", object()), ("bool", object()), ("date", "soon".into())] {
        let row = Row::new().with("id", "v").with(column, value);
        let error = store.write(&schema, Batch::new().insert("value", row)).await.unwrap_err();
        assert!(error.to_string().contains(column), "{error}");
    }
}

// As recorded. SQLite keeps the text of each statement, with its first words in capitals.

const CORE: [&str; 7] = [
    r#"CREATE TABLE "user" ("id" text not null primary key, "name" text not null, "email" text not null unique, "emailVerified" integer not null, "image" text, "createdAt" date not null, "updatedAt" date not null)"#,
    r#"CREATE TABLE "session" ("id" text not null primary key, "expiresAt" date not null, "token" text not null unique, "createdAt" date not null, "updatedAt" date not null, "ipAddress" text, "userAgent" text, "userId" text not null references "user" ("id") on delete cascade)"#,
    r#"CREATE TABLE "account" ("id" text not null primary key, "accountId" text not null, "providerId" text not null, "userId" text not null references "user" ("id") on delete cascade, "accessToken" text, "refreshToken" text, "idToken" text, "accessTokenExpiresAt" date, "refreshTokenExpiresAt" date, "scope" text, "password" text, "createdAt" date not null, "updatedAt" date not null)"#,
    r#"CREATE TABLE "verification" ("id" text not null primary key, "identifier" text not null, "value" text not null, "expiresAt" date not null, "createdAt" date not null, "updatedAt" date not null)"#,
    r#"CREATE INDEX "session_userId_idx" on "session" ("userId")"#,
    r#"CREATE INDEX "account_userId_idx" on "account" ("userId")"#,
    r#"CREATE INDEX "verification_identifier_idx" on "verification" ("identifier")"#,
];

const STEPS: [&str; 27] = [
    r#"alter table "user" add column "text" text"#,
    r#"alter table "user" add column "textDef" text default 'x''y'"#,
    r#"alter table "user" add column "textReq" text default 'd' not null"#,
    r#"alter table "user" add column "num" integer default 7"#,
    r#"alter table "user" add column "numReq" integer default 1.5 not null"#,
    r#"alter table "user" add column "big" bigint"#,
    r#"alter table "user" add column "bool" integer default 0"#,
    r#"alter table "user" add column "boolReq" integer default 1 not null"#,
    r#"alter table "user" add column "date" date"#,
    r#"alter table "user" add column "json" text"#,
    r#"alter table "user" add column "texts" text"#,
    r#"alter table "user" add column "nums" text"#,
    r#"alter table "user" add column "uniq" text"#,
    r#"alter table "user" add column "uniqDef" text"#,
    r#"alter table "user" add column "idx" text"#,
    r#"alter table "user" add column "uniqIdx" text"#,
    r#"alter table "user" add column "refId" text references "user" ("id") on delete cascade"#,
    r#"alter table "user" add column "refEmail" text references "user" ("email") on delete cascade"#,
    r#"create table "note" ("id" text not null primary key, "text" text, "textDef" text, "textReq" text not null, "num" integer, "numReq" integer not null, "big" bigint, "bool" integer, "boolReq" integer not null, "date" date, "json" text, "texts" text, "nums" text, "uniq" text unique, "uniqDef" text unique, "idx" text, "uniqIdx" text unique, "refId" text references "user" ("id") on delete cascade, "refEmail" text references "user" ("email") on delete cascade, "reqUniq" text not null unique, "reqIdx" text not null, "reqRef" text not null unique references "user" ("id") on delete cascade)"#,
    r#"create unique index "user_uniq_uidx" on "user" ("uniq")"#,
    r#"create unique index "user_uniqDef_uidx" on "user" ("uniqDef")"#,
    r#"create index "user_idx_idx" on "user" ("idx")"#,
    r#"create unique index "user_uniqIdx_uidx" on "user" ("uniqIdx")"#,
    r#"create index "user_refEmail_idx" on "user" ("refEmail")"#,
    r#"create index "note_idx_idx" on "note" ("idx")"#,
    r#"create index "note_refEmail_idx" on "note" ("refEmail")"#,
    r#"create index "note_reqIdx_idx" on "note" ("reqIdx")"#,
];

const FRESH: [&str; 13] = [
    r#"CREATE TABLE "user" ("id" text not null primary key, "name" text not null, "email" text not null unique, "emailVerified" integer not null, "image" text, "createdAt" date not null, "updatedAt" date not null, "text" text, "textDef" text, "textReq" text not null, "num" integer, "numReq" integer not null, "big" bigint, "bool" integer, "boolReq" integer not null, "date" date, "json" text, "texts" text, "nums" text, "uniq" text unique, "uniqDef" text unique, "idx" text, "uniqIdx" text unique, "refId" text references "user" ("id") on delete cascade, "refEmail" text references "user" ("email") on delete cascade)"#,
    r#"CREATE TABLE "session" ("id" text not null primary key, "expiresAt" date not null, "token" text not null unique, "createdAt" date not null, "updatedAt" date not null, "ipAddress" text, "userAgent" text, "userId" text not null references "user" ("id") on delete cascade)"#,
    r#"CREATE TABLE "account" ("id" text not null primary key, "accountId" text not null, "providerId" text not null, "userId" text not null references "user" ("id") on delete cascade, "accessToken" text, "refreshToken" text, "idToken" text, "accessTokenExpiresAt" date, "refreshTokenExpiresAt" date, "scope" text, "password" text, "createdAt" date not null, "updatedAt" date not null)"#,
    r#"CREATE TABLE "verification" ("id" text not null primary key, "identifier" text not null, "value" text not null, "expiresAt" date not null, "createdAt" date not null, "updatedAt" date not null)"#,
    r#"CREATE TABLE "note" ("id" text not null primary key, "text" text, "textDef" text, "textReq" text not null, "num" integer, "numReq" integer not null, "big" bigint, "bool" integer, "boolReq" integer not null, "date" date, "json" text, "texts" text, "nums" text, "uniq" text unique, "uniqDef" text unique, "idx" text, "uniqIdx" text unique, "refId" text references "user" ("id") on delete cascade, "refEmail" text references "user" ("email") on delete cascade, "reqUniq" text not null unique, "reqIdx" text not null, "reqRef" text not null unique references "user" ("id") on delete cascade)"#,
    r#"CREATE INDEX "user_idx_idx" on "user" ("idx")"#,
    r#"CREATE INDEX "user_refEmail_idx" on "user" ("refEmail")"#,
    r#"CREATE INDEX "session_userId_idx" on "session" ("userId")"#,
    r#"CREATE INDEX "account_userId_idx" on "account" ("userId")"#,
    r#"CREATE INDEX "verification_identifier_idx" on "verification" ("identifier")"#,
    r#"CREATE INDEX "note_idx_idx" on "note" ("idx")"#,
    r#"CREATE INDEX "note_refEmail_idx" on "note" ("refEmail")"#,
    r#"CREATE INDEX "note_reqIdx_idx" on "note" ("reqIdx")"#,
];
