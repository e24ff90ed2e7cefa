//! Which servers meet on which store.

use std::{process::ExitCode, rc::Rc, sync::Arc};

use hallpass_benches::{
    SECRET, cores,
    load::{self, Asking, Client},
    seed,
    server::{self, Server},
};
use hallpass_store::SessionToken;
use hallpass_verify::SigningKey;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::{
    Arguments, limits, measure, peers,
    report::{self, Row},
    stores::Store,
};

/// A server with something that it is asked.
pub(crate) struct Contestant {
    pub(crate) name: String,
    /// What it is compared with.
    pub(crate) beside: &'static str,
    pub(crate) server: Rc<Server>,
    /// Anonymous memory before it was asked anything, in MiB.
    pub(crate) idle: f64,
    pub(crate) asking: Asking,
}

pub(crate) const MAP: &str = "axum, from a hash map";
pub(crate) const QUERY: &str = "axum, this query";
pub(crate) const CACHED: &str = "hallpass, cached";
pub(crate) const UNCACHED: &str = "hallpass, no cache";
pub(crate) const NPM: &str = "npm package";
pub(crate) const AXUM_OK: &str = "axum `/ok`";
pub(crate) const OK: &str = "hallpass `/ok`";
pub(crate) const FORGED: &str = "hallpass, forged token";

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let runtime = crate::runtime();
    let mut limits = Vec::new();
    for (number, kind) in arguments.store.iter().enumerate() {
        eprintln!("starting {kind}");
        let mut store = runtime.block_on(Store::start(*kind));
        let mut before: Option<Vec<Row>> = None;
        for sessions in &arguments.sessions {
            eprintln!("seeding {sessions} sessions");
            runtime.block_on(store.seed(*sessions));
            let contest = Contest { arguments, runtime: &runtime, store: &store, sessions: *sessions };
            let rows = contest.hold();
            println!("\n### {kind}, {sessions} sessions\n");
            report::table(&rows);
            limits.extend(limits::of_store(*kind, &rows));
            if let Some(before) = before.replace(rows.clone()) {
                limits.extend(limits::of_growth(*kind, &before, &rows));
            }
            if number == 0 && *sessions == arguments.sessions[0] {
                let rows = contest.hold_at_the_door();
                println!("\n### Without a session\n");
                report::table(&rows);
                limits.extend(limits::at_the_door(&rows));
            }
        }
    }
    report::conditions(arguments);
    report::limits(&limits, arguments.slack)
}

pub(crate) struct Contest<'a> {
    pub(crate) arguments: &'a Arguments,
    pub(crate) runtime: &'a Runtime,
    pub(crate) store: &'a Store,
    pub(crate) sessions: usize,
}

impl Contest<'_> {
    fn tokens(&self) -> Vec<SessionToken> {
        seed::some_tokens(self.sessions, self.arguments.tokens.min(self.sessions))
    }

    pub(crate) fn wants(&self, name: &str) -> bool {
        let only = &self.arguments.only;
        only.is_empty() || only.iter().any(|part| name.contains(&**part))
    }

    /// Everybody is asked for sessions.
    fn hold(&self) -> Vec<Row> {
        let asking = ask_for(&self.tokens(), &SigningKey::new(SECRET), |body| body.len() > 100);
        let uncached = self.hallpass(false);
        let answers = self.answers(&uncached.0, &asking);
        let map = self.map(&answers);
        let mut contestants = Vec::new();
        let mut joins = |name: &str, beside, (server, idle): (Server, f64)| {
            let (name, server) = (name.to_owned(), Rc::new(server));
            contestants.push(Contestant { name, beside, server, idle, asking: asking.clone() });
        };
        joins(MAP, MAP, map);
        joins(QUERY, QUERY, self.baseline(&format!("{:?}", self.store.kind).to_lowercase(), &self.store.place));
        if self.store.can_be_cached() {
            joins(CACHED, MAP, self.hallpass(true));
        }
        joins(UNCACHED, QUERY, uncached);
        match cores::alone(|| Server::npm_package(&self.store.npm())) {
            Some(server) => joins(NPM, QUERY, started(server)),
            None => eprintln!("the npm package is not installed: run `npm ci` in conformance/"),
        }
        contestants.retain(|contestant| self.wants(&contestant.name));
        for contestant in &contestants {
            self.check(contestant, &answers);
        }
        if let Some(program) = &self.arguments.peers {
            contestants.extend(peers::start(program, self));
        }
        measure::measure(self.runtime, &contestants, self.arguments)
    }

    /// What is answered without a session; no store has a part in it.
    fn hold_at_the_door(&self) -> Vec<Row> {
        let forged = ask_for(&self.tokens(), &SigningKey::new("another secret"), |body| body == b"null");
        let requests = Arc::new(vec![load::get("/api/auth/ok", "none")]);
        let ok = Asking { requests, is_answer: |body| body == br#"{"ok":true}"# };
        let (axum, axum_idle) = self.map(&[]);
        let (hallpass, idle) = self.hallpass(false);
        let (axum, hallpass) = (Rc::new(axum), Rc::new(hallpass));
        let contestants = [
            Contestant { name: AXUM_OK.to_owned(), beside: AXUM_OK, server: axum, idle: axum_idle, asking: ok.clone() },
            Contestant { name: OK.to_owned(), beside: AXUM_OK, server: Rc::clone(&hallpass), idle, asking: ok },
            Contestant { name: FORGED.to_owned(), beside: OK, server: hallpass, idle, asking: forged },
        ];
        measure::measure(self.runtime, &contestants, self.arguments)
    }

    fn hallpass(&self, cache: bool) -> (Server, f64) {
        started(cores::alone(|| Server::hallpass_with(&self.store.hallpass(cache), self.store.folder.path())))
    }

    fn map(&self, answers: &[(String, String)]) -> (Server, f64) {
        let file = self.store.folder.path().join("answers");
        let lines: Vec<String> = answers.iter().map(|(token, answer)| format!("{token}\t{answer}")).collect();
        std::fs::write(&file, lines.join("\n")).unwrap();
        self.baseline("map", &file.to_string_lossy())
    }

    #[expect(clippy::unused_self, reason = "like the other servers")]
    fn baseline(&self, kind: &str, place: &str) -> (Server, f64) {
        let address = server::free_address();
        started(cores::alone(|| Server::start("baseline", &[kind, place, &address.to_string()], address)))
    }

    /// What hallpass answers to each token.
    fn answers(&self, hallpass: &Server, asking: &Asking) -> Vec<(String, String)> {
        self.runtime.block_on(async {
            let mut client = Client::connect(hallpass.address).await;
            let mut answers = Vec::new();
            for (token, request) in self.tokens().iter().zip(asking.requests.iter()) {
                let (_, body) = client.send(request).await;
                answers.push((token.expose().to_owned(), String::from_utf8(body.to_vec()).unwrap()));
            }
            answers
        })
    }

    /// They are compared only if they do the same.
    fn check(&self, contestant: &Contestant, answers: &[(String, String)]) {
        self.runtime.block_on(async {
            let mut client = Client::connect(contestant.server.address).await;
            for ((_, answer), request) in answers.iter().zip(contestant.asking.requests.iter()).take(100) {
                let (_, body) = client.send(request).await;
                assert_eq!(json(body), json(answer.as_bytes()), "{} answers something else", contestant.name);
            }
        });
    }
}

fn ask_for(tokens: &[SessionToken], key: &SigningKey, is_answer: fn(&[u8]) -> bool) -> Asking {
    let request = |token: &SessionToken| load::get("/api/auth/get-session", &key.sign(token.expose()));
    Asking { requests: Arc::new(tokens.iter().map(request).collect()), is_answer }
}

/// Between the outermost braces: the npm package's answers come in chunks, with their lengths around them.
pub(crate) fn json(text: &[u8]) -> Value {
    let (first, last) = (text.iter().position(|byte| *byte == b'{'), text.iter().rposition(|byte| *byte == b'}'));
    serde_json::from_slice(&text[first.unwrap()..=last.unwrap()]).unwrap()
}

pub(crate) fn started(server: Server) -> (Server, f64) {
    let idle = server.anonymous_mebibytes();
    (server, idle)
}
