//! Files that are written through descriptors. An answered write survives the end of the server, committed or not.

use super::tree::File;
use super::worker::{InDoubt, Worker};
use pileus_scenarios::Result;
use pileus_scenarios::connection::{Call, Connection};
use pileus_scenarios::model::answer::number;
use pileus_scenarios::random::content;
use std::net::SocketAddr;

/// Connections that have the file open.
const CONNECTIONS: usize = 2;
/// Calls between opening and closing, at most.
const MOST_WRITES: u64 = 12;
/// Beyond this a file does not grow.
const MOST_BYTES: u64 = 3_000_000;
/// `O_WRITE` and `O_CREAT`.
const WRITE_CREATE: u64 = 0x0042;
/// `O_TRUNC`.
const TRUNCATE: u64 = 0x0200;

/// A file that is open on some connections.
struct Opened {
    path: String,
    bytes: Vec<u8>,
    /// Connections, each with the number of its descriptor.
    lines: Vec<(Connection, u64)>,
}

impl Worker {
    /// Opens a file on two connections, writes through both, and closes; false if the server is gone.
    pub fn write_through_descriptors(
        &mut self,
        connection: &mut Connection,
        server: SocketAddr,
    ) -> Result<bool> {
        let Some(mut opened) = self.open(connection, server)? else {
            return Ok(false);
        };
        for _ in 0..=self.random.below(MOST_WRITES) {
            if !self.write(&mut opened)? {
                return Ok(false);
            }
        }
        // Now and then the connections just end.
        if self.random.chance(80) {
            self.close(opened)
        } else {
            self.leave(opened, connection)
        }
    }

    fn close(&mut self, mut opened: Opened) -> Result<bool> {
        for (line, fd) in &mut opened.lines {
            let close = Call::new("file_close").with("fd", *fd);
            if self.ask(line, close)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Lets connections end and waits until what was written is committed, which is when their locks end.
    fn leave(&mut self, mut opened: Opened, connection: &mut Connection) -> Result<bool> {
        let lock = |fd: u64, kind: u64| Call::new("file_lock").with("fd", fd).with("type", kind);
        for (line, fd) in &mut opened.lines {
            if self.ask(line, lock(*fd, 1))?.is_none() {
                return Ok(false);
            }
        }
        drop(opened.lines);
        let open = Call::new("file_open").with("flags", 0u64);
        let open = open.with("path", self.full(&opened.path));
        let Some(answer) = self.ask(connection, open)? else {
            return Ok(false);
        };
        let fd = number(&answer.tree, "fd")?;
        for call in [lock(fd, 2), Call::new("file_close").with("fd", fd)] {
            if self.ask(connection, call)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn open(&mut self, connection: &mut Connection, server: SocketAddr) -> Result<Option<Opened>> {
        let files: Vec<String> = self
            .acknowledged
            .files()
            .into_iter()
            .map(|(path, _)| path.to_owned())
            .collect();
        let path = match self.random.pick(&files).cloned() {
            Some(path) if self.random.chance(70) => path,
            _ => self.some_path(),
        };
        let is_cut = self.random.chance(15);
        let flags = WRITE_CREATE + if is_cut { TRUNCATE } else { 0 };
        let open = |flags: u64| {
            let call = Call::new("file_open").with("flags", flags);
            call.with("path", self.full(&path))
        };
        let (first, other) = (open(flags), open(WRITE_CREATE));
        let mut after = self.acknowledged.clone();
        if is_cut || after.file(&path).is_none() {
            after.add_file(path.clone(), File::new(Vec::new()));
        }
        let Some(answer) = self.ask(connection, first)? else {
            self.in_doubt = Some(InDoubt::Tree(after));
            return Ok(None);
        };
        self.acknowledged = after;
        let fd = number(&answer.tree, "fd")?;
        let Ok(next) = self.connect(server) else {
            return Ok(None);
        };
        let mut lines = vec![(std::mem::replace(connection, next), fd)];
        while lines.len() < CONNECTIONS {
            let Ok(mut line) = self.connect(server) else {
                return Ok(None);
            };
            let Some(answer) = self.ask(&mut line, other.clone())? else {
                return Ok(None);
            };
            lines.push((line, number(&answer.tree, "fd")?));
        }
        let bytes = self
            .acknowledged
            .file(&path)
            .map(|file| file.bytes.to_vec());
        Ok(Some(Opened {
            bytes: bytes.unwrap_or_default(),
            path,
            lines,
        }))
    }

    /// Writes, or cuts the file; false if the server is gone.
    fn write(&mut self, opened: &mut Opened) -> Result<bool> {
        let size = opened.bytes.len() as u64;
        let mut after = opened.bytes.clone();
        let call = if self.random.chance(12) {
            let length = self.random.below(size + 5_000);
            if length == size {
                return Ok(true);
            }
            after.resize(usize::try_from(length)?, 0);
            Call::new("file_truncate").with("length", length)
        } else {
            let len = match self.random.below(100) {
                0..80 => 1 + self.random.below(10_000),
                _ => 1 + self.random.below(400_000),
            };
            // Behind the end there may be a gap.
            let offset = match self.random.below(3) {
                0 => size + self.random.below(3_000),
                _ => self.random.below(size + 1),
            };
            let offset = offset.min(MOST_BYTES);
            let bytes = content(usize::try_from(len)?, self.random.number());
            let (start, end) = (usize::try_from(offset)?, usize::try_from(offset + len)?);
            if after.len() < end {
                after.resize(end, 0);
            }
            after[start..end].copy_from_slice(&bytes);
            Call::new("file_pwrite")
                .with("offset", offset)
                .with_data(bytes)
        };
        let index = usize::try_from(self.random.below(opened.lines.len() as u64))?;
        let (line, fd) = &mut opened.lines[index];
        let path = opened.path.clone();
        if self.ask(line, call.with("fd", *fd))?.is_none() {
            self.in_doubt = Some(InDoubt::Write { path, after });
            return Ok(false);
        }
        self.acknowledged
            .add_file(path, File::written(after.clone()));
        opened.bytes = after;
        Ok(true)
    }
}
