//! Telling the other nodes that a feed has grown, with `LISTEN` and `NOTIFY`.
//!
//! Notices are sent after the commit by a connection of their own, many in one
//! statement. `NOTIFY` inside the edit would make its commit take a lock that is
//! global to the database cluster, and all edits would commit one by one. The
//! price: a node that dies right after a commit may not get its notice out, and
//! waiters on other nodes learn of that change with the next one.

use crate::error::{StoreError, Stored};
use crate::lane::Joined;
use postgres::error::SqlState;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, NoTls, Socket};

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

/// The thread that sends and receives. Dropping this has it send what is queued and
/// end.
pub(crate) struct NoticeThread {
    notices: Notices,
    _thread: Joined,
}

impl NoticeThread {
    pub(super) fn start(config: Config) -> Stored<Self> {
        let notices = Notices(Arc::new(Shared {
            state: Mutex::default(),
            changed: Notify::new(),
        }));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| StoreError::Other(format!("cannot start a runtime: {error}")))?;
        let passing = notices.clone();
        let thread = Joined::spawn("postgres-notices".to_owned(), move || {
            runtime.block_on(passing.pass(&config));
        })?;
        Ok(Self {
            notices,
            _thread: thread,
        })
    }

    /// The way in for those who have something to tell.
    pub(super) fn notices(&self) -> Notices {
        self.notices.clone()
    }

    /// Sets the listener.
    pub(crate) fn listen(&self, listener: Listener) {
        self.notices.lock().listener = Some(listener);
    }
}

impl Drop for NoticeThread {
    fn drop(&mut self) {
        self.notices.lock().closed = true;
        self.notices.0.changed.notify_one();
    }
}

impl Notices {
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

    /// Keeps a connection that sends and receives until closed.
    async fn pass(self, config: &Config) {
        let mut pause = PAUSE;
        loop {
            let begun = Instant::now();
            let Err(error) = self.pass_connected(config).await else {
                return;
            };
            // What was being sent may be lost.
            self.lock().everything = true;
            if is_unsupported(&error) {
                tracing::warn!(%error, "the database has no LISTEN: nodes cannot wake each other");
                self.lock().closed = true;
                return;
            }
            tracing::warn!(%error, "the connection for notices failed");
            if begun.elapsed() > PAUSE_LONGEST {
                pause = PAUSE;
            }
            if self.closed_before(Instant::now() + pause).await {
                return;
            }
            pause = (pause * 2).min(PAUSE_LONGEST);
        }
    }

    /// Sends and receives on one connection until it fails (an error) or the
    /// database is closed.
    async fn pass_connected(&self, config: &Config) -> Result<(), Error> {
        let (client, connection) = config.connect(NoTls).await?;
        tokio::select! {
            outcome = self.receive(connection) => outcome,
            outcome = self.send(&client) => outcome,
        }
    }

    async fn receive(&self, mut connection: Connection<Socket, NoTlsStream>) -> Result<(), Error> {
        while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(notification) = message? {
                self.hear(notification.payload());
            }
        }
        Ok(())
    }

    async fn send(&self, client: &Client) -> Result<(), Error> {
        client.batch_execute(LISTEN).await?;
        // Others may have sent before this connection listened.
        self.hear(EVERYTHING);
        loop {
            // Looked up first, so that what was told before closing is sent.
            let closed = self.lock().closed;
            for payload in self.payloads() {
                client.execute(NOTIFY, &[&payload]).await?;
            }
            if closed {
                return Ok(());
            }
            self.0.changed.notified().await;
        }
    }

    /// Takes what is to be told, in pieces that `NOTIFY` can carry.
    fn payloads(&self) -> Vec<String> {
        let mut state = self.lock();
        if std::mem::take(&mut state.everything) {
            state.pending.clear();
            return vec![EVERYTHING.to_owned()];
        }
        let mut payloads: Vec<String> = Vec::new();
        for (account, diffid) in state.pending.drain() {
            let mut feed = String::new();
            // Writing to a string cannot fail.
            let _ = write!(feed, "{account}:{diffid}");
            match payloads.last_mut() {
                Some(last) if last.len() + 1 + feed.len() <= PAYLOAD_LIMIT => {
                    last.push(',');
                    last.push_str(&feed);
                }
                _ => payloads.push(feed),
            }
        }
        payloads
    }

    fn hear(&self, payload: &str) {
        let Some(listener) = self.lock().listener.clone() else {
            return;
        };
        let call = |notice| {
            if catch_unwind(AssertUnwindSafe(|| listener(notice))).is_err() {
                tracing::error!("the listener for notices panicked");
            }
        };
        match parse(payload) {
            Some(feeds) => feeds.into_iter().for_each(call),
            None => call(Notice::Missed),
        }
    }

    async fn closed_before(&self, deadline: Instant) -> bool {
        while !self.lock().closed {
            if timeout_at(deadline, self.0.changed.notified())
                .await
                .is_err()
            {
                return false;
            }
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The notices in a payload; `None` if it means everything, or something this
/// version does not know.
fn parse(payload: &str) -> Option<Vec<Notice>> {
    payload
        .split(',')
        .map(|feed| {
            let (account, diffid) = feed.split_once(':')?;
            Some(Notice::Feed {
                account: account.parse().ok()?,
                diffid: diffid.parse().ok()?,
            })
        })
        .collect()
}

/// Servers that only speak PostgreSQL's protocol may not know `LISTEN`.
fn is_unsupported(error: &Error) -> bool {
    error.code().is_some_and(|state| {
        *state == SqlState::FEATURE_NOT_SUPPORTED || *state == SqlState::SYNTAX_ERROR
    })
}
