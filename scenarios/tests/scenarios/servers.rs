//! The servers that the trials talk to: one for each database, and extra ones for scenarios with demands.

use pileus_scenarios::Result;
use pileus_scenarios::script::{Demands, Value};
use pileus_scenarios::server::{Server, Setup, program};
use pileus_store::Engine;
use pileus_store::testing::TestDatabase;
use std::collections::HashMap;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::TempDir;

/// A database that a server keeps its metadata in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Database {
    /// SQLite, inside the server.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Database {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// A server with the database that it uses.
pub struct Running {
    // Dropped before the database, which cannot go away under a running server.
    server: Server,
    _postgres: Option<TestDatabase>,
}

impl Running {
    /// Kills the server and starts it again.
    pub fn crash(&mut self) -> Result<()> {
        self.server.crash()
    }
}

impl Deref for Running {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

/// All servers of a run.
pub struct Servers {
    program: PathBuf,
    folder: TempDir,
    shared: Mutex<HashMap<Database, Arc<Running>>>,
    next: AtomicUsize,
}

impl Servers {
    /// No servers yet. Builds the program.
    pub fn new() -> Result<Self> {
        Ok(Self {
            program: program(false)?,
            folder: tempfile::Builder::new()
                .prefix("pileus-scenarios.")
                .tempdir()?,
            shared: Mutex::default(),
            next: AtomicUsize::new(1),
        })
    }

    /// A number that no other caller got.
    pub fn next(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// A server for a scenario: the common one of the database, or one of its own if it demands that.
    pub fn server(&self, database: Database, demands: &Demands) -> Result<Arc<Running>> {
        if demands.own_server {
            return self.start(database, &demands.config).map(Arc::new);
        }
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.get(&database) {
            return Ok(Arc::clone(server));
        }
        let server = Arc::new(self.start(database, &[])?);
        shared.insert(database, Arc::clone(&server));
        Ok(server)
    }

    /// A server that nobody else talks to.
    pub fn own(&self, database: Database) -> Result<Running> {
        self.start(database, &[])
    }

    fn start(&self, database: Database, config: &[(String, Value)]) -> Result<Running> {
        let config = config
            .iter()
            .map(|(key, value)| Ok((key.clone(), toml(value)?)));
        let mut config = config.collect::<Result<Vec<_>>>()?;
        let postgres =
            (database == Database::Postgres).then(|| TestDatabase::new(Engine::Postgres));
        config.extend(postgres.iter().map(|postgres| {
            (
                "database".to_owned(),
                format!("{:?}", as_url(&postgres.url())),
            )
        }));
        let folder = self
            .folder
            .path()
            .join(format!("{}-{}", database.name(), self.next()));
        let server = Server::start(
            Setup {
                program: self.program.clone(),
                config,
            },
            &folder,
        )?;
        Ok(Running {
            server,
            _postgres: postgres,
        })
    }

    /// Ends the common servers in the orderly way, which is a test too.
    pub fn stop(&self) -> Vec<(Database, Result<()>)> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let stop = |(database, running): (Database, Arc<Running>)| {
            let stopped = match Arc::into_inner(running) {
                Some(running) => running.server.stop(),
                None => Err("the server is still in use".into()),
            };
            (database, stopped)
        };
        shared.drain().map(stop).collect()
    }

    /// Keeps the folder of all servers for a look, and tells where it is.
    pub fn keep(self) -> PathBuf {
        self.folder.keep()
    }
}

/// The address of a database as the server takes it: a URL, also where the test's own one is in pairs of words.
fn as_url(address: &str) -> String {
    if address.contains("://") {
        return address.to_owned();
    }
    let pairs: HashMap<&str, &str> = address
        .split(' ')
        .filter_map(|pair| pair.split_once('='))
        .collect();
    let part = |name| pairs.get(name).copied().unwrap_or_default();
    format!(
        "postgres:///{}?host={}&user={}",
        part("dbname"),
        part("host"),
        part("user")
    )
}

/// A setting as the configuration file writes it.
fn toml(value: &Value) -> Result<String> {
    use pileus_scenarios::script::Piece;
    Ok(match value {
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Text { pieces, .. } => {
            let bytes = pieces.iter().map(|piece| match piece {
                Piece::Bytes(bytes) => Ok(bytes.as_slice()),
                Piece::Variable(_) => Err("a setting cannot use kept values"),
            });
            let bytes = bytes.collect::<std::result::Result<Vec<_>, _>>()?.concat();
            // The escapes of Rust's text form are among those of TOML.
            format!("{:?}", String::from_utf8(bytes)?)
        }
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(toml).collect::<Result<_>>()?;
            format!("[{}]", items.join(", "))
        }
        _ => return Err("a setting is a number, a text or a truth value".into()),
    })
}
