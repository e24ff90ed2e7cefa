//! A run at full load in which the store fails, again and again, in every way there is.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use http::StatusCode;
use serde_json::json;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    dice::Dice,
    fault::Fault,
    http::Client,
    judge::Judge,
    people::Worth,
    probe::Probe,
    readers::{Question, Said, ask, read},
    run::Run,
    server::Server,
    site::{Kind, Site},
    writer::{SIGN_IN, Writer},
};

const READERS: usize = 4;
const WRITERS: usize = 6;
/// How long the store is left alone before, between and after faults.
const CALM: Duration = Duration::from_millis(600);
/// Longer than hallpass waits for a write.
const LONG: Duration = Duration::from_secs(12);

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) wrong: Vec<String>,
    pub(crate) table: String,
    pub(crate) requests: u64,
    /// What the server said last.
    pub(crate) log: String,
}

/// Who takes part.
pub(crate) struct Cast {
    pub(crate) run: Arc<Run>,
    readers: JoinSet<()>,
    writers: JoinSet<Writer>,
}

impl Cast {
    pub(crate) fn begin(run: Run, readers: usize, writers: usize, dice: &mut Dice) -> Self {
        let run = Arc::new(run);
        let mut cast = Self { run: Arc::clone(&run), readers: JoinSet::new(), writers: JoinSet::new() };
        for _ in 0..readers {
            cast.readers.spawn(read(Arc::clone(&run), dice.fork()));
        }
        for _ in 0..writers {
            cast.writers.spawn(Writer::new(Arc::clone(&run), dice.fork()).write());
        }
        cast
    }

    /// Ends the load, finds out what is still in doubt, and looks at everything once more.
    pub(crate) async fn end(mut self) {
        self.run.end();
        while self.readers.join_next().await.is_some() {}
        let judge = &self.run.judge;
        let mut last_looks = JoinSet::new();
        while let Some(writer) = self.writers.join_next().await {
            match writer {
                Ok(writer) => drop(last_looks.spawn(last_look(writer))),
                Err(_) => judge.wrong("somebody who writes has panicked".to_owned()),
            }
        }
        let mut checked: u32 = last_looks.join_all().await.into_iter().sum();
        let mut client = Client::new(self.run.server);
        for token in self.run.tokens.all() {
            let said = ask(&self.run, &mut client, &token, Question::Session).await;
            // Doubt is left only of those whom nobody looks after any more.
            checked += u32::from(said != Said::Unknown && token.worth() != Worth::Doubtful);
        }
        if checked == 0 {
            judge.wrong("nothing was left to look at, so nothing was shown".to_owned());
        }
    }
}

/// How many of the people of each writer sign in once more. It takes a hash each.
const LAST: usize = 2;

/// Finds out what a writer does not know yet, and lets some of its people sign in. How many could.
async fn last_look(mut writer: Writer) -> u32 {
    let late = Instant::now() + Duration::from_mins(1);
    let mut checked = 0;
    while let Some(person) = writer.parked.pop() {
        writer.settle(person).await;
        if Instant::now() > late {
            writer.run.judge.wrong("it cannot be found out what became of somebody".to_owned());
            break;
        }
    }
    for person in writer.people.iter().take(LAST) {
        let body = json!({"email": person.email, "password": person.password()});
        match writer.client.post(SIGN_IN, None, &body).await {
            Ok(answer) if answer.status == StatusCode::OK => checked += 1,
            answer => writer.run.judge.wrong(format!("at the end somebody cannot sign in: {answer:?}")),
        }
    }
    checked
}

/// Tries one store for so long.
pub(crate) async fn soak(
    kind: Kind,
    wanted: &[Fault],
    time: Duration,
    binary: &Path,
    log: &str,
    mut dice: Dice,
) -> Result<Option<Outcome>, String> {
    let Some(mut site) = Site::begin(kind, log).await? else { return Ok(None) };
    let mut server = Server::start(binary, site.path()).await?;
    let in_database = kind != Kind::Redis;
    let run = Run::new(server.address(), Judge::new(kind.limit(), false), site.outbox(), in_database, false);
    let cast = Cast::begin(run, READERS, WRITERS, &mut dice);
    let probe = Probe::begin(server.address(), &mut dice).await?;
    let end = Instant::now() + time;
    sleep(CALM).await;
    let mut faults = Vec::new();
    let mut round = 0;
    // Being killed and being cut off are tried however slow the machine is.
    let mut tried = 0;
    while tried < 2 || Instant::now() < end {
        tried += 1;
        if faults.is_empty() {
            faults = site.faults();
            faults.retain(|fault| wanted.is_empty() || wanted.contains(fault));
            faults.reverse();
            round += 1;
        }
        let Some(fault) = faults.pop() else { break };
        // Whoever is not told has to wait; once that is longer than hallpass itself waits.
        let hold = if round == 2 && fault.is_silent() { LONG } else { Duration::from_millis(dice.within(1200..2500)) };
        happen(&mut site, &cast.run, &probe, fault, hold).await?;
        if !server.runs() {
            cast.run.judge.wrong("hallpass has ended".to_owned());
            break;
        }
    }
    let run = Arc::clone(&cast.run);
    cast.end().await;
    for half in site.halves().await? {
        run.judge.wrong(half);
    }
    let judge = &run.judge;
    Ok(Some(Outcome { wrong: judge.all_wrong(), table: judge.table(), requests: judge.requests(), log: server.log() }))
}

/// Lets one thing happen, undoes it, and waits until all is well.
async fn happen(site: &mut Site, run: &Run, probe: &Probe, fault: Fault, hold: Duration) -> Result<(), String> {
    let mut client = Client::new(run.server);
    run.settle(false);
    run.judge.fault_begins(fault.name());
    site.inject(fault).await;
    sleep(hold).await;
    if fault.is_total() && is_ready(&mut client).await {
        run.judge.wrong("/readyz says that the store answers".to_owned());
    }
    site.undo(fault).await?;
    run.judge.fault_ends();
    let returned = Instant::now();
    probe.until_well(run, returned).await;
    if !is_ready(&mut client).await {
        run.judge.wrong("/readyz says that the store does not answer".to_owned());
    }
    run.settle(true);
    sleep(CALM).await;
    Ok(())
}

async fn is_ready(client: &mut Client) -> bool {
    client.get("/readyz", None).await.is_ok_and(|answer| answer.status == StatusCode::OK)
}
