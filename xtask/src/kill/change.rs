//! Changes of the tree: uploads, and everything that moves, copies and deletes.

use super::tree::{File, Tree};
use super::worker::{InDoubt, Worker};
use pileus_scenarios::Result;
use pileus_scenarios::connection::{Call, Connection};
use pileus_scenarios::random::content;

/// Files above which a client deletes more than it uploads.
const MANY_FILES: usize = 40;
/// Names of files and folders are few, so that they collide.
const NAMES: u64 = 12;
/// The largest upload.
const LARGE_BYTES: u64 = 3_000_000;

impl Worker {
    /// Makes a random change; false if the server is gone.
    pub fn change_tree(&mut self, connection: &mut Connection) -> Result<bool> {
        let (call, after) = self.change();
        if self.ask(connection, call)?.is_none() {
            self.in_doubt = Some(InDoubt::Tree(after));
            return Ok(false);
        }
        self.acknowledged = after;
        Ok(true)
    }

    /// A path for a file, which may be there already.
    pub fn some_path(&mut self) -> String {
        let folders = self.acknowledged.folders();
        let parents: Vec<&str> = std::iter::once("/").chain(folders).collect();
        let parent = self.random.pick(&parents).copied().unwrap_or("/");
        format!("{parent}f{}", self.random.below(NAMES))
    }

    /// A random content, mostly small.
    pub fn some_content(&mut self) -> Vec<u8> {
        let len = match self.random.below(100) {
            0..70 => self.random.below(3_000),
            70..95 => self.random.below(100_000),
            _ => self.random.below(LARGE_BYTES),
        };
        content(
            usize::try_from(len).unwrap_or_default(),
            self.random.number(),
        )
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
        let bytes = self.some_content();
        let full = self.full(&path);
        let (folder, name) = full.rsplit_once('/').unwrap_or(("", &full));
        let call = Call::new("uploadfile")
            .with("path", format!("{folder}/"))
            .with("filename", name);
        after.add_file(path, File::new(bytes.clone()));
        (call.with("nopartial", 1u64).with_data(bytes), after)
    }
}
