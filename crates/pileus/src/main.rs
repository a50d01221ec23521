//! The Pileus program: the server, its administration, and a small client.
//!
//! - `cli`: the command line.
//! - `settings`: from flags, environment and file to one configuration.
//! - `serve`: the server.
//! - `admin`: what an administrator does with the server's data.
//! - `methods`: the list of the API's methods.
//! - `remote`: commands that work with a server from outside.

mod admin;
mod cli;
mod methods;
mod remote;
mod serve;
mod settings;

use clap::Parser;
use cli::{Cli, Command};
use mimalloc::MiMalloc;
use pileus_server::config::template;
use std::error::Error;
use std::process::ExitCode;

/// A request is many small pieces of memory, of which one thread makes and another frees most.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("pileus: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<ExitCode, Box<dyn Error>> {
    match command {
        Command::Serve(args) => {
            let config = settings::of_server(&args)?;
            settings::start_log(&config.log, config.log_json)?;
            serve::run(config, args.quickstart).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Admin(command) => {
            settings::start_log("warn", false)?;
            Ok(admin::run(command).await?)
        }
        Command::Methods { json } => Ok(methods::print(json)?),
        Command::Config => {
            print!("{}", template());
            Ok(ExitCode::SUCCESS)
        }
        Command::Remote(args) => Ok(remote::run(args).await?),
    }
}
