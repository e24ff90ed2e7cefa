//! The binary `hallpass`: a server, and tools around its database.
//!
//! `config` reads file and environment into one [`config::Config`]; `commands` has one file a command; `server` is what `serve`
//! puts around the engine: health, metrics, the playground; `proxy` is a checkpoint in front of another server. `commands/client` is
//! for those who sign in, and needs none of the others.
//!
//! Data goes to standard output, words to standard error. The exit status is 0 when all went well, 1 when not, 2 when the command
//! line is not one, 3 when nobody is signed in, and 130 or 143 after an interruption.

pub mod cli;
mod commands;
pub mod config;
mod output;
mod proxy;
mod server;

use std::process::ExitCode;

use clap::Parser;

/// Runs the command line.
pub fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::say(&format!("error: the runtime could not be started: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::say(&format!("error: {error}"));
            commands::exit_code(&error).into()
        }
    }
}
