//! The one integration test: every scenario file on every protocol and database, the checks of the registry, and the
//! model test.
//!
//! `cargo test -p pileus-scenarios [WORD]...` runs what has one of the words in its name, such as `sqlite/http` or
//! `folder/copyfolder`. `UPDATE=1` writes what the server really answers into the files instead of failing.
//! `PILEUS_TEST_SKIP_POSTGRES=1` leaves PostgreSQL out.

mod report;
mod servers;
mod together;
mod trials;

use pileus_scenarios::Result;
use pileus_scenarios::coverage::{Coverage, compare};
use pileus_scenarios::script::{Script, parse};
use report::Report;
use servers::{Database, Servers};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use trials::{Context, Trial};

/// Exceptions from the rule that every declared outcome is shown by a scenario.
const UNCOVERED: &str = "uncovered.txt";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The folder with the scenario files.
fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn run() -> Result<bool> {
    let arguments = Arguments::read();
    let update = std::env::var_os("UPDATE").is_some_and(|value| value == "1");
    let scripts = read_scripts()?;
    let mut databases = vec![Database::Sqlite];
    if std::env::var_os("PILEUS_TEST_SKIP_POSTGRES").is_none() && !update {
        databases.push(Database::Postgres);
    }
    let all = if update {
        trials::for_update(&scripts)
    } else {
        trials::all(&scripts, &databases)
    };
    let chosen: Vec<Trial<'_>> = all
        .iter()
        .filter(|trial| arguments.wants(&trial.name()))
        .copied()
        .collect();
    if arguments.list {
        chosen
            .iter()
            .for_each(|trial| println!("{}: test", trial.name()));
        return Ok(true);
    }

    let is_complete = chosen.len() == all.len();
    let report = Report::new(chosen.len());
    let context = Context {
        servers: Servers::new()?,
        coverage: Coverage::default(),
        transcripts: Mutex::new(HashMap::new()),
        collect: update,
    };
    let queue = Mutex::new(chosen.into_iter());
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(trial) = next else { break };
                    // Helpers of the tests panic when they cannot go on, for example without a PostgreSQL.
                    let result = catch_unwind(AssertUnwindSafe(|| trial.run(&context)));
                    report.add(
                        &trial.name(),
                        result.unwrap_or_else(|_| Err("panicked; see above".into())),
                    );
                }
            });
        }
    });
    for (database, stopped) in context.servers.stop() {
        report.add(&format!("{}/stop", database.name()), stopped);
    }
    if is_complete && !update {
        let exceptions = std::fs::read_to_string(folder().join(UNCOVERED))?;
        report.add(
            "registry/coverage",
            compare(&context.coverage.missing(), &exceptions),
        );
    }
    Ok(report.end(context.servers))
}

/// What the command line says.
struct Arguments {
    words: Vec<String>,
    threads: usize,
    list: bool,
}

impl Arguments {
    fn read() -> Self {
        let mut words = Vec::new();
        // The trials mostly wait for the server, so a few more than there are processors keep them busy.
        let mut threads = 2 * std::thread::available_parallelism().map_or(2, usize::from);
        let mut list = false;
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--list" => list = true,
                "--test-threads" => {
                    threads = arguments
                        .next()
                        .and_then(|count| count.parse().ok())
                        .unwrap_or(threads)
                }
                // Other options are those of Rust's own harness, which cargo passes to every test alike.
                option if option.starts_with('-') => {}
                word => words.push(word.to_owned()),
            }
        }
        Self {
            words,
            threads: threads.max(1),
            list,
        }
    }

    fn wants(&self, name: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| name.contains(word.as_str()))
    }
}

fn read_scripts() -> Result<Vec<Script>> {
    let mut paths = Vec::new();
    for family in std::fs::read_dir(folder())? {
        let family = family?.path();
        if family.is_dir() {
            paths.extend(files_in(&family)?);
        }
    }
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let name = path.strip_prefix(folder())?.with_extension("");
            parse(&name.to_string_lossy(), std::fs::read_to_string(path)?)
        })
        .collect()
}

fn files_in(family: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(family)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "scn") {
            files.push(path);
        }
    }
    Ok(files)
}
