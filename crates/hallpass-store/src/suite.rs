//! The contract in executable form: what every store must pass.
//!
//! [`store_suite!`](crate::store_suite) expands to one test for each case. The crate that calls it needs `tokio` with the
//! features `macros` and `rt-multi-thread` among its own dev-dependencies; this crate does not.
//!
//! ```no_run
//! # mod tests {
//! use hallpass_store::MemoryStore;
//!
//! // A new, empty store for each case, and what must live as long as it (a temporary folder, say).
//! async fn make() -> (MemoryStore, ()) {
//!     (MemoryStore::new(), ())
//! }
//!
//! hallpass_store::store_suite!(make);
//! # }
//! ```
//!
//! A store that serves several processes should also be tested by its author for what one process cannot see: writes of
//! another node, a server that goes away, a disk that fills up.
#![expect(clippy::missing_panics_doc, reason = "a case fails by panicking; that is what it is for")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "as above")]

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
};

use crate::{
    Account, Batch, Column, ColumnKind, Conflict, Filter, Mode, Order, Outcome, Query, Record, Row, Schema, Session,
    SessionAndUser, SessionId, SessionToken, Store, StoreError, Table, Timestamp, User, UserId, Value, Verification,
};

/// One of several things that are done at the same time.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a case works with.
#[derive(Clone)]
pub struct Stage {
    store: Arc<dyn Store>,
    together: fn(Vec<Task>) -> Task,
    schema: Arc<Schema>,
    limits: Limits,
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage").finish_non_exhaustive()
    }
}

/// What the column types of a database cannot do, although they are the ones that the npm package gives it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Limits {
    /// Whether rows come as they were inserted where no order is asked for.
    pub insertion_order: bool,
    /// The longest text, in bytes, of a column of texts.
    pub longest_text: usize,
    /// The first moment that can be stored.
    pub earliest: Timestamp,
    /// A moment that can be stored, far in the future.
    pub latest: Timestamp,
    /// Whether a session that has expired is still there.
    pub keeps_expired_sessions: bool,
}

impl Limits {
    /// A store that can do everything.
    pub const NONE: Self = Self {
        insertion_order: true,
        longest_text: 70_000,
        earliest: Timestamp::from_millis(0),
        latest: Timestamp::from_millis(9_999_999_999_999),
        keeps_expired_sessions: true,
    };

    /// Sessions in a secondary storage, which forgets them as they expire.
    pub const FORGETTING: Self = Self { keeps_expired_sessions: false, ..Self::NONE };

    /// MySQL and MariaDB: `text` holds 64 KiB, `timestamp` ends in 2038, and InnoDB keeps rows in the order of their keys.
    pub const MYSQL: Self = Self {
        insertion_order: false,
        longest_text: 65_535,
        earliest: Timestamp::from_millis(1_000),
        latest: Timestamp::from_millis(2_147_483_646_999),
        keeps_expired_sessions: true,
    };
}

/// Makes one test of each case. Takes an async function (or closure) without arguments that returns a new, empty store and
/// whatever must live as long as it, as a pair.
#[macro_export]
macro_rules! store_suite {
    ($make:expr) => {
        $crate::store_suite!($make, $crate::suite::Limits::NONE);
    };
    ($make:expr, $limits:expr) => {
        $crate::store_suite!(@cases $make, $limits;
            every_kind_of_cell_comes_back
            every_text_comes_back
            extra_columns_come_back_in_schema_order
            core_records_come_back
            renamed_tables_and_columns_work
            unique_columns_refuse_a_second_row
            required_columns_refuse_no_value
            references_must_point_at_a_row
            a_refused_batch_leaves_nothing
            a_guard_calls_the_batch_off
            updates_and_deletes_count_rows
            one_of_many_takers_gets_the_row
            increments_add_up
            rows_without_an_id_are_numbered
            rows_refer_to_numbers_of_their_own_batch
            concurrent_batches_stay_whole
            a_session_is_found_with_its_user
            a_session_without_its_user_is_none
            tokens_are_looked_up_exactly
            filters_choose_rows
            rows_come_ordered_and_limited
            deletes_cascade
            migrating_twice_changes_nothing
            a_plan_changes_nothing
            new_columns_get_their_default
            unknown_names_are_misuse
            ping_and_close_answer
        );
    };
    (@cases $make:expr, $limits:expr; $($case:ident)*) => {
        $(
            #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                fn together(tasks: ::std::vec::Vec<$crate::suite::Task>) -> $crate::suite::Task {
                    ::std::boxed::Box::pin(async move {
                        let running: ::std::vec::Vec<_> = tasks.into_iter().map(::tokio::spawn).collect();
                        for task in running {
                            task.await.expect("a task panicked");
                        }
                    })
                }
                let (store, _guard) = ($make)().await;
                let stage = $crate::suite::Stage::limited(::std::sync::Arc::new(store), together, $limits).await;
                $crate::suite::$case(stage).await;
            }
        )*
    };
}

impl Stage {
    /// Sets the stage with an empty store, and a function that runs tasks at the same time and waits for them.
    pub async fn new(store: Arc<dyn Store>, together: fn(Vec<Task>) -> Task) -> Self {
        Self::limited(store, together, Limits::NONE).await
    }

    /// The same for a store that cannot do everything.
    pub async fn limited(store: Arc<dyn Store>, together: fn(Vec<Task>) -> Task, limits: Limits) -> Self {
        let stage = Self { store, together, schema: Arc::new(schema()), limits };
        stage.store.migrate(&stage.schema, Mode::Apply).await.unwrap();
        stage
    }

    async fn write(&self, batch: Batch) -> Vec<Outcome> {
        self.store.write(&self.schema, batch).await.unwrap()
    }

    async fn refused(&self, batch: Batch) -> StoreError {
        self.store.write(&self.schema, batch).await.unwrap_err()
    }

    async fn find(&self, query: Query) -> Vec<Row> {
        self.store.find(&self.schema, query).await.unwrap()
    }

    /// The ids a filter on `item` chooses.
    async fn ids(&self, query: Query) -> Vec<String> {
        let rows = self.find(query).await;
        rows.iter().map(|row| row.get("id").and_then(Value::as_text).unwrap().to_owned()).collect()
    }

    /// These ids in the order of insertion, where the store has one, else sorted.
    fn inserted<'i>(&self, ids: &[&'i str]) -> Vec<&'i str> {
        let mut ids = ids.to_vec();
        if !self.limits.insertion_order {
            ids.sort_unstable();
        }
        ids
    }

    async fn count(&self, table: &str) -> usize {
        self.find(Query::table(table)).await.len()
    }

    async fn session(&self, token: &str) -> Option<(Session, User)> {
        let token = SessionToken::new(token);
        self.store.session_with_user(&self.schema, &token).await.unwrap().map(SessionAndUser::into_parts)
    }

    /// Runs a number of tasks at the same time and collects what they return.
    async fn at_once<T, F>(&self, tasks: impl Iterator<Item = F>) -> Vec<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let results = Arc::new(Mutex::new(Vec::new()));
        let tasks = tasks.map(|task| {
            let results = Arc::clone(&results);
            Box::pin(async move {
                let result = task.await;
                results.lock().unwrap().push(result);
            }) as Task
        });
        (self.together)(tasks.collect()).await;
        std::mem::take(&mut *results.lock().unwrap())
    }
}

/// The core tables, with extra columns, and one table that has every kind of column.
fn schema() -> Schema {
    Schema::core()
        .with_column("user", Column::new("plan", ColumnKind::Text).optional())
        .with_column("user", Column::new("tags", ColumnKind::TextList).optional())
        .with_column("session", Column::new("device", ColumnKind::Json).optional())
        .with_column("session", Column::new("visits", ColumnKind::Integer).optional())
        .with_table(
            Table::new("item")
                .column(Column::new("text", ColumnKind::Text).optional())
                .column(Column::new("integer", ColumnKind::Integer).optional())
                .column(Column::new("big", ColumnKind::BigInteger).optional())
                .column(Column::new("boolean", ColumnKind::Boolean).optional())
                .column(Column::new("date", ColumnKind::Date).optional())
                .column(Column::new("json", ColumnKind::Json).optional())
                .column(Column::new("texts", ColumnKind::TextList).optional())
                .column(Column::new("numbers", ColumnKind::NumberList).optional())
                .column(Column::new("key", ColumnKind::Text).optional().unique())
                .column(Column::new("group", ColumnKind::Text).optional().indexed())
                .column(Column::new("parent", ColumnKind::Text).optional().references("item", "id")),
        )
}

const NOW: Timestamp = Timestamp::from_millis(1_795_423_213_336);

/// Tokens of the form that the engine draws, which is the only one that some stores take.
const T1: &str = "AbCdEfGhIjKlMnOpQrStUvWxYz012345";
const T2: &str = "00000000000000000000000000000007";
const T3: &str = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";

fn user(id: &str) -> User {
    User::new(UserId::new(id), "Ann", format!("{id}@example.com"), NOW)
}

fn session(id: &str, token: &str, user: &str) -> Session {
    let expires = Timestamp::from_millis(NOW.as_millis() + 3_600_000);
    Session::new(SessionId::new(id), SessionToken::new(token), UserId::new(user), NOW, expires)
}

fn item(id: &str) -> Row {
    Row::new().with("id", id)
}

fn items(rows: impl IntoIterator<Item = Row>) -> Batch {
    rows.into_iter().fold(Batch::new(), |batch, row| batch.insert("item", row))
}

fn by_id(id: &str) -> Filter {
    Filter::eq("id", id)
}

fn json(text: &str) -> Value {
    Value::Json(serde_json::from_str(text).unwrap())
}

/// A cell of every kind is read as it was written.
pub async fn every_kind_of_cell_comes_back(stage: Stage) {
    let written = item("i1")
        .with("text", "hello")
        .with("integer", -7_i64)
        .with("big", 9_007_199_254_740_991_i64)
        .with("boolean", true)
        .with("date", stage.limits.earliest)
        .with("json", json(r#"{"a":[1,2.5,null,{"b":"c"}]}"#))
        .with("texts", json(r#"["x","","😀"]"#))
        .with("numbers", json("[1,-2.5,3]"))
        .with("key", "k")
        .with("group", "g")
        .with("parent", "i1");
    let empty = item("i2").with("boolean", false).with("json", json("[]"));
    stage.write(items([written.clone(), empty])).await;
    assert_eq!(stage.find(Query::table("item").filter(by_id("i1"))).await, [written]);
    let sparse = stage.find(Query::table("item").filter(by_id("i2"))).await.remove(0);
    assert_eq!(sparse.len(), 12, "every column of the table, given or not: {sparse:?}");
    assert_eq!(sparse.get("text"), Some(&Value::Null));
    assert_eq!(sparse.get("boolean"), Some(&Value::Boolean(false)));
    assert_eq!(sparse.get("json"), Some(&json("[]")));
}

/// Texts are kept byte for byte.
pub async fn every_text_comes_back(stage: Stage) {
    let long = "x".repeat(stage.limits.longest_text);
    let texts =
        ["", " ", "a\0b", "\0", "😀 ÄÖ\u{301}", "'; drop table \"item\"; --", "NULL", "1", "1.0", "\r\n\t", &long];
    for (n, text) in texts.iter().enumerate() {
        let id = format!("i{n}");
        let batch = items([item(&id).with("text", *text).with("json", json(r#"["a"]"#))]);
        if text.contains('\0') && refuses_nul(&stage, &batch, &id).await {
            continue;
        }
        stage.write(batch).await;
        let row = stage.find(Query::table("item").filter(Filter::eq("text", *text))).await.remove(0);
        assert_eq!(row.get("text"), Some(&Value::from(*text)));
        assert_eq!(row.get("id"), Some(&Value::from(id)));
    }
    // As an id and behind a unique column as well.
    let odd = items([item("a\0b").with("key", "a\0b"), item("a").with("key", "a")]);
    if !refuses_nul(&stage, &odd, "a\0b").await {
        stage.write(odd).await;
        assert_eq!(stage.ids(Query::table("item").filter(Filter::eq("key", "a\0b"))).await, ["a\0b"]);
    }
}

/// Some databases have no room for a NUL in a text. They must say so when one is written, and find nothing when one is looked for.
async fn refuses_nul(stage: &Stage, batch: &Batch, id: &str) -> bool {
    match stage.store.write(&stage.schema, batch.clone()).await {
        Ok(_) => {
            stage.write(Batch::new().delete("item", by_id(id)).delete("item", by_id("a"))).await;
            false
        }
        Err(error) => {
            assert!(matches!(error, StoreError::Misuse(_)), "{error}");
            assert!(stage.ids(Query::table("item").filter(Filter::eq("text", "a\0b"))).await.is_empty());
            assert!(stage.ids(Query::table("item").filter(by_id(id))).await.is_empty());
            true
        }
    }
}

/// Columns beyond the typed ones are in `extra`, in the order the schema has them.
pub async fn extra_columns_come_back_in_schema_order(stage: Stage) {
    let (mut owner, mut its) = (user("u1"), session("s1", T1, "u1"));
    owner.extra = Row::new().with("tags", json(r#"["a"]"#)).with("plan", "free");
    its.extra = Row::new().with("visits", 3_i64).with("device", json(r#"{"os":"x"}"#));
    stage.write(Batch::new().insert("user", owner.into_row()).insert("session", its.into_row())).await;
    let (found, of) = stage.session(T1).await.unwrap();
    assert_eq!(found.extra, Row::new().with("device", json(r#"{"os":"x"}"#)).with("visits", 3_i64));
    assert_eq!(of.extra, Row::new().with("plan", "free").with("tags", json(r#"["a"]"#)));
    let row = stage.find(Query::table("user")).await.remove(0);
    assert_eq!(User::from_row(row).unwrap(), of);
}

/// The four core records survive the way through the store.
pub async fn core_records_come_back(stage: Stage) {
    let (mut owner, mut its) = (user("u1"), session("s1", T1, "u1"));
    owner.email_verified = true;
    owner.image = Some("https://example.com/a.png".into());
    owner.extra = Row::new().with("plan", Value::Null).with("tags", Value::Null);
    its.user_agent = None;
    its.extra = Row::new().with("device", Value::Null).with("visits", Value::Null);
    let mut account = Account::credential("a1", UserId::new("u1"), "salt:hash".into(), NOW);
    account.access_token_expires_at = Some(NOW);
    let proof = Row::new()
        .with("id", "v1")
        .with("identifier", "reset-password:x")
        .with("value", "u1")
        .with("expiresAt", NOW)
        .with("createdAt", NOW)
        .with("updatedAt", NOW);
    let batch = Batch::new()
        .insert("user", owner.clone().into_row())
        .insert("session", its.clone().into_row())
        .insert("account", account.clone().into_row())
        .insert("verification", proof.clone());
    stage.write(batch).await;
    assert_eq!(stage.session(T1).await, Some((its, owner)));
    let found = stage.find(Query::table("account").filter(Filter::eq("userId", "u1"))).await.remove(0);
    assert_eq!(Account::from_row(found).unwrap(), account);
    let found = stage.find(Query::table("verification")).await.remove(0);
    assert_eq!(Verification::from_row(found).unwrap(), Verification::from_row(proof).unwrap());
}

/// The database may know tables and columns under other names; callers and conflicts use the logical ones.
pub async fn renamed_tables_and_columns_work(stage: Stage) {
    let mut table = Table::new("thing")
        .column(Column::new("label", ColumnKind::Text).unique().named("the \"label\""))
        .column(Column::new("owner", ColumnKind::Text).optional().references("thing", "label").named("owner_label"));
    table.physical = "my things".into();
    let schema = Schema::core().with_table(table);
    stage.store.migrate(&schema, Mode::Apply).await.unwrap();
    let row = Row::new().with("id", "1").with("label", "one").with("owner", "one");
    stage.store.write(&schema, Batch::new().insert("thing", row.clone())).await.unwrap();
    let query = || Query::table("thing").filter(Filter::eq("label", "one")).order_by("label", Order::Ascending);
    assert_eq!(stage.store.find(&schema, query()).await.unwrap(), [row]);
    let again = Batch::new().insert("thing", Row::new().with("id", "2").with("label", "one"));
    assert_unique(&stage.store.write(&schema, again).await.unwrap_err(), "thing", "label");
    let outcomes = stage.store.write(&schema, Batch::new().take("thing", by_id("1"))).await.unwrap();
    assert_eq!(outcomes[0].rows[0].get("owner"), Some(&Value::from("one")));
}

/// A schema in which the store numbers the rows of two tables.
fn numbered() -> Schema {
    let owner = Table::new("owner").numbered().column(Column::new("name", ColumnKind::Text).unique());
    let pet = Table::new("pet")
        .numbered()
        .column(Column::new("owner", ColumnKind::RowNumber).references("owner", "id").indexed())
        .column(Column::new("label", ColumnKind::Text));
    Schema::core().with_table(owner).with_table(pet)
}

fn owner(name: &str) -> Row {
    Row::new().with("name", name)
}

/// The id of the row that an operation inserted without one.
fn given(outcome: &Outcome) -> String {
    outcome.rows[0].get("id").and_then(Value::as_text).unwrap().to_owned()
}

/// A row that comes without an id gets a number, which is a text everywhere but in the store, also in filters.
pub async fn rows_without_an_id_are_numbered(stage: Stage) {
    let schema = Arc::new(numbered());
    stage.store.migrate(&schema, Mode::Apply).await.unwrap();
    let batch = Batch::new().insert("owner", owner("ann")).insert("owner", owner("ben"));
    let outcomes = stage.store.write(&schema, batch).await.unwrap();
    let ids: Vec<String> = outcomes.iter().map(given).collect();
    assert!(ids[0] != ids[1] && ids.iter().all(|id| id.parse::<u32>().is_ok()), "{ids:?}");
    assert_eq!(outcomes[0].rows[0].get("name"), Some(&Value::from("ann")));
    assert_eq!(outcomes[0].affected, 1);
    let find = |id: &str| stage.store.find(&schema, Query::table("owner").filter(by_id(id)));
    assert_eq!(find(&ids[1]).await.unwrap(), [Row::new().with("id", &*ids[1]).with("name", "ben")]);
    assert!(find("nobody").await.unwrap().is_empty());
    // Someone else may number rows as well.
    let chosen = Row::new().with("id", "7").with("name", "cid");
    stage.store.write(&schema, Batch::new().insert("owner", chosen.clone())).await.unwrap();
    assert_eq!(find("7").await.unwrap(), [chosen]);
    let insert = |number: usize| {
        let (store, schema) = (Arc::clone(&stage.store), Arc::clone(&schema));
        async move { store.write(&schema, Batch::new().insert("owner", owner(&format!("n{number}")))).await.unwrap() }
    };
    let outcomes = stage.at_once((0..16).map(insert)).await;
    let distinct: std::collections::BTreeSet<String> = outcomes.iter().map(|outcomes| given(&outcomes[0])).collect();
    assert_eq!(distinct.len(), 16);
}

/// What belongs to a row is written together with it, although nobody knows its number yet.
pub async fn rows_refer_to_numbers_of_their_own_batch(stage: Stage) {
    let schema = numbered();
    stage.store.migrate(&schema, Mode::Apply).await.unwrap();
    stage.store.write(&schema, Batch::new().insert("owner", owner("first"))).await.unwrap();
    let pet = |label: &str| Row::new().with("label", label);
    let batch = Batch::new().insert("owner", owner("ann")).insert("pet", pet("cat")).linked("owner", 0);
    // Appended, the operations of a batch have other numbers.
    let outcomes = stage.store.write(&schema, Batch::new().insert("owner", owner("ben")).append(batch)).await.unwrap();
    let ann = given(&outcomes[1]);
    let pets = Query::table("pet").filter(Filter::eq("owner", &*ann));
    let found = stage.store.find(&schema, pets).await.unwrap();
    assert_eq!((found.len(), found[0].get("owner")), (1, Some(&Value::from(&*ann))));
    // Also in a column of texts, and all or nothing.
    let copies =
        Batch::new().insert("owner", owner("cid")).insert("pet", pet("")).linked("owner", 0).linked("label", 0);
    let outcomes = stage.store.write(&schema, copies.clone()).await.unwrap();
    assert_eq!(outcomes[1].rows[0].get("label"), Some(&Value::from(given(&outcomes[0]))));
    let again = Batch::new().insert("owner", owner("dan")).append(copies);
    assert_unique(&stage.store.write(&schema, again).await.unwrap_err(), "owner", "name");
    assert_eq!(stage.store.find(&schema, Query::table("owner")).await.unwrap().len(), 4);
    // A link to what is no such row is a mistake of the caller's.
    let nowhere = Batch::new().insert("pet", pet("x")).linked("owner", 3);
    assert!(matches!(stage.store.write(&schema, nowhere).await, Err(StoreError::Misuse(_))));
}

fn assert_unique(error: &StoreError, table: &str, column: &str) {
    let expected = Conflict::Unique { table: table.into(), column: column.into() };
    assert_eq!(error.conflict(), Some(&expected), "{error}");
}

/// No two rows have one value in a unique column, and any number have none.
pub async fn unique_columns_refuse_a_second_row(stage: Stage) {
    stage.write(items([item("i1").with("key", "k"), item("i2"), item("i3")])).await;
    assert_unique(&stage.refused(items([item("i4").with("key", "k")])).await, "item", "key");
    assert_unique(&stage.refused(items([item("i1")])).await, "item", "id");
    let update = Batch::new().update("item", by_id("i2"), Row::new().with("key", "k"));
    assert_unique(&stage.refused(update).await, "item", "key");
    // The row's own value is no conflict, and a value that was given up is free.
    stage.write(Batch::new().update("item", by_id("i1"), Row::new().with("key", "k"))).await;
    stage.write(Batch::new().delete("item", by_id("i1")).insert("item", item("i5").with("key", "k"))).await;
    assert_eq!(stage.ids(Query::table("item")).await, ["i2", "i3", "i5"]);
}

/// A required column without a value is refused, on insert and on update.
pub async fn required_columns_refuse_no_value(stage: Stage) {
    let nameless = Conflict::NotNull { table: "user".into(), column: "name".into() };
    let mut row = user("u1").into_row();
    row.take("name");
    let refused = stage.refused(Batch::new().insert("user", row)).await;
    assert_eq!(refused.conflict(), Some(&nameless));
    stage.write(Batch::new().insert("user", user("u1").into_row())).await;
    let update = Batch::new().update("user", by_id("u1"), Row::new().with("name", Value::Null));
    assert_eq!(stage.refused(update).await.conflict(), Some(&nameless));
    assert_eq!(stage.find(Query::table("user")).await[0].get("name"), Some(&Value::from("Ann")));
}

/// A row cannot refer to one that does not exist.
pub async fn references_must_point_at_a_row(stage: Stage) {
    let orphan = Batch::new().insert("session", session("s1", T1, "nobody").into_row());
    assert_eq!(stage.refused(orphan).await.conflict(), Some(&Conflict::Reference));
    stage.write(items([item("i1"), item("i2").with("parent", "i1")])).await;
    let astray = Batch::new().update("item", by_id("i2"), Row::new().with("parent", "nobody"));
    assert_eq!(stage.refused(astray).await.conflict(), Some(&Conflict::Reference));
    let renamed = Batch::new().update("item", by_id("i1"), Row::new().with("id", "i9"));
    assert_eq!(stage.refused(renamed).await.conflict(), Some(&Conflict::Reference));
    stage.write(Batch::new().update("item", by_id("i2"), Row::new().with("parent", Value::Null))).await;
    assert_eq!(stage.count("session").await, 0);
}

/// When one operation is refused none of the batch has happened.
pub async fn a_refused_batch_leaves_nothing(stage: Stage) {
    stage.write(items([item("i1").with("key", "k").with("integer", 1_i64), item("i2")])).await;
    let before = stage.find(Query::table("item")).await;
    let batch = items([item("i3").with("key", "new")])
        .update("item", by_id("i1"), Row::new().with("key", "moved"))
        .increment("item", by_id("i1"), "integer", 5)
        .delete("item", by_id("i2"))
        .insert("user", user("u1").into_row())
        .insert("item", item("i1"));
    assert_unique(&stage.refused(batch).await, "item", "id");
    assert_eq!(stage.find(Query::table("item")).await, before);
    assert_eq!(stage.count("user").await, 0);
    // What the refused batch would have taken is free.
    stage.write(items([item("i4").with("key", "new")])).await;
    assert!(stage.write(Batch::new()).await.is_empty());
}

/// A guarded operation that matches nothing undoes the batch and says which it was.
pub async fn a_guard_calls_the_batch_off(stage: Stage) {
    stage.write(items([item("i1")])).await;
    let set = || Row::new().with("text", "changed");
    let batch = Batch::new().update("item", by_id("i1"), set()).guarded().delete("item", by_id("gone")).guarded();
    assert_eq!(stage.refused(batch).await.conflict(), Some(&Conflict::Guard(1)));
    assert_eq!(stage.find(Query::table("item")).await[0].get("text"), Some(&Value::Null));
    let take = Batch::new().take("item", by_id("gone")).guarded();
    assert_eq!(stage.refused(take).await.conflict(), Some(&Conflict::Guard(0)));
    let unchanged = Batch::new().update("item", by_id("i1"), Row::new()).guarded();
    assert_eq!(stage.write(unchanged).await[0].affected, 1, "a row that matches counts, even if nothing is set");
    let fine = Batch::new().update("item", by_id("i1"), set()).guarded().delete("item", by_id("gone"));
    assert_eq!(stage.write(fine).await.iter().map(|outcome| outcome.affected).collect::<Vec<_>>(), [1, 0]);
}

/// Every outcome says how many rows it was.
pub async fn updates_and_deletes_count_rows(stage: Stage) {
    let grouped = |id: &str| item(id).with("group", "g");
    let outcomes = stage.write(items([grouped("i1"), grouped("i2"), item("i3").with("parent", "i1")])).await;
    assert_eq!(outcomes.iter().map(|outcome| outcome.affected).sum::<u64>(), 3);
    let all = || Filter::eq("group", "g");
    let batch = Batch::new()
        .update("item", all(), Row::new().with("text", "t").with("boolean", true))
        .increment("item", all(), "integer", 1)
        .delete("item", all());
    let affected: Vec<u64> = stage.write(batch).await.iter().map(|outcome| outcome.affected).collect();
    assert_eq!(affected, [2, 2, 2], "the row that went with its parent does not count");
    assert_eq!(stage.count("item").await, 0);
}

/// Of 64 takers exactly one gets the row, whole.
pub async fn one_of_many_takers_gets_the_row(stage: Stage) {
    for round in 0..4 {
        let id = format!("i{round}");
        let row = item(&id).with("text", "prize").with("json", json(r#"{"n":1}"#)).with("boolean", true);
        stage.write(items([row])).await;
        let takers = (0..64).map(|_| {
            let (stage, id) = (stage.clone(), id.clone());
            async move { stage.write(Batch::new().take("item", by_id(&id))).await.remove(0) }
        });
        let outcomes = stage.at_once(takers).await;
        let won: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.affected > 0).collect();
        assert_eq!(won.len(), 1);
        assert_eq!(won[0].rows.len(), 1);
        assert_eq!(won[0].rows[0].get("text"), Some(&Value::from("prize")));
        assert_eq!(won[0].rows[0].get("boolean"), Some(&Value::Boolean(true)));
        assert_eq!(won[0].rows[0].get("json"), Some(&json(r#"{"n":1}"#)));
        assert!(outcomes.iter().filter(|outcome| outcome.affected == 0).all(|outcome| outcome.rows.is_empty()));
    }
}

/// No increment is lost, and one can be limited by its own filter.
pub async fn increments_add_up(stage: Stage) {
    stage.write(items([item("i1").with("integer", 0_i64), item("i2")])).await;
    let adders = (0..64).map(|_| {
        let stage = stage.clone();
        let below = by_id("i1").and(Filter::lt("integer", 100_i64));
        async move { stage.write(Batch::new().increment("item", below, "integer", 2)).await.remove(0).affected }
    });
    let added: u64 = stage.at_once(adders).await.iter().sum();
    assert_eq!(added, 50);
    // Where a database keeps rows in no order of its own, one that was changed may have moved.
    let first = || stage.find(Query::table("item").filter(by_id("i1")));
    assert_eq!(first().await[0].get("integer"), Some(&Value::Integer(100)));
    stage.write(Batch::new().increment("item", Filter::All, "integer", -1)).await;
    let rows = stage.find(Query::table("item").order_by("id", Order::Ascending)).await;
    assert_eq!(rows[0].get("integer"), Some(&Value::Integer(99)));
    assert_eq!(rows[1].get("integer"), Some(&Value::Null), "no value stays no value");
}

/// Readers see all of a batch or nothing of it, and writers do not lose each other's work.
pub async fn concurrent_batches_stay_whole(stage: Stage) {
    let writers = (0..16).map(|n| {
        let stage = stage.clone();
        async move {
            let pair = ["a", "b"].map(|half| item(&format!("{n}{half}")).with("group", format!("g{n}")));
            stage.write(items(pair)).await;
            stage.find(Query::table("item").filter(Filter::eq("group", format!("g{n}")))).await.len()
        }
    });
    assert_eq!(stage.at_once(writers).await, [2; 16]);
    let removers = (0..32).map(|n| {
        let stage = stage.clone();
        async move {
            if n % 2 == 0 {
                let group = Filter::eq("group", format!("g{}", n / 2));
                stage.write(Batch::new().delete("item", group)).await;
                return true;
            }
            stage.count("item").await % 2 == 0
        }
    });
    assert!(stage.at_once(removers).await.into_iter().all(|whole| whole), "half a batch was seen");
    assert_eq!(stage.count("item").await, 0);
}

/// A token leads to its session and user, expired or not (or forgotten by then), as of the last write.
pub async fn a_session_is_found_with_its_user(stage: Stage) {
    let mut past = session("s2", T2, "u1");
    if stage.limits.keeps_expired_sessions {
        past.expires_at = stage.limits.earliest;
    }
    let end = past.expires_at;
    let batch = Batch::new()
        .insert("user", user("u1").into_row())
        .insert("user", user("u2").into_row())
        .insert("session", session("s1", T1, "u1").into_row())
        .insert("session", past.into_row())
        .insert("session", session("s3", T3, "u2").into_row());
    stage.write(batch).await;
    for (token, session, user) in [(T1, "s1", "u1"), (T2, "s2", "u1"), (T3, "s3", "u2")] {
        let (found, owner) = stage.session(token).await.unwrap();
        assert_eq!((found.id.as_str(), owner.id.as_str()), (session, user));
        assert_eq!((found.token.expose(), found.user_id.as_str()), (token, user));
    }
    assert_eq!(stage.session(T2).await.unwrap().0.expires_at, end);
    stage.write(Batch::new().update("user", by_id("u1"), Row::new().with("name", "Bea"))).await;
    assert_eq!(stage.session(T1).await.unwrap().1.name, "Bea");
    stage.write(Batch::new().delete("session", Filter::eq("token", T1))).await;
    assert_eq!(stage.session(T1).await, None);
    assert!(stage.session(T2).await.is_some());
}

/// A session whose user is gone is no session.
pub async fn a_session_without_its_user_is_none(stage: Stage) {
    let batch =
        Batch::new().insert("user", user("u1").into_row()).insert("session", session("s1", T1, "u1").into_row());
    stage.write(batch).await;
    assert!(stage.session(T1).await.is_some());
    stage.write(Batch::new().delete("user", by_id("u1"))).await;
    assert_eq!(stage.session(T1).await, None);
}

/// Only the token itself finds the session: no collation, no trimming, no pattern, no SQL.
pub async fn tokens_are_looked_up_exactly(stage: Stage) {
    let batch = Batch::new()
        .insert("user", user("u1").into_row())
        .insert("session", session("s1", T1, "u1").into_row())
        .insert("session", session("s2", T2, "u1").into_row());
    stage.write(batch).await;
    assert!(stage.session(T1).await.is_some());
    let others = [
        T1.to_lowercase(),
        T1.to_uppercase(),
        format!("{T1} "),
        format!(" {T1}"),
        format!("{T1}\0"),
        T1[..31].to_owned(),
        format!("{}%", &T1[..8]),
        "%".into(),
        "_".repeat(32),
        "*".into(),
        "' OR '1'='1".into(),
        format!("{T1}' --"),
        "\"token\"".into(),
        "?".into(),
        "7".into(),
        String::new(),
        "\u{212b}".into(),
    ];
    for other in others {
        assert_eq!(stage.session(&other).await, None, "{other:?}");
        let rows = stage.find(Query::table("session").filter(Filter::eq("token", &*other))).await;
        assert!(rows.is_empty(), "{other:?}");
    }
}

/// Each filter chooses the rows it says, and no value is never less or greater.
pub async fn filters_choose_rows(stage: Stage) {
    let date = |ms| Value::Date(Timestamp::from_millis(ms));
    let rows = [
        item("i1").with("integer", 1_i64).with("date", date(1000)).with("group", "a").with("boolean", true),
        item("i2").with("integer", 2_i64).with("date", date(2000)).with("group", "A").with("boolean", false),
        item("i3").with("integer", 10_i64).with("date", stage.limits.latest).with("group", "b"),
        item("i4"),
    ];
    stage.write(items(rows)).await;
    let texts = |list: &[&str]| Filter::In("group".into(), list.iter().map(|text| Value::from(*text)).collect());
    let cases: [(Filter, &[&str]); 17] = [
        (Filter::All, &["i1", "i2", "i3", "i4"]),
        (Filter::eq("group", "a"), &["i1"]),
        (Filter::eq("group", Value::Null), &["i4"]),
        (Filter::eq("boolean", true), &["i1"]),
        (Filter::eq("boolean", false), &["i2"]),
        (Filter::lt("integer", 10_i64), &["i1", "i2"]),
        (Filter::gt("integer", 1_i64), &["i2", "i3"]),
        (Filter::gt("integer", Value::Number(1.5)), &["i2", "i3"]),
        (Filter::lt("integer", Value::Null), &[]),
        (Filter::lt("date", date(2000)), &["i1"]),
        (Filter::gt("date", date(1000)), &["i2", "i3"]),
        (Filter::eq("date", date(2000)), &["i2"]),
        (texts(&[]), &[]),
        (texts(&["a", "b", "zzz"]), &["i1", "i3"]),
        (Filter::In("date".into(), vec![date(1000), date(2000)]), &["i1", "i2"]),
        (Filter::gt("integer", 1_i64).and(Filter::lt("integer", 10_i64)).and(Filter::eq("group", "A")), &["i2"]),
        (Filter::And(vec![]), &["i1", "i2", "i3", "i4"]),
    ];
    for (filter, expected) in cases {
        let found = stage.ids(Query::table("item").filter(filter.clone())).await;
        assert_eq!(found, expected, "{filter:?}");
    }
}

/// Order, limit and offset; without an order the order of insertion.
pub async fn rows_come_ordered_and_limited(stage: Stage) {
    let rows = [("i3", Some("b"), 1), ("i1", Some("a"), 10), ("i4", None, 2), ("i2", Some("b"), 3)];
    stage.write(items(rows.map(|(id, group, n)| item(id).with("group", group).with("integer", i64::from(n))))).await;
    let all = || Query::table("item");
    assert_eq!(stage.ids(all()).await, stage.inserted(&["i3", "i1", "i4", "i2"]));
    assert_eq!(stage.ids(all().filter(Filter::eq("group", "b"))).await, stage.inserted(&["i3", "i2"]));
    assert_eq!(stage.ids(all().order_by("id", Order::Ascending)).await, ["i1", "i2", "i3", "i4"]);
    assert_eq!(stage.ids(all().order_by("id", Order::Descending).limit(2)).await, ["i4", "i3"]);
    assert_eq!(stage.ids(all().order_by("integer", Order::Ascending)).await, ["i3", "i4", "i2", "i1"]);
    assert_eq!(stage.ids(all().order_by("id", Order::Ascending).offset(1).limit(2)).await, ["i2", "i3"]);
    assert_eq!(stage.ids(all().order_by("id", Order::Ascending).offset(3)).await, ["i4"]);
    assert!(stage.ids(all().order_by("id", Order::Ascending).offset(9)).await.is_empty());
    assert!(stage.ids(all().limit(0)).await.is_empty());
    assert_eq!(stage.ids(all().limit(2)).await, stage.inserted(&["i3", "i1", "i4", "i2"])[..2]);
    let ties = all().filter(Filter::eq("group", "b")).order_by("group", Order::Descending);
    assert_eq!(stage.ids(ties).await, stage.inserted(&["i3", "i2"]), "equal rows stay in the order of insertion");
}

/// Rows go with the row they refer to, through any number of tables.
pub async fn deletes_cascade(stage: Stage) {
    let account = Account::credential("a1", UserId::new("u1"), "hash".into(), NOW);
    let batch = Batch::new()
        .insert("user", user("u1").into_row())
        .insert("user", user("u2").into_row())
        .insert("session", session("s1", T1, "u1").into_row())
        .insert("session", session("s2", T2, "u2").into_row())
        .insert("account", account.into_row());
    stage.write(batch).await;
    let outcome = stage.write(Batch::new().delete("user", by_id("u1"))).await.remove(0);
    assert_eq!(outcome.affected, 1);
    assert_eq!((stage.count("session").await, stage.count("account").await), (1, 0));
    let chain = [item("i1"), item("i2").with("parent", "i1"), item("i3").with("parent", "i2"), item("i4")];
    stage.write(items(chain)).await;
    let outcome = stage.write(Batch::new().take("item", by_id("i1"))).await.remove(0);
    assert_eq!(outcome.rows.len(), 1);
    assert_eq!(stage.ids(Query::table("item")).await, ["i4"]);
    stage.write(items([item("me").with("parent", "me")])).await;
    assert_eq!(stage.write(Batch::new().delete("item", by_id("me"))).await[0].affected, 1);
}

/// A migration that has nothing to do does nothing.
pub async fn migrating_twice_changes_nothing(stage: Stage) {
    stage.write(items([item("i1")])).await;
    for mode in [Mode::Apply, Mode::Plan] {
        let plan = stage.store.migrate(&stage.schema, mode).await.unwrap();
        assert!(plan.is_empty(), "{plan}");
    }
    assert_eq!(stage.ids(Query::table("item")).await, ["i1"]);
}

/// A plan says what would be done and does not do it.
pub async fn a_plan_changes_nothing(stage: Stage) {
    let wider = schema()
        .with_table(Table::new("fresh").column(Column::new("text", ColumnKind::Text).indexed()))
        .with_column("item", Column::new("added", ColumnKind::Text).optional());
    let planned = stage.store.migrate(&wider, Mode::Plan).await.unwrap();
    assert!(!planned.is_empty());
    assert_eq!(stage.store.migrate(&wider, Mode::Plan).await.unwrap(), planned);
    assert_eq!(stage.store.migrate(&wider, Mode::Apply).await.unwrap(), planned);
    assert!(stage.store.migrate(&wider, Mode::Plan).await.unwrap().is_empty());
}

/// A column that is added gives rows already there its default, and is refused when it is required and has none.
pub async fn new_columns_get_their_default(stage: Stage) {
    stage.write(items([item("i1")])).await;
    let wider = schema()
        .with_column("item", Column::new("colour", ColumnKind::Text).default_value("it's red"))
        .with_column("item", Column::new("level", ColumnKind::Integer).default_value(3_i64))
        .with_column("item", Column::new("open", ColumnKind::Boolean).optional().default_value(true))
        .with_column("item", Column::new("remark", ColumnKind::Text).optional());
    stage.store.migrate(&wider, Mode::Apply).await.unwrap();
    let row = stage.store.find(&wider, Query::table("item")).await.unwrap().remove(0);
    assert_eq!(row.get("colour"), Some(&Value::from("it's red")));
    assert_eq!(row.get("level"), Some(&Value::Integer(3)));
    assert_eq!(row.get("open"), Some(&Value::Boolean(true)));
    assert_eq!(row.get("remark"), Some(&Value::Null));
    let impossible = wider
        .with_column("item", Column::new("harmless", ColumnKind::Text).optional())
        .with_column("item", Column::new("impossible", ColumnKind::Text));
    for mode in [Mode::Plan, Mode::Apply] {
        let refused = stage.store.migrate(&impossible, mode).await.unwrap_err();
        let StoreError::Misuse(reason) = refused else { panic!("{refused}") };
        assert!(reason.contains("item") && reason.contains("impossible"), "{reason}");
    }
    let harmless = schema().with_column("item", Column::new("harmless", ColumnKind::Text).optional());
    assert!(!stage.store.migrate(&harmless, Mode::Plan).await.unwrap().is_empty(), "nothing was changed");
}

/// Tables and columns the schema does not have are the caller's mistake.
pub async fn unknown_names_are_misuse(stage: Stage) {
    let queries = [
        Query::table("nothing"),
        Query::table("item").filter(Filter::eq("nothing", "x")),
        Query::table("item").filter(Filter::All.and(Filter::In("nothing".into(), vec![]))),
        Query::table("item").order_by("nothing", Order::Ascending),
        Query::table("item\" --"),
    ];
    for query in queries {
        let error = stage.store.find(&stage.schema, query.clone()).await.unwrap_err();
        assert!(matches!(error, StoreError::Misuse(_)), "{query:?}: {error}");
    }
    let unknown = || Row::new().with("id", "x").with("nothing", "y");
    let batches = [
        Batch::new().insert("nothing", item("x")),
        Batch::new().insert("item", unknown()),
        Batch::new().update("item", Filter::All, unknown()),
        Batch::new().delete("item", Filter::gt("nothing", "x")),
        Batch::new().take("nothing", Filter::All),
        Batch::new().increment("item", Filter::All, "nothing", 1),
    ];
    for batch in batches {
        let batch = Batch::new().insert("item", item("before")).append(batch);
        let error = stage.refused(batch.clone()).await;
        assert!(matches!(error, StoreError::Misuse(_)), "{batch:?}: {error}");
    }
    assert_eq!(stage.count("item").await, 0);
}

/// A store that works says so, and closing it is no failure.
pub async fn ping_and_close_answer(stage: Stage) {
    stage.store.ping().await.unwrap();
    stage.store.close().await.unwrap();
}
