//! One account of a session: its connections, its model and its replica, and how they are compared.

use super::account::{Account, LINES};
use super::answer::{below, is_folder, list, number, same, text};
use super::contents::index;
use super::effect::NOW_TOLERANCE_S;
use super::replica::{Replica, Rows, same_rows};
use crate::Result;
use crate::connection::{Answer, Call, Connection, Protocol};
use crate::server::{PASSWORD, Server};
use pileus_wire::Tree;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::SystemTime;

/// Paths that are looked up at each comparison.
const PATHS: usize = 3;
/// A revision that no file has.
pub(super) const NO_REVISION: u64 = u64::MAX >> 1;

/// An account with everything that is known of it.
#[derive(Debug)]
pub(super) struct Client {
    /// How the story calls it.
    pub(super) name: usize,
    token: String,
    address: SocketAddr,
    connection: Connection,
    /// Connections with open files, as the model has them.
    pub(super) lines: Vec<Connection>,
    /// The model.
    pub(super) account: Account,
    replica: Replica,
}

/// Unix seconds.
pub(super) fn now() -> Result<u64> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(since.as_secs())
}

impl Client {
    /// Makes an account.
    pub(super) fn new(
        server: &Server,
        protocol: Protocol,
        mail: &str,
        name: usize,
    ) -> Result<Self> {
        server.add_user(mail, PASSWORD, None)?;
        let (token, _) = server.login(protocol, mail, PASSWORD)?;
        let connect = || server.connect(protocol);
        Ok(Self {
            name,
            token,
            address: server.address(),
            connection: connect()?,
            lines: (0..LINES).map(|_| connect()).collect::<Result<_>>()?,
            account: Account::default(),
            replica: Replica::default(),
        })
    }

    /// Another connection, as the others are.
    pub(super) fn connect(&self) -> Result<Connection> {
        Connection::open(self.address, self.connection.protocol())
    }

    /// A call with the account's credentials.
    pub(super) fn signed(&self, call: &Call) -> Call {
        call.clone().with("auth", self.token.as_str())
    }

    /// Makes a call.
    pub(super) fn call(&mut self, call: Call) -> Result<Tree> {
        let call = self.signed(&call);
        Ok(self.connection.call(&call)?.tree)
    }

    /// Sends calls one behind the other, and tells their answers.
    pub(super) fn pipeline(&mut self, calls: &[Call]) -> Result<Vec<Answer>> {
        let calls: Vec<Call> = calls.iter().map(|call| self.signed(call)).collect();
        self.connection.send(&calls)?;
        let mut answers = Vec::new();
        for _ in calls {
            answers.push(self.connection.receive()?.ok_or("no answer")?);
        }
        Ok(answers)
    }

    /// The metadata of a file.
    pub(super) fn stat(&mut self, file: u64) -> Result<Tree> {
        let call = Call::new("stat").with("fileid", file);
        self.call(call.with("timeformat", "timestamp"))
    }

    /// Finds out when exactly files were committed.
    pub(super) fn settle_times(&mut self) -> Result<()> {
        for (id, about) in self.account.unsure.clone() {
            if !self.account.files.contains_key(&id) {
                self.account.unsure.remove(&id);
            }
            // What is in the trash is not shown with its times.
            let Some(file) = self.account.live_file(id) else {
                continue;
            };
            let content = file.content.clone();
            let answer = self.stat(id)?;
            same(
                "size and hash after a commit",
                (content.size(), content.hash),
                (
                    number(&answer, "metadata.size")?,
                    number(&answer, "metadata.hash")?,
                ),
            )?;
            let modified = number(&answer, "metadata.modified")?;
            if modified.abs_diff(about) > NOW_TOLERANCE_S {
                let told = format!("file {id}: a commit at {about} has the time {modified}");
                return Err(told.into());
            }
            self.account.unsure.remove(&id);
            self.account.dated(id, about, modified);
        }
        Ok(())
    }

    /// Lists a folder with everything below it.
    pub(super) fn list(&mut self, folder: u64) -> Result<Tree> {
        let call = Call::new("listfolder")
            .with("folderid", folder)
            .with("recursive", 1u64);
        let answer = self.call(call.with("timeformat", "timestamp"))?;
        answer
            .get("metadata")
            .cloned()
            .ok_or_else(|| "a listing without metadata".into())
    }

    /// Reads on in the feed.
    pub(super) fn follow(&mut self, limit: u64) -> Result<()> {
        self.replica
            .follow(&mut self.connection, &self.token, limit)
            .map(drop)
    }

    /// Compares the revisions of a file with the model, and tells the id of the `number`-th.
    pub(super) fn revision(&mut self, file: u64, number_: u64) -> Result<u64> {
        let Some(known) = self
            .account
            .live_file(file)
            .filter(|file| !file.revisions.is_empty())
        else {
            return Ok(NO_REVISION);
        };
        let expected: Vec<u64> = known
            .revisions
            .values()
            .rev()
            .map(|content| content.hash)
            .collect();
        let answer = self.call(Call::new("listrevisions").with("fileid", file))?;
        let revisions = list(&answer, "revisions")?;
        let found = revisions
            .iter()
            .map(|revision| number(revision, "hash"))
            .collect::<Result<Vec<_>>>()?;
        same("revisions", &expected, &found)?;
        let index = index(number_, expected.len());
        number(&revisions[index], "revisionid")
    }

    /// Compares the server with the model, and the replica with both.
    pub(super) fn compare(&mut self, is_last: bool) -> Result<()> {
        let expected = self.account.rows();
        let mut listed = Rows::default();
        below(&self.list(0)?, &mut |entry| listed.put(entry))?;
        same_rows("the listing", &expected, &listed)?;
        self.replica
            .catch_up(&mut self.connection, &self.token, 1000)?;
        same_rows("the replica", &expected, &self.replica.rows)?;
        self.compare_trash()?;
        let account = self.call(Call::new("userinfo"))?;
        same(
            "usedquota",
            self.account.used(),
            number(&account, "usedquota")?,
        )?;
        let files = self
            .account
            .files
            .iter()
            .filter(|(_, file)| file.group == 0);
        let paths: Vec<(u64, String)> = files
            .take(PATHS)
            .map(|(id, file)| (*id, self.account.path(file)))
            .collect();
        for (id, path) in paths {
            let found = self.call(Call::new("stat").with("path", path.as_str()))?;
            same(&path, id, number(&found, "metadata.fileid")?)?;
        }
        let shown = if is_last { usize::MAX } else { PATHS };
        self.compare_bytes(shown)?;
        if is_last {
            // Whoever comes late has to see the same: in small pages, and in one that leaves out what came and went.
            for limit in [7, 1_000_000] {
                let mut late = Replica::default();
                late.catch_up(&mut self.connection, &self.token, limit)?;
                same_rows("a replica from the beginning", &expected, &late.rows)?;
            }
        }
        Ok(())
    }

    /// Compares the bytes of files with the model.
    fn compare_bytes(&mut self, count: usize) -> Result<()> {
        let live = self.account.files.iter();
        let live = live.filter(|(_, file)| file.group == 0).rev().take(count);
        let files: Vec<_> = live.map(|(id, file)| (*id, file.content.clone())).collect();
        for (id, content) in files {
            let call = Call::new("readfile").with("fileid", id);
            let call = call.with("offset", 0u64).with("count", content.size() + 1);
            let answer = self.connection.call(&self.signed(&call))?;
            if answer.data.as_deref() != Some(content.bytes.as_slice()) {
                return Err(format!("file {id} has other bytes than the model").into());
            }
        }
        Ok(())
    }

    /// Compares the trash: what is in it, below what, and where it was.
    fn compare_trash(&mut self) -> Result<()> {
        let is_deleted = |folder: u64| {
            self.account
                .folders
                .get(&folder)
                .is_some_and(|folder| folder.group != 0)
        };
        let place = |parent: u64| (if is_deleted(parent) { parent } else { 0 }, parent);
        let mut expected = BTreeMap::new();
        for (id, folder) in self
            .account
            .folders
            .iter()
            .filter(|(_, folder)| folder.group != 0)
        {
            expected.insert((true, *id), (folder.name.clone(), place(folder.parent)));
        }
        for (id, file) in self
            .account
            .files
            .iter()
            .filter(|(_, file)| file.group != 0)
        {
            expected.insert((false, *id), (file.name.clone(), place(file.folder)));
        }
        let answer = self.call(Call::new("trash_list").with("recursive", 1u64))?;
        let mut found = BTreeMap::new();
        below(answer.get("metadata").ok_or("no trash")?, &mut |entry| {
            let kind = is_folder(entry)?;
            let id = number(entry, if kind { "folderid" } else { "fileid" })?;
            let place = (
                number(entry, "parentfolderid")?,
                number(entry, "origparentfolderid")?,
            );
            let name = text(entry, "name")?.to_owned();
            match found.insert((kind, id), (name, place)) {
                None => Ok(()),
                Some(_) => Err(format!("{id} is twice in the trash").into()),
            }
        })?;
        same("the trash", expected, found)
    }
}
