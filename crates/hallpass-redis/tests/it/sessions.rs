//! What the engine asks of a store, through SQLite and Redis.

use hallpass_store::{
    Batch, Column, ColumnKind, Conflict, Filter, Order, Query, Record, Row, Session, Store, StoreError, TieredOptions,
    Timestamp, Value, Verification,
};

use crate::{HOUR, NOW, Stage, key, later, session, token, user};

fn with(change: impl Fn(&mut TieredOptions)) -> TieredOptions {
    let mut options = TieredOptions::default();
    change(&mut options);
    options
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_kept_as_the_npm_package_keeps_it() {
    let Some(stage) = Stage::new(TieredOptions::default()).await else { return };
    stage.begin('b', "u1").await;
    let mut first = session('a', "u1");
    first.expires_at = later(HOUR / 2);
    stage.write(Batch::new().insert("session", first.into_row())).await;
    let entry = stage.redis.command(&["GET", &key(token('a').expose())]).await;
    let a = token('a').expose().to_owned();
    assert_eq!(
        entry,
        format!(
            r#"{{"session":{{"id":"id-a","ipAddress":"","userAgent":"","expiresAt":"2026-11-23T09:10:13.336Z","userId":"u1","token":"{a}","createdAt":"2026-11-23T08:40:13.336Z","updatedAt":"2026-11-23T08:40:13.336Z"}},"user":{{"name":"Ann","email":"u1@example.com","emailVerified":false,"image":null,"createdAt":"2026-11-23T08:40:13.336Z","updatedAt":"2026-11-23T08:40:13.336Z","id":"u1"}}}}"#
        )
    );
    let list = stage.redis.command(&["GET", &key("active-sessions-u1")]).await;
    let b = token('b').expose().to_owned();
    assert_eq!(
        list,
        format!(r#"[{{"token":"{a}","expiresAt":1795425013336}},{{"token":"{b}","expiresAt":1795426813336}}]"#)
    );
    for (name, most) in [(&*a, HOUR / 2), (&*b, HOUR), ("active-sessions-u1", HOUR)] {
        let left = stage.redis.pttl(name).await;
        assert!((most - 5000..=most).contains(&left), "{name}: {left}");
    }
    assert!(stage.records.find(&stage.schema, Query::table("session")).await.is_err(), "there is no table for it");
}

/// The script looks for the user in the entry's text, and may find another one, or none; the mark that counts is that of the session's.
#[tokio::test(flavor = "multi_thread")]
async fn the_mark_that_counts_is_that_of_the_sessions_user_however_the_entry_is_written() {
    let Some(stage) = Stage::new(TieredOptions::default()).await else { return };
    stage.begin('a', "u1").await;
    let name = key(token('a').expose());
    let entry = stage.redis.command(&["GET", &name]).await;
    let before = |mark: &str| [key("revoked-sessions-before-"), mark.to_owned()].concat();
    let (early, late) = (NOW.as_millis().to_string(), later(1).as_millis().to_string());
    for text in [
        entry.clone(),
        entry.replace("\":", "\":\n\n  "),
        entry.replace("{\"session\"", "\n{\"session\""),
        entry.replace("{\"session\":{", "{\"session\":{\"x\":{\"userId\":\"u2\"},"),
        entry.replace("{\"session\":{", "{\"session\":{\"userId\":\"\",\"userId\":\"u\\u0032\","),
        entry.replace("\"userId\":\"u1\"", "\"userId\":\"u\\u0031\""),
    ] {
        stage.redis.command(&["SET", &name, &text]).await;
        assert!(stage.find('a').await.is_some(), "{text}");
        stage.redis.command(&["SET", &before("u2"), &late]).await;
        stage.redis.command(&["SET", &before("u1"), &early]).await;
        assert!(stage.find('a').await.is_some(), "what was revoked is another's, or before: {text}");
        stage.redis.command(&["SET", &before("u1"), &late]).await;
        assert!(stage.find('a').await.is_none(), "it was revoked: {text}");
        for mark in ["", "-", "soon"] {
            stage.redis.command(&["SET", &before("u1"), mark]).await;
            let found = stage.store.session_with_user(&stage.schema, &token('a')).await;
            assert!(matches!(found, Err(StoreError::Corrupt { .. })), "it may have been revoked: {mark:?} {text}");
        }
        stage.redis.command(&["DEL", &before("u1"), &before("u2")]).await;
    }
    stage.redis.command(&["SET", &name, &entry.replace("\"u1\"", "\"u1\n\"")]).await;
    let error = stage.store.session_with_user(&stage.schema, &token('a')).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_was_not_given_is_not_there() {
    let Some(mut stage) = Stage::new(TieredOptions::default()).await else { return };
    for name in ["theme", "visits"] {
        stage.schema = stage.schema.with_column("session", Column::new(name, ColumnKind::Text).optional());
    }
    assert!(stage.store.sessions_are_documents());
    stage.begin('a', "u1").await;
    let names = |session: Session| session.extra.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
    let all = Query::table("session");
    for (given, expected) in [(None, vec![]), (Some(Value::Null), vec!["theme"]), (Some("dark".into()), vec!["theme"])]
    {
        if let Some(given) = given.clone() {
            let set = Row::new().with("theme", given);
            assert_eq!(stage.write(Batch::new().update("session", Filter::All, set)).await, 1);
        }
        let (found, _) = stage.find('a').await.unwrap();
        assert_eq!(found.extra.get("theme"), given.as_ref());
        assert_eq!(names(found), expected);
        let listed = stage.store.find(&stage.schema, all.clone()).await.unwrap();
        assert_eq!(names(Session::from_row(listed.into_iter().next().unwrap()).unwrap()), expected);
    }
    // A condition still finds what is not there empty.
    let without = all.filter(Filter::eq("visits", Value::Null));
    assert_eq!(stage.store.find(&stage.schema, without).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_found_extended_and_ended() {
    for options in [
        TieredOptions::default(),
        with(|options| options.store_session_in_database = true),
        with(|options| (options.store_session_in_database, options.preserve_session_in_database) = (true, true)),
    ] {
        let Some(stage) = Stage::new(options).await else { return };
        for (letter, user) in [('a', "u1"), ('b', "u1"), ('c', "u1"), ('d', "u2")] {
            stage.begin(letter, user).await;
        }
        let (found, owner) = stage.find('a').await.unwrap();
        assert_eq!((found, owner), (session('a', "u1"), user("u1")));
        assert!(stage.find('z').await.is_none());
        let find = async |filter: Filter| {
            stage.store.find(&stage.schema, Query::table("session").filter(filter)).await.unwrap().len()
        };
        assert_eq!(find(Filter::eq("userId", "u1").and(Filter::gt("expiresAt", later(0)))).await, 3);
        assert_eq!(find(Filter::eq("token", &token('a'))).await, 1);
        assert_eq!(find(Filter::eq("id", "id-d")).await, 1);

        let set = Row::new().with("expiresAt", later(2 * HOUR)).with("updatedAt", later(5));
        let extend = |letter| Batch::new().update("session", Filter::eq("token", &token(letter)), set.clone());
        assert_eq!(stage.write(extend('a')).await, 1);
        assert_eq!(stage.find('a').await.unwrap().0.expires_at, later(2 * HOUR));
        assert!(stage.redis.pttl(token('a').expose()).await > HOUR);

        stage.write(Batch::new().update("user", Filter::eq("id", "u1"), Row::new().with("name", "Bea"))).await;
        assert_eq!(stage.find('b').await.unwrap().1.name, "Bea");
        assert_eq!(stage.find('d').await.unwrap().1.name, "Ann");

        assert_eq!(stage.write(Batch::new().delete("session", Filter::eq("token", &token('a')))).await, 1);
        assert_eq!(stage.write(extend('a')).await, 0, "{options:?}");
        assert!(stage.find('a').await.is_none());
        assert_eq!(find(Filter::eq("userId", "u1")).await, 2);
        assert_eq!(stage.write(Batch::new().delete("session", Filter::eq("id", "id-b"))).await, 1);
        assert_eq!(stage.write(Batch::new().delete("session", Filter::eq("userId", "u1"))).await, 1);
        assert!(stage.find('c').await.is_none());
        assert!(stage.find('d').await.is_some());
        assert_eq!(stage.write(Batch::new().delete("user", Filter::eq("id", "u2"))).await, 1);
        assert!(stage.find('d').await.is_none());
        let rows = stage.records.find(&stage.schema, Query::table("session")).await.map_or(0, |rows| rows.len());
        assert_eq!(rows, if options.preserve_session_in_database { 3 } else { 0 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_alone_will_do_where_it_keeps_sessions() {
    let Some(stage) = Stage::new(with(|options| options.store_session_in_database = true)).await else { return };
    stage.begin('a', "u1").await;
    stage.redis.command(&["FLUSHALL"]).await;
    assert!(stage.find('a').await.is_some());
    assert_eq!(stage.redis.command(&["DBSIZE"]).await, "0", "nothing that was read is written back");
    let set = Row::new().with("expiresAt", later(2 * HOUR));
    assert_eq!(stage.write(Batch::new().update("session", Filter::eq("token", &token('a')), set)).await, 1);
    assert_eq!(stage.write(Batch::new().delete("session", Filter::eq("token", &token('a')))).await, 1);
    assert!(stage.find('a').await.is_none());
    assert!(stage.store.changes().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_a_token_is_looked_up() {
    let Some(stage) = Stage::new(TieredOptions::default()).await else { return };
    stage.begin('a', "u1").await;
    stage.write(Batch::new().delete("session", Filter::eq("userId", "u2"))).await;
    for odd in [
        "active-sessions-u1",
        "revoked-sessions-before-u2",
        "",
        "*",
        &"a".repeat(31),
        &"A".repeat(32),
        &format!("{} ", "a".repeat(32)),
    ] {
        let odd = hallpass_store::SessionToken::new(odd);
        assert_eq!(stage.store.session_with_user(&stage.schema, &odd).await.unwrap(), None);
    }
    for broken in ["{", "[]", "7", r#"{"session":{},"user":{}}"#] {
        stage.redis.command(&["SET", &key(token('a').expose()), broken]).await;
        let found = stage.store.session_with_user(&stage.schema, &token('a')).await;
        assert!(matches!(found, Err(StoreError::Corrupt { .. })), "{broken}: {found:?}");
    }
    stage.redis.command(&["SET", &key("active-sessions-u1"), "nonsense"]).await;
    let listed = stage.store.find(&stage.schema, Query::table("session").filter(Filter::eq("userId", "u1"))).await;
    assert!(matches!(listed, Err(StoreError::Corrupt { .. })), "{listed:?}");
    assert_eq!(
        stage.write(Batch::new().delete("session", Filter::eq("userId", "u1"))).await,
        1,
        "it can be revoked all the same"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn less_than_a_second_is_neither_for_ever_nor_nothing() {
    let Some(stage) = Stage::new(TieredOptions::default()).await else { return };
    for (letter, left) in [('a', 400), ('b', 0), ('c', -5)] {
        let mut short = session(letter, "u1");
        short.expires_at = later(left);
        stage.write(Batch::new().insert("session", short.into_row())).await;
    }
    let left = stage.redis.pttl(token('a').expose()).await;
    assert!((1..=400).contains(&left), "{left}");
    assert_eq!(stage.redis.pttl(token('b').expose()).await, -2);
    assert_eq!(stage.redis.pttl(token('c').expose()).await, -2);
    tokio::time::sleep(std::time::Duration::from_millis(450)).await;
    assert!(stage.find('a').await.is_none());
    assert_eq!(stage.redis.command(&["KEYS", "*"]).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn verifications_are_used_up_once() {
    for in_database in [false, true] {
        let Some(stage) = Stage::new(with(|options| options.verification_in_database = in_database)).await else {
            return;
        };
        let put = |value: &str, at: i64| {
            Batch::new().insert(
                "verification",
                Verification::new(format!("id-{at}"), "reset:abc", value, later(at), later(HOUR)).into_row(),
            )
        };
        stage.write(put("one", 1)).await;
        stage.write(put("two", 2)).await;
        let newest = || {
            Query::table("verification")
                .filter(Filter::eq("identifier", "reset:abc"))
                .order_by("createdAt", Order::Descending)
                .limit(1)
        };
        let row = stage.store.find(&stage.schema, newest()).await.unwrap().remove(0);
        let found = Verification::from_row(row).unwrap();
        assert_eq!(found.value, "two");
        let left = stage.redis.pttl("verification:reset:abc").await;
        assert!((HOUR - 5000..=HOUR).contains(&left), "{left}");
        let exactly = Filter::eq("id", &*found.id).and(Filter::eq("identifier", "reset:abc"));
        let take = || {
            Batch::new()
                .take("verification", exactly.clone())
                .guarded()
                .delete("verification", Filter::eq("identifier", "reset:abc"))
        };
        // The database refuses what comes with it: it is still good.
        let refused = take().update("user", Filter::eq("id", "nobody"), Row::new().with("name", "x")).guarded();
        let refused = stage.store.write(&stage.schema, refused).await.unwrap_err();
        assert_eq!(refused.conflict(), Some(&Conflict::Guard(2)));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let (store, schema, batch) = (stage.store.clone(), stage.schema.clone(), take());
            tasks.spawn(async move { store.write(&schema, batch).await });
        }
        let taken = tasks.join_all().await.into_iter().flatten().count();
        assert_eq!(taken, 1, "in the database: {in_database}");
        assert!(stage.store.find(&stage.schema, newest()).await.unwrap().is_empty());
        assert_eq!(stage.redis.command(&["EXISTS", &key("verification:reset:abc")]).await, "0");
        stage.write(put("u1", 3)).await;
        assert_eq!(stage.write(Batch::new().delete("verification", Filter::eq("value", "u1"))).await, 1);
        stage.write(Batch::new().delete("verification", Filter::lt("expiresAt", Timestamp::from_millis(0)))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_begin_once_and_end_by_themselves() {
    use hallpass_store::SecondaryStorage as _;
    let Some(stage) = Stage::new(TieredOptions::default()).await else { return };
    let window = std::time::Duration::from_millis(600);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let storage = stage.storage.clone();
        tasks.spawn(async move { storage.count("1.1.1.1|/ok", window).await.unwrap().count });
    }
    let mut counts = tasks.join_all().await;
    counts.sort_unstable();
    assert_eq!(counts, (1..=50).collect::<Vec<u64>>());
    tokio::time::sleep(window).await;
    assert_eq!(stage.storage.count("1.1.1.1|/ok", window).await.unwrap().count, 1);
}
