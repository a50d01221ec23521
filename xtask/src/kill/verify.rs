//! Looking at a server that came back.

use super::worker::Worker;
use pileus_scenarios::Result;
use pileus_scenarios::connection::{Call, Protocol};
use pileus_scenarios::model::answer::{below, number, same};
use pileus_scenarios::model::replica::{Replica, Rows};
use pileus_scenarios::server::Server;

/// Files of each client whose bytes are compared after each kill; at the end it is all of them.
const CONTENTS: usize = 3;
/// Events read at once.
const PAGE: u64 = 10_000;

/// An account's change feed and a replica that has followed it since the beginning.
#[derive(Debug)]
pub struct Feed {
    token: String,
    replica: Replica,
}

impl Feed {
    /// The feed of the account that a token belongs to.
    pub fn new(token: String) -> Self {
        Self {
            token,
            replica: Replica::default(),
        }
    }

    /// The token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Follows the feed and compares the replica with the listing of the whole account.
    fn verify(&mut self, server: &Server) -> Result<()> {
        self.replica
            .catch_up(&mut server.connect(Protocol::Binary)?, &self.token, PAGE)?;
        self.compare(server, &self.replica)
    }

    /// The same for a replica that begins now.
    pub fn verify_from_the_beginning(&self, server: &Server) -> Result<()> {
        let mut late = Replica::default();
        late.catch_up(&mut server.connect(Protocol::Http)?, &self.token, PAGE)?;
        self.compare(server, &late)
    }

    fn compare(&self, server: &Server, replica: &Replica) -> Result<()> {
        let call = Call::new("listfolder")
            .with("folderid", 0u64)
            .with("recursive", 1u64);
        let call = call
            .with("timeformat", "timestamp")
            .with("auth", self.token.as_str());
        let answer = server.connect(Protocol::Http)?.call(&call)?;
        let mut listed = Rows::default();
        below(
            answer
                .tree
                .get("metadata")
                .ok_or("a listing without metadata")?,
            &mut |entry| listed.put(entry),
        )?;
        if listed == replica.rows {
            Ok(())
        } else {
            Err("the change feed and the listing differ".into())
        }
    }

    /// Compares the space that is counted as used with the files of all clients of the account.
    fn verify_quota(&self, server: &Server, workers: &[Worker]) -> Result<()> {
        let call = Call::new("userinfo").with("auth", self.token.as_str());
        let answer = server.connect(Protocol::Http)?.call(&call)?;
        let own = workers.iter().filter(|worker| worker.token() == self.token);
        let size: u64 = own.map(Worker::size).sum();
        same("usedquota", size, number(&answer.tree, "usedquota")?)
    }

    /// Makes room: what lies in the trash is not looked at.
    fn clear_trash(&self, server: &Server) -> Result<()> {
        let call = Call::new("trash_clear")
            .with("folderid", 0u64)
            .with("auth", self.token.as_str());
        match server.connect(Protocol::Http)?.call(&call)?.result()? {
            0 => Ok(()),
            code => Err(format!("trash_clear answers {code}").into()),
        }
    }
}

/// Verifies everything.
pub fn all(server: &Server, workers: &mut [Worker], feeds: &mut [Feed]) -> Result<()> {
    for worker in &mut *workers {
        worker.verify(server)?;
        worker.verify_contents(server, CONTENTS)?;
    }
    for feed in feeds {
        feed.verify(server)?;
        feed.verify_quota(server, workers)?;
        feed.clear_trash(server)?;
    }
    check(server, workers)
}

/// Has the data checked. Nobody is writing a file, so nothing may be left of writing; and upload sessions are those of the
/// clients.
fn check(server: &Server, workers: &[Worker]) -> Result<()> {
    let told = server.admin(&["check", "--hash", "--json"])?;
    let found: serde_json::Value = serde_json::from_str(&told)?;
    let count = |name: &str| {
        found[name]
            .as_u64()
            .ok_or(format!("no count {name}: {told}"))
    };
    for name in ["openfiles", "youngworking"] {
        if count(name)? != 0 {
            return Err(format!("{name} is not 0 but {}", count(name)?).into());
        }
    }
    let counts = workers.iter().map(Worker::upload_counts);
    let (least, most) = counts.fold((0, 0), |sum, next| (sum.0 + next.0, sum.1 + next.1));
    let uploads = count("uploads")?;
    if (least..=most).contains(&uploads) {
        Ok(())
    } else {
        Err(format!("{uploads} upload sessions instead of {least} to {most}").into())
    }
}
