//! Connections that are kept open between calls.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::address::Address;
use crate::connect::Connector;
use crate::connection::Connection;
use crate::error::Error;

/// How long a connection waits for its next call before it is closed. Servers close connections
/// that are not logged in after a minute; a call must not meet that moment.
const MAX_IDLE: Duration = Duration::from_secs(40);

/// The connections of one client.
pub(crate) struct Pool {
    pub(crate) connector: Connector,
    idle: Mutex<Idle>,
    /// One for each connection that may be in use.
    permits: Arc<Semaphore>,
    max_connections: usize,
}

#[derive(Default)]
struct Idle {
    /// Which login the connections belong to: a connection stays logged in as whom it began with,
    /// so a new login makes all older ones useless.
    generation: u64,
    connections: Vec<(Connection, Instant)>,
}

/// A connection in use. It is closed when this is dropped, unless it is released first.
pub(crate) struct Lease {
    pub(crate) connection: Connection,
    /// Whether it has carried earlier calls, so that the server may have closed it by now.
    pub(crate) reused: bool,
    generation: u64,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn new(connector: Connector) -> Pool {
        let max_connections = connector
            .options
            .max_connections
            .clamp(1, Semaphore::MAX_PERMITS);
        Pool {
            connector,
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(max_connections)),
            max_connections,
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection to `address`, one that is open already if there is any and `fresh` does not
    /// forbid it.
    pub(crate) async fn lease(
        self: &Arc<Pool>,
        address: &Address,
        fresh: bool,
    ) -> Result<Lease, Error> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        let permit = match timeout(self.connector.options.answer_timeout, permit).await {
            Ok(Ok(permit)) => permit,
            _ => {
                let what = "all connections stayed in use";
                return Err(io::Error::new(io::ErrorKind::TimedOut, what).into());
            }
        };
        let (generation, kept) = match fresh {
            true => (self.idle().generation, None),
            false => self.idle().take(address),
        };
        let reused = kept.is_some();
        let connection = match kept {
            Some(connection) => connection,
            None => Connection::to(&self.connector, address).await?,
        };
        Ok(Lease {
            connection,
            reused,
            generation,
            pool: Arc::clone(self),
            _permit: permit,
        })
    }

    /// Forgets all connections, also those in use when they are released.
    pub(crate) fn forget(&self) {
        let mut idle = self.idle();
        idle.generation += 1;
        idle.connections.clear();
    }
}

impl Idle {
    fn take(&mut self, address: &Address) -> (u64, Option<Connection>) {
        self.connections
            .retain(|(_, since)| since.elapsed() < MAX_IDLE);
        while let Some(at) = self
            .connections
            .iter()
            .rposition(|(connection, _)| connection.address() == address)
        {
            let (mut connection, _) = self.connections.swap_remove(at);
            if connection.is_idle() {
                return (self.generation, Some(connection));
            }
        }
        (self.generation, None)
    }
}

impl Lease {
    /// Keeps the connection for further calls, if it can carry any.
    pub(crate) fn release(mut self) {
        if !self.connection.is_idle() {
            return;
        }
        let mut idle = self.pool.idle();
        if idle.generation == self.generation && idle.connections.len() < self.pool.max_connections
        {
            idle.connections.push((self.connection, Instant::now()));
        }
    }

    /// Counts the connection to the present login, because it is the one that made it.
    pub(crate) fn adopt(&mut self) {
        self.generation = self.pool.idle().generation;
    }
}
