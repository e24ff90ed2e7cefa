//! Questions on a real terminal, which util-linux's `script` provides.

use std::{
    fs,
    io::{Read, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use crate::support::Server;

use super::home::Home;

/// A shell on a terminal of its own.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    fn run(home: &Home, server: &Server, line: &str) -> Self {
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--command", line, "/dev/null"]);
        home.settle(&mut command);
        command.env("SHELL", "/bin/sh").env("HALLPASS", env!("CARGO_BIN_EXE_hallpass")).env("URL", server.url());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let keys = child.stdin.take().unwrap();
        let mut shown = child.stdout.take().unwrap();
        let screen = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&screen);
        thread::spawn(move || {
            let mut piece = [0; 1024];
            while let Ok(length @ 1..) = shown.read(&mut piece) {
                written.lock().unwrap().extend_from_slice(piece.get(..length).unwrap());
            }
        });
        Self { child, keys, screen }
    }

    fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    fn wait_for(&self, text: &str) {
        let begun = Instant::now();
        while !self.screen().contains(text) {
            assert!(begun.elapsed() < Duration::from_secs(30), "no `{text}` in {:?}", self.screen());
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `stty -a` says of a terminal as it should be.
fn is_sound(screen: &str) -> bool {
    let modes: Vec<&str> = screen.split(|character: char| character.is_whitespace() || character == ';').collect();
    ["echo", "icanon", "isig"].iter().all(|mode| modes.contains(mode)) && screen.contains("susp = ^Z")
}

#[test]
fn what_is_missing_is_asked_for_and_the_password_is_not_shown() {
    let server = Server::start("");
    server.sign_up("ada");
    let home = Home::new();
    let mut terminal = Terminal::run(&home, &server, "$HALLPASS login >out.txt; echo \"status $?\"; stty -a; echo end");
    terminal.wait_for("URL of the server");
    terminal.press(&format!("{}\n", server.url()));
    terminal.wait_for("E-mail: ");
    terminal.press("ada@example.com\n");
    terminal.wait_for("Password: ");
    terminal.press("correct horse\n");
    terminal.wait_for("\nend");
    let screen = terminal.screen();
    assert!(screen.contains("status 0") && screen.contains("signed in to"), "{screen}");
    assert!(screen.contains("E-mail: ada@example.com"), "what is no secret is shown: {screen}");
    assert!(!screen.contains("correct") && !screen.contains("horse"), "{screen}");
    assert!(is_sound(&screen), "{screen}");
    assert_eq!(fs::read_to_string(home.path().join("out.txt")).unwrap(), "");

    // The next time the address is remembered. A password is not shown because it was to come from standard input, and the token
    // not without a word.
    home.run(&["logout"]);
    let line = "$HALLPASS login --password-stdin; $HALLPASS token; echo end";
    let mut terminal = Terminal::run(&home, &server, line);
    terminal.wait_for("E-mail [ada@example.com]: ");
    terminal.press("\n");
    terminal.wait_for("Password: ");
    terminal.press("correct horse\n");
    terminal.wait_for("\nend");
    let screen = terminal.screen();
    assert!(screen.contains("can act as you") && !screen.contains("correct"), "{screen}");
}

#[test]
fn ctrl_c_leaves_the_terminal_as_it_was() {
    let server = Server::start("");
    server.sign_up("ada");
    let home = Home::new();
    let line = "trap : INT; $HALLPASS login --url $URL --email ada@example.com; echo \"status $?\"; stty -a; echo end";
    let mut terminal = Terminal::run(&home, &server, line);
    terminal.wait_for("Password: ");
    terminal.press("correct hor\u{3}");
    terminal.wait_for("\nend");
    let screen = terminal.screen();
    assert!(screen.contains("status 130") && !screen.contains("correct"), "{screen}");
    assert!(is_sound(&screen), "{screen}");
    assert!(!home.tokens().exists());
}

#[test]
fn being_asked_to_end_leaves_the_terminal_as_it_was() {
    let server = Server::start("");
    let home = Home::new();
    let line = "sh -c 'echo $$ >pid; exec $HALLPASS login --url $URL --email a@b.example'; echo \"status $?\"; stty -a; echo end";
    let terminal = Terminal::run(&home, &server, line);
    terminal.wait_for("Password: ");
    let process = fs::read_to_string(home.path().join("pid")).unwrap();
    assert!(Command::new("kill").args(["-TERM", process.trim()]).status().unwrap().success());
    terminal.wait_for("\nend");
    let screen = terminal.screen();
    assert!(screen.contains("status 143") && is_sound(&screen), "{screen}");
}
