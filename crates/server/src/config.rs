//! Settings: one struct, filled from a TOML file, `PILEUS_…` environment variables and flags, in this order.

use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// How strictly SQLite makes commits durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// Nothing acknowledged is lost, whatever is unplugged.
    Full,
    /// A power cut may lose the last moments; a crash of the program loses nothing.
    Normal,
}

/// Who may make accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Anybody.
    Open,
    /// Only administrators, by `pileus user add`.
    Closed,
}

/// Whether a connection remembers its login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StickyLogin {
    /// As pCloud documents it: the first login counts, later credentials are ignored until `logout`.
    Documented,
    /// A request that brings credentials is judged by them.
    OwnCredentials,
    /// Every request needs its own credentials.
    Off,
}

/// Everything that can be set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Folder for everything the server keeps.
    pub data: PathBuf,
    /// Addresses to listen on. Each tells TLS, HTTP and the binary protocol apart by the first bytes.
    pub listen: Vec<SocketAddr>,
    /// Address of `/healthz`, `/readyz` and `/metrics`, or `off`.
    pub admin: String,
    /// Certificate chain, PEM.
    pub tls_cert: Option<PathBuf>,
    /// Private key, PEM.
    pub tls_key: Option<PathBuf>,
    /// Make a local certificate authority and a server key under the data folder, and use them.
    pub tls_self_signed: bool,
    /// `sqlite` for the database in the data folder, or a URL that begins with `postgres://`.
    pub database: String,
    /// Connections to PostgreSQL; 0 for two per core, at least 8.
    pub database_threads: usize,
    /// How strictly SQLite makes commits durable.
    pub synchronous: Synchronous,
    /// Where contents above `inline_max_bytes` go: `disk` for the data folder, or `s3`.
    pub blobs: String,
    /// The S3 store.
    pub s3: S3,
    /// Contents up to this size live in the database.
    pub inline_max_bytes: u64,
    /// What clients are told about addresses.
    pub public: Public,
    /// Who may make accounts.
    pub registration: Registration,
    /// Bytes a new account may use.
    pub default_quota_bytes: u64,
    /// Language of new accounts.
    pub default_language: String,
    /// Whether logins by digest work. They need the password in a form that can be read back; it is then kept sealed
    /// under a key outside the database.
    pub digest_login: bool,
    /// Whether passwords are accepted on connections without TLS.
    pub password_without_tls: bool,
    /// Whether a connection remembers its login.
    pub sticky_login: StickyLogin,
    /// Addresses of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Web origins whose pages may use a credential cookie.
    pub allowed_origins: Vec<String>,
    /// Days that deleted files and old revisions are kept.
    pub retention_days: u64,
    /// Seconds that a content link works.
    pub link_seconds: u64,
    /// Lowest speed limit that a content link may ask for, in bytes per second.
    pub min_speed_bytes: u64,
    /// Entries a recursive listing may have.
    pub listing_max_entries: u64,
    /// Seconds after which a blocked `diff` answers empty.
    pub diff_block_seconds: u64,
    /// Seconds after which a waiting `subscribe` answers 6003.
    pub subscribe_seconds: u64,
    /// Connections that may be open at once.
    pub max_connections: usize,
    /// Log lines as JSON.
    pub log_json: bool,
}

/// What clients are told about addresses. Where empty, the first listener's address is told.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Public {
    /// Hosts of HTTP, with a port if it is not 443.
    pub api: Vec<String>,
    /// Hosts of the binary protocol, without a port.
    pub binapi: Vec<String>,
    /// Hosts of content links.
    pub content: Vec<String>,
    /// Base URL of pages for people.
    pub web: Option<String>,
}

/// An S3 store.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct S3 {
    /// URL of the service.
    pub endpoint: String,
    /// Bucket; it has to exist.
    pub bucket: String,
    /// Region; many stores accept anything.
    pub region: String,
    /// Access key.
    pub access_key: String,
    /// Secret key.
    pub secret_key: String,
    /// Prefix of all keys.
    pub prefix: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("data"),
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 8080))],
            admin: "127.0.0.1:8090".into(),
            tls_cert: None,
            tls_key: None,
            tls_self_signed: false,
            database: "sqlite".into(),
            database_threads: 0,
            synchronous: Synchronous::Full,
            blobs: "disk".into(),
            s3: S3::default(),
            inline_max_bytes: 32 * 1024,
            public: Public::default(),
            registration: Registration::Closed,
            default_quota_bytes: 1 << 40,
            default_language: "en".into(),
            digest_login: true,
            password_without_tls: true,
            sticky_login: StickyLogin::Documented,
            trusted_proxies: Vec::new(),
            allowed_origins: Vec::new(),
            retention_days: 30,
            link_seconds: 6 * 3600,
            min_speed_bytes: 10_240,
            listing_max_entries: 1_000_000,
            diff_block_seconds: 55,
            subscribe_seconds: 1800,
            max_connections: 20_000,
            log_json: false,
        }
    }
}
