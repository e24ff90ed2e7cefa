//! Questions to the person at the terminal. Standard output is for data, so they do not go there.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    thread,
};

use tokio::sync::oneshot;

use super::Ended;
use crate::commands::Failure;

/// No password is so long; what is, is the wrong file.
const LONGEST: u64 = 64 * 1024;
const WITHOUT_TERMINAL: &str = "--password-stdin, which reads it from the first line of standard input";

/// Asks for a line.
pub(super) async fn line(what: &str, example: &str, option: &str) -> Result<String, Failure> {
    need_terminal(what, option)?;
    let question = if example.is_empty() { format!("{what}: ") } else { format!("{what} [{example}]: ") };
    let typed = aside(move || {
        write!(io::stderr(), "{question}")?;
        io::stderr().flush()?;
        let mut typed = String::new();
        io::stdin().lock().read_line(&mut typed)?;
        Ok(typed)
    })
    .await?;
    match typed.trim() {
        "" if typed.is_empty() || example.is_empty() => Err(nothing_said(what)),
        "" => Ok(example.to_owned()),
        typed => Ok(typed.to_owned()),
    }
}

/// Reads the password from the first line of standard input if that is wanted. A terminal is asked in any case, because it would
/// show what is typed.
pub(super) async fn password(from_stdin: bool) -> Result<String, Failure> {
    if from_stdin && !io::stdin().is_terminal() {
        return password_from_stdin().await;
    }
    need_terminal("the password", WITHOUT_TERMINAL)?;
    #[cfg(unix)]
    {
        let terminal = hidden::Terminal::open().map_err(|error| {
            Ended::usage(format!("the terminal cannot be asked for the password: {error}; give {WITHOUT_TERMINAL}"))
        })?;
        let mut file = terminal.file().try_clone()?;
        // `terminal` is here and not on that thread, so that the echo comes back when this is given up.
        let typed = aside(move || {
            write!(file, "Password: ")?;
            let mut typed = String::new();
            io::BufReader::new(file).read_line(&mut typed)?;
            Ok(typed)
        })
        .await;
        drop(terminal);
        whole_line(typed?)
    }
    #[cfg(not(unix))]
    Err(Ended::usage(format!("here the password cannot be asked for without showing it; give {WITHOUT_TERMINAL}")))
}

async fn password_from_stdin() -> Result<String, Failure> {
    let read = aside(|| {
        let mut line = String::new();
        io::Read::take(io::stdin().lock(), LONGEST).read_line(&mut line)?;
        Ok(line)
    });
    whole_line(read.await?)
}

/// All of it but its end: blanks can be part of a password.
fn whole_line(mut line: String) -> Result<String, Failure> {
    if line.ends_with('\n') {
        line.pop();
        if line.ends_with('\r') {
            line.pop();
        }
    }
    if line.is_empty() { Err(nothing_said("the password")) } else { Ok(line) }
}

fn nothing_said(what: &str) -> Failure {
    Ended::usage(format!("{what} is empty"))
}

fn need_terminal(what: &str, option: &str) -> Result<(), Failure> {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    let what = what.split(',').next().unwrap_or(what);
    Err(Ended::usage(format!("{what}: nothing was given, and there is no terminal to ask on; use {option}")))
}

/// Does it on a thread that nobody waits for: one that waits for a key would keep an interrupted program from ending.
async fn aside<T: Send + 'static>(ask: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Failure> {
    let (tell, told) = oneshot::channel();
    thread::spawn(move || drop(tell.send(ask())));
    match told.await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(format!("what was typed cannot be read: {error}").into()),
        Err(_) => Err("what was typed cannot be read".into()),
    }
}

/// A terminal that does not show what is typed.
#[cfg(unix)]
mod hidden {
    use std::{
        fs::File,
        io::{self, Write},
    };

    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

    /// The echo is off while this is there: from before the question, so that nobody can type too early, until it is dropped,
    /// however that comes about.
    pub(super) struct Terminal {
        file: File,
        before: Termios,
    }

    impl Terminal {
        pub(super) fn open() -> io::Result<Self> {
            let file = File::options().read(true).write(true).open("/dev/tty")?;
            let before = tcgetattr(&file)?;
            let mut hidden = before.clone();
            hidden.local_modes.remove(LocalModes::ECHO);
            // Ctrl-Z would leave the echo off for whoever comes next. Zero is the character that means none.
            hidden.special_codes[SpecialCodeIndex::VSUSP] = 0;
            tcsetattr(&file, OptionalActions::Flush, &hidden)?;
            Ok(Self { file, before })
        }

        pub(super) fn file(&self) -> &File {
            &self.file
        }
    }

    impl Drop for Terminal {
        fn drop(&mut self) {
            let _ = tcsetattr(&self.file, OptionalActions::Now, &self.before);
            // The end of the line was not shown, either.
            let _ = writeln!(self.file);
        }
    }
}
