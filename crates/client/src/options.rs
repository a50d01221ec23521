//! How a client behaves.

use std::path::PathBuf;
use std::time::Duration;

/// Settings of a [`Client`](crate::Client) or [`Connection`](crate::Connection).
#[derive(Clone, Debug)]
pub struct Options {
    /// A PEM file of certificates to trust instead of those the system trusts.
    pub ca_file: Option<PathBuf>,
    /// How long making a connection may take, the TLS handshake included.
    pub connect_timeout: Duration,
    /// How long the server may take to begin its answer.
    pub answer_timeout: Duration,
    /// The same for methods that wait for something to happen, such as `diff` with `block`.
    pub wait_timeout: Duration,
    /// How long a request or an answer that has begun may move no byte.
    pub stall_timeout: Duration,
    /// The most bytes of an answer that are taken into memory. Content that is read piece by piece
    /// may be longer.
    pub max_answer_bytes: usize,
    /// The most connections a client has open at once; further calls wait for one.
    pub max_connections: usize,
    /// What the client calls itself; the server shows it in the list of logins.
    pub user_agent: String,
}

impl Default for Options {
    /// The certificates of the system, limits in the order of minutes, answers of up to 1 GiB, 16
    /// connections.
    fn default() -> Options {
        Options {
            ca_file: None,
            connect_timeout: Duration::from_secs(15),
            answer_timeout: Duration::from_secs(300),
            // A little longer than servers keep an idle connection that is logged in.
            wait_timeout: Duration::from_secs(4200),
            stall_timeout: Duration::from_secs(60),
            max_answer_bytes: 1 << 30,
            max_connections: 16,
            user_agent: concat!("pileus-client/", env!("CARGO_PKG_VERSION")).into(),
        }
    }
}
