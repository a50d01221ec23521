//! A running server from outside, over both protocols.
//!
//! - `server`: such a server, with one account.
//! - `commands`: `pileus ls`, `get`, `put` and `rm`.
//! - `downloads`: fetching from URLs, through a crash.
//! - `names`: the index of names, while it is built.
//! - `open_files`: what was written through descriptors, when a server or a connection ends.
//! - `sync`: what the official sync client does.
//! - `sharing`: `pileus share`.
//! - `sdk`: the Rust SDK, in what the commands do not use.

mod commands;
mod downloads;
mod names;
mod open_files;
mod sdk;
mod server;
mod sharing;
mod sync;
