//! The record of an overlay: what it rests on, and which blocks it has itself.
//!
//! It only grows. A record is written after the bytes that it speaks of, and before the write is
//! answered, so it survives the end of the process as the bytes do. After the end of the machine
//! either may be missing, so then only what was synced before counts: a record says up to where.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::extents::Extents;
use crate::BlobKey;

/// Marks the format.
const MAGIC: &[u8; 8] = b"PILEUSO1";

/// Magic, base, length of the base, when the machine was started, checksum.
const HEADER_BYTES: usize = 8 + 16 + 8 + 16 + 4;

/// Kind, two numbers, checksum.
const RECORD_BYTES: usize = 4 + 8 + 8 + 4;

/// The blocks from one number to another are there.
const HAS: u32 = 1;
/// No more of the base is visible than so many bytes.
const CUT: u32 = 2;
/// The record up to so many bytes, and what it speaks of, is on stable storage.
const SYNCED: u32 = 3;

/// What the record of an overlay says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The blob it rests on.
    pub(crate) base: BlobKey,
    /// How many bytes of that are visible.
    pub(crate) base_len: u64,
    /// The blocks that it has itself.
    pub(crate) own: Extents,
}

/// Which records count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// All: they were synced.
    All,
    /// All if the machine has not been started since the overlay was begun; otherwise those that were synced.
    SameRun,
}

/// A record that is being written.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    length: u64,
}

impl Journal {
    /// Begins a record, and puts its beginning on stable storage.
    pub(crate) fn create(path: &Path, told: &Told) -> io::Result<Self> {
        let mut options = File::options();
        options.read(true).write(true).create_new(true).mode(0o600);
        let file = options.open(path)?;
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(told.base.as_bytes());
        bytes.extend_from_slice(&told.base_len.to_le_bytes());
        bytes.extend_from_slice(&run_of_machine());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        for range in told.own.iter() {
            bytes.extend_from_slice(&record(HAS, range.start, range.end));
        }
        file.write_all_at(&bytes, 0)?;
        file.sync_all()?;
        Ok(Self {
            file,
            length: bytes.len() as u64,
        })
    }

    /// Reads a record; the journal goes on behind what counts. `None` if there is none.
    pub(crate) fn open(path: &Path, trust: Trust) -> io::Result<Option<(Self, Told)>> {
        let file = match File::options().read(true).write(true).open(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = vec![0; usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, 0)?;
        let (told, length) = read(&bytes, trust)
            .ok_or_else(|| io::Error::other("the record of an overlay is damaged"))?;
        if trust == Trust::SameRun {
            file.set_len(length)?;
        }
        Ok(Some((Self { file, length }, told)))
    }

    /// Blocks are there now.
    pub(crate) fn has(&mut self, start: u64, end: u64) -> io::Result<()> {
        self.append(&record(HAS, start, end))
    }

    /// No more of the base is visible than so many bytes.
    pub(crate) fn cut(&mut self, length: u64) -> io::Result<()> {
        self.append(&record(CUT, length, 0))
    }

    /// How long the record is: what [`Journal::synced`] is told once everything up to here is on stable storage.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// What the record says up to a length is on stable storage; puts that on stable storage as well.
    pub(crate) fn synced(&mut self, length: u64) -> io::Result<()> {
        self.append(&record(SYNCED, length, 0))?;
        self.file.sync_data()
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.length)?;
        self.length += bytes.len() as u64;
        Ok(())
    }
}

fn record(kind: u32, a: u64, b: u64) -> [u8; RECORD_BYTES] {
    let mut bytes = [0; RECORD_BYTES];
    bytes[..4].copy_from_slice(&kind.to_le_bytes());
    bytes[4..12].copy_from_slice(&a.to_le_bytes());
    bytes[12..20].copy_from_slice(&b.to_le_bytes());
    let crc = crc32fast::hash(&bytes[..20]);
    bytes[20..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// What a record says, and how long the part of it is that counts.
fn read(bytes: &[u8], trust: Trust) -> Option<(Told, u64)> {
    let (header, records) = bytes.split_at_checked(HEADER_BYTES)?;
    let (rest, crc) = header.split_last_chunk::<4>()?;
    let (magic, rest) = rest.split_first_chunk::<8>()?;
    let (base, rest) = rest.split_first_chunk::<16>()?;
    let (base_len, run) = rest.split_first_chunk::<8>()?;
    if magic != MAGIC || crc32fast::hash(&header[..HEADER_BYTES - 4]) != u32::from_le_bytes(*crc) {
        return None;
    }
    let whole: Vec<[u64; 3]> = records
        .as_chunks::<RECORD_BYTES>()
        .0
        .iter()
        .map_while(parse)
        .collect();
    let length = |count: usize| (HEADER_BYTES + count * RECORD_BYTES) as u64;
    let mut end = length(whole.len());
    if trust == Trust::SameRun && *run != run_of_machine() {
        let synced = whole.iter().filter(|[kind, ..]| *kind == u64::from(SYNCED));
        end = synced
            .map(|[_, length, _]| *length)
            .max()
            .unwrap_or(length(0));
    }
    let mut told = Told {
        base: BlobKey::from_bytes(*base),
        base_len: u64::from_le_bytes(*base_len),
        own: Extents::default(),
    };
    for (count, [kind, a, b]) in whole.iter().enumerate() {
        if length(count) >= end {
            break;
        }
        match u32::try_from(*kind).ok()? {
            HAS => told.own.insert(*a..*b),
            CUT => told.base_len = told.base_len.min(*a),
            _ => {}
        }
    }
    Some((told, end))
}

/// The parts of a record, if it is undamaged.
fn parse(record: &[u8; RECORD_BYTES]) -> Option<[u64; 3]> {
    let (kind, rest) = record.split_first_chunk::<4>()?;
    let (a, rest) = rest.split_first_chunk::<8>()?;
    let (b, crc) = rest.split_first_chunk::<8>()?;
    let is_whole = crc32fast::hash(&record[..RECORD_BYTES - 4]).to_le_bytes() == crc;
    is_whole.then(|| {
        [
            u64::from(u32::from_le_bytes(*kind)),
            u64::from_le_bytes(*a),
            u64::from_le_bytes(*b),
        ]
    })
}

/// What tells one run of the machine from another: the kernel draws it when it starts. Where it cannot be read, no two
/// runs are the same.
fn run_of_machine() -> [u8; 16] {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let mut run = [0; 16];
    if hex::decode_to_slice(&digits, &mut run).is_err() && getrandom::fill(&mut run).is_err() {
        return [0; 16];
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> Told {
        let mut own = Extents::default();
        own.insert(3..5);
        Told {
            base: BlobKey::from_bytes([7; 16]),
            base_len: 1000,
            own,
        }
    }

    fn changed() -> Told {
        let mut changed = told();
        changed.own.insert(10..12);
        changed.base_len = 500;
        changed
    }

    #[test]
    fn it_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.over");
        assert!(Journal::open(&path, Trust::SameRun).unwrap().is_none());
        let mut journal = Journal::create(&path, &told()).unwrap();
        journal.has(10, 12).unwrap();
        journal.cut(500).unwrap();
        drop(journal);
        for trust in [Trust::SameRun, Trust::All] {
            let (_, told) = Journal::open(&path, trust).unwrap().unwrap();
            assert_eq!(told, changed());
        }
    }

    #[test]
    fn after_a_power_failure_only_what_was_synced_counts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.over");
        let mut journal = Journal::create(&path, &told()).unwrap();
        journal.has(10, 12).unwrap();
        journal.cut(500).unwrap();
        let length = journal.length();
        journal.has(20, 30).unwrap();
        journal.synced(length).unwrap();
        journal.has(40, 50).unwrap();
        drop(journal);
        let mut bytes = std::fs::read(&path).unwrap();
        // As if it had been written before the machine was started.
        bytes[32..48].fill(9);
        let crc = crc32fast::hash(&bytes[..HEADER_BYTES - 4]).to_le_bytes();
        bytes[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&crc);
        assert_eq!(read(&bytes, Trust::SameRun), Some((changed(), length)));
        assert_ne!(read(&bytes, Trust::All).unwrap().0, changed());
    }

    #[test]
    fn a_torn_end_is_left_out_and_a_damaged_beginning_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.over");
        drop(Journal::create(&path, &told()).unwrap());
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend([1; RECORD_BYTES + 3]);
        assert_eq!(read(&bytes, Trust::All).unwrap().0, told());
        bytes[9] ^= 1;
        assert_eq!(read(&bytes, Trust::All), None);
        assert_eq!(read(&bytes[..20], Trust::All), None);
    }
}
