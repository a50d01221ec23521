//! How long clients are waited for.

use std::time::Duration;

/// The time limits of a connection. Whoever keeps one of them waiting longer is disconnected.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Between two requests, until a connection gives up the memory that it would need for the next one.
    pub pause: Duration,
    /// Between two requests, or before the first one, as long as nobody has logged in.
    pub idle: Duration,
    /// The same once somebody has.
    pub idle_logged_in: Duration,
    /// From the first byte of a request to the last one before its data, as long as nobody has logged in.
    pub request: Duration,
    /// The same once somebody has.
    pub request_logged_in: Duration,
    /// Between two bytes of data.
    pub data: Duration,
    /// Until the client takes any byte of an answer.
    pub answer: Duration,
}

/// What holds for both protocols. The sync client keeps connections for reuse and counts on more than ten minutes; while
/// it sends, it waits for two minutes itself.
const COMMON: Patience = Patience {
    pause: Duration::from_secs(1),
    idle: Duration::from_secs(60),
    idle_logged_in: Duration::from_secs(4000),
    request: Duration::from_secs(30),
    request_logged_in: Duration::from_secs(30),
    data: Duration::from_secs(120),
    answer: Duration::from_secs(120),
};

/// Over HTTP.
pub const HTTP: Patience = COMMON;

/// Over the binary protocol, whose clients may fill a request in slowly.
pub const BINARY: Patience = Patience {
    request: Duration::from_secs(60),
    request_logged_in: Duration::from_secs(180),
    ..COMMON
};

impl Patience {
    /// Between two requests.
    pub fn idle(&self, is_logged_in: bool) -> Duration {
        if is_logged_in {
            self.idle_logged_in
        } else {
            self.idle
        }
    }

    /// For the rest of a request.
    pub fn request(&self, is_logged_in: bool) -> Duration {
        if is_logged_in {
            self.request_logged_in
        } else {
            self.request
        }
    }
}

/// Short times for tests, which wait for real.
#[cfg(test)]
pub static TEST: Patience = Patience {
    pause: Duration::from_millis(50),
    idle: Duration::from_millis(100),
    idle_logged_in: Duration::from_millis(400),
    request: Duration::from_millis(200),
    request_logged_in: Duration::from_millis(200),
    data: Duration::from_millis(300),
    answer: Duration::from_millis(300),
};
