//! Driving the servers in turn.

use std::time::{Duration, Instant};

use hallpass_benches::{
    load::{Client, Measured, closed_loop},
    median,
    server::cpu_seconds_of,
};
use tokio::runtime::Runtime;

use crate::{Arguments, contest::Contestant, report::Row};

/// One round of one server.
struct Round {
    measured: Measured,
    /// Seconds of processor time that the server used.
    cpu: f64,
    /// The part of the time in which the load generator was busy.
    busy: f64,
}

/// Loads the servers by turns, so that all meet the same machine; the medians of all rounds but the first, which warms up.
pub(crate) fn measure(runtime: &Runtime, contestants: &[Contestant], arguments: &Arguments) -> Vec<Row> {
    for contestant in contestants {
        runtime.block_on(ask_everything_once(contestant));
    }
    let mut rounds: Vec<Vec<Round>> = contestants.iter().map(|_| Vec::new()).collect();
    for number in 0..=arguments.rounds {
        for (contestant, rounds) in contestants.iter().zip(&mut rounds) {
            let round = round(runtime, contestant, arguments, number == 0);
            if number > 0 {
                rounds.push(round);
            }
        }
    }
    let of = |name: &str| contestants.iter().zip(&rounds).find(|(contestant, _)| contestant.name == name);
    let rows = contestants.iter().zip(&rounds).map(|(contestant, rounds)| {
        let beside = of(contestant.beside).map(|(_, rounds)| &**rounds);
        row(contestant, rounds, beside)
    });
    rows.collect()
}

/// So that whatever can be kept is kept before anything is measured.
async fn ask_everything_once(contestant: &Contestant) {
    let mut client = Client::connect(contestant.server.address).await;
    for request in contestant.asking.requests.iter() {
        let (status, body) = client.send(request).await;
        assert!(status == 200 && (contestant.asking.is_answer)(body), "{} answers {status}", contestant.name);
    }
}

fn round(runtime: &Runtime, contestant: &Contestant, arguments: &Arguments, warms_up: bool) -> Round {
    let lasts = Duration::from_secs_f64(arguments.seconds * if warms_up { 0.5 } else { 1.0 });
    let server = &contestant.server;
    let (used, own, begun) = (server.cpu_seconds(), cpu_seconds_of("self"), Instant::now());
    let load = closed_loop(server.address, &contestant.asking, arguments.connections, lasts);
    let measured = runtime.block_on(load);
    let busy = (cpu_seconds_of("self") - own) / begun.elapsed().as_secs_f64();
    Round { measured, cpu: server.cpu_seconds() - used, busy }
}

impl Round {
    /// Microseconds of processor time a request.
    #[expect(clippy::cast_precision_loss, reason = "no load has so many requests")]
    fn cost(&self) -> f64 {
        self.cpu / self.measured.latencies.len() as f64 * 1e6
    }
}

fn row(contestant: &Contestant, rounds: &[Round], beside: Option<&[Round]>) -> Row {
    let of = |what: &dyn Fn(&Round) -> f64| median(rounds.iter().map(what).collect());
    Row {
        name: contestant.name.clone(),
        throughput: of(&|round| round.measured.throughput()),
        cpu: of(&Round::cost),
        dearer: beside.map(|beside| {
            median(rounds.iter().zip(beside).map(|(round, other)| round.cost() / other.cost()).collect())
        }),
        p50: of(&|round| round.measured.percentile(50).as_secs_f64() * 1e3),
        p99: of(&|round| round.measured.percentile(99).as_secs_f64() * 1e3),
        busy: of(&|round| round.busy),
        idle: contestant.idle,
        loaded: contestant.server.anonymous_mebibytes(),
    }
}
