//! Random calls, compared with a model.

use crate::Result;
use crate::connection::Protocol;
use crate::server::Server;

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

/// Runs.
pub fn run(_server: &Server, _settings: &Settings, _run: usize) -> Result<()> {
    Ok(())
}
