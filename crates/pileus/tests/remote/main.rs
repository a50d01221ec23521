//! A running server from outside, over both protocols.
//!
//! - `server`: such a server, with one account.
//! - `commands`: `pileus ls`, `get`, `put` and `rm`.
//! - `open_files`: what was written through descriptors, when a server or a connection ends.
//! - `sdk`: the Rust SDK, in what the commands do not use.

mod commands;
mod open_files;
mod sdk;
mod server;
