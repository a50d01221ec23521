//! What all calls share.

use crate::call::{Answer, Fail};
use crate::clock::Clock;
use crate::config::Config;
use crate::feed::Feed;
use crate::fetch::Fetcher;
use crate::jobs::Bell;
use crate::limits::LoginLimits;
use crate::link_counts::LinkCounts;
use crate::mail::Mailroom;
use crate::metrics::Metrics;
use crate::password::Hashing;
use crate::polls::Polls;
use crate::progress::Progresses;
use crate::secrets::Secrets;
use crate::sessions::Sessions;
use crate::working::OpenFiles;
use pileus_blobs::{BlobStore, WorkingDir};
use pileus_store::Db;
use std::net::SocketAddr;
use std::sync::OnceLock;
use tokio::sync::watch;

/// The running server, passed by reference wherever something needs it. There is no global.
pub struct App {
    /// The settings.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// Metadata.
    pub db: Db,
    /// Content.
    pub blobs: BlobStore,
    /// Content that still changes; only the serving process has it open.
    pub working: OnceLock<WorkingDir>,
    /// Files that clients have open.
    pub open_files: OpenFiles,
    /// Wakes those who wait for changes.
    pub feed: Feed,
    /// Keys that lie outside the database.
    pub secrets: Secrets,
    /// Password hashing, bounded in memory.
    pub hashing: Hashing,
    /// Failed logins of the last minutes.
    pub limits: LoginLimits,
    /// Use of public links that is not written yet.
    pub link_counts: LinkCounts,
    /// Running uploads that somebody may ask about.
    pub progresses: Progresses,
    /// Upload sessions that calls are using.
    pub sessions: Sessions,
    /// Tells the worker of new mails.
    pub mailroom: Mailroom,
    /// Fetches what URLs of users lead to.
    pub fetcher: Fetcher,
    /// Name of this process among all that share the database; a new one at each start.
    pub node: String,
    /// Rung when there is a new job.
    pub bell: Bell,
    /// Calls that wait for the decision about an app.
    pub polls: Polls,
    /// Counters for `/metrics`.
    pub metrics: Metrics,
    /// The first address that is really listened on; set when it is bound.
    pub bound: OnceLock<SocketAddr>,
    /// Turns true when the server is to stop.
    pub stopping: watch::Sender<bool>,
}

impl App {
    /// The directory of working files.
    pub fn working_dir(&self) -> Answer<&WorkingDir> {
        self.working
            .get()
            .ok_or_else(|| Fail::internal("the directory of working files is not open"))
    }

    /// `host:port` of the first listener, as clients of this machine reach it.
    fn local_host(&self) -> String {
        let address = self
            .bound
            .get()
            .copied()
            .or_else(|| self.config.listen.first().copied());
        address.map_or_else(|| "localhost".into(), |address| address.to_string())
    }

    /// Hosts of HTTP, with a port if it is not the standard one.
    pub fn api_hosts(&self) -> Vec<String> {
        told(&self.config.public.api, || self.local_host())
    }

    /// Hosts of the binary protocol. Clients add the port themselves, so there is none.
    pub fn binapi_hosts(&self) -> Vec<String> {
        told(&self.config.public.binapi, || {
            let host = self.local_host();
            host.rsplit_once(':').map_or(host.clone(), |(name, _)| {
                name.trim_matches(['[', ']']).to_owned()
            })
        })
    }

    /// Hosts of content links.
    pub fn content_hosts(&self) -> Vec<String> {
        told(&self.config.public.content, || {
            self.api_hosts().swap_remove(0)
        })
    }

    /// Where a browser that looks at our pages finds a path of a content link.
    pub fn content_address(&self, path: &str) -> String {
        let Some(host) = self.config.public.content.first() else {
            // The server that has shown the page serves content too.
            return path.to_owned();
        };
        let base = self.web_base();
        let scheme = base.split_once("://").map_or("https", |(scheme, _)| scheme);
        format!("{scheme}://{host}{path}")
    }

    /// Base URL of pages for people, without a final slash.
    pub fn web_base(&self) -> String {
        if let Some(web) = &self.config.public.web {
            return web.trim_end_matches('/').to_owned();
        }
        // A host that is not the listener's own address is that of a proxy, which is there for TLS.
        let is_plain = self.config.public.api.is_empty()
            && self.config.tls_cert.is_none()
            && !self.config.tls_self_signed;
        let scheme = if is_plain { "http" } else { "https" };
        format!("{scheme}://{}", self.api_hosts().swap_remove(0))
    }

    /// Resolves once the server is to stop.
    pub async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // An error means that the sender is gone, which is a stop as well.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }
}

fn told(configured: &[String], otherwise: impl FnOnce() -> String) -> Vec<String> {
    if configured.is_empty() {
        vec![otherwise()]
    } else {
        configured.to_vec()
    }
}
