//! What a client sees, written down and checked.
//!
//! - [`script`] reads the scenario files, [`play`] plays them against a real server process, [`coverage`] holds what
//!   they showed against the declarations of the API.
//! - [`model`] drives a server with random calls and compares it with a model in memory and a replica that follows
//!   the change feed.
//! - [`matrix`] calls every method in the name of everybody, and compares with a table of rights.
//! - [`server`] and [`connection`] are the means for both, and for the kill test of the repository's chores.
//!
//! Nothing here uses the server's crates or the SDK: a server and a client that share a mistake would agree.

pub mod connection;
pub mod consent;
pub mod coverage;
pub mod http;
pub mod mail;
pub mod matrix;
pub mod model;
pub mod play;
pub mod random;
pub mod script;
pub mod server;

/// Trouble of any kind, told as text: whoever reads it is a person with a failed test.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// A result whose error is told as text.
pub type Result<T, E = Error> = std::result::Result<T, E>;
