//! What can be redeemed once is redeemed once, however many try at the same time.

use std::sync::Arc;

use hallpass::store::{MemoryStore, Mode, Store};
use hallpass_sql::SqlStore;
use serde_json::json;

use super::{
    everything,
    table::{ENDPOINTS, Known, Nature, Parameter},
    tickets::Ticket,
};
use crate::support::{Answer, Caller, Stage, stage_with_mail};

const TRIES: u32 = 64;

/// A stage over this store.
async fn over(store: Arc<dyn Store>) -> Stage {
    let shared = Arc::clone(&store);
    let mut stage = stage_with_mail(|builder| everything(builder).shared_store(shared));
    stage.store = store;
    stage.auth.migrate(Mode::Apply).await.unwrap();
    stage
}

/// Every way to redeem what is good once.
fn ways() -> Vec<(&'static Known, &'static Parameter, Ticket)> {
    let mut ways = Vec::new();
    for known in ENDPOINTS {
        for parameter in known.parameters {
            // A GET of a reset link only looks at its token.
            if let Nature::Ticket(tickets) = parameter.nature
                && known.path != "/reset-password/{token}"
            {
                ways.extend(tickets.iter().filter(|it| it.is_single_use()).map(|ticket| (known, parameter, *ticket)));
            }
        }
    }
    ways
}

/// Redeems a ticket many times at once.
async fn race(
    stage: &Arc<Stage>,
    known: &'static Known,
    parameter: &'static Parameter,
    ann: &Caller,
    token: &str,
    tries: u32,
) -> Vec<Answer> {
    let tries = (0..tries).map(|_| {
        let (stage, ann, token) = (Arc::clone(stage), ann.clone(), token.to_owned());
        tokio::spawn(async move { known.call_with(&stage, &[(parameter, &token)], &json!({})).by(&ann).await })
    });
    futures_util::future::join_all(tries).await.into_iter().map(Result::unwrap).collect()
}

fn has_succeeded(answer: &Answer) -> bool {
    match answer.status {
        200 => true,
        302 => answer.header("location") == Some("/next"),
        _ => false,
    }
}

async fn once_over(make: impl AsyncFn() -> Arc<dyn Store>) {
    let ways = ways();
    assert_eq!(ways.len(), 5, "two ways to reset, two to delete, one to change an address");
    for (known, parameter, ticket) in ways {
        let stage = Arc::new(over(make().await).await);
        let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
        let bobs = stage.snapshot_of(&bob.id).await;
        let token = ticket.of(&stage, &ann).await;
        let answers = race(&stage, known, parameter, &ann, &token, TRIES).await;
        let of = format!("{} {ticket:?}", known.path);
        assert_eq!(answers.iter().filter(|answer| has_succeeded(answer)).count(), 1, "{of}: {answers:?}");
        assert!(answers.iter().all(|answer| answer.status < 500), "{of}: {answers:?}");
        assert!(!ticket.still_works(&stage, &ann, &token).await, "{of}");
        assert_eq!(stage.snapshot_of(&bob.id).await, bobs, "{of}");
        assert!(stage.rows("verification").await.is_empty(), "{of}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_tries_at_once_one_succeeds_in_memory() {
    once_over(async || Arc::new(MemoryStore::new()) as Arc<dyn Store>).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_tries_at_once_one_succeeds_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let files = std::sync::atomic::AtomicUsize::new(0);
    once_over(async || {
        let number = files.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let url = format!("sqlite://{}", folder.path().join(format!("{number}.db")).display());
        Arc::new(SqlStore::connect(&url).await.unwrap()) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_tries_through_two_servers_on_one_file_one_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("shared.db").display());
    let connect = async || Arc::new(SqlStore::connect(&url).await.unwrap()) as Arc<dyn Store>;
    let (one, other) = (Arc::new(over(connect().await).await), Arc::new(over(connect().await).await));
    let ann = one.caller("ann").await;
    let token = Ticket::ResetPassword.of(&one, &ann).await;
    let (known, parameter, _) = ways().into_iter().find(|(_, _, ticket)| *ticket == Ticket::ResetPassword).unwrap();
    let (first, second) = futures_util::join!(
        race(&one, known, parameter, &ann, &token, TRIES / 2),
        race(&other, known, parameter, &ann, &token, TRIES / 2)
    );
    let outcomes: Vec<u16> = first.iter().chain(&second).map(|answer| answer.status).collect();
    assert_eq!(outcomes.iter().filter(|status| **status == 200).count(), 1, "{outcomes:?}");
}
