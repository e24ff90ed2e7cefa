//! The words of the command line.

mod client;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use client::{ClientCommand, Login, Logout, ProfileName, Profiles, Sessions, SessionsCommand, Token, Whoami};

/// Authentication with bearer tokens, on the wire protocol of better-auth.
#[derive(Debug, Parser)]
#[command(name = "hallpass", version, propagate_version = true)]
pub struct Cli {
    /// The configuration file; `hallpass.toml` in this folder if there is one.
    #[arg(long, short, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server.
    Serve(Serve),
    /// Stand in front of another server and let requests with a good bearer token through.
    Proxy(Proxy),
    /// Create the tables and columns that the database lacks.
    Migrate(Migrate),
    /// Print a new secret.
    Secret,
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look at configuration, database and files, and say what may go wrong.
    Doctor(Doctor),
    /// Look after users in the database.
    #[command(subcommand)]
    User(UserCommand),
    /// Look after sessions in the database.
    #[command(subcommand)]
    Session(SessionCommand),
    /// Talk to an auth server somewhere.
    #[command(flatten)]
    Client(ClientCommand),
}

/// `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Listen here instead of where the configuration says.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
}

/// `proxy`.
#[derive(Debug, Args)]
pub struct Proxy {
    /// The server behind: scheme, host and port. Paths stay as they are.
    #[arg(long, value_name = "URL")]
    pub upstream: String,
    /// Ask this auth server whose a token is, instead of its database: where its endpoints are, such as `https://auth.example.com/api/auth`.
    #[arg(long, value_name = "URL")]
    pub auth_url: Option<String>,
    /// Listen here.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3080")]
    pub listen: String,
    /// Let requests without a token through as well, without a word on who is calling.
    #[arg(long)]
    pub optional: bool,
    /// Let the server behind see the token as well.
    #[arg(long)]
    pub pass_authorization: bool,
    /// Believe the proxy in front of this one about where requests come from (`x-forwarded-for` and the like).
    #[arg(long)]
    pub trust_forwarded: bool,
    /// Look at the token behind an open websocket again every so many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    pub recheck: u32,
    /// What is protected here, as challenges name it.
    #[arg(long, default_value = "api")]
    pub realm: String,
}

/// `migrate`.
#[derive(Debug, Args)]
pub struct Migrate {
    /// Only show what would be done.
    #[arg(long)]
    pub plan: bool,
}

/// `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `config …`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Read file and environment, and say what is wrong with them.
    Check,
}

/// `user …`.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// List users, newest first.
    List {
        /// At most this many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a user and their sign-in methods.
    Show {
        /// Their id or e-mail address.
        user: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Delete a user, their sessions and their sign-in methods.
    Delete {
        /// Their id or e-mail address.
        user: String,
        /// Do it without asking.
        #[arg(long)]
        yes: bool,
    },
}

/// `session …`.
#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// List a user's live sessions. Tokens are not shown.
    List {
        /// The user's id or e-mail address.
        user: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// End one session, or all of a user.
    Revoke {
        /// The session's id.
        #[arg(required_unless_present = "user", conflicts_with = "user")]
        session: Option<String>,
        /// End all sessions of this user, given by id or e-mail address.
        #[arg(long)]
        user: Option<String>,
    },
}
