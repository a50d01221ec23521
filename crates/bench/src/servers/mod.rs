//! The servers under test.

pub mod nginx;
pub mod pileus;
pub mod tls;

use std::time::Duration;

/// How long a server may take to get ready.
pub const START_LIMIT: Duration = Duration::from_secs(60);
