//! Connections with open files: calls about descriptors, and connections that break.

use super::answer::{number, same, text};
use super::client::{Client, now};
use super::contents::Contents;
use super::descriptor_step::{FdStep, LineStep, OpenFlags, Place};
use super::descriptors::{Line, Outcome};
use super::effect::Scene;
use super::log::Log;
use crate::Result;
use crate::connection::{Answer, Call};
use md5::Md5;
use pileus_wire::Tree;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::time::Duration;

/// After so long a working copy is committed by the test. The server does so by itself after ten seconds without a write,
/// at a moment that nobody is told.
const OLD: Duration = Duration::from_secs(4);

impl Client {
    /// Does something on a connection with open files.
    pub(super) fn on_line(
        &mut self,
        line: usize,
        step: &LineStep,
        contents: &Contents,
        log: &mut Log,
    ) -> Result<()> {
        match step {
            LineStep::Call(step) if self.is_ambiguous(self.file_of(line, step))? => Ok(()),
            LineStep::Call(step) => self.descriptor_call(line, step, contents, log),
            LineStep::Break(Some((fd, ..)))
                if self.is_ambiguous(self.account.file_of(line, *fd))? =>
            {
                self.break_line(line, None, log)
            }
            LineStep::Break(part) => self.break_line(line, part.as_ref(), log),
        }
    }

    /// Commits what has been open for long.
    pub(super) fn commit_old(&mut self, log: &mut Log) -> Result<()> {
        while let Some((line, fd)) = self.account.old_working_copy(OLD) {
            self.use_descriptor(line, &FdStep::Close { fd }, log)?;
        }
        self.settle_times()
    }

    /// The file that a call is about.
    fn file_of(&self, line: usize, step: &FdStep) -> Option<u64> {
        match step {
            FdStep::Open { place, .. } => self.account.opened(place),
            _ => self.account.file_of(line, step.fd()),
        }
    }

    /// Whether the model could not tell how many revisions a write to a file will lead to.
    fn is_ambiguous(&self, file: Option<u64>) -> Result<bool> {
        let now = now()?;
        Ok(file.is_some_and(|file| self.account.is_run_ending(file, now)))
    }

    fn line_call(&mut self, line: usize, call: &Call, log: &mut Log) -> Result<Answer> {
        log.call(format_args!("{}.{line}", self.name), call);
        let call = self.signed(call);
        let answer = self.lines[line].call(&call)?;
        log.code(answer.result()?);
        Ok(answer)
    }

    fn descriptor_call(
        &mut self,
        line: usize,
        step: &FdStep,
        contents: &Contents,
        log: &mut Log,
    ) -> Result<()> {
        match step {
            FdStep::Open { flags, place } => {
                let answer = self.line_call(line, &step.call(), log)?;
                self.open(line, *flags, place, &answer, contents)
            }
            _ => self.use_descriptor(line, step, log),
        }
    }

    /// Compares the answer to `file_open`, and what it made.
    fn open(
        &mut self,
        line: usize,
        flags: OpenFlags,
        place: &Place,
        answer: &Answer,
        contents: &Contents,
    ) -> Result<()> {
        self.account.lines[line].last += 1;
        let refusal = self.account.open_refusal(flags, place);
        same("result", refusal.unwrap_or(0), answer.result()?)?;
        if refusal.is_some() {
            return Ok(());
        }
        let fd = self.account.lines[line].last;
        same("fd", fd.unsigned_abs(), number(&answer.tree, "fd")?)?;
        let id = number(&answer.tree, "fileid")?;
        match self.account.opened(place) {
            Some(there) => same("fileid", there, id)?,
            None => {
                let scene = Scene {
                    contents,
                    answer: &self.stat(id)?,
                    copy: None,
                    now: now()?,
                };
                self.account.made_empty(place, &scene)?;
            }
        }
        self.account.add_descriptor(line, id, flags);
        Ok(())
    }

    /// Makes a call about an open file, and compares the answer.
    fn use_descriptor(&mut self, line: usize, step: &FdStep, log: &mut Log) -> Result<()> {
        let answer = self.line_call(line, &step.call(), log)?;
        let code = answer.result()?;
        match self.account.use_descriptor(line, step, now()?) {
            Outcome::Refused(refusal) => return same("result", refusal, code),
            _ if code != 0 => return same("result", 0, code),
            Outcome::Numbers(expected) => {
                for (key, expected) in expected {
                    same(key, expected, number(&answer.tree, key)?)?;
                }
            }
            Outcome::Bytes(expected) => same_bytes(&expected, answer.data.as_deref())?,
            Outcome::Checksums(bytes) => {
                same("size", bytes.len() as u64, number(&answer.tree, "size")?)?;
                same_checksums(&bytes, &answer.tree)?;
            }
        }
        Ok(())
    }

    /// Has all connections with open files break.
    pub(super) fn break_lines(&mut self, log: &mut Log) -> Result<()> {
        (0..self.lines.len()).try_for_each(|line| self.break_line(line, None, log))
    }

    /// Has a connection break, perhaps within the data of a last write.
    ///
    /// What was written is committed a moment later. Descriptors lose their locks after that, so who gets the next lock
    /// knows that it has happened.
    fn break_line(
        &mut self,
        line: usize,
        part: Option<&(i64, Vec<u8>, usize)>,
        log: &mut Log,
    ) -> Result<()> {
        // A file in the trash cannot be opened to wait for its lock.
        for (fd, file) in self.account.lines[line].written() {
            if self.account.live_file(file).is_none() {
                self.use_descriptor(line, &FdStep::Close { fd }, log)?;
            }
        }
        let part_of = |fd| self.account.file_of(line, fd);
        let part = part.and_then(|(fd, bytes, sent)| Some((*fd, part_of(*fd)?, bytes, *sent)));
        let part = part.filter(|(_, file, ..)| self.account.live_file(*file).is_some());
        let mut written = self.account.lines[line].written();
        written.extend(part.map(|(fd, file, ..)| (fd, file)));
        for (fd, _) in &written {
            let call = Call::new("file_lock").with("fd", *fd).with("type", 1u64);
            let answer = self.line_call(line, &call, log)?;
            same("locked", Some(&Tree::Bool(true)), answer.tree.get("locked"))?;
        }
        let next = self.connect()?;
        let broken = std::mem::replace(&mut self.lines[line], next);
        match part {
            Some((fd, _, bytes, sent)) => {
                let write = |bytes: &[u8]| FdStep::Write {
                    fd,
                    bytes: bytes.to_vec(),
                };
                let call = self.signed(&write(bytes).call());
                log.call(format_args!("{}.{line}", self.name), &write(bytes).call());
                log.note(format!("  of which {sent} arrive"));
                broken.break_off(&call, sent)?;
                self.account
                    .use_descriptor(line, &write(&bytes[..sent]), now()?);
            }
            None => {
                log.note(format!("{}.{line} breaks", self.name));
                drop(broken);
            }
        }
        let files: BTreeSet<u64> = written.into_iter().map(|(_, file)| file).collect();
        files
            .into_iter()
            .try_for_each(|file| self.wait_for_lock(file))?;
        self.account.line_ended(line, now()?);
        self.account.lines[line] = Line::default();
        Ok(())
    }

    /// Waits until nobody has a lock on a file.
    fn wait_for_lock(&self, file: u64) -> Result<()> {
        let mut connection = self.connect()?;
        let open = Call::new("file_open").with("flags", 0u64);
        let lock = Call::new("file_lock").with("fd", 1u64).with("type", 2u64);
        for call in [open.with("fileid", file), lock] {
            let answer = connection.call(&self.signed(&call))?;
            same("result", 0, answer.result()?)?;
        }
        Ok(())
    }
}

/// Fails unless an answer has these bytes.
fn same_bytes(expected: &[u8], found: Option<&[u8]>) -> Result<()> {
    let found = found.ok_or("an answer without data")?;
    if expected == found {
        return Ok(());
    }
    let pairs = expected.iter().zip(found);
    let at = pairs.take_while(|(one, other)| one == other).count();
    let (expected, found) = (expected.len(), found.len());
    Err(format!("expected {expected} bytes, found {found}, which differ from byte {at} on").into())
}

/// Fails unless an answer has the checksums of these bytes.
pub(super) fn same_checksums(bytes: &[u8], answer: &Tree) -> Result<()> {
    let expected = [
        ("sha1", hex::encode(Sha1::digest(bytes))),
        ("md5", hex::encode(Md5::digest(bytes))),
        ("sha256", hex::encode(Sha256::digest(bytes))),
    ];
    expected
        .iter()
        .try_for_each(|(key, expected)| same(key, expected.as_str(), text(answer, key)?))
}
