//! The measurements, one file per group.

mod bulk;
mod calls;
mod download;
mod feed;
mod fileops;
mod growth;
mod idle;
mod listing;
mod parked;
mod recursive;
mod search;
mod sessions;
mod sharing;
mod tree;
mod upload;

use crate::error::Result;
use crate::limit::within;
use crate::report::{Goal, Group, Line, Series, Unit};
use crate::scale::Scale;
use crate::servers::nginx::Nginx;
use crate::servers::pileus::Pileus;
use crate::servers::tls::Identity;
use std::path::PathBuf;
use std::time::Duration;

/// How long one group may take before it is given up.
const GROUP_LIMIT: Duration = Duration::from_secs(30 * 60);

/// The groups with their headings, in the order of a run.
pub const GROUPS: &[(&str, &str)] = &[
    ("upload", "Small uploads"),
    ("download", "Small downloads"),
    ("listing", "Listing a folder"),
    ("calls", "Small calls"),
    ("recursive", "Recursive listing"),
    ("bulk", "Big files"),
    ("sessions", "What the sync client does"),
    ("fileops", "File descriptors"),
    ("feed", "From a change to a waiting client"),
    ("parked", "Waiting clients"),
    ("tree", "Copying and deleting trees"),
    ("idle", "An idle server"),
    ("growth", "Growing accounts"),
    ("search", "Searching for names"),
    ("sharing", "Shared folders"),
];

/// What all groups need.
pub struct Bench {
    /// How much to measure.
    pub scale: Scale,
    /// An empty folder on the disk under test. Nothing in it is deleted before the end: deleting
    /// many files slows the file system down for whoever writes next.
    pub dir: PathBuf,
    /// The program `pileus`.
    pub pileus: PathBuf,
    /// The program `nginx`.
    pub nginx: PathBuf,
    /// Certificate for TLS.
    pub identity: Identity,
}

impl Bench {
    /// Starts Pileus on the data folder of a group.
    pub async fn pileus(&self, group: &str) -> Result<Pileus> {
        Pileus::start(&self.pileus, &self.data_dir(group), None).await
    }

    /// Starts Pileus with TLS on the data folder of a group.
    pub async fn pileus_with_tls(&self, group: &str) -> Result<Pileus> {
        Pileus::start(&self.pileus, &self.data_dir(group), Some(&self.identity)).await
    }

    /// Starts nginx in a folder for a group.
    pub async fn nginx(&self, group: &str) -> Result<Nginx> {
        let prefix = self.dir.join(format!("{group}-nginx"));
        Nginx::start(&self.nginx, &prefix, &self.identity).await
    }

    /// Waits until the disk has nothing left to write, so that no run pays for the one before.
    pub fn settle(&self) {
        rustix::fs::sync();
    }

    fn data_dir(&self, group: &str) -> PathBuf {
        self.dir.join(format!("{group}-pileus"))
    }

    /// Measures one group. Its failure is part of the report and does not end the program.
    pub async fn measure(&self, name: &str, title: &str) -> Group {
        let measured = within(GROUP_LIMIT, name, self.lines_of(name)).await;
        let (lines, failure) = match measured {
            Ok(lines) => (lines, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        Group {
            name: name.to_owned(),
            title: title.to_owned(),
            lines,
            failure,
        }
    }

    async fn lines_of(&self, group: &str) -> Result<Vec<Line>> {
        match group {
            "upload" => upload::lines(self).await,
            "download" => download::lines(self).await,
            "listing" => listing::lines(self).await,
            "calls" => calls::lines(self).await,
            "recursive" => recursive::lines(self).await,
            "bulk" => bulk::lines(self).await,
            "sessions" => sessions::lines(self).await,
            "fileops" => fileops::lines(self).await,
            "feed" => feed::lines(self).await,
            "parked" => parked::lines(self).await,
            "tree" => tree::lines(self).await,
            "idle" => idle::lines(self).await,
            "growth" => growth::lines(self).await,
            "search" => search::lines(self).await,
            "sharing" => sharing::lines(self).await,
            other => Err(format!("there is no group {other}").into()),
        }
    }
}

/// Bytes as MiB.
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// A line that says how one series relates to another, run by run.
fn ratio(title: &str, ours: &Series, theirs: &Series, goal: f64) -> Line {
    let ratio = ours.runs().iter().zip(theirs.runs());
    let ratio = ratio.map(|(ours, theirs)| ours / theirs).collect();
    Line::new(title, Unit::Times, ratio).goal(Goal::AtLeast(goal))
}
