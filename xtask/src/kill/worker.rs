//! A client: it makes changes in a folder of its own, and remembers which of them were acknowledged.

use super::tree::{File, Tree};
use pileus_scenarios::Result;
use pileus_scenarios::connection::{Answer, Call, Connection, Protocol};
use pileus_scenarios::model::answer::{below, is_folder, number, text};
use pileus_scenarios::random::Random;
use pileus_scenarios::server::Server;
use std::net::SocketAddr;

/// Files above which a client deletes more than it uploads.
const MANY_FILES: usize = 40;
/// Names of files and folders are few, so that they collide.
const NAMES: u64 = 12;
/// The largest upload.
const LARGE_BYTES: u64 = 3_000_000;

/// A client.
#[derive(Debug)]
pub struct Worker {
    /// The client's folder, such as `/client3`.
    folder: String,
    protocol: Protocol,
    token: String,
    random: Random,
    /// What was acknowledged.
    acknowledged: Tree,
    /// What there is if the call that was not answered has happened.
    in_doubt: Option<Tree>,
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
        let folder = format!("/client{index}");
        let worker = Self {
            folder,
            protocol,
            token,
            random: Random::new(seed),
            acknowledged: Tree::default(),
            in_doubt: None,
        };
        let call = Call::new("createfolder").with("path", worker.folder.as_str());
        worker.call(&mut server.connect(protocol)?, call)?;
        Ok(worker)
    }

    fn call(&self, connection: &mut Connection, call: Call) -> Result<Answer> {
        let answer = connection.call(&call.with("auth", self.token.as_str()))?;
        match answer.result()? {
            0 => Ok(answer),
            code => Err(format!("{} answers {code}", self.folder).into()),
        }
    }

    /// Makes changes until the server is gone. Tells how many were acknowledged; the error is an answer that no client
    /// should get.
    pub fn work(&mut self, server: SocketAddr) -> Result<u64> {
        let Ok(mut connection) = Connection::open(server, self.protocol) else {
            return Ok(0);
        };
        let mut changes = 0;
        loop {
            let (call, after) = self.change();
            let (method, params) = (call.method.clone(), call.params.clone());
            let Ok(answer) = connection.call(&call.with("auth", self.token.as_str())) else {
                self.in_doubt = Some(after);
                return Ok(changes);
            };
            if answer.result()? != 0 {
                let path = params.text("path").and_then(std::result::Result::ok);
                let told = format!(
                    "{method} of {path:?} in {} answers {:?}",
                    self.folder, answer.tree
                );
                return Err(told.into());
            }
            self.acknowledged = after;
            changes += 1;
        }
    }

    /// A random change that has to succeed, and what there will be after it.
    fn change(&mut self) -> (Call, Tree) {
        let mut after = self.acknowledged.clone();
        let files: Vec<(String, File)> = after
            .files()
            .into_iter()
            .map(|(path, file)| (path.to_owned(), file))
            .collect();
        let folders: Vec<String> = after.folders().into_iter().map(str::to_owned).collect();
        let parents: Vec<String> = std::iter::once("/".to_owned())
            .chain(folders.iter().cloned())
            .collect();
        let parent = self.random.pick(&parents).cloned().unwrap_or_default();
        let name = self.random.below(NAMES);
        let kind = self.random.below(100);
        let source = self.random.pick(&files).cloned();
        let moved = self.random.pick(&folders).cloned();
        let is_full = files.len() > MANY_FILES;
        match (kind, source, moved) {
            (0..10, Some((path, _)), _) => {
                let call = Call::new("deletefile").with("path", self.full(&path));
                after.take(&path);
                (call, after)
            }
            (10..22, Some((path, file)), _) => {
                let to = format!("{parent}f{name}");
                if to == path {
                    return self.upload(after, to);
                }
                let call = Call::new("renamefile")
                    .with("path", self.full(&path))
                    .with("topath", self.full(&to));
                after.take(&path);
                after.add_file(to, file);
                (call, after)
            }
            (22..34, Some((path, file)), _) if !is_full => {
                let to = format!("{parent}f{name}");
                let call = Call::new("copyfile")
                    .with("path", self.full(&path))
                    .with("topath", self.full(&to));
                after.add_file(to, file);
                (call, after)
            }
            (34..44, _, Some(path)) => {
                let to = format!("{parent}d{name}/");
                if parent.starts_with(&path) || after.has(&to) {
                    return self.upload(after, format!("{parent}f{name}"));
                }
                let call = Call::new("renamefolder")
                    .with("path", self.full(&path))
                    .with("topath", self.full_folder(&to));
                let taken = after.take(&path);
                after.put(&to, taken);
                (call, after)
            }
            (44..50, _, Some(path)) => {
                let call = Call::new("deletefolderrecursive").with("path", self.full(&path));
                after.take(&path);
                (call, after)
            }
            (50..54, _, Some(path)) if !is_full => {
                let to = format!("{parent}d{name}/");
                if parent.starts_with(&path) || after.has(&to) {
                    return self.upload(after, format!("{parent}f{name}"));
                }
                let call = Call::new("copyfolder")
                    .with("path", self.full(&path))
                    .with("topath", self.full_folder(&to));
                let copied = after.take(&path);
                after.put(&path, copied.clone());
                after.put(&to, copied);
                (call, after)
            }
            (54..66, ..) => {
                let to = format!("{parent}d{name}/");
                if after.has(&to) {
                    return self.upload(after, format!("{parent}f{name}"));
                }
                let call = Call::new("createfolder").with("path", self.full_folder(&to));
                after.add_folder(to);
                (call, after)
            }
            (66..76, Some((path, _)), _) if is_full => {
                let call = Call::new("deletefile").with("path", self.full(&path));
                after.take(&path);
                (call, after)
            }
            _ => self.upload(after, format!("{parent}f{name}")),
        }
    }

    fn upload(&mut self, mut after: Tree, path: String) -> (Call, Tree) {
        let len = match self.random.below(100) {
            0..70 => self.random.below(3_000),
            70..95 => self.random.below(100_000),
            _ => self.random.below(LARGE_BYTES),
        };
        let (file, bytes) = File::new(
            usize::try_from(len).unwrap_or_default(),
            self.random.number(),
        );
        let full = self.full(&path);
        let (folder, name) = full.rsplit_once('/').unwrap_or(("", &full));
        let call = Call::new("uploadfile")
            .with("path", format!("{folder}/"))
            .with("filename", name);
        after.add_file(path, file);
        (call.with("nopartial", 1u64).with_data(bytes), after)
    }

    fn full(&self, path: &str) -> String {
        format!("{}{path}", self.folder)
    }

    /// The full path of a folder without the final slash, which in a target would mean "into".
    fn full_folder(&self, path: &str) -> String {
        self.full(path.trim_end_matches('/'))
    }

    /// Compares the client's folder with what was acknowledged. The call that was not answered may have happened; from
    /// now on it is known whether.
    pub fn verify(&mut self, server: &Server) -> Result<()> {
        let found = self.listed(server)?;
        if let Some(after) = self.in_doubt.take()
            && same(&found, &after)
        {
            self.acknowledged = after;
            return Ok(());
        }
        if same(&found, &self.acknowledged) {
            return Ok(());
        }
        let differences = self.acknowledged.differences(&found);
        Err(format!(
            "{}: acknowledged and found differ:{differences}",
            self.folder
        )
        .into())
    }

    /// What the server lists. Seeds cannot be seen, so a content is known by length and hash.
    fn listed(&self, server: &Server) -> Result<Tree> {
        let call = Call::new("listfolder")
            .with("path", self.folder.as_str())
            .with("recursive", 1u64);
        let answer = self.call(&mut server.connect(self.protocol)?, call)?;
        let listed = answer
            .tree
            .get("metadata")
            .ok_or("a listing without metadata")?;
        let mut paths =
            std::collections::BTreeMap::from([(number(listed, "folderid")?, "/".to_owned())]);
        let mut found = Tree::default();
        below(listed, &mut |entry| {
            let parent = paths
                .get(&number(entry, "parentfolderid")?)
                .ok_or("an entry before its folder")?;
            let path = format!("{parent}{}", text(entry, "name")?);
            if is_folder(entry)? {
                let path = format!("{path}/");
                paths.insert(number(entry, "folderid")?, path.clone());
                found.add_folder(path);
            } else {
                let len = usize::try_from(number(entry, "size")?)?;
                found.add_file(
                    path,
                    File {
                        len,
                        seed: 0,
                        hash: number(entry, "hash")?,
                    },
                );
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Reads files and compares their bytes; at most `count` of them, chosen at random.
    pub fn verify_contents(&mut self, server: &Server, count: usize) -> Result<()> {
        let mut files = self.acknowledged.files();
        while files.len() > count {
            let index = usize::try_from(self.random.below(files.len() as u64))?;
            files.swap_remove(index);
        }
        let mut connection = server.connect(self.protocol)?;
        for (path, file) in files {
            let stat = self.call(
                &mut connection,
                Call::new("stat").with("path", self.full(path)),
            )?;
            let fileid = number(&stat.tree, "metadata.fileid")?;
            let call = Call::new("readfile")
                .with("fileid", fileid)
                .with("offset", 0u64);
            let read = self.call(&mut connection, call.with("count", u64::from(u32::MAX)))?;
            if read.data.as_deref() != Some(file.bytes().as_slice()) {
                return Err(
                    format!("{}{path} has other bytes than were uploaded", self.folder).into(),
                );
            }
        }
        Ok(())
    }
}

/// Whether a listing is that of a tree.
fn same(listed: &Tree, tree: &Tree) -> bool {
    let facts = |tree: &Tree| {
        let files = tree
            .files()
            .into_iter()
            .map(|(path, file)| (path.to_owned(), file.len, file.hash));
        let folders = tree.folders().into_iter().map(str::to_owned);
        (files.collect::<Vec<_>>(), folders.collect::<Vec<_>>())
    };
    facts(listed) == facts(tree)
}
