//! Random calls to the methods of the tree, compared with a model in memory.
//!
//! - `account` is the model: what an account holds, and which calls it refuses; `effect` is what the others do to it.
//!   `descriptors` is the model of open files, `uploads` that of upload sessions, `contents` what all of them hold.
//! - `step`, `descriptor_step` and `upload_step` turn random numbers into calls that fit the present state.
//! - [`replica`] follows the change feed as a client does; [`seen`] and [`deals`] are what it knows of shares.
//! - [`sharing`] does the same with accounts that share folders, on a model of its own.
//! - `session` makes the calls, `client` compares, `lines` and `resume` are about connections: those with open files, and
//!   those that break. [`log`] tells the story; when something differs, `run` looks for fewer calls that still show it.

mod account;
pub mod agree;
pub mod answer;
mod client;
mod contents;
pub mod deals;
mod descriptor_step;
mod descriptors;
mod effect;
mod lines;
pub mod log;
pub mod replica;
mod resume;
pub mod seen;
mod session;
pub mod sharing;
mod step;
mod upload_step;
mod uploads;

use crate::Result;
use crate::connection::Protocol;
use crate::random::Random;
use crate::server::Server;
use session::Session;
use std::time::{Duration, Instant};
use step::Wish;

/// How long the search for fewer calls may take.
const SHRINK_LIMIT: Duration = Duration::from_secs(120);

/// What a run of the model test does.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Protocol of all calls.
    pub protocol: Protocol,
    /// How many random calls are made.
    pub calls: u64,
    /// What fixes them.
    pub seed: u64,
}

/// Makes random calls on new accounts of a server. The error tells the shortest list of calls that was found to go
/// wrong. `run` tells the accounts of this run from those of others.
pub fn run(server: &Server, settings: &Settings, run: usize) -> Result<()> {
    let mut random = Random::new(settings.seed);
    let wishes: Vec<Wish> = (0..settings.calls)
        .map(|_| Wish::random(&mut random))
        .collect();
    let mut names = (0..).map(|attempt| format!("model+{run}.{attempt}"));
    let mut attempt = |wishes: &[Wish]| {
        let name = names.next().unwrap_or_default();
        Session::new(server, settings.protocol, &name)?.play(wishes)
    };
    let Some(failed) = attempt(&wishes)? else {
        return Ok(());
    };
    let failed = shrink(wishes, failed, |failed| failed.wishes, &mut attempt)?;
    Err(format!("seed {}: {failed}", settings.seed).into())
}

/// Looks for fewer wishes that still fail, by leaving out ever smaller stretches. `played` tells how many of them a
/// failure took.
fn shrink<W: Clone, F>(
    mut wishes: Vec<W>,
    mut failed: F,
    played: impl Fn(&F) -> usize,
    attempt: &mut impl FnMut(&[W]) -> Result<Option<F>>,
) -> Result<F> {
    let deadline = Instant::now() + SHRINK_LIMIT;
    wishes.truncate(played(&failed));
    let mut length = wishes.len().div_ceil(2);
    while length > 0 && Instant::now() < deadline {
        let mut start = 0;
        let mut left_out_some = false;
        while start < wishes.len() && Instant::now() < deadline {
            let mut fewer = wishes.clone();
            fewer.drain(start..(start + length).min(wishes.len()));
            match attempt(&fewer)? {
                Some(still) => {
                    fewer.truncate(played(&still));
                    (wishes, failed, left_out_some) = (fewer, still, true);
                }
                None => start += length,
            }
        }
        if length > 1 || !left_out_some {
            length /= 2;
        }
    }
    Ok(failed)
}
