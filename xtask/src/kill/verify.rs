//! Looking at a server that came back.

use super::worker::Worker;
use pileus_scenarios::Result;
use pileus_scenarios::connection::{Call, Protocol};
use pileus_scenarios::model::answer::below;
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
    for worker in workers {
        worker.verify(server)?;
        worker.verify_contents(server, CONTENTS)?;
    }
    for feed in feeds {
        feed.verify(server)?;
        feed.clear_trash(server)?;
    }
    server.admin(&["check", "--hash"]).map(drop)
}
