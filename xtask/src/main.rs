//! Chores of the repository: `cargo xtask --help` lists them.

mod kill;
mod reference;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Chores of the repository")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Write the generated reference documents
    Gen(reference::Args),
    /// Kill a loaded server again and again, and look whether anything is lost
    Kill(kill::Args),
}

fn main() -> ExitCode {
    match Cli::parse().chore {
        Chore::Gen(args) => reference::run(&args),
        Chore::Kill(args) => kill::run(&args),
    }
}
