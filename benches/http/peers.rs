//! Other crates' session checks, which a program of its own serves: see benches/peers/README.md.

use std::{fs, path::Path, process::Command, rc::Rc, sync::Arc};

use hallpass_benches::{
    cores,
    load::{self, Asking, Client},
    seed,
    server::{self, Server},
};

use crate::contest::{self, Contest, Contestant, QUERY};

/// Seeds and starts all that run on this store.
pub(crate) fn start(program: &Path, contest: &Contest<'_>) -> Vec<Contestant> {
    let store = format!("{:?}", contest.store.kind).to_lowercase();
    let names = run(program, &["list", &store]);
    names.lines().filter(|name| contest.wants(name)).map(|name| one(program, contest, name)).collect()
}

fn one(program: &Path, contest: &Contest<'_>, name: &str) -> Contestant {
    eprintln!("seeding {} sessions of {name}", contest.sessions);
    let (peer, _) = name.split_once(' ').unwrap();
    let place = contest.runtime.block_on(contest.store.empty(&format!("{peer}-{}", contest.sessions)));
    let file = contest.store.folder.path().join(peer);
    // One more than are asked for, to be ended.
    run(program, &["seed", peer, &place, &(contest.sessions + 1).to_string(), &file.to_string_lossy()]);
    contest.runtime.block_on(contest.store.settle(&place));
    let lines = fs::read_to_string(&file).unwrap();
    let mut sessions: Vec<Session<'_>> = lines.lines().map(Session::read).collect();
    let to_end = sessions.pop().unwrap();
    let chosen = seed::chosen(contest.sessions, contest.arguments.tokens.min(contest.sessions));
    let sessions: Vec<&Session<'_>> = chosen.map(|number| &sessions[number]).collect();

    let address = server::free_address();
    let arguments = ["serve", peer, &place, &address.to_string()];
    let (server, idle) = contest::started(cores::alone(|| Server::program(program, &arguments, address)));
    contest.runtime.block_on(async {
        let mut client = Client::connect(address).await;
        for session in sessions.iter().take(100) {
            assert!(session.is_answered(&mut client).await, "{name} answers something else");
        }
        // Only who looks into the store can know that it is over.
        assert!(to_end.is_answered(&mut client).await, "{name} answers something else");
        run(program, &["end", peer, &place, to_end.token]);
        assert!(!to_end.is_answered(&mut client).await, "{name} answers for a session that is over");
    });
    let requests = Arc::new(sessions.iter().map(|session| session.request()).collect());
    let asking = Asking { requests, is_answer: |body| body.len() > 100 };
    Contestant { name: name.to_owned(), beside: QUERY, server: Rc::new(server), idle, asking }
}

/// A session as the program wrote it down.
struct Session<'a> {
    header: &'a str,
    token: &'a str,
    email: &'a str,
}

impl<'a> Session<'a> {
    fn read(line: &'a str) -> Self {
        let parts: Vec<&str> = line.split('\t').collect();
        let [header, token, email] = parts[..] else { panic!("header, token and address") };
        Self { header, token, email }
    }

    fn request(&self) -> Vec<u8> {
        load::get_with("/api/auth/get-session", self.header)
    }

    /// Whether the answer is this user and a session of theirs.
    async fn is_answered(&self, client: &mut Client) -> bool {
        let (status, body) = client.send(&self.request()).await;
        if status != 200 || !body.contains(&b'{') {
            return false;
        }
        let answer = contest::json(body);
        let owner = answer["session"].get("userId").or_else(|| answer["session"].get("user_id"));
        answer["user"]["email"] == self.email && owner.is_some() && owner == answer["user"].get("id")
    }
}

fn run(program: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("the program of benches/peers");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
