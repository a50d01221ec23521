//! Writes zip archives whose length is known before their first byte.
//!
//! Contents are stored as they are: their size and CRC-32 are known beforehand, so the whole archive is laid out before
//! anything of it is sent. ZIP64 is used where a number does not fit the older fields, and only there. The format is that of
//! PKWARE's APPNOTE 6.3; section numbers below are its.

mod dos_time;
mod stream;

pub use stream::{Contents, bytes};

use dos_time::DosTime;

/// Stands for a number that is in a ZIP64 field instead (4.4.1.4).
const IN_ZIP64: u32 = u32::MAX;

/// Version that an archive needs for folders (4.4.3).
const VERSION_PLAIN: u16 = 20;
/// Version that an archive needs for ZIP64 (4.4.3).
const VERSION_ZIP64: u16 = 45;
/// Attributes are those of Unix (4.4.2).
const MADE_BY_UNIX: u16 = 3 << 8;
/// Names are UTF-8 (4.4.4).
const FLAG_UTF8: u16 = 1 << 11;

const LOCAL_HEADER_BYTES: u64 = 30;
const DIRECTORY_HEADER_BYTES: u64 = 46;
const END_BYTES: u64 = 22;
const END_ZIP64_BYTES: u64 = 56;
const LOCATOR_BYTES: u64 = 20;

/// An archive would be larger than the format allows: a path of 64 KiB, or 2^64 bytes altogether.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oversize;

/// Where an entry is in the list of an archive's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Index(usize);

/// What an archive contains. `Id` names a content to whoever delivers it.
///
/// Entries know their folder and their own name only: the memory of a deep tree would otherwise be mostly the repeated
/// names of its upper folders.
#[derive(Debug)]
pub struct Archive<Id> {
    entries: Vec<Entry<Id>>,
    /// Seconds that are added to all times.
    zone_seconds: i64,
    /// Bytes before the central directory.
    data_bytes: u64,
    /// Bytes of the central directory.
    directory_bytes: u64,
}

#[derive(Debug)]
struct Entry<Id> {
    parent: Option<Index>,
    name: Box<str>,
    /// Bytes of the whole path.
    path_bytes: u16,
    time: DosTime,
    /// Where its local header begins.
    offset: u64,
    size: u64,
    crc32: u32,
    /// `None` for a folder.
    content: Option<Id>,
}

/// A file to be added.
#[derive(Debug)]
pub struct NewFile<'a, Id> {
    /// Folder in the archive; `None` is the top level.
    pub parent: Option<Index>,
    /// Name.
    pub name: &'a str,
    /// Modification time in Unix seconds.
    pub modified: i64,
    /// Bytes.
    pub size: u64,
    /// CRC-32 of the content.
    pub crc32: u32,
    /// The content.
    pub content: Id,
}

impl<Id> Entry<Id> {
    fn is_large(&self) -> bool {
        self.size >= u64::from(IN_ZIP64)
    }

    fn is_far(&self) -> bool {
        self.offset >= u64::from(IN_ZIP64)
    }

    /// Bytes of the ZIP64 field (4.5.3) in the local header, which always holds both sizes.
    fn local_extra_bytes(&self) -> u16 {
        if self.is_large() { 20 } else { 0 }
    }

    /// Bytes of the ZIP64 field in the central directory, which holds just the numbers that do not fit.
    fn directory_extra_bytes(&self) -> u16 {
        match (self.is_large(), self.is_far()) {
            (false, false) => 0,
            (false, true) => 12,
            (true, false) => 20,
            (true, true) => 28,
        }
    }

    fn short_size(&self) -> u32 {
        saturated(self.size)
    }
}

/// The number, or the mark that it is in a ZIP64 field.
fn saturated(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(IN_ZIP64)
}

impl<Id> Archive<Id> {
    /// An empty archive. Zip knows no time zones, so times are written as a clock this many seconds east of UTC shows them.
    pub fn new(zone_seconds: i64) -> Self {
        Self {
            entries: Vec::new(),
            zone_seconds,
            data_bytes: 0,
            directory_bytes: 0,
        }
    }

    /// Adds a folder.
    ///
    /// # Errors
    /// [`Oversize`], after which the archive is as it was before.
    pub fn add_folder(
        &mut self,
        parent: Option<Index>,
        name: &str,
        modified: i64,
    ) -> std::result::Result<Index, Oversize> {
        self.add(parent, &format!("{name}/"), modified, 0, 0, None)
    }

    /// Adds a file.
    ///
    /// # Errors
    /// [`Oversize`], after which the archive is as it was before.
    pub fn add_file(&mut self, file: NewFile<'_, Id>) -> std::result::Result<Index, Oversize> {
        let NewFile {
            parent,
            name,
            modified,
            size,
            crc32,
            content,
        } = file;
        self.add(parent, name, modified, size, crc32, Some(content))
    }

    fn add(
        &mut self,
        parent: Option<Index>,
        name: &str,
        modified: i64,
        size: u64,
        crc32: u32,
        content: Option<Id>,
    ) -> std::result::Result<Index, Oversize> {
        let above = parent.map_or(0, |Index(parent)| self.entries[parent].path_bytes);
        let path_bytes = u16::try_from(name.len())
            .ok()
            .and_then(|bytes| bytes.checked_add(above))
            .ok_or(Oversize)?;
        let entry = Entry {
            parent,
            name: name.into(),
            path_bytes,
            time: DosTime::at(modified.saturating_add(self.zone_seconds)),
            offset: self.data_bytes,
            size,
            crc32,
            content,
        };
        let header =
            LOCAL_HEADER_BYTES + u64::from(path_bytes) + u64::from(entry.local_extra_bytes());
        let data_bytes = self
            .data_bytes
            .checked_add(header)
            .and_then(|bytes| bytes.checked_add(size))
            .ok_or(Oversize)?;
        // The directory takes memory for each of its entries; it cannot come near the limit by itself.
        let directory_bytes = self.directory_bytes
            + DIRECTORY_HEADER_BYTES
            + u64::from(path_bytes)
            + u64::from(entry.directory_extra_bytes());
        data_bytes
            .checked_add(directory_bytes + END_ZIP64_BYTES + LOCATOR_BYTES + END_BYTES)
            .ok_or(Oversize)?;
        (self.data_bytes, self.directory_bytes) = (data_bytes, directory_bytes);
        self.entries.push(entry);
        Ok(Index(self.entries.len() - 1))
    }

    /// Bytes of the whole archive.
    pub fn length(&self) -> u64 {
        let end = if self.needs_zip64() {
            END_ZIP64_BYTES + LOCATOR_BYTES + END_BYTES
        } else {
            END_BYTES
        };
        self.data_bytes + self.directory_bytes + end
    }

    /// Whether the end of the archive has a number that does not fit the older fields.
    fn needs_zip64(&self) -> bool {
        let marks = u64::from(IN_ZIP64);
        self.entries.len() >= usize::from(u16::MAX)
            || self.data_bytes >= marks
            || self.directory_bytes >= marks
    }

    fn write_path(&self, entry: &Entry<Id>, out: &mut Vec<u8>) {
        let mut names = vec![&entry.name];
        let mut parent = entry.parent;
        while let Some(Index(index)) = parent {
            names.push(&self.entries[index].name);
            parent = self.entries[index].parent;
        }
        for name in names.into_iter().rev() {
            out.extend_from_slice(name.as_bytes());
        }
    }

    /// The header in front of a content (4.3.7).
    fn write_local_header(&self, entry: &Entry<Id>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"PK\x03\x04");
        put16(
            out,
            if entry.is_large() {
                VERSION_ZIP64
            } else {
                VERSION_PLAIN
            },
        );
        write_common(entry, out);
        put16(out, entry.path_bytes);
        put16(out, entry.local_extra_bytes());
        self.write_path(entry, out);
        if entry.is_large() {
            put16(out, 1);
            put16(out, entry.local_extra_bytes() - 4);
            put64(out, entry.size);
            put64(out, entry.size);
        }
    }

    /// An entry of the central directory (4.3.12).
    fn write_directory_header(&self, entry: &Entry<Id>, out: &mut Vec<u8>) {
        let extra_bytes = entry.directory_extra_bytes();
        let version = if extra_bytes > 0 {
            VERSION_ZIP64
        } else {
            VERSION_PLAIN
        };
        // The mode of Unix in the upper half, in the lower one what DOS calls a folder.
        let attributes: u32 = if entry.content.is_some() {
            0o100_644 << 16
        } else {
            0o040_755 << 16 | 0x10
        };
        out.extend_from_slice(b"PK\x01\x02");
        put16(out, MADE_BY_UNIX | version);
        put16(out, version);
        write_common(entry, out);
        put16(out, entry.path_bytes);
        put16(out, extra_bytes);
        // No comment, the first disk, a binary file.
        out.extend_from_slice(&[0; 6]);
        put32(out, attributes);
        put32(out, saturated(entry.offset));
        self.write_path(entry, out);
        if extra_bytes > 0 {
            put16(out, 1);
            put16(out, extra_bytes - 4);
            if entry.is_large() {
                put64(out, entry.size);
                put64(out, entry.size);
            }
            if entry.is_far() {
                put64(out, entry.offset);
            }
        }
    }

    /// The end of the archive (4.3.14 to 4.3.16).
    fn write_end(&self, out: &mut Vec<u8>) {
        let entries = self.entries.len() as u64;
        if self.needs_zip64() {
            out.extend_from_slice(b"PK\x06\x06");
            put64(out, END_ZIP64_BYTES - 12);
            put16(out, MADE_BY_UNIX | VERSION_ZIP64);
            put16(out, VERSION_ZIP64);
            out.extend_from_slice(&[0; 8]);
            put64(out, entries);
            put64(out, entries);
            put64(out, self.directory_bytes);
            put64(out, self.data_bytes);

            out.extend_from_slice(b"PK\x06\x07");
            put32(out, 0);
            put64(out, self.data_bytes + self.directory_bytes);
            put32(out, 1);
        }
        let short_entries = u16::try_from(entries).unwrap_or(u16::MAX);
        out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        put16(out, short_entries);
        put16(out, short_entries);
        put32(out, saturated(self.directory_bytes));
        put32(out, saturated(self.data_bytes));
        put16(out, 0);
    }
}

/// What both headers of an entry have in common: from the flags to the sizes.
fn write_common<Id>(entry: &Entry<Id>, out: &mut Vec<u8>) {
    put16(out, FLAG_UTF8);
    // Stored, not compressed.
    put16(out, 0);
    put16(out, entry.time.time);
    put16(out, entry.time.date);
    put32(out, entry.crc32);
    put32(out, entry.short_size());
    put32(out, entry.short_size());
}

fn put16(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

#[cfg(test)]
mod tests;
