//! Chores of the repository: `cargo xtask --help` lists them.

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
}

fn main() -> ExitCode {
    match Cli::parse().chore {
        Chore::Gen(args) => reference::run(&args),
    }
}
