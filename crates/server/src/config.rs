//! Settings: one struct, filled from a TOML file, `PILEUS_…` environment variables and flags, in this order.
//!
//! The declarations below are the single source of everything about a setting: its key, its type, its default and its
//! description, as the program prints it.

mod define;
mod error;
mod layers;
mod optional;
mod template;
mod validate;

use crate::fetch::Network;
use define::settings;
pub use error::ConfigError;
pub use layers::Layers;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
pub use template::template;

/// Name of the settings file that is read from the data folder if no other is given.
pub const FILE_NAME: &str = "pileus.toml";

/// What the names of environment variables begin with.
pub const ENVIRONMENT_PREFIX: &str = "PILEUS_";

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

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// By TLS from the first byte, usually on port 465.
    Tls,
    /// By TLS after a plain greeting, usually on port 587; without it nothing is sent.
    Starttls,
    /// Not at all: for a server on the same machine.
    None,
}

settings! {
    /// Everything that can be set.
    pub struct Config {
        /// Folder for everything the server keeps.
        pub data: PathBuf = PathBuf::from("data"),
        /// Addresses to listen on. Each tells TLS, HTTP and the binary protocol apart by the first bytes.
        pub listen: Vec<SocketAddr> = vec![SocketAddr::from(([127, 0, 0, 1], 8080))],
        /// Address of `/healthz`, `/readyz` and `/metrics`, or `off`.
        pub admin: String = "127.0.0.1:8090".into(),
        /// Certificate chain, a PEM file. Needs `tls_key`.
        #[serde(with = "optional")]
        pub tls_cert: Option<PathBuf> = None,
        /// Private key of the certificate, a PEM file.
        #[serde(with = "optional")]
        pub tls_key: Option<PathBuf> = None,
        /// Make a local certificate authority and a server key under the data folder, and use them.
        pub tls_self_signed: bool = false,
        /// `sqlite` for the database in the data folder, or a URL that begins with `postgres://`.
        pub database: String = "sqlite".into(),
        /// Connections to PostgreSQL; 0 for two per core, at least 8.
        pub database_threads: usize = 0,
        /// How strictly SQLite makes commits durable: with `full` nothing acknowledged is lost, whatever is unplugged;
        /// with `normal` a power cut may lose the last moments.
        pub synchronous: Synchronous = Synchronous::Full,
        /// Where contents above `inline_max_bytes` go: `disk` for the data folder, or `s3`.
        pub blobs: String = "disk".into(),
        /// Contents up to this size live in the database.
        pub inline_max_bytes: u64 = 32 * 1024,
        /// Who may make accounts: `open` for anybody, `closed` for administrators only.
        pub registration: Registration = Registration::Closed,
        /// Bytes a new account may use.
        pub default_quota_bytes: u64 = 1 << 40,
        /// Language of new accounts.
        pub default_language: String = "en".into(),
        /// Whether logins by digest work. They need the password in a form that can be read back; it is then kept
        /// sealed under a key outside the database.
        pub digest_login: bool = true,
        /// Whether passwords of accounts are accepted on connections without TLS. Where they are not, a login by
        /// password answers 2000, and any other call that carries one 1101.
        pub password_without_tls: bool = true,
        /// Whether a connection remembers its login. `documented`: the first login counts until `logout`, as pCloud
        /// has it; `own-credentials`: a request that brings credentials is judged by them; `off`: every request needs
        /// its own.
        pub sticky_login: StickyLogin = StickyLogin::Documented,
        /// Addresses of proxies whose `X-Forwarded-For` is believed.
        pub trusted_proxies: Vec<IpAddr> = Vec::new(),
        /// Web origins whose pages may use a credential cookie.
        pub allowed_origins: Vec<String> = Vec::new(),
        /// Days that deleted files and old revisions are kept.
        pub retention_days: u64 = 30,
        /// Seconds that a content link works.
        pub link_seconds: u64 = 6 * 3600,
        /// Lowest speed limit that a content link may ask for, in bytes per second.
        pub min_speed_bytes: u64 = 10_240,
        /// Entries a recursive listing or an archive may have.
        pub listing_max_entries: u64 = 1_000_000,
        /// Seconds after which a blocked `diff` answers empty.
        pub diff_block_seconds: u64 = 55,
        /// Seconds after which a waiting `subscribe` answers 6003.
        pub subscribe_seconds: u64 = 1800,
        /// Connections that may be open at once.
        pub max_connections: usize = 20_000,
        /// What the server logs: `error`, `warn`, `info`, `debug`, `trace` or `off`, also by part of the program, as in
        /// `info,pileus_store=debug`.
        pub log: String = "info".into(),
        /// Log lines as JSON.
        pub log_json: bool = false,
        /// Whether a login by password needs a verified mail address. Without one it answers 2306.
        pub require_verified_mail: bool = false,
        /// Days until the data of an account that its owner has given up is erased. Until then `pileus user set
        /// --enable` brings it back.
        pub deactivated_days: u64 = 30,
        /// Mails that the server writes.
        pub mail: Mail = Mail::default(),
        /// Fetching files from URLs that users give, by `downloadfile`.
        pub downloads: Downloads = Downloads::default(),
        /// What clients are told about addresses. Where empty, the first listener's address is told.
        pub public: Public = Public::default(),
        /// The S3 store, for `blobs = "s3"`.
        pub s3: S3 = S3::default(),
        /// The server that takes mails for delivery.
        pub smtp: Smtp = Smtp::default(),
        /// Sending large files by mail, by `uploadtransfer`, which needs no account.
        pub transfer: Transfer = Transfer::default(),
    }
}

settings! {
    /// Mails that the server writes.
    pub struct Mail {
        /// Address that mails come from; empty for `pileus` at the host of `public.web`.
        pub from: String = String::new(),
        /// Name that stands beside that address.
        pub name: String = "Pileus".into(),
        /// Whether addresses can be put on the newsletter's list.
        pub newsletter: bool = true,
    }
}

settings! {
    /// Fetching files from URLs that users give, by `downloadfile`.
    pub struct Downloads {
        /// Whether it is offered.
        pub enabled: bool = true,
        /// Networks of one's own that may be fetched from, as `10.1.0.0/16`, on any port. Otherwise only public hosts
        /// are, on ports 80 and 443.
        pub allow: Vec<String> = Vec::new(),
        /// Seconds that one file may take.
        pub seconds: u64 = 3600,
    }
}

impl Downloads {
    /// The networks that are allowed.
    ///
    /// # Errors
    /// If one of them is none.
    pub fn networks(&self) -> Result<Vec<Network>, ConfigError> {
        let networks = self.allow.iter().map(|text| text.parse());
        networks
            .collect::<Result<_, String>>()
            .map_err(|why| ConfigError::new(format!("downloads.allow: {why}")))
    }
}

settings! {
    /// What clients are told about addresses. Where empty, the first listener's address is told.
    pub struct Public {
        /// Hosts of HTTP, with a port if it is not 443.
        pub api: Vec<String> = Vec::new(),
        /// Hosts of the binary protocol, without a port.
        pub binapi: Vec<String> = Vec::new(),
        /// Hosts of content links.
        pub content: Vec<String> = Vec::new(),
        /// Base URL of pages for people.
        #[serde(with = "optional")]
        pub web: Option<String> = None,
        /// Number of the place where accounts live. Clients of pCloud know 1 for the United States and 2 for Europe.
        pub location: u64 = 1,
    }
}

settings! {
    /// An S3 store.
    pub struct S3 {
        /// URL of the service; empty for Amazon's own.
        pub endpoint: String = String::new(),
        /// Bucket; it has to exist.
        pub bucket: String = String::new(),
        /// Region; many stores accept anything.
        pub region: String = "us-east-1".into(),
        /// Access key.
        pub access_key: String = String::new(),
        /// Secret key.
        pub secret_key: String = String::new(),
        /// Prefix of all keys.
        pub prefix: String = String::new(),
    }
}

settings! {
    /// The server that takes mails for delivery.
    pub struct Smtp {
        /// Its host. While this is empty, mails are written as files into the folder `mail` of the data folder.
        pub host: String = String::new(),
        /// Its port.
        pub port: u16 = 587,
        /// `starttls`, `tls` for TLS from the first byte, or `none`.
        pub tls: SmtpTls = SmtpTls::Starttls,
        /// User name; empty to send without logging in.
        pub user: String = String::new(),
        /// Password.
        pub password: String = String::new(),
    }
}

settings! {
    /// Sending large files by mail, by `uploadtransfer`, which needs no account.
    pub struct Transfer {
        /// Whether it is offered. Anybody who reaches the server can then have it write mails.
        pub enabled: bool = false,
        /// Bytes of the files that are sent together.
        pub max_bytes: u64 = 5 << 30,
        /// Bytes of all files that have been sent within the last seven days.
        pub total_bytes: u64 = 100 << 30,
        /// How often one address may send within an hour.
        pub per_sender: u64 = 5,
        /// How often one network address may send within an hour.
        pub per_network: u64 = 10,
        /// Addresses that may not send; `@example.com` stands for all of a host.
        pub blocked_senders: Vec<String> = Vec::new(),
        /// Addresses that nothing may be sent to, in the same form.
        pub blocked_receivers: Vec<String> = Vec::new(),
    }
}

/// The sections of the file with their fields. [`template`] and [`Layers`] find every key through here.
const SECTIONS: [(&str, &[define::Field]); 7] = [
    ("", Config::FIELDS),
    ("downloads", Downloads::FIELDS),
    ("mail", Mail::FIELDS),
    ("public", Public::FIELDS),
    ("s3", S3::FIELDS),
    ("smtp", Smtp::FIELDS),
    ("transfer", Transfer::FIELDS),
];
