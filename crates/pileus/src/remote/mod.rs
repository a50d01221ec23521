//! Commands that work with a server from outside, as a client: `ls`, `get`, `put`, `rm` and `share`.
//!
//! - `args`: what the command line says.
//! - `error`: failures, as a line for people.
//! - `session`: connecting and logging in.
//! - `tree`: looking at what is on the server.
//! - `ls`, `rm`, `get`, `put`, `share`: the commands.
//! - `transfer`: several transfers at once, and trying again.
//! - `progress`: telling how far they are.
//! - `local`: what `get` and `put` need to know about local files.

mod args;
mod error;
mod get;
mod local;
mod ls;
mod progress;
mod put;
mod rm;
mod session;
mod share;
mod transfer;
mod tree;

use std::process::ExitCode;

pub use args::RemoteArgs;
pub use error::Error;

/// Runs a command. What it cannot do for one of several paths it tells on standard error, goes on
/// with the others, and answers a failure in the end.
///
/// # Errors
/// If it cannot do anything: no connection, no login, no place to put things.
pub async fn run(args: RemoteArgs) -> Result<ExitCode, Error> {
    let failures = match args {
        RemoteArgs::Ls(args) => ls::run(&args).await?,
        RemoteArgs::Get(args) => get::run(args).await?,
        RemoteArgs::Put(args) => put::run(args).await?,
        RemoteArgs::Rm(args) => rm::run(&args).await?,
        RemoteArgs::Share { command } => share::run(command).await?,
    };
    Ok(match failures {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// Tells a failure that does not end the command.
fn complain(error: &Error) {
    eprintln!("pileus: {error}");
}
