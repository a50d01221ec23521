//! What an administrator does with the server's data.
//!
//! - `user`, `token`: accounts and what logs in to them.
//! - `app`: programs that accounts may let in by OAuth.
//! - `link`: closes public links.
//! - `check`: proves that everything is there and fits; `open_work` is its part about what is being written.
//! - `backup`, `restore`: all data, to a folder and back; `manifest` is what a backup says about itself, and `copies`
//!   brings contents from one store to another.
//! - `convert`: to another database.
//! - `output`: tables and JSON.
//! - `error`: failures, as a line for people.

mod app;
mod backup;
mod check;
mod convert;
mod copies;
mod error;
mod link;
mod manifest;
mod open_work;
mod output;
mod restore;
mod token;
mod user;

use crate::cli::{AdminCommand, DataArgs};
use crate::settings;
use error::{Error, Result};
use pileus_server::app::App;
use pileus_server::clock::Clock;
use pileus_server::config::Config;
use pileus_server::start;
use pileus_store::accounts::Account;
use std::io::BufRead;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Runs a command.
///
/// # Errors
/// When it cannot do its work; the message says why.
pub async fn run(command: AdminCommand) -> Result<ExitCode> {
    match command {
        AdminCommand::User {
            command,
            data,
            json,
        } => user::run(command, &data, json).await?,
        AdminCommand::Token {
            command,
            data,
            json,
        } => token::run(command, &data, json).await?,
        AdminCommand::App {
            command,
            data,
            json,
        } => app::run(command, &data, json).await?,
        AdminCommand::Link {
            command,
            data,
            json,
        } => link::run(command, &data, json).await?,
        AdminCommand::Check { hash, data, json } => return check::run(hash, &data, json).await,
        AdminCommand::Backup { to, data, json } => return backup::run(&to, &data, json).await,
        AdminCommand::Restore { from, data, json } => {
            return restore::run(&from, &data, json).await;
        }
        AdminCommand::ConvertDb { to, data, json } => convert::run(&to, &data, json).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens what a server works on, which is to be there already: a mistyped path shall not make a new one.
async fn open_existing(data: &DataArgs) -> Result<Arc<App>> {
    let config = settings::of_data(data)?;
    if !config.data.join(start::KEY_FILE).exists() {
        let folder = config.data.display();
        return Err(Error::new(format!(
            "there is no server's data in {folder}; name its folder with --data"
        )));
    }
    open(config).await
}

/// Opens what a server works on, making what is not there yet.
async fn open(config: Config) -> Result<Arc<App>> {
    Ok(start::open(config, clock()).await?)
}

/// The same clock as the server's, which tests may set.
fn clock() -> Clock {
    Clock::new(std::env::var_os("PILEUS_TEST_CLOCK").map(PathBuf::from))
}

/// The account with this address.
async fn account(app: &App, email: &str) -> Result<Account> {
    let name = email.to_owned();
    let found = app.db.view(move |tx| tx.account_by_email(&name)).await?;
    found.ok_or_else(|| Error::new(format!("there is no account {email}")))
}

/// A password from the command line, or from standard input for `-`.
fn password(given: String) -> Result<String> {
    if given != "-" {
        return Ok(given);
    }
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(Error::about("standard input"))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
