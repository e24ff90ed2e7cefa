//! Migrations of files that are not as expected: what is refused is refused whole.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use hallpass_sql::SqlStore;
use hallpass_store::{Column, ColumnKind, Mode, Schema, Store, StoreError};
use rusqlite::Connection;

/// Applies `sql` to a file with the core tables, migrates it to `schema`, and returns the refusal.
async fn refusal(sql: &str, schema: &Schema) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hallpass.db");
    let store = SqlStore::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    store.migrate(&Schema::core(), Mode::Apply).await.unwrap();
    let raw = Connection::open(path).unwrap();
    raw.execute_batch(sql).unwrap();
    let before = dump(&raw);
    let error = store.migrate(schema, Mode::Apply).await.unwrap_err();
    assert_eq!(dump(&raw), before, "nothing is changed");
    match error {
        StoreError::Misuse(reason) => reason,
        other => panic!("{other}"),
    }
}

fn dump(raw: &Connection) -> Vec<(String, Option<String>)> {
    let mut statement = raw.prepare("SELECT name, sql FROM sqlite_master ORDER BY name").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn with(column: Column) -> Schema {
    // Something that could be added, before and after the thing that is refused.
    Schema::core()
        .with_column("user", Column::new("before", ColumnKind::Text).optional())
        .with_column("user", column)
        .with_column("audit", Column::new("after", ColumnKind::Text))
}

const A_ROW: &str =
    r#"INSERT INTO "user" VALUES ('u1', 'n', 'e1', 0, NULL, '', ''), ('u2', 'n', 'e2', 0, NULL, '', '');"#;

#[tokio::test]
async fn a_column_of_another_type_names_both_types() {
    let alter = r#"ALTER TABLE "user" ADD COLUMN "age" blob"#;
    let reason = refusal(alter, &with(Column::new("age", ColumnKind::Integer).optional())).await;
    for part in ["`user`", "`age`", "`BLOB`", "`integer`"] {
        assert!(reason.contains(part), "{reason}");
    }
    let alter = r#"ALTER TABLE "user" ADD COLUMN "age" VARCHAR(20)"#;
    let reason = refusal(alter, &with(Column::new("age", ColumnKind::Text).optional())).await;
    assert!(reason.contains("`VARCHAR(20)`") && reason.contains("`text`"), "{reason}");
}

#[tokio::test]
async fn a_required_column_cannot_be_added_to_rows() {
    for kind in [ColumnKind::Text, ColumnKind::Date, ColumnKind::Json] {
        let reason = refusal(A_ROW, &with(Column::new("age", kind))).await;
        assert!(reason.contains("`user` has rows") && reason.contains("`age`"), "{reason}");
    }
}

#[tokio::test]
async fn values_that_would_not_be_unique_stop_the_migration() {
    let reason = refusal(A_ROW, &with(Column::new("code", ColumnKind::Text).unique().default_value("x"))).await;
    assert!(reason.contains("unique") && reason.contains("nothing was changed"), "{reason}");
    let reason = refusal(A_ROW, &with(Column::new("name", ColumnKind::Text).unique())).await;
    assert!(reason.contains("unique") && reason.contains("nothing was changed"), "{reason}");
}

#[tokio::test]
async fn an_index_of_the_same_name_on_something_else_is_left_alone() {
    let index = r#"CREATE INDEX "user_plan_idx" ON "account" ("scope")"#;
    let reason = refusal(index, &with(Column::new("plan", ColumnKind::Text).optional().indexed())).await;
    assert!(reason.contains("`user_plan_idx`") && reason.contains("`account`"), "{reason}");
}

#[tokio::test]
async fn a_view_is_no_table() {
    let view = r#"CREATE VIEW "audit" AS SELECT "id", "name" AS "after" FROM "user""#;
    let reason = refusal(view, &with(Column::new("plan", ColumnKind::Text).optional())).await;
    assert!(reason.contains("`audit`") && reason.contains("view"), "{reason}");
}

#[tokio::test]
async fn what_is_there_in_another_guise_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hallpass.db");
    // Numeric ids, other capitals, types the npm package accepts as well, an index of another name and a partial one.
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            r#"CREATE TABLE "USER" ("id" integer primary key, "name" TEXT not null, "EMAIL" text not null,
                   "emailVerified" BOOLEAN not null, "image" text, "createdAt" INTEGER not null, "updatedAt" DATE not null,
                   "nickname" text not null default '');
               CREATE UNIQUE INDEX "by_mail" ON "USER" ("EMAIL");
               CREATE INDEX "some_names" ON "USER" ("name") WHERE "name" > 'm';"#,
        )
        .unwrap();
    let store = SqlStore::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let schema = Schema::core().with_column("user", Column::new("name", ColumnKind::Text).indexed());
    let plan = store.migrate(&schema, Mode::Apply).await.unwrap();
    let indexes: Vec<&String> = plan.steps.iter().filter(|step| step.contains("on \"user\"")).collect();
    assert_eq!(indexes, [r#"create index "user_name_idx" on "user" ("name")"#], "{plan}");
    assert!(store.migrate(&schema, Mode::Plan).await.unwrap().is_empty());
}
