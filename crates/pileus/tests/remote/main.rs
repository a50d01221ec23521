//! A running server from outside, over both protocols.
//!
//! - `server`: such a server, with one account.
//! - `commands`: `pileus ls`, `get`, `put` and `rm`.
//! - `sdk`: the Rust SDK, in what the commands do not use.

mod commands;
mod sdk;
mod server;
