//! The client side: signing in to an auth server somewhere, and using what that gives. It reads no configuration and no database;
//! what it has to know is a profile.

mod interrupt;
mod login;
mod logout;
mod member;
mod profile;
mod profiles;
mod prompt;
mod sessions;
mod token;
mod whoami;
mod words;

use std::fmt;

use super::Failure;
use crate::cli::{ClientCommand, SessionsCommand};
use member::Member;

/// Runs one of them, until it ends or somebody has enough of it.
pub(super) async fn run(command: ClientCommand) -> Result<(), Failure> {
    tokio::select! {
        biased;
        status = interrupt::wait() => Err(Ended { status, words: "interrupted".into() }.into()),
        done = perform(command) => done,
    }
}

async fn perform(command: ClientCommand) -> Result<(), Failure> {
    match command {
        ClientCommand::Login(arguments) => login::run(arguments).await,
        ClientCommand::Whoami(arguments) => whoami::run(&Member::known(&arguments.name)?, arguments.json).await,
        ClientCommand::Token(arguments) => token::run(&Member::known(&arguments.name)?, arguments.header).await,
        ClientCommand::Sessions(arguments) => match arguments.command {
            None => sessions::list(&Member::known(&arguments.name)?, arguments.json).await,
            Some(SessionsCommand::Revoke { session: Some(id), name, .. }) => {
                sessions::revoke(&Member::known(&name)?, &id).await
            }
            Some(SessionsCommand::Revoke { session: None, name, .. }) => {
                sessions::revoke_others(&Member::known(&name)?).await
            }
        },
        ClientCommand::Logout(arguments) => logout::run(&arguments).await,
        ClientCommand::Profiles(arguments) => profiles::run(arguments.json).await,
    }
}

/// An end that scripts can tell from others by its exit status.
#[derive(Debug)]
pub(crate) struct Ended {
    status: u8,
    words: String,
}

impl Ended {
    /// Something that had to be said was not.
    fn usage(words: impl Into<String>) -> Failure {
        Self { status: 2, words: words.into() }.into()
    }

    /// Nobody is signed in.
    fn not_signed_in(words: impl Into<String>) -> Failure {
        Self { status: 3, words: words.into() }.into()
    }

    pub(crate) fn exit_code(&self) -> u8 {
        self.status
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for Ended {}
