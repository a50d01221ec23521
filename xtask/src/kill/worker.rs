//! A client: it makes changes in a folder of its own, and remembers which of them were acknowledged.

use super::tree::{File, Listed, Listing, Tree};
use super::upload::Upload;
use pileus_scenarios::Result;
use pileus_scenarios::connection::{Answer, Call, Connection, Protocol};
use pileus_scenarios::model::answer::{below, is_folder, number, text};
use pileus_scenarios::model::log::show;
use pileus_scenarios::random::Random;
use pileus_scenarios::server::Server;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

/// Calls that are told if something is lost.
const RECENT_CALLS: usize = 20;

/// A client.
#[derive(Debug)]
pub struct Worker {
    /// The client's folder, such as `/client3`.
    folder: String,
    protocol: Protocol,
    token: String,
    pub(super) random: Random,
    /// What was acknowledged.
    pub(super) acknowledged: Tree,
    /// The call that was not answered.
    pub(super) in_doubt: Option<InDoubt>,
    /// Upload sessions.
    pub(super) uploads: Vec<Upload>,
    /// Sessions that may have been begun without an answer, so that nobody knows their ids.
    pub(super) lost_uploads: u64,
    /// How many changes were acknowledged.
    changes: u64,
    /// The last calls, for the story of a failure.
    recent: VecDeque<String>,
}

/// A call that was not answered: it may have happened or not.
#[derive(Debug)]
pub enum InDoubt {
    /// What there is if it has happened.
    Tree(Tree),
    /// A write through a descriptor, of which a part may have happened.
    Write {
        /// The file.
        path: String,
        /// All its bytes, if the whole has happened.
        after: Vec<u8>,
    },
}

impl Worker {
    /// A client with an empty folder.
    pub fn new(
        server: &Server,
        index: usize,
        protocol: Protocol,
        token: String,
        seed: u64,
    ) -> Result<Self> {
        let worker = Self {
            folder: format!("/client{index}"),
            protocol,
            token,
            random: Random::new(seed),
            acknowledged: Tree::default(),
            in_doubt: None,
            uploads: Vec::new(),
            lost_uploads: 0,
            changes: 0,
            recent: VecDeque::new(),
        };
        let call = Call::new("createfolder").with("path", worker.folder.as_str());
        worker.call(&mut server.connect(protocol)?, call)?;
        Ok(worker)
    }

    /// The token of its account.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Bytes of its files.
    pub fn size(&self) -> u64 {
        self.acknowledged.size()
    }

    /// At least and at most so many upload sessions are its own.
    pub fn upload_counts(&self) -> (u64, u64) {
        let known = self.uploads.len() as u64;
        (known, known + self.lost_uploads)
    }

    pub(super) fn connect(&self, server: SocketAddr) -> Result<Connection> {
        Connection::open(server, self.protocol)
    }

    pub(super) fn signed(&self, call: Call) -> Call {
        call.with("auth", self.token.as_str())
    }

    /// Remembers a call.
    pub(super) fn tell(&mut self, call: &Call) {
        if self.recent.len() == RECENT_CALLS {
            self.recent.pop_front();
        }
        self.recent.push_back(show(call));
    }

    /// What it did last, for somebody who asks how a failure came about.
    fn story(&self) -> String {
        let calls = self.recent.iter().map(|call| format!("\n  {call}"));
        format!("\nits last calls:{}", calls.collect::<String>())
    }

    fn call(&self, connection: &mut Connection, call: Call) -> Result<Answer> {
        let answer = connection.call(&self.signed(call))?;
        match answer.result()? {
            0 => Ok(answer),
            code => Err(format!("{} answers {code}", self.folder).into()),
        }
    }

    /// Makes a call that has to succeed; `None` if it is not answered, because the server is gone.
    pub(super) fn ask(
        &mut self,
        connection: &mut Connection,
        call: Call,
    ) -> Result<Option<Answer>> {
        self.tell(&call);
        let Ok(answer) = connection.call(&self.signed(call)) else {
            return Ok(None);
        };
        if answer.result()? != 0 {
            let (folder, tree, story) = (&self.folder, &answer.tree, self.story());
            return Err(format!("{folder}: the answer is {tree:?}{story}").into());
        }
        self.changes += 1;
        Ok(Some(answer))
    }

    /// Makes changes until the server is gone. Tells how many calls were acknowledged; the error is an answer that no
    /// client should get.
    pub fn work(&mut self, server: SocketAddr) -> Result<u64> {
        self.changes = 0;
        let Ok(mut connection) = self.connect(server) else {
            return Ok(0);
        };
        loop {
            let goes_on = match self.random.below(10) {
                0..5 => self.change_tree(&mut connection)?,
                5..7 => self.write_through_descriptors(&mut connection, server)?,
                _ => self.go_on_uploading(&mut connection)?,
            };
            if !goes_on {
                return Ok(self.changes);
            }
        }
    }

    pub(super) fn full(&self, path: &str) -> String {
        format!("{}{path}", self.folder)
    }

    /// The full path of a folder without the final slash, which in a target would mean "into".
    pub(super) fn full_folder(&self, path: &str) -> String {
        self.full(path.trim_end_matches('/'))
    }

    /// Compares the client's folder with what was acknowledged, and its upload sessions. The call that was not answered
    /// may have happened; from now on it is known whether.
    pub fn verify(&mut self, server: &Server) -> Result<()> {
        let verified = self.compare(server);
        verified.map_err(|error| format!("{error}{}", self.story()).into())
    }

    fn compare(&mut self, server: &Server) -> Result<()> {
        let found = self.listed(server)?;
        match self.in_doubt.take() {
            Some(InDoubt::Tree(after)) if after.differences(&found).is_empty() => {
                self.acknowledged = after;
            }
            Some(InDoubt::Write { path, after }) => {
                let before = self
                    .acknowledged
                    .file(&path)
                    .map(|file| file.bytes.as_slice());
                let bytes = self.read(&mut server.connect(self.protocol)?, &path)?;
                if !is_between(before.unwrap_or_default(), &after, &bytes) {
                    let told = format!("{}: half a write did more than that", self.full(&path));
                    return Err(told.into());
                }
                self.acknowledged.add_file(path, File::written(bytes));
            }
            _ => {}
        }
        let differences = self.acknowledged.differences(&found);
        if !differences.is_empty() {
            let folder = &self.folder;
            let told = format!("{folder}: acknowledged and found differ:{differences}");
            return Err(told.into());
        }
        // A hash that was drawn proves nothing.
        for path in self.acknowledged.learn_hashes(&found) {
            self.verify_content(&mut server.connect(self.protocol)?, &path)?;
        }
        self.verify_uploads(&mut server.connect(self.protocol)?)
    }

    /// What the server lists.
    fn listed(&self, server: &Server) -> Result<Listing> {
        let call = Call::new("listfolder")
            .with("path", self.folder.as_str())
            .with("recursive", 1u64);
        let answer = self.call(&mut server.connect(self.protocol)?, call)?;
        let listed = answer
            .tree
            .get("metadata")
            .ok_or("a listing without metadata")?;
        let mut paths = BTreeMap::from([(number(listed, "folderid")?, "/".to_owned())]);
        let mut found = Listing::default();
        below(listed, &mut |entry| {
            let parent = paths
                .get(&number(entry, "parentfolderid")?)
                .ok_or("an entry before its folder")?;
            let path = format!("{parent}{}", text(entry, "name")?);
            if is_folder(entry)? {
                let path = format!("{path}/");
                paths.insert(number(entry, "folderid")?, path.clone());
                found.insert(path, None);
            } else {
                let len = usize::try_from(number(entry, "size")?)?;
                let hash = number(entry, "hash")?;
                found.insert(path, Some(Listed { len, hash }));
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Reads files and compares their bytes; at most `count` of them, chosen at random.
    pub fn verify_contents(&mut self, server: &Server, count: usize) -> Result<()> {
        let files = self.acknowledged.files();
        let mut paths: Vec<String> = files.into_iter().map(|(path, _)| path.to_owned()).collect();
        while paths.len() > count {
            let index = usize::try_from(self.random.below(paths.len() as u64))?;
            paths.swap_remove(index);
        }
        let mut connection = server.connect(self.protocol)?;
        paths
            .iter()
            .try_for_each(|path| self.verify_content(&mut connection, path))
    }

    fn verify_content(&self, connection: &mut Connection, path: &str) -> Result<()> {
        let read = self.read(connection, path)?;
        let known = self.acknowledged.file(path);
        if known.is_some_and(|known| *known.bytes == read) {
            return Ok(());
        }
        Err(format!("{} has other bytes than were written", self.full(path)).into())
    }

    /// All bytes of a file.
    fn read(&self, connection: &mut Connection, path: &str) -> Result<Vec<u8>> {
        let stat = Call::new("stat").with("path", self.full(path));
        let stat = self.call(connection, stat)?;
        let fileid = number(&stat.tree, "metadata.fileid")?;
        let call = Call::new("readfile")
            .with("fileid", fileid)
            .with("offset", 0u64);
        let read = self.call(connection, call.with("count", u64::from(u32::MAX)))?;
        Ok(read.data.ok_or("a file without bytes")?)
    }
}

/// Whether bytes can be what a write has left that was not finished.
fn is_between(before: &[u8], after: &[u8], found: &[u8]) -> bool {
    let least = before.len().min(after.len());
    let most = before.len().max(after.len());
    let at = |bytes: &[u8], index| bytes.get(index).copied().unwrap_or(0);
    let is_one = |index| {
        let byte = found[index];
        byte == at(before, index) || byte == at(after, index)
    };
    (least..=most).contains(&found.len()) && (0..found.len()).all(is_one)
}
