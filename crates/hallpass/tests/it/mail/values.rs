//! Values that are kept until a link is followed (CONTRACT §13.2).

use std::time::Duration;

use hallpass::{
    mail::MailKind,
    options::{StoreIdentifier, StoreIdentifiers, VerificationOptions},
    store::{Batch, Record, Timestamp, Verification},
};
use serde_json::json;

use crate::support::{Caller, Fault, Stage, stage_with_mail};

fn storing(identifiers: StoreIdentifiers) -> Stage {
    let options = VerificationOptions { store_identifier: identifiers, ..VerificationOptions::default() };
    stage_with_mail(|builder| builder.verification(options))
}

fn hashed() -> StoreIdentifiers {
    StoreIdentifiers::Every(StoreIdentifier::Hashed)
}

fn by_prefix(default: StoreIdentifier, prefix: &str, own: StoreIdentifier) -> StoreIdentifiers {
    StoreIdentifiers::ByPrefix { default, overrides: [(prefix.to_owned(), own)].into_iter().collect() }
}

/// Puts a value into the table; it is good until `ends`.
async fn put(stage: &Stage, id: &str, identifier: &str, value: &str, made: Timestamp, ends: Timestamp) {
    let row = Verification::new(id, identifier, value, made, ends);
    stage.write(Batch::new().insert("verification", row.into_row())).await;
}

async fn reset_status(stage: &Stage, token: &str) -> u16 {
    stage.post("/reset-password").json(json!({"newPassword": "another password", "token": token})).await.status
}

/// Asks for a link; its token, and the identifier it is stored under.
async fn request(stage: &Stage, caller: &Caller) -> (String, String) {
    stage.post("/request-password-reset").json(json!({"email": caller.email})).await;
    let token = stage.the_mail(MailKind::RESET_PASSWORD).await.token;
    let row = stage.rows("verification").await.pop().unwrap();
    (token, row.get("identifier").unwrap().as_text().unwrap().to_owned())
}

/// The contract's vector for `reset-password:abc`.
const HASHED_ABC: &str = "IMUqJ3lXuvod79AbI4EdsWmdAkZeIP5syfKs7-d5fQQ";

#[tokio::test(start_paused = true)]
async fn contract_13_2_a_hashed_identifier_is_this_text() {
    let stage = storing(hashed());
    let ann = stage.caller("ann").await;
    let (now, later) = (stage.now(), stage.now() + Duration::from_hours(1));
    put(&stage, "v1", HASHED_ABC, &ann.id, now, later).await;
    assert_eq!(reset_status(&stage, "abc").await, 200);
    assert!(stage.rows("verification").await.is_empty());
    let (token, stored) = request(&stage, &ann).await;
    assert!(stored.len() == 43 && !stored.contains(&token), "{stored}");
    assert_eq!(reset_status(&stage, &token).await, 200);
}

#[tokio::test(start_paused = true)]
async fn contract_13_2_what_was_stored_before_hashing_is_still_found_and_not_the_other_way_round() {
    let stage = storing(hashed());
    let ann = stage.caller("ann").await;
    let (now, later) = (stage.now(), stage.now() + Duration::from_hours(1));
    put(&stage, "v1", "reset-password:abc", &ann.id, now, later).await;
    assert_eq!([reset_status(&stage, "abc").await, reset_status(&stage, "abc").await], [200, 400]);

    let plain = storing(StoreIdentifiers::default());
    let ann = plain.caller("ann").await;
    put(&plain, "v1", HASHED_ABC, &ann.id, now, later).await;
    for token in ["abc", HASHED_ABC] {
        assert_eq!(reset_status(&plain, token).await, 400, "{token}");
    }
}

#[tokio::test(start_paused = true)]
async fn contract_13_2_overrides_go_by_what_an_identifier_begins_with() {
    for (identifiers, is_hashed) in [
        (by_prefix(StoreIdentifier::Plain, "reset-password:", StoreIdentifier::Hashed), true),
        (by_prefix(StoreIdentifier::Hashed, "reset-", StoreIdentifier::Plain), false),
        (by_prefix(StoreIdentifier::Hashed, "delete-account-", StoreIdentifier::Plain), true),
        (by_prefix(StoreIdentifier::Plain, "password", StoreIdentifier::Hashed), false),
    ] {
        let stage = storing(identifiers.clone());
        let ann = stage.caller("ann").await;
        let (token, stored) = request(&stage, &ann).await;
        assert_eq!(stored != format!("reset-password:{token}"), is_hashed, "{identifiers:?}");
        assert_eq!(reset_status(&stage, &token).await, 200, "{identifiers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn contract_13_2_the_newest_of_several_counts_and_all_are_used_up_with_it() {
    let stage = stage_with_mail(|builder| builder);
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    let (now, later) = (stage.now(), stage.now() + Duration::from_hours(1));
    for (id, caller, made) in [("v1", &bob, now), ("v2", &ann, now + Duration::from_secs(1)), ("v3", &bob, now)] {
        put(&stage, id, "reset-password:abc", &caller.id, made, later).await;
    }
    assert_eq!(reset_status(&stage, "abc").await, 200);
    let changed = stage.column("account", "updatedAt").await;
    stage.clock.advance(Duration::from_secs(1));
    assert_eq!(changed, [stage.column("account", "updatedAt").await[0].clone(), now.into()]);
    assert_eq!((reset_status(&stage, "abc").await, stage.rows("verification").await.len()), (400, 0));
    assert_eq!(
        stage.post("/sign-in/email").json(json!({"email": ann.email, "password": "another password"})).await.status,
        200
    );
}

async fn look(stage: &Stage) {
    stage.get("/reset-password/unknown?callbackURL=/x").await;
}

async fn ids(stage: &Stage) -> Vec<String> {
    let ids = stage.column("verification", "id").await;
    ids.iter().map(|id| id.as_text().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn contract_13_2_expired_values_are_swept_on_lookup_at_most_once_a_minute() {
    let stage = stage_with_mail(|builder| builder);
    let (now, second) = (stage.now(), Duration::from_secs(1));
    put(&stage, "dead", "x", "v", now, now - second).await;
    put(&stage, "ends now", "x", "v", now, now).await;
    put(&stage, "lives", "x", "v", now, now + second).await;
    look(&stage).await;
    assert_eq!(ids(&stage).await, ["ends now", "lives"]);
    stage.clock.advance(Duration::from_millis(59_999));
    look(&stage).await;
    assert_eq!(ids(&stage).await, ["ends now", "lives"], "not again so soon");
    stage.clock.advance(Duration::from_millis(1));
    look(&stage).await;
    assert!(ids(&stage).await.is_empty());
}

#[tokio::test]
async fn sweeping_can_be_switched_off_and_its_failure_fails_nothing() {
    let options = VerificationOptions { disable_cleanup: true, ..VerificationOptions::default() };
    let kept = stage_with_mail(|builder| builder.verification(options));
    put(&kept, "dead", "x", "v", kept.now(), kept.now() - Duration::from_secs(1)).await;
    look(&kept).await;
    assert_eq!(ids(&kept).await, ["dead"]);

    let stage = stage_with_mail(|builder| builder);
    put(&stage, "dead", "x", "v", stage.now(), stage.now() - Duration::from_secs(1)).await;
    stage.faults.set(Fault::WritesAway);
    let answer = stage.get("/reset-password/unknown?callbackURL=/x").await;
    assert_eq!((answer.status, ids(&stage).await), (302, vec!["dead".to_owned()]));
}
