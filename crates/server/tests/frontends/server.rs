//! A server in a temporary folder.

use pileus_server::app::App;
use pileus_server::clock::Clock;
use pileus_server::config::{Config, Synchronous};
use pileus_server::rules::accounts::{NewUser, add_user};
use pileus_server::{listen, secrets, start, tls};
use pileus_store::StoreError;
use pileus_store::tokens::NewToken;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Longer than anything here takes, so that a test that hangs says so.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running server.
pub struct Server {
    pub app: Arc<App>,
    pub address: SocketAddr,
    /// A session token of the only account.
    pub token: String,
    pub ca_file: Option<PathBuf>,
    pub serving: JoinHandle<()>,
    folder: TempDir,
}

impl Server {
    /// Starts one.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// Starts one with settings of its own.
    pub async fn with(configure: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config {
            data: folder.path().join("data"),
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
            synchronous: Synchronous::Normal,
            ..Config::default()
        };
        configure(&mut config);
        let listeners = listen::bind(&config.listen).unwrap();
        let address = listeners.addresses()[0];
        let protection = tls::acceptor(&config, listeners.addresses()).unwrap();
        let clock = Clock::new(Some(folder.path().join("clock")));
        let app = start::open(config, clock).await.unwrap();
        start::open_working(&app).await.unwrap();
        let ca_file = protection.as_ref().and_then(|tls| tls.ca_file.clone());
        let acceptor = protection.map(|tls| tls.acceptor);
        let serving = tokio::spawn(listeners.serve(app.clone(), acceptor));
        let token = user(&app).await;
        Self {
            app,
            address,
            token,
            ca_file,
            serving,
            folder,
        }
    }

    /// Lets time pass for whatever asks for the date.
    pub fn later(&self, seconds: u64) {
        std::fs::write(self.folder.path().join("clock"), seconds.to_string()).unwrap();
    }

    /// Waits until so many calls wait for something.
    pub async fn waiting(&self, calls: i64) {
        let waiting = || {
            self.app
                .metrics
                .waiting
                .load(std::sync::atomic::Ordering::Relaxed)
        };
        until(|| waiting() == calls).await;
    }

    /// Waits until so many connections are open.
    pub async fn connected(&self, connections: i64) {
        let open = || {
            self.app
                .metrics
                .connections
                .load(std::sync::atomic::Ordering::Relaxed)
        };
        until(|| open() == connections).await;
    }
}

/// Waits until something is true.
pub async fn until(is_true: impl Fn() -> bool) {
    let wait = async {
        while !is_true() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, wait)
        .await
        .expect("what is waited for does not happen");
}

async fn user(app: &App) -> String {
    let new = NewUser {
        email: "ann@example.org".into(),
        email_verified: true,
        password_hash: "none".into(),
        password_sealed: None,
        language: "en".into(),
        quota: 1 << 40,
    };
    let now = app.clock.now();
    let account = app
        .db
        .edit(move |tx| add_user(tx, &new, now))
        .await
        .unwrap();
    let token = secrets::random_token().unwrap();
    let secret_hash = secrets::fingerprint(&token).to_vec();
    app.db
        .edit(move |tx| -> Result<(), StoreError> {
            let token = NewToken {
                id: tx.id()?,
                account,
                secret_hash: secret_hash.clone(),
                created: now.0,
                expires: i64::MAX / 2,
                idle_seconds: i64::MAX / 2,
                ..NewToken::default()
            };
            tx.insert_token(&token)
        })
        .await
        .unwrap();
    token
}
