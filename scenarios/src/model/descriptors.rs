//! The model of open files: what descriptors read, what they write, and when that becomes the content of the file.

use super::account::{Account, first};
use super::contents::Content;
use super::descriptor_step::{FdStep, OpenFlags, Place};
use super::effect::{Saved, Scene};
use crate::Result;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Commits of a file that are this close together make one revision.
const ONE_REVISION_S: u64 = 600;

/// An open file of a connection.
#[derive(Clone, Debug)]
pub(super) struct Descriptor {
    /// The file.
    pub(super) file: u64,
    offset: u64,
    appends: bool,
    /// Something was written through it, which its end commits.
    wrote: bool,
}

/// What a connection has open.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// The last number given out; a call that fails uses one up.
    pub(super) last: i64,
    /// Open files by number.
    pub(super) open: BTreeMap<i64, Descriptor>,
}

impl Line {
    /// The number that a number from a call means: negative ones count back from the last.
    fn absolute(&self, fd: i64) -> i64 {
        if fd < 0 { self.last + 1 + fd } else { fd }
    }

    /// Numbers and files of what was written through.
    pub(super) fn written(&self) -> Vec<(i64, u64)> {
        let wrote = self.open.iter().filter(|(_, open)| open.wrote);
        wrote.map(|(number, open)| (*number, open.file)).collect()
    }
}

/// What was written to a file and is not committed.
#[derive(Clone, Debug)]
pub(super) struct Working {
    /// All bytes of the file.
    bytes: Vec<u8>,
    began: Instant,
}

/// Commits that together make one revision.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// When the present content was stored, by the order of all storing. Another way of storing ends the run.
    stored: u64,
    /// Unix seconds of the first commit.
    since: u64,
}

/// What a call is answered.
#[derive(Debug)]
pub(super) enum Outcome {
    /// A code that is not 0.
    Refused(u64),
    /// Numbers.
    Numbers(Vec<(&'static str, u64)>),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// The checksums of these bytes.
    Checksums(Vec<u8>),
}

impl Account {
    /// The bytes of a living file as its descriptors see them.
    fn seen(&self, file: u64) -> Option<&[u8]> {
        let file = self.live_file(file)?;
        let working = file.working.as_ref();
        Some(working.map_or(&file.content.bytes, |working| &working.bytes))
    }

    /// How many bytes those are.
    pub(super) fn seen_size(&self, file: u64) -> u64 {
        self.seen(file).map_or(0, <[u8]>::len) as u64
    }

    /// The file of a descriptor.
    pub(super) fn file_of(&self, line: usize, fd: i64) -> Option<u64> {
        let line = &self.lines[line];
        Some(line.open.get(&line.absolute(fd))?.file)
    }

    /// Where a descriptor reads and writes next.
    pub(super) fn offset_of(&self, line: usize, fd: i64) -> u64 {
        let line = &self.lines[line];
        let open = line.open.get(&line.absolute(fd));
        open.map_or(0, |descriptor| descriptor.offset)
    }

    /// Takes the effect of a call other than `file_open`, and tells its answer.
    pub(super) fn use_descriptor(&mut self, line: usize, step: &FdStep, now: u64) -> Outcome {
        let number = self.lines[line].absolute(step.fd());
        let Some(mut descriptor) = self.lines[line].open.get(&number).cloned() else {
            return Outcome::Refused(1007);
        };
        if let FdStep::Close { .. } = step {
            self.lines[line].open.remove(&number);
            self.ended(&descriptor, now);
            return Outcome::Numbers(Vec::new());
        }
        let file = descriptor.file;
        let Some(seen) = self.seen(file) else {
            return Outcome::Refused(if step.writes() { 5003 } else { 5004 });
        };
        let size = seen.len() as u64;
        let range = |offset: u64, count: u64| {
            let start = offset.min(size);
            let end = start.saturating_add(count).min(size);
            start..end
        };
        let bytes = |offset, count| {
            let range = range(offset, count);
            let to_usize = |number| usize::try_from(number).unwrap_or_default();
            seen[to_usize(range.start)..to_usize(range.end)].to_vec()
        };
        let outcome = match step {
            FdStep::Open { .. } | FdStep::Close { .. } => Outcome::Refused(0),
            FdStep::Size { .. } => {
                Outcome::Numbers(vec![("size", size), ("offset", descriptor.offset)])
            }
            FdStep::Read { count, .. } => {
                let read = bytes(descriptor.offset, *count);
                descriptor.offset += read.len() as u64;
                Outcome::Bytes(read)
            }
            FdStep::Pread { offset, count, .. } => Outcome::Bytes(bytes(*offset, *count)),
            FdStep::Checksum { offset, count, .. } => Outcome::Checksums(bytes(*offset, *count)),
            FdStep::Seek { offset, whence, .. } => {
                let bases = [0, descriptor.offset, size];
                let from = bases.get(usize::from(*whence)).copied();
                match from.and_then(|from| from.checked_add_signed(*offset)) {
                    None => Outcome::Refused(1009),
                    Some(to) => {
                        descriptor.offset = to;
                        Outcome::Numbers(vec![("offset", to)])
                    }
                }
            }
            FdStep::Write { bytes, .. } => {
                let start = if descriptor.appends {
                    size
                } else {
                    descriptor.offset
                };
                descriptor.wrote |= self.write(file, start, bytes);
                descriptor.offset = start + bytes.len() as u64;
                Outcome::Numbers(vec![("bytes", bytes.len() as u64)])
            }
            FdStep::Pwrite { offset, bytes, .. } => {
                descriptor.wrote |= self.write(file, *offset, bytes);
                Outcome::Numbers(vec![("bytes", bytes.len() as u64)])
            }
            FdStep::Truncate { length, .. } => {
                descriptor.wrote |= self.resize(file, *length);
                Outcome::Numbers(Vec::new())
            }
        };
        self.lines[line].open.insert(number, descriptor);
        outcome
    }

    /// Writes bytes into the working copy of a file; false if there are none.
    fn write(&mut self, file: u64, start: u64, written: &[u8]) -> bool {
        // A write of nothing does not begin a working copy.
        if written.is_empty() {
            return false;
        }
        let start = usize::try_from(start).unwrap_or_default();
        let Some(bytes) = self.working(file) else {
            return false;
        };
        let end = start + written.len();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[start..end].copy_from_slice(written);
        true
    }

    /// Cuts or extends the working copy of a file; false if it has that length.
    fn resize(&mut self, file: u64, length: u64) -> bool {
        if self.seen_size(file) == length {
            return false;
        }
        let length = usize::try_from(length).unwrap_or_default();
        if let Some(bytes) = self.working(file) {
            bytes.resize(length, 0);
        }
        true
    }

    /// The working copy of a file, begun if need be.
    fn working(&mut self, file: u64) -> Option<&mut Vec<u8>> {
        let file = self.files.get_mut(&file)?;
        let begin = || Working {
            bytes: file.content.bytes.clone(),
            began: Instant::now(),
        };
        Some(&mut file.working.get_or_insert_with(begin).bytes)
    }

    /// The code that answers a call to `file_open`; `None` if it succeeds.
    pub(super) fn open_refusal(&self, flags: OpenFlags, place: &Place) -> Option<u64> {
        match place {
            Place::Id(id) => first([(self.live_file(*id).is_none(), 2009)]),
            Place::Name { folder, name } => {
                let is_there = self.file_child(*folder, name).is_some();
                first([
                    (self.live_folder(*folder).is_none(), 2002),
                    (flags.create && flags.exclusive && is_there, 2004),
                    (!flags.create && !is_there, 2009),
                ])
            }
        }
    }

    /// The file that a successful call to `file_open` opens; `None` if it makes one.
    pub(super) fn opened(&self, place: &Place) -> Option<u64> {
        match place {
            Place::Id(id) => Some(*id),
            Place::Name { folder, name } => self.file_child(*folder, name),
        }
    }

    /// An empty file was made by `file_open`.
    pub(super) fn made_empty(&mut self, place: &Place, scene: &Scene<'_>) -> Result<()> {
        let Place::Name { folder, name } = place else {
            return Err("a file was made that has no name".into());
        };
        let saved = Saved {
            folder: *folder,
            name,
            content: Content::new(Vec::new()),
            modified: None,
            created_now: true,
        };
        self.saved(saved, scene.metadata()?, scene)
    }

    /// A file has a descriptor more.
    pub(super) fn add_descriptor(&mut self, line: usize, file: u64, flags: OpenFlags) {
        let wrote = flags.truncate && self.resize(file, 0);
        let descriptor = Descriptor {
            file,
            offset: 0,
            appends: flags.append,
            wrote,
        };
        let line = &mut self.lines[line];
        line.open.insert(line.last, descriptor);
    }

    /// The connection is gone, and with it its descriptors.
    pub(super) fn line_ended(&mut self, line: usize, now: u64) {
        for descriptor in std::mem::take(&mut self.lines[line]).open.values() {
            self.ended(descriptor, now);
        }
    }

    fn ended(&mut self, descriptor: &Descriptor, now: u64) {
        if descriptor.wrote {
            self.committed(descriptor.file, now);
        }
    }

    /// What was written to a file becomes its content, if anything was.
    pub(super) fn committed(&mut self, id: u64, now: u64) {
        let stored = self.next();
        let Some(file) = self.files.get_mut(&id) else {
            return;
        };
        let Some(working) = file.working.take() else {
            return;
        };
        let content = Content::new(working.bytes);
        let is_live = file.group == 0;
        if file.content == content {
            if is_live {
                self.unsure.insert(id, now);
            }
            return;
        }
        let run = file.run.filter(|run| run.stored == file.stored);
        let run = run.filter(|run| now.saturating_sub(run.since) < ONE_REVISION_S);
        // Nobody misses what lay between two commits of a run, or an empty file.
        if run.is_none() && file.content.size() > 0 {
            file.revisions.insert(file.stored, file.content.clone());
        }
        (file.content, file.stored) = (content, stored);
        let since = run.map_or(now, |run| run.since);
        file.run = Some(Run { stored, since });
        self.unsure.insert(id, now);
    }

    /// The exact time of a commit is known.
    pub(super) fn dated(&mut self, id: u64, about: u64, modified: u64) {
        if let Some(file) = self.files.get_mut(&id) {
            file.modified = modified;
            if let Some(run) = file.run.as_mut().filter(|run| run.since == about) {
                run.since = modified;
            }
        }
    }

    /// Whether the next commit of a file might belong to a run or not, by a second more or less.
    pub(super) fn is_run_ending(&self, file: u64, now: u64) -> bool {
        let run = self.files.get(&file).and_then(|file| file.run);
        run.is_some_and(|run| now.saturating_sub(run.since).abs_diff(ONE_REVISION_S) <= 20)
    }

    /// A descriptor that has written to a file whose working copy is so old.
    pub(super) fn old_working_copy(&self, age: Duration) -> Option<(usize, i64)> {
        let is_old = |id: &u64| {
            let working = self.files.get(id).and_then(|file| file.working.as_ref());
            working.is_some_and(|working| working.began.elapsed() >= age)
        };
        let mut lines = self.lines.iter().enumerate();
        lines.find_map(|(index, line)| {
            let written = line.written();
            let old = written.iter().find(|(_, file)| is_old(file))?;
            Some((index, old.0))
        })
    }
}
