//! Going through everything there is, page by page, for administrators.

use crate::contents::Content;
use crate::{Stored, Tx, args, sql};

sql! {
    CONTENTS = "SELECT id, storage_key, size, hash, sha1, sha256, md5, crc32, refs, unreferenced, pending, base FROM blob \
                WHERE id > $1 ORDER BY id LIMIT 500";
}

impl Tx<'_> {
    /// The contents behind an id, in the order of their ids, at most 500. [`i64::MIN`] begins.
    pub fn contents_after(&mut self, id: i64) -> Stored<Vec<Content>> {
        self.all(CONTENTS, args![id])
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
}
