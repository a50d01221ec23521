//! Opening what a server works on.

use crate::app::App;
use crate::clock::Clock;
use crate::config::{Config, Synchronous};
use crate::feed::Feed;
use crate::fetch::{Fetcher, Rules};
use crate::secrets::{Secrets, random_token};
use crate::working::keeper;
use pileus_blobs::{BlobStore, S3Config, WorkingDir};
use pileus_store::{Db, Notice, PostgresOptions, SqliteOptions};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// Why a server cannot be opened, in words for the person who starts it.
#[derive(Debug)]
pub struct CannotOpen(String);

impl std::fmt::Display for CannotOpen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CannotOpen {}

fn because<E: std::fmt::Display>(what: &str, path: &Path) -> impl Fn(E) -> CannotOpen {
    let what = format!("{what} {}", path.display());
    move |error| CannotOpen(format!("{what}: {error}"))
}

/// Name of the key file in the data folder.
pub const KEY_FILE: &str = "secret.key";

/// Name of the SQLite database in the data folder.
pub const DATABASE_FILE: &str = "pileus.db";

/// Opens the data folder, the database and the blob store, making what is not there yet.
///
/// # Errors
/// When one of them cannot be opened; the message says which and why.
pub async fn open(config: Config, clock: Clock) -> Result<Arc<App>, CannotOpen> {
    make_private_folder(&config.data)
        .map_err(because("cannot use the data folder", &config.data))?;
    let key_file = config.data.join(KEY_FILE);
    let secrets = Secrets::load(&key_file).map_err(because("cannot read or make", &key_file))?;
    let settings = config.clone();
    let opened = tokio::task::spawn_blocking(move || open_database(&settings)).await;
    let db = opened.map_err(|error| CannotOpen(error.to_string()))??;
    let blobs = open_blobs(&config).await?;
    let feed = Feed::default();
    let waiters = feed.clone();
    db.on_notify(move |notice| match notice {
        Notice::Feed { account, .. } => waiters.wake(account),
        Notice::Missed => waiters.wake_all(),
    });
    let allowed = config.downloads.networks();
    let rules = Rules {
        allowed: allowed.map_err(|error| CannotOpen(error.to_string()))?,
    };
    let node = random_token().map_err(|error| CannotOpen(error.to_string()))?;
    Ok(Arc::new(App {
        fetcher: Fetcher::new(rules),
        node,
        bell: Default::default(),
        config,
        clock,
        db,
        blobs,
        working: OnceLock::new(),
        open_files: Default::default(),
        feed,
        secrets,
        hashing: Default::default(),
        limits: Default::default(),
        link_counts: Default::default(),
        progresses: Default::default(),
        sessions: Default::default(),
        mailroom: Default::default(),
        polls: Default::default(),
        metrics: Default::default(),
        bound: OnceLock::new(),
        stopping: watch::Sender::new(false),
    }))
}

/// Name of the folder of working files in the data folder.
pub const WORKING_FOLDER: &str = "working";

/// Opens what only the serving process may have open: the folder of content that still changes. What an earlier run has
/// left in it is committed.
///
/// # Errors
/// When it cannot be opened, or another server works in it.
pub async fn open_working(app: &Arc<App>) -> Result<(), CannotOpen> {
    let folder = app.config.data.join(WORKING_FOLDER);
    let opened = WorkingDir::open(&app.blobs, &folder).await;
    let working = opened.map_err(because("cannot use the folder of working files", &folder))?;
    // Opened once; a second time would have met the lock.
    let _ = app.working.set(working);
    let recovered = keeper::recover(app).await;
    recovered.map_err(|fail| {
        CannotOpen(format!(
            "cannot find what was being written when the server last ended: {fail:?}"
        ))
    })
}

/// What lies in the data folder is nobody else's business.
fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

fn open_database(config: &Config) -> Result<Db, CannotOpen> {
    if config.database == "sqlite" {
        let file = config.data.join(DATABASE_FILE);
        let synchronous = match config.synchronous {
            Synchronous::Full => pileus_store::Synchronous::Full,
            Synchronous::Normal => pileus_store::Synchronous::Normal,
        };
        let options = SqliteOptions {
            synchronous,
            ..SqliteOptions::default()
        };
        return Db::open_sqlite(&file, &options)
            .map_err(because("cannot open the database", &file));
    }
    let mut options = PostgresOptions::default();
    if config.database_threads > 0 {
        options.writers = config.database_threads;
        options.readers = (config.database_threads / 2).max(1);
    }
    // The URL may hold a password, so it is not shown.
    Db::open_postgres(&config.database, &options)
        .map_err(|error| CannotOpen(format!("cannot open the database: {error}")))
}

async fn open_blobs(config: &Config) -> Result<BlobStore, CannotOpen> {
    if config.blobs == "disk" {
        let folder = config.data.clone();
        return BlobStore::disk(&folder)
            .await
            .map_err(because("cannot use the blob folder in", &folder));
    }
    let s3 = &config.s3;
    let settings = S3Config {
        endpoint: (!s3.endpoint.is_empty()).then(|| s3.endpoint.clone()),
        bucket: s3.bucket.clone(),
        region: s3.region.clone(),
        access_key: s3.access_key.clone(),
        secret_key: s3.secret_key.clone(),
        prefix: s3.prefix.clone(),
        allow_http: s3.endpoint.starts_with("http://"),
    };
    BlobStore::s3(&settings)
        .map_err(|error| CannotOpen(format!("cannot use the S3 store: {error}")))
}
