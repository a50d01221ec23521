//! Contents: what is known about the bytes of files, and the small ones themselves.

use crate::hash_states::HashState;
use crate::record::{ContentHash, record};
use crate::{Stored, Tx, args, sql};

record! {
    /// Checksums and place of a content.
    pub struct Content {
        /// Id.
        pub id: i64,
        /// Key in the blob store; `None` if the bytes lie in the database.
        pub storage_key: Option<Vec<u8>>,
        /// Bytes.
        pub size: i64,
        /// The hash that the API shows.
        pub hash: ContentHash,
        /// Whether that hash was drawn, and has nothing to do with the bytes.
        pub hash_drawn: bool,
        /// SHA-1.
        pub sha1: Vec<u8>,
        /// SHA-256.
        pub sha256: Vec<u8>,
        /// MD5.
        pub md5: Vec<u8>,
        /// CRC-32.
        pub crc32: i64,
        /// How many files and revisions hold it.
        pub refs: i64,
        /// When the last of them let go.
        pub unreferenced: i64,
        /// Whether its checksums are still being computed; until then they are empty.
        pub pending: bool,
        /// The content whose bytes it needs until then, and holds.
        pub base: Option<i64>,
    }
}

record! {
    /// A content that nothing refers to.
    pub struct GarbageContent {
        /// Id.
        pub id: i64,
        /// Key in the blob store, if the bytes lie there.
        pub storage_key: Option<Vec<u8>>,
    }
}

/// Where the bytes of a content are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the database.
    Inline(Vec<u8>),
    /// In the blob store, under this key.
    Key(Vec<u8>),
}

/// A content that has been stored and is to be kept.
#[derive(Clone, Debug)]
pub struct NewContent {
    /// Bytes.
    pub size: i64,
    /// The hash that the API shows.
    pub hash: ContentHash,
    /// SHA-1.
    pub sha1: [u8; 20],
    /// SHA-256.
    pub sha256: [u8; 32],
    /// MD5.
    pub md5: [u8; 16],
    /// CRC-32.
    pub crc32: u32,
    /// Where the bytes are.
    pub place: Place,
    /// States of the hashes on the way.
    pub states: Vec<HashState>,
}

/// A content that has been stored and whose checksums are not known yet.
#[derive(Clone, Debug)]
pub struct NewPending {
    /// Bytes.
    pub size: i64,
    /// The hash that the API shows: drawn, since it cannot be computed, and kept for good.
    pub hash: ContentHash,
    /// Where the bytes are in the blob store.
    pub storage_key: [u8; 16],
    /// The content whose bytes it needs until they are known; held by it.
    pub base: Option<i64>,
}

/// The checksums of a content.
#[derive(Clone, Copy, Debug)]
pub struct Sums {
    /// SHA-1.
    pub sha1: [u8; 20],
    /// SHA-256.
    pub sha256: [u8; 32],
    /// MD5.
    pub md5: [u8; 16],
    /// CRC-32.
    pub crc32: u32,
}

/// What became of a new content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The content's id.
    pub id: i64,
    /// Whether the same bytes were there already; the new copy in the blob store is then not needed.
    pub duplicate: bool,
}

macro_rules! columns {
    () => {
        "id, storage_key, size, hash, hash_drawn, sha1, sha256, md5, crc32, refs, unreferenced, pending, base"
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM blob WHERE id = $1");
    SAME = "SELECT id FROM blob WHERE hash = $1 AND sha256 = $2 LIMIT 1";
    BY_SHA1 = "SELECT id FROM blob WHERE sha1 = $1 AND size = $2 ORDER BY id LIMIT 100";
    INSERT = "INSERT INTO blob (id, storage_key, size, hash, hash_drawn, sha1, sha256, md5, crc32, refs, unreferenced, \
              pending) VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8, 1, 0, 0)";
    INSERT_PENDING = "INSERT INTO blob (id, storage_key, size, hash, hash_drawn, sha1, sha256, md5, crc32, refs, \
                      unreferenced, pending, base) VALUES ($1, $2, $3, $4, 1, $5, $5, $5, 0, 1, 0, 1, $6)";
    PENDING = concat!("SELECT ", columns!(), " FROM blob WHERE pending = 1 AND id > $1 ORDER BY id LIMIT 100");
    COMPLETE = "UPDATE blob SET sha1 = $1, sha256 = $2, md5 = $3, crc32 = $4, pending = 0, base = NULL \
                WHERE id = $5 AND pending = 1";
    INSERT_INLINE = "INSERT INTO inline_blob (blob, bytes) VALUES ($1, $2)";
    INLINE = "SELECT bytes FROM inline_blob WHERE blob = $1";
    HOLD = "UPDATE blob SET refs = refs + 1 WHERE id = $1";
    RELEASE = "UPDATE blob SET refs = refs - 1, unreferenced = $1 WHERE id = $2";
    GARBAGE = "SELECT id, storage_key FROM blob WHERE refs = 0 AND unreferenced < $1 ORDER BY unreferenced LIMIT 500";
    REMOVE = "DELETE FROM blob WHERE id = $1 AND refs = 0";
    REMOVE_INLINE = "DELETE FROM inline_blob WHERE blob = $1";
    BY_KEY = "SELECT id FROM blob WHERE storage_key = $1";
    AFTER = concat!("SELECT ", columns!(), " FROM blob WHERE id > $1 ORDER BY id LIMIT 500");
}

impl Tx<'_> {
    /// The content with this id.
    pub fn content(&mut self, id: i64) -> Stored<Option<Content>> {
        self.opt(BY_ID, args![id])
    }

    /// The contents behind an id, in the order of their ids, at most 500. [`i64::MIN`] begins.
    pub fn contents_after(&mut self, id: i64) -> Stored<Vec<Content>> {
        self.all(AFTER, args![id])
    }

    /// Where the bytes of a content are; reads them if they are in the database.
    pub fn content_place(&mut self, content: &Content) -> Stored<Option<Place>> {
        match &content.storage_key {
            Some(key) => Ok(Some(Place::Key(key.clone()))),
            None => Ok(self
                .opt::<(Vec<u8>,)>(INLINE, args![content.id])?
                .map(|(bytes,)| Place::Inline(bytes))),
        }
    }

    /// Contents with this SHA-1 and size.
    pub fn contents_by_sha1(&mut self, sha1: &[u8], size: i64) -> Stored<Vec<i64>> {
        Ok(self
            .all::<(i64,)>(BY_SHA1, args![sha1, size])?
            .into_iter()
            .map(|(id,)| id)
            .collect())
    }

    /// Keeps a content with one reference to it. Equal bytes are kept once: another content with the same SHA-256
    /// takes the reference, if it is not just being removed.
    pub fn keep_content(&mut self, new: &NewContent) -> Stored<Kept> {
        if let Some((id,)) = self.opt::<(i64,)>(SAME, args![new.hash, &new.sha256])?
            && self.hold_content(id)?
        {
            return Ok(Kept {
                id,
                duplicate: true,
            });
        }
        let id = self.id()?;
        let key = match &new.place {
            Place::Key(key) => Some(key),
            Place::Inline(_) => None,
        };
        self.exec(
            INSERT,
            args![
                id,
                key,
                new.size,
                new.hash,
                &new.sha1,
                &new.sha256,
                &new.md5,
                i64::from(new.crc32)
            ],
        )?;
        if let Place::Inline(bytes) = &new.place {
            self.exec(INSERT_INLINE, args![id, bytes])?;
        }
        self.keep_hash_states(id, &new.states)?;
        Ok(Kept {
            id,
            duplicate: false,
        })
    }

    /// Keeps a content whose checksums are still to be computed, with one reference to it; answers its id. It is
    /// never found by them before, and so never stands for equal bytes that come later.
    pub fn keep_pending_content(&mut self, new: &NewPending) -> Stored<i64> {
        let id = self.id()?;
        self.exec(
            INSERT_PENDING,
            args![
                id,
                &new.storage_key,
                new.size,
                new.hash,
                &[0u8; 0],
                new.base
            ],
        )?;
        Ok(id)
    }

    /// Contents behind an id whose checksums are still to be computed, at most 100. [`i64::MIN`] begins.
    pub fn pending_contents(&mut self, after: i64) -> Stored<Vec<Content>> {
        self.all(PENDING, args![after])
    }

    /// Writes the checksums of a content, which lets go of the one it needed. Does nothing if they were there already.
    pub fn complete_content(&mut self, content: &Content, sums: &Sums, now: i64) -> Stored<()> {
        let completed = self.exec(
            COMPLETE,
            args![
                &sums.sha1,
                &sums.sha256,
                &sums.md5,
                i64::from(sums.crc32),
                content.id
            ],
        )?;
        match content.base.filter(|_| completed == 1) {
            Some(base) => self.release_content(base, now),
            None => Ok(()),
        }
    }

    /// The content that is kept under a key of the blob store.
    pub fn content_with_key(&mut self, key: &[u8]) -> Stored<Option<i64>> {
        Ok(self.opt::<(i64,)>(BY_KEY, args![key])?.map(|(id,)| id))
    }

    /// Adds a reference; false if the content is gone.
    pub fn hold_content(&mut self, id: i64) -> Stored<bool> {
        Ok(self.exec(HOLD, args![id])? == 1)
    }

    /// Drops a reference. What nobody holds any more is removed after a grace time.
    pub fn release_content(&mut self, id: i64, now: i64) -> Stored<()> {
        self.exec(RELEASE, args![now, id]).map(drop)
    }

    /// Contents without references since before a time, at most 500.
    pub fn garbage_contents(&mut self, before: i64) -> Stored<Vec<GarbageContent>> {
        self.all(GARBAGE, args![before])
    }

    /// Removes a content if it still has no references, and lets go of the one it needed.
    pub fn remove_content(&mut self, id: i64, now: i64) -> Stored<bool> {
        let base = self.content(id)?.and_then(|content| content.base);
        let removed = self.exec(REMOVE, args![id])? == 1;
        if removed {
            self.exec(REMOVE_INLINE, args![id])?;
            self.remove_block_checksums(id)?;
            self.remove_hash_states(id)?;
            if let Some(base) = base {
                self.release_content(base, now)?;
            }
        }
        Ok(removed)
    }

    /// Removes up to 500 of the contents that nobody holds, however fresh they are; answers how many it were. Only for
    /// databases that no server uses: downloads may still need them.
    pub fn remove_garbage_piece(&mut self) -> Stored<usize> {
        let garbage = self.garbage_contents(i64::MAX)?;
        for content in &garbage {
            self.remove_content(content.id, 0)?;
        }
        Ok(garbage.len())
    }

    /// Whether a key of the blob store belongs to a content.
    pub fn has_storage_key(&mut self, key: &[u8]) -> Stored<bool> {
        Ok(self.opt::<(i64,)>(BY_KEY, args![key])?.is_some())
    }
}
