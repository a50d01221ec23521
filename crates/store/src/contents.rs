//! Contents: what is known about the bytes of files, and the small ones themselves.

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
        "id, storage_key, size, hash, sha1, sha256, md5, crc32, refs, unreferenced"
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM blob WHERE id = $1");
    SAME = "SELECT id FROM blob WHERE hash = $1 AND sha256 = $2 LIMIT 1";
    BY_SHA1 = "SELECT id FROM blob WHERE sha1 = $1 AND size = $2 ORDER BY id LIMIT 100";
    INSERT = "INSERT INTO blob (id, storage_key, size, hash, sha1, sha256, md5, crc32, refs, unreferenced) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, 0)";
    INSERT_INLINE = "INSERT INTO inline_blob (blob, bytes) VALUES ($1, $2)";
    INLINE = "SELECT bytes FROM inline_blob WHERE blob = $1";
    HOLD = "UPDATE blob SET refs = refs + 1 WHERE id = $1";
    RELEASE = "UPDATE blob SET refs = refs - 1, unreferenced = $1 WHERE id = $2";
    GARBAGE = "SELECT id, storage_key FROM blob WHERE refs = 0 AND unreferenced < $1 ORDER BY unreferenced LIMIT 500";
    REMOVE = "DELETE FROM blob WHERE id = $1 AND refs = 0";
    REMOVE_INLINE = "DELETE FROM inline_blob WHERE blob = $1";
    BY_KEY = "SELECT id FROM blob WHERE storage_key = $1";
}

impl Tx<'_> {
    /// The content with this id.
    pub fn content(&mut self, id: i64) -> Stored<Option<Content>> {
        self.opt(BY_ID, args![id])
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
        Ok(Kept {
            id,
            duplicate: false,
        })
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

    /// Removes a content if it still has no references.
    pub fn remove_content(&mut self, id: i64) -> Stored<bool> {
        let removed = self.exec(REMOVE, args![id])? == 1;
        if removed {
            self.exec(REMOVE_INLINE, args![id])?;
            self.remove_block_checksums(id)?;
        }
        Ok(removed)
    }

    /// Whether a key of the blob store belongs to a content.
    pub fn has_storage_key(&mut self, key: &[u8]) -> Stored<bool> {
        Ok(self.opt::<(i64,)>(BY_KEY, args![key])?.is_some())
    }
}
