//! Random calls of three accounts that share folders, compared with a model in memory.
//!
//! - `world` is the model: one tree for all accounts, with offers and shares, and who sees what of it; `view` is what
//!   listings and feeds should show of it.
//! - `refusal` tells which calls are refused, and `effect` what the others do.
//! - `policy` knows who takes all offers of whom, and who wants none.
//! - `step` turns random numbers into calls that fit the present state.
//! - `session` makes the calls and compares.

mod effect;
mod policy;
mod refusal;
mod session;
mod step;
mod view;
mod world;

use super::{Settings, shrink};
use crate::Result;
use crate::random::Random;
use crate::server::Server;
use session::Session;
use step::Wish;

/// Makes random calls on new accounts of a server. The error tells the shortest list of calls that was found to go
/// wrong. `run` tells the accounts of this run from those of others.
pub fn run(server: &Server, settings: &Settings, run: usize) -> Result<()> {
    let mut random = Random::new(settings.seed);
    let wishes = (0..settings.calls).map(|_| Wish::random(&mut random));
    let wishes: Vec<Wish> = wishes.collect();
    let mut names = (0..).map(|attempt| format!("sharing+{run}.{attempt}"));
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
