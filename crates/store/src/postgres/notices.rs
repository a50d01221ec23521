//! Telling the other nodes that a feed has grown, with `LISTEN` and `NOTIFY`.
//!
//! Notices are sent after the commit by a connection of their own, many in one
//! statement. `NOTIFY` inside the edit would make its commit take a lock that is
//! global to the database cluster, and all edits would commit one by one. The
//! price: a node that dies right after a commit may not get its notice out, and
//! waiters on other nodes learn of that change with the next one.

use crate::error::{StoreError, Stored};
use crate::postgres::spawn;
use postgres::error::SqlState;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls};

/// The channel all nodes of a database listen on.
const LISTEN: &str = "LISTEN pileus_feed";
const NOTIFY: &str = "SELECT pg_notify('pileus_feed', $1)";

/// The payload that stands for more accounts than were counted.
const EVERYTHING: &str = "*";

/// PostgreSQL takes payloads of less than 8000 bytes.
const PAYLOAD_LIMIT: usize = 7900;

/// How many accounts may wait to be told about. With more, everything is told.
const PENDING_LIMIT: usize = 50_000;

/// The first pause before connecting again; it doubles up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_LONGEST: Duration = Duration::from_secs(5);

/// What a node learns from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The feed of an account reaches to this event.
    Feed {
        /// The account.
        account: i64,
        /// Its last event.
        diffid: i64,
    },
    /// Notices may have been missed: every feed has to be looked at.
    Missed,
}

type Listener = Arc<dyn Fn(Notice) + Send + Sync>;

/// The notices of this node and to this node.
#[derive(Clone)]
pub(crate) struct Notices(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// The last event of each account, to be told.
    pending: HashMap<i64, i64>,
    /// There were too many to count.
    everything: bool,
    closed: bool,
    listener: Option<Listener>,
}

impl Notices {
    /// Starts the thread that sends and receives until [`close`](Self::close).
    pub(super) fn start(config: postgres::Config) -> Stored<(Self, JoinHandle<()>)> {
        let notices = Self(Arc::new(Shared {
            state: Mutex::default(),
            changed: Notify::new(),
        }));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| StoreError::Other(format!("cannot start a runtime: {error}")))?;
        let passing = notices.clone();
        let thread = spawn("postgres-notices".to_owned(), move || {
            runtime.block_on(passing.pass(config.into()));
        })?;
        Ok((notices, thread))
    }

    /// Queues notices for the other nodes.
    pub(crate) fn tell(&self, feeds: Vec<(i64, i64)>) {
        if feeds.is_empty() {
            return;
        }
        let mut state = self.lock();
        if state.closed {
            return;
        }
        for (account, diffid) in feeds {
            let last = state.pending.entry(account).or_insert(diffid);
            *last = diffid.max(*last);
        }
        if state.pending.len() > PENDING_LIMIT {
            state.pending.clear();
            state.everything = true;
        }
        drop(state);
        self.0.changed.notify_one();
    }

    /// Sets the listener.
    pub(crate) fn listen(&self, listener: Listener) {
        self.lock().listener = Some(listener);
    }

    /// Ends the thread.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.0.changed.notify_one();
    }
}
