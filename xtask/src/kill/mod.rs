//! Kills a loaded server again and again, and looks whether anything that it acknowledged is gone.
//!
//! Sixteen clients on both protocols change a tree each, write files through descriptors, and upload in sessions. The
//! server process is killed at a random moment, without warning, and started again on the same data. Then every change
//! that was answered has to be there; what had not been answered may have happened or not, but not by half. Contents, the
//! space that is counted as used, the check of the data folder and the change feed have to agree with that, and nothing
//! may be left of files that were being written. Clients go on with their upload sessions.
//!
//! - `worker` is a client; `change`, `open_file` and `upload` are what it does, `tree` is what it knows.
//! - `verify` looks at a server that came back.

mod change;
mod open_file;
mod tree;
mod upload;
mod verify;
mod worker;

use pileus_scenarios::Result;
use pileus_scenarios::connection::Protocol;
use pileus_scenarios::random::Random;
use pileus_scenarios::server::{PASSWORD, Server, Setup, program};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};
use verify::Feed;
use worker::Worker;

/// Clients that change things at the same time.
const CLIENTS: usize = 16;
/// Accounts that they share among themselves.
const ACCOUNTS: usize = 4;
/// How long the server lives, in milliseconds: at least, and at most so much longer.
const LIFE_MS: (u64, u64) = (200, 2_800);

/// What the command line says.
#[derive(clap::Args)]
pub struct Args {
    /// How long to go on, in seconds
    #[arg(long, conflicts_with = "minutes", default_value_t = 60)]
    seconds: u64,
    /// How long to go on, in minutes
    #[arg(long)]
    minutes: Option<u64>,
    /// What fixes the random choices; told at the beginning
    #[arg(long)]
    seed: Option<u64>,
}

/// How far the test has come.
#[derive(Default)]
struct Totals {
    kills: u64,
    changes: u64,
    slowest_start: Duration,
}

/// Runs the test and tells the result in its last line.
pub fn run(args: &Args) -> ExitCode {
    let seconds = args
        .minutes
        .map_or(args.seconds, |minutes| minutes.saturating_mul(60));
    let seed = args.seed.unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs())
    });
    println!("killing for {seconds} s with --seed {seed}");
    let mut totals = Totals::default();
    let result = tempfile::Builder::new()
        .prefix("pileus-kill.")
        .tempdir()
        .map_err(Into::into)
        .and_then(|folder| {
            let result = kill(
                folder.path(),
                Duration::from_secs(seconds),
                &mut Random::new(seed),
                &mut totals,
            );
            if result.is_err() {
                println!("data and log: {}", folder.keep().display());
            }
            result
        });
    let Totals {
        kills,
        changes,
        slowest_start,
    } = totals;
    println!(
        "{changes} changes acknowledged, slowest start {:.2} s",
        slowest_start.as_secs_f64()
    );
    match result {
        Ok(()) => {
            println!("{kills} kills, 0 lost");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{error}");
            println!("{kills} kills, at least 1 lost");
            ExitCode::FAILURE
        }
    }
}

fn kill(folder: &Path, time: Duration, random: &mut Random, totals: &mut Totals) -> Result<()> {
    let setup = Setup {
        program: program(true)?,
        config: Vec::new(),
    };
    let mut server = Server::start(setup.clone(), folder)?;
    let mut feeds = Vec::new();
    for index in 0..ACCOUNTS {
        let mail = format!("account{index}@example.com");
        server.add_user(&mail, PASSWORD, None)?;
        feeds.push(Feed::new(server.login(Protocol::Http, &mail, PASSWORD)?.0));
    }
    let mut workers = Vec::new();
    for index in 0..CLIENTS {
        let protocol = Protocol::ALL[index % Protocol::ALL.len()];
        let token = feeds[index % ACCOUNTS].token().to_owned();
        workers.push(Worker::new(
            &server,
            index,
            protocol,
            token,
            random.number(),
        )?);
    }
    let deadline = Instant::now() + time;
    while Instant::now() < deadline {
        let (least, more) = LIFE_MS;
        let life = Duration::from_millis(least + random.below(more));
        totals.changes += load_and_kill(server, &mut workers, life)?;
        totals.kills += 1;
        let began = Instant::now();
        server = Server::start(setup.clone(), folder)?;
        totals.slowest_start = totals.slowest_start.max(began.elapsed());
        verify::all(&server, &mut workers, &mut feeds)?;
    }
    for worker in &mut workers {
        worker.verify_contents(&server, usize::MAX)?;
    }
    for feed in &feeds {
        feed.verify_from_the_beginning(&server)?;
    }
    server.stop()
}

/// Lets all clients work until the server is killed. Tells how many changes were acknowledged.
fn load_and_kill(server: Server, workers: &mut [Worker], life: Duration) -> Result<u64> {
    let address = server.address();
    std::thread::scope(|scope| {
        let threads: Vec<_> = workers
            .iter_mut()
            .map(|worker| scope.spawn(move || worker.work(address)))
            .collect();
        std::thread::sleep(life);
        let killed = server.kill();
        let mut changes = 0;
        for thread in threads {
            changes += thread.join().map_err(|_| "a client panicked")??;
        }
        killed.map(|_| changes)
    })
}
