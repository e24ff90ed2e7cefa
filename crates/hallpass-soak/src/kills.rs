//! `kill -9` of hallpass in the middle of writes.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{
    dice::Dice,
    judge::Judge,
    run::Run,
    server::Server,
    site::{Kind, Site},
    soak::{Cast, Outcome},
};

const READERS: usize = 1;
const WRITERS: usize = 6;
/// Holds back what is said to the store, each way, so that a write takes some time and a kill falls into it.
const SLOWNESS: Duration = Duration::from_millis(2);
/// How long answers may be waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// Kills it so often on one store.
pub(crate) async fn kills(
    kind: Kind,
    times: u32,
    binary: &Path,
    log: &str,
    mut dice: Dice,
) -> Result<Option<Outcome>, String> {
    let Some(site) = Site::begin(kind, log).await? else { return Ok(None) };
    if let Some(relay) = &site.relay {
        relay.slow(SLOWNESS);
    }
    let mut server = Server::start(binary, site.path()).await?;
    let run = Run::new(server.address(), Judge::new(kind.limit(), true), site.outbox(), kind != Kind::Redis, true);
    let cast = Cast::begin(run, READERS, WRITERS, &mut dice);
    for _ in 0..times {
        answers(&cast.run, dice.within(2..30)).await;
        sleep(Duration::from_millis(dice.within(0..40))).await;
        cast.run.settle(false);
        cast.run.judge.fault_begins("hallpass killed");
        server.kill();
        cast.run.server_died();
        site.drain().await?;
        for half in site.halves().await? {
            cast.run.judge.wrong(half);
        }
        server.launch().await?;
        cast.run.judge.fault_ends();
        cast.run.settle(true);
    }
    let run = Arc::clone(&cast.run);
    cast.end().await;
    for half in site.halves().await? {
        run.judge.wrong(half);
    }
    let judge = &run.judge;
    Ok(Some(Outcome { wrong: judge.all_wrong(), table: judge.table(), requests: judge.requests(), log: server.log() }))
}

/// Waits for so many answers, so that there is something to kill on a machine however busy.
async fn answers(run: &Run, count: u64) {
    let (before, late) = (run.judge.answers(), Instant::now() + PATIENCE);
    while run.judge.answers() < before + count {
        if Instant::now() > late {
            return run.judge.wrong("hallpass answers nothing".to_owned());
        }
        sleep(Duration::from_millis(2)).await;
    }
}
