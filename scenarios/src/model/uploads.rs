//! The model of upload sessions: what they hold, and what becomes of them.

use super::account::{Account, first};
use super::answer::same;
use super::contents::Content;
use super::effect::{Saved, Scene, numbered};
use super::upload_step::{IfHash, UploadStep};
use crate::Result;
use pileus_wire::Tree;

impl Account {
    /// The bytes that a file has or had with a hash.
    fn content_with(&self, file: u64, hash: u64) -> Option<&Content> {
        let file = self.live_file(file)?;
        let mut contents = std::iter::once(&file.content).chain(file.revisions.values());
        let content = contents.find(|content| content.hash == hash);
        content.map(|content| &**content)
    }

    /// The bytes that a call takes from a file or from another session; or the code that answers it.
    fn taken(&self, step: &UploadStep) -> Result<Vec<u8>, u64> {
        let (bytes, from, count) = match step {
            UploadStep::FromFile {
                file,
                hash,
                from,
                count,
                ..
            } => {
                let content = self.content_with(*file, *hash).ok_or(2009u64)?;
                (&content.bytes, from, count)
            }
            UploadStep::FromUpload {
                source,
                from,
                count,
                ..
            } => (self.uploads.get(source).ok_or(2067u64)?, from, count),
            _ => return Ok(Vec::new()),
        };
        let start = usize::try_from(*from).unwrap_or(usize::MAX);
        let end = start.saturating_add(usize::try_from(*count).unwrap_or(usize::MAX));
        let taken = bytes.get(start..end);
        taken.map(<[u8]>::to_vec).ok_or(2009)
    }

    /// The code that answers a call; `None` if it succeeds.
    pub(super) fn upload_refusal(&self, step: &UploadStep) -> Option<u64> {
        let is_unknown = step
            .upload()
            .is_some_and(|upload| !self.uploads.contains_key(&upload));
        let no_folder = match step {
            UploadStep::Save { folder, .. } => self.live_folder(*folder).is_none(),
            _ => false,
        };
        first([(is_unknown, 2067), (no_folder, 2005)]).or_else(|| self.taken(step).err())
    }

    /// What a session holds after a call, as far as the call says so.
    pub(super) fn write_upload(&mut self, step: &UploadStep) {
        match step {
            UploadStep::Write { upload, pieces } => {
                let writes = pieces.iter();
                writes.for_each(|(offset, bytes)| self.written(*upload, *offset, bytes));
            }
            UploadStep::Broken {
                upload,
                offset,
                bytes,
                ..
            } => self.written(*upload, *offset, bytes),
            UploadStep::FromFile { upload, at, .. } | UploadStep::FromUpload { upload, at, .. } => {
                let taken = self.taken(step).unwrap_or_default();
                self.written(*upload, *at, &taken);
            }
            UploadStep::Delete { upload } => {
                self.uploads.remove(upload);
            }
            UploadStep::Create { .. } | UploadStep::Info { .. } | UploadStep::Save { .. } => {}
        }
    }

    fn written(&mut self, upload: u64, offset: u64, bytes: &[u8]) {
        let start = usize::try_from(offset).unwrap_or_default();
        let Some(held) = self.uploads.get_mut(&upload).filter(|_| !bytes.is_empty()) else {
            return;
        };
        let end = start + bytes.len();
        if held.len() < end {
            held.resize(end, 0);
        }
        held[start..end].copy_from_slice(bytes);
    }

    /// A session has become a file.
    pub(super) fn upload_saved(&mut self, step: &UploadStep, scene: &Scene<'_>) -> Result<()> {
        let UploadStep::Save {
            upload,
            folder,
            name,
            mtime,
            if_hash,
            rename,
        } = step
        else {
            return Ok(());
        };
        let bytes = self.uploads.remove(upload).ok_or("no session to save")?;
        let metadata = scene.metadata()?;
        let there = self.file_child(*folder, name);
        // What was written to a file goes in before it is replaced, and the condition is about the outcome.
        if let (Some(id), Some(IfHash::Is(hash))) = (there, if_hash)
            && self
                .live_file(id)
                .is_some_and(|file| file.content.hash == *hash)
        {
            self.committed(id, scene.now);
        }
        let taken = |name: &str| self.file_child(*folder, name).is_some();
        let there = there.and_then(|there| self.live_file(there));
        let conflicts = there.is_some_and(|there| match if_hash {
            None => false,
            Some(IfHash::New) => true,
            Some(IfHash::Is(hash)) => there.content.hash != *hash,
        });
        same(
            "conflicted",
            conflicts,
            metadata.get("conflicted").and_then(Tree::as_bool) == Some(true),
        )?;
        let name = match there {
            Some(_) if *rename => numbered(name, taken),
            Some(_) if conflicts => conflicted(name, taken),
            _ => name.clone(),
        };
        let saved = Saved {
            folder: *folder,
            name: &name,
            content: Content::new(bytes),
            modified: *mtime,
            created_now: false,
        };
        self.saved(saved, metadata, scene)
    }
}

/// The first name that is free for what must not replace a file.
fn conflicted(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let (stem, extension) = match name.rfind('.').filter(|&dot| dot > 0) {
        Some(dot) => name.split_at(dot),
        None => (name, ""),
    };
    let plain = std::iter::once(format!("{stem} (conflicted){extension}"));
    let counted = (2..).map(|number: u64| format!("{stem} (conflicted {number}){extension}"));
    let free = plain.chain(counted).find(|name| !is_taken(name));
    free.unwrap_or_default()
}
