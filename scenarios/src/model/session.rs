//! Making the calls and comparing: two accounts, each with its model and its replica.

use super::account::{Account, Contents};
use super::answer::{below, is_folder, list, number, same};
use super::effect::Scene;
use super::replica::{Replica, Rows};
use super::step::{Step, Wish};
use crate::Result;
use crate::connection::{Call, Connection, Protocol};
use crate::server::{PASSWORD, Server};
use pileus_wire::{Tree, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

/// Accounts of a session: with two, each can try what belongs to the other.
const ACCOUNTS: usize = 2;
/// The largest folder that is copied, so that copies of copies do not fill the server.
const MAX_COPIED: usize = 30;
/// Paths that are looked up at each comparison.
const PATHS: usize = 3;
/// A revision that no file has.
const NO_REVISION: u64 = u64::MAX >> 1;

/// A difference between model and server.
#[derive(Debug)]
pub(super) struct Failed {
    /// How many wishes had been played, with the one that failed.
    pub(super) wishes: usize,
    told: String,
    calls: Vec<String>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\nafter these calls:", self.told)?;
        self.calls
            .iter()
            .try_for_each(|call| writeln!(f, "  {call}"))
    }
}

#[derive(Debug)]
struct Client {
    token: String,
    connection: Connection,
    account: Account,
    replica: Replica,
}

/// One run on accounts of its own.
#[derive(Debug)]
pub(super) struct Session {
    clients: Vec<Client>,
    contents: Contents,
    calls: Vec<String>,
}

impl Session {
    /// Makes the accounts.
    pub(super) fn new(server: &Server, protocol: Protocol, name: &str) -> Result<Self> {
        let mut clients = Vec::new();
        for index in 0..ACCOUNTS {
            let mail = format!("{name}.{index}@example.com");
            server.add_user(&mail, PASSWORD, None)?;
            let (token, _) = server.login(protocol, &mail, PASSWORD)?;
            let connection = server.connect(protocol)?;
            clients.push(Client {
                token,
                connection,
                account: Account::default(),
                replica: Replica::default(),
            });
        }
        Ok(Self {
            clients,
            contents: Contents::default(),
            calls: Vec::new(),
        })
    }

    /// Plays wishes up to the first difference.
    pub(super) fn play(mut self, wishes: &[Wish]) -> Result<Option<Failed>> {
        for (index, wish) in wishes.iter().enumerate() {
            let is_last = index + 1 == wishes.len();
            if let Err(error) = self.fulfil(wish, is_last) {
                return Ok(Some(Failed {
                    wishes: index + 1,
                    told: error.to_string(),
                    calls: self.calls,
                }));
            }
        }
        Ok(None)
    }

    fn fulfil(&mut self, wish: &Wish, is_last: bool) -> Result<()> {
        let who = wish.account(self.clients.len());
        let other = (who + 1) % self.clients.len();
        let step = wish.step(&self.clients[who].account, &self.clients[other].account);
        if self.clients[who].account.is_left_out(&step) {
            return Ok(());
        }
        let client = &mut self.clients[who];
        let revision = match &step {
            Step::Revert { file, number } => client.revision(*file, *number, &self.contents)?,
            _ => NO_REVISION,
        };
        let call = step.call(&self.contents.data, revision);
        self.calls.push(format!("{who}: {}", show(&call)));
        let answer = client.call(call)?;
        let code = number(&answer, "result")?;
        if let Some(line) = self.calls.last_mut() {
            line.push_str(&format!(" -> {code}"));
        }
        same("result", client.account.refusal(&step).unwrap_or(0), code)?;
        if code == 0 {
            let copy = match &step {
                Step::CopyFolder { .. } => {
                    Some(client.list(number(&answer, "metadata.folderid")?)?)
                }
                _ => None,
            };
            let now = SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)?
                .as_secs();
            let scene = Scene {
                contents: &self.contents,
                answer: &answer,
                copy: copy.as_ref(),
                now,
            };
            client.account.take_effect(&step, &scene)?;
        }
        if let Some(limit) = wish.feed_limit() {
            client.follow(limit)?;
        }
        if wish.is_quiet() || is_last {
            self.compare(is_last)?;
        }
        Ok(())
    }

    /// Compares everything of both accounts.
    fn compare(&mut self, is_last: bool) -> Result<()> {
        for client in &mut self.clients {
            client.compare(&self.contents, is_last)?;
        }
        Ok(())
    }
}

impl Account {
    /// Copies that nothing is said about, or that grow too large: what lies in a folder is copied over the way to it.
    fn is_left_out(&self, step: &Step) -> bool {
        let Step::CopyFolder {
            folder,
            to,
            name,
            content_only,
            ..
        } = step
        else {
            return false;
        };
        let own = || {
            self.folders
                .get(folder)
                .map(|folder| folder.name.clone())
                .unwrap_or_default()
        };
        let name = name.clone().unwrap_or_else(own);
        let target = if *content_only {
            Some(*to)
        } else {
            self.folder_child(*to, &name)
        };
        let copied = self.within(*folder, |folder| folder.group == 0);
        let files = self
            .files
            .values()
            .filter(|file| file.group == 0 && copied.contains(&file.folder))
            .count();
        copied.len() + files > MAX_COPIED
            || target.is_some_and(|target| self.is_within(*folder, target) && target != *folder)
    }
}

impl Client {
    fn call(&mut self, call: Call) -> Result<Tree> {
        Ok(self
            .connection
            .call(&call.with("auth", self.token.as_str()))?
            .tree)
    }

    fn list(&mut self, folder: u64) -> Result<Tree> {
        let call = Call::new("listfolder")
            .with("folderid", folder)
            .with("recursive", 1u64);
        let answer = self.call(call.with("timeformat", "timestamp"))?;
        answer
            .get("metadata")
            .cloned()
            .ok_or_else(|| "a listing without metadata".into())
    }

    fn follow(&mut self, limit: u64) -> Result<()> {
        self.replica
            .follow(&mut self.connection, &self.token, limit)
            .map(drop)
    }

    /// Compares the revisions of a file with the model, and tells the id of the `number`-th.
    fn revision(&mut self, file: u64, number_: u64, contents: &Contents) -> Result<u64> {
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
            .map(|content| contents.hash(*content))
            .collect();
        let answer = self.call(Call::new("listrevisions").with("fileid", file))?;
        let revisions = list(&answer, "revisions")?;
        let found = revisions
            .iter()
            .map(|revision| number(revision, "hash"))
            .collect::<Result<Vec<_>>>()?;
        same("revisions", &expected, &found)?;
        let index = usize::try_from(number_ % expected.len() as u64)?;
        number(&revisions[index], "revisionid")
    }

    fn compare(&mut self, contents: &Contents, is_last: bool) -> Result<()> {
        let expected = self.account.rows(contents);
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
            self.account.used(contents),
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
            let name = entry
                .get("name")
                .and_then(Tree::as_str)
                .unwrap_or_default()
                .to_owned();
            match found.insert((kind, id), (name, place)) {
                None => Ok(()),
                Some(_) => Err(format!("{id} is twice in the trash").into()),
            }
        })?;
        same("the trash", expected, found)
    }
}

fn same_rows(what: &str, expected: &Rows, found: &Rows) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let mut told = format!("{what} differs from the model:");
    differences("folder", &expected.folders, &found.folders, &mut told);
    differences("file", &expected.files, &found.files, &mut told);
    Err(told.into())
}

fn differences<T: PartialEq + fmt::Debug>(
    kind: &str,
    expected: &BTreeMap<u64, T>,
    found: &BTreeMap<u64, T>,
    out: &mut String,
) {
    let ids = expected
        .keys()
        .chain(found.keys().filter(|id| !expected.contains_key(id)));
    for id in ids.filter(|id| expected.get(id) != found.get(id)) {
        out.push_str(&format!(
            "\n{kind} {id}: model {:?}, server {:?}",
            expected.get(id),
            found.get(id)
        ));
    }
}

/// A call as a scenario file writes it.
fn show(call: &Call) -> String {
    let mut shown = call.method.clone();
    for (name, value) in call.params.iter().filter(|(name, _)| *name != "timeformat") {
        let value = match value {
            Value::Num(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
        };
        shown.push_str(&format!(" {}={value}", String::from_utf8_lossy(name)));
    }
    if let Some(data) = &call.data {
        shown.push_str(&format!(" < {} bytes", data.len()));
    }
    shown
}
