//! What happens at the same time, in every order that matters.

use std::sync::Arc;

use hallpass_store::{
    Batch, Begun, Filter, Query, Record, Row, SecondaryStorage, SessionToken, Store, TieredOptions, UserId,
};
use serde_json::Value;

use crate::{HOUR, Stage, key, later, session, token, user};

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_never_brings_a_session_back() {
    let Some(stage) = Stage::new(TieredOptions::default()).await else { return };
    for round in 0..60 {
        stage.begin('a', "u1").await;
        let set = Row::new().with("expiresAt", later(2 * HOUR)).with("updatedAt", later(round));
        let extend = Batch::new().update("session", Filter::eq("token", &token('a')), set);
        let end = match round % 3 {
            0 => Batch::new().delete("session", Filter::eq("token", &token('a'))),
            1 => Batch::new().delete("session", Filter::eq("userId", "u1")),
            _ => Batch::new()
                .update("user", Filter::eq("id", "u1"), Row::new().with("name", format!("n{round}")))
                .delete("session", Filter::eq("userId", "u1")),
        };
        let (extended, ended) =
            tokio::join!(stage.store.write(&stage.schema, extend.clone()), stage.store.write(&stage.schema, end));
        extended.unwrap();
        ended.unwrap();
        assert!(stage.find('a').await.is_none());
        assert_eq!(stage.redis.command(&["EXISTS", &key(token('a').expose()), &key("active-sessions-u1")]).await, "0");
        stage.redis.command(&["DEL", &key("revoked-sessions-before-u1")]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_allowed_before_a_revocation_does_not_begin_after_it() {
    let Some(stage) = Stage::new(TieredOptions::default()).await else { return };
    let (storage, u1) = (&stage.storage, UserId::new("u1"));
    let before = storage.mark(&u1).await.unwrap();
    let revoked = storage.revoke_all(&u1, later(-HOUR), std::time::Duration::from_mins(1)).await.unwrap();
    // Whatever the clocks say: its mark is not the one that was read.
    assert_eq!(
        storage.begin(&session('a', "u1"), &user("u1"), before, later(0)).await.unwrap(),
        Begun::RevokedMeanwhile
    );
    assert_eq!(storage.begin(&session('a', "u1"), &user("u1"), revoked.mark, later(0)).await.unwrap(), Begun::Yes);
    assert_eq!(
        storage.begin(&session('a', "u1"), &user("u1"), revoked.mark, later(0)).await.unwrap(),
        Begun::TokenTaken
    );
    let again = storage.revoke_all(&u1, later(-HOUR), std::time::Duration::from_mins(1)).await.unwrap();
    assert!(again.mark.0 > revoked.mark.0 && again.ended == 1);
    // A clock that is ahead must not make new sessions dead; nor must the revocation in whose batch one begins.
    storage.revoke_all(&u1, later(HOUR), std::time::Duration::from_mins(1)).await.unwrap();
    let both =
        Batch::new().delete("session", Filter::eq("userId", "u1")).insert("session", session('b', "u1").into_row());
    let touched = both.update("user", Filter::eq("id", "u1"), Row::new().with("name", "Bea"));
    stage.write(touched).await;
    assert_eq!(stage.find('b').await.unwrap().1.name, "Bea");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_begin_at_once_are_all_listed() {
    let Some(stage) = Stage::new(TieredOptions::default()).await else { return };
    let mut tasks = tokio::task::JoinSet::new();
    for letter in 'a'..='z' {
        let (store, schema) = (Arc::clone(&stage.store), stage.schema.clone());
        tasks.spawn(async move {
            store.write(&schema, Batch::new().insert("session", session(letter, "u1").into_row())).await.unwrap()
        });
    }
    tasks.join_all().await;
    let list: Value = serde_json::from_str(&stage.redis.command(&["GET", &key("active-sessions-u1")]).await).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 26);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_node_writes_over_the_list_is_made_whole() {
    let Some(stage) = Stage::new(TieredOptions::default()).await else { return };
    stage.begin('a', "u1").await;
    let old = stage.redis.command(&["GET", &key("active-sessions-u1")]).await;
    stage.begin('b', "u1").await;
    // A Node server that had read the list before writes it back.
    stage.redis.command(&["SET", &key("active-sessions-u1"), &old]).await;
    let listed = async || {
        stage.store.find(&stage.schema, Query::table("session").filter(Filter::eq("userId", "u1"))).await.unwrap().len()
    };
    assert_eq!(listed().await, 2);
    stage.begin('c', "u1").await;
    let list: Value = serde_json::from_str(&stage.redis.command(&["GET", &key("active-sessions-u1")]).await).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 3);
    // Node ends a session: the list must not get it back.
    stage.redis.command(&["DEL", &key(token('b').expose())]).await;
    stage.begin('d', "u1").await;
    let list = stage.redis.command(&["GET", &key("active-sessions-u1")]).await;
    assert!(!list.contains(token('b').expose()) && list.contains(token('c').expose()), "{list}");
    // And one that the list has lost altogether dies with the others.
    stage.redis.command(&["DEL", &key("active-sessions-u1"), &key("hallpass-sessions-u1")]).await;
    stage.write(Batch::new().delete("session", Filter::eq("userId", "u1"))).await;
    stage.redis.command(&["SET", &key("revoked-sessions-before-u1"), &later(1).as_millis().to_string()]).await;
    assert!(stage.find('c').await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_of_a_deleted_user_lives() {
    let Some(stage) = Stage::new(TieredOptions::default()).await else { return };
    for round in 0..40 {
        let id = format!("user{round}");
        stage.write(Batch::new().insert("user", user(&id).into_row())).await;
        stage.write(Batch::new().insert("session", session('a', &id).into_row())).await;
        let set = Row::new().with("expiresAt", later(2 * HOUR));
        let extend = Batch::new().update("session", Filter::eq("token", &token('a')), set);
        let begin = Batch::new().insert("session", session('b', &id).into_row());
        let delete = Batch::new().delete("session", Filter::eq("userId", &*id)).delete("user", Filter::eq("id", &*id));
        let rename = Batch::new().update("user", Filter::eq("id", &*id), Row::new().with("name", "x"));
        let write = |batch| stage.store.write(&stage.schema, batch);
        let (_, _, deleted, _) = tokio::join!(write(extend), write(begin), write(delete), write(rename));
        deleted.unwrap();
        for letter in ['a', 'b'] {
            assert!(stage.find(letter).await.is_none(), "{letter} of round {round}");
            stage.redis.command(&["DEL", &key(token(letter).expose())]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_carry_the_user_as_it_is_in_the_end() {
    let Some(stage) = Stage::new(TieredOptions::default()).await else { return };
    for round in 0..20 {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..4 {
            let (store, schema) = (Arc::clone(&stage.store), stage.schema.clone());
            tasks.spawn(async move {
                let set = Row::new().with("name", format!("{round}-{number}"));
                store.write(&schema, Batch::new().update("user", Filter::eq("id", "u1"), set)).await.unwrap();
            });
            let (store, schema) = (Arc::clone(&stage.store), stage.schema.clone());
            tasks.spawn(async move {
                let mut begun = session('x', "u1");
                begun.token = SessionToken::new(format!("{:0>32}", round * 4 + number));
                store.write(&schema, Batch::new().insert("session", begun.into_row())).await.unwrap();
            });
        }
        tasks.join_all().await;
        let query = Query::table("user").filter(Filter::eq("id", "u1"));
        let name = stage.records.find(&stage.schema, query).await.unwrap()[0].get("name").unwrap().clone();
        for number in 0..4 {
            let token = SessionToken::new(format!("{:0>32}", round * 4 + number));
            let (_, user) = stage.store.session_with_user(&stage.schema, &token).await.unwrap().unwrap().into_parts();
            assert_eq!(Some(&*user.name), name.as_text());
        }
    }
}
