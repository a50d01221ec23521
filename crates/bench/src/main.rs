//! The benchmark: Pileus beside nginx on the same disk, through the public API only.
//!
//! `bench --pileus target/release/pileus` measures everything and prints tables; see `--help`.

mod error;
mod limit;
mod lines;
mod load;
mod machine;
mod noise;
mod process;
mod report;
mod run_dir;
mod scale;
mod servers;

use crate::error::{Context, Result};
use crate::lines::{Bench, GROUPS};
use crate::machine::Machine;
use crate::report::Report;
use crate::report::markdown::{Page, Section, Tables};
use crate::run_dir::RunDir;
use crate::scale::Scale;
use crate::servers::tls::Identity;
use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Measures Pileus beside nginx on the same disk and in the same run.
#[derive(Parser)]
#[command(name = "bench", version)]
struct Options {
    /// The `pileus` program, built for release.
    #[arg(long, default_value = "target/release/pileus")]
    pileus: PathBuf,
    /// The `nginx` program with its dav module (Debian: nginx-extras).
    #[arg(long, default_value = "/usr/sbin/nginx")]
    nginx: PathBuf,
    /// Folder on the disk under test; data is kept below it during the run.
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
    /// Reduced sizes and times, to see whether everything works.
    #[arg(long)]
    quick: bool,
    /// Measure this group only; may be repeated.
    #[arg(long, value_name = "GROUP", value_parser = group_name)]
    only: Vec<String>,
    /// How often each line is measured.
    #[arg(long)]
    runs: Option<usize>,
    /// The day of the run, for the report.
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<String>,
    /// Where the results go as JSON; `results.json` in the folder of `--dir` if not given.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measure nothing, and take the results of an earlier run from its JSON file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["only", "quick", "runs", "date"])]
    from: Option<PathBuf>,
    /// Also write the results as a page with all facts about the machine.
    #[arg(long, value_name = "FILE")]
    write_docs: Option<PathBuf>,
}

fn group_name(text: &str) -> std::result::Result<String, String> {
    let names: Vec<&str> = GROUPS.iter().map(|(name, _)| *name).collect();
    if names.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(format!("the groups are {}", names.join(", ")))
    }
}

/// One thread is enough for the load and leaves the rest of the machine to the servers.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    let done = tokio::select! {
        done = run(&options) => done,
        stopped = interrupted() => stopped,
    };
    match done {
        Ok(report) if report.groups.iter().all(|group| group.failure.is_none()) => {
            ExitCode::SUCCESS
        }
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Ends with an error when somebody wants the program to end. Leaving through `main` is what
/// kills the servers and deletes their data.
async fn interrupted() -> Result<Report> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => Err("interrupted".into()),
        _ = terminate.recv() => Err("terminated".into()),
    }
}

async fn run(options: &Options) -> Result<Report> {
    let report = match &options.from {
        Some(file) => {
            let text = fs::read_to_string(file).context("--from")?;
            serde_json::from_str(&text).context("--from")?
        }
        None => measure(options).await?,
    };
    println!("{}", Tables(&report));
    if let Some(file) = &options.write_docs {
        fs::write(file, Page(&report).to_string()).context("--write-docs")?;
    }
    Ok(report)
}

async fn measure(options: &Options) -> Result<Report> {
    raise_file_limit()?;
    let dir = RunDir::create(&options.dir).context("--dir")?;
    let mut scale = if options.quick {
        Scale::quick()
    } else {
        Scale::full()
    };
    if let Some(runs) = options.runs {
        scale.runs = runs;
    }
    let mut report = Report {
        date: options.date.clone(),
        quick: options.quick,
        runs: scale.runs,
        machine: Machine::look(dir.path(), &options.pileus, &options.nginx)?,
        groups: Vec::new(),
    };
    let bench = Bench {
        scale,
        dir: dir.path().to_owned(),
        pileus: options.pileus.clone(),
        nginx: options.nginx.clone(),
        identity: Identity::create(dir.path())?,
    };
    let json = match &options.json {
        Some(file) => file.clone(),
        None => options.dir.join("results.json"),
    };
    for &(name, title) in GROUPS {
        if !options.only.is_empty() && !options.only.iter().any(|only| only == name) {
            continue;
        }
        eprintln!("measuring: {title}");
        let group = bench.measure(name, title).await;
        eprintln!("{}", Section(&group));
        report.groups.push(group);
        // Written after each group, so that an interrupted run leaves what it has found.
        fs::write(&json, serde_json::to_vec_pretty(&report)?).context("--json")?;
    }
    Ok(report)
}

/// Lets this process and the servers it starts open as many files as the system allows; thousands
/// of connections need as many descriptors on both sides.
fn raise_file_limit() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    Ok(setrlimit(Resource::Nofile, raised)?)
}
