//! A client's connection: what the API remembers between its calls.

use crate::login::Identity;
use crate::working::Descriptors;
use pileus_wire::Filter;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Which face of the server a connection came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP with JSON answers.
    Http,
    /// The binary protocol.
    Binary,
}

impl Protocol {
    /// Name for log lines and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Binary => "binary",
        }
    }
}

/// Field filters that stay on a connection until they are replaced.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// For files and folders alike.
    pub both: Option<Arc<Filter>>,
    /// For files; beats `both`.
    pub file: Option<Arc<Filter>>,
    /// For folders; beats `both`.
    pub folder: Option<Arc<Filter>>,
}

/// What a connection carries from call to call. Both front ends own one per connection.
#[derive(Debug)]
pub struct Conn {
    /// Which face it came in by.
    pub protocol: Protocol,
    /// The other end of the socket.
    pub peer: SocketAddr,
    /// Whether TLS protects it.
    pub secure: bool,
    /// Whether further bytes of the client have arrived.
    pub interrupt: Interrupt,
    /// The files it has open.
    pub files: Descriptors,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    identity: Option<Identity>,
    filters: Filters,
    /// A browser pools one connection for many tabs and accounts, so it gets no sticky login once it shows itself.
    from_browser: bool,
}

impl Conn {
    /// A fresh connection.
    pub fn new(protocol: Protocol, peer: SocketAddr, secure: bool) -> Self {
        Self {
            protocol,
            peer,
            secure,
            interrupt: Interrupt::default(),
            files: Descriptors::default(),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is logged in.
    pub fn identity(&self) -> Option<Identity> {
        self.state().identity.clone()
    }

    /// Logs somebody in for the rest of the connection.
    pub fn log_in(&self, identity: Identity) {
        self.state().identity = Some(identity);
    }

    /// Logs out.
    pub fn log_out(&self) {
        self.state().identity = None;
    }

    /// Whether anybody is logged in or has files open; decides how long the connection may idle. Apps are not logged in,
    /// since they prove themselves with each call, but keep files open.
    pub fn is_logged_in(&self) -> bool {
        self.state().identity.is_some() || self.files.count() > 0
    }

    /// The field filters in force.
    pub fn filters(&self) -> Filters {
        self.state().filters.clone()
    }

    /// Replaces the field filters.
    pub fn set_filters(&self, filters: Filters) {
        self.state().filters = filters;
    }

    /// Notes that a request came from a web page (it had an `Origin` header).
    pub fn mark_browser(&self) {
        self.state().from_browser = true;
    }

    /// Whether a request on this connection came from a web page.
    pub fn is_browser(&self) -> bool {
        self.state().from_browser
    }
}

/// The signal that ends a waiting call: bytes beyond the request have arrived, or the client has finished sending.
#[derive(Debug, Default)]
pub struct Interrupt {
    raised: AtomicBool,
    /// Nothing more will come.
    ended: AtomicBool,
    changed: Notify,
}

impl Interrupt {
    /// Further bytes are there.
    pub fn raise(&self) {
        self.raised.store(true, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// The client has finished sending, or is gone.
    pub fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.raise();
    }

    /// Waits until the client has finished sending.
    pub async fn ended(&self) {
        self.until(|| self.ended.load(Ordering::SeqCst)).await;
    }

    /// A new request begins, and nothing is known to follow it.
    pub fn reset(&self) {
        self.raised.store(false, Ordering::SeqCst);
    }

    /// Whether it is raised now.
    pub fn is_raised(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
    }

    /// Waits until it is raised.
    pub async fn raised(&self) {
        self.until(|| self.is_raised()).await;
    }

    async fn until(&self, is_so: impl Fn() -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the look, so that a signal in between is not lost.
            changed.as_mut().enable();
            if is_so() {
                return;
            }
            changed.await;
        }
    }
}
