//! What an archive has to know of files before its first byte is written.

use crate::record::record;
use crate::{Stored, Tx, args, sql};

record! {
    /// A live file with what describes its current content in an archive.
    pub struct PackedFile {
        /// Id.
        pub id: i64,
        /// Name.
        pub name: String,
        /// Creation time.
        pub created: i64,
        /// Modification time.
        pub modified: i64,
        /// The content.
        pub blob: i64,
        /// Bytes.
        pub size: i64,
        /// CRC-32 of the content.
        pub crc32: i64,
        /// Key in the blob store; `None` if the bytes lie in the database.
        pub storage_key: Option<Vec<u8>>,
        /// Whether the checksums of the content are still being computed.
        pub pending: bool,
    }
}

sql! {
    IN_FOLDER = "SELECT file.id, file.name, file.created, file.modified, file.blob, blob.size, blob.crc32, \
                 blob.storage_key, blob.pending FROM file \
                 JOIN blob ON blob.id = file.blob WHERE file.folder = $1 AND file.deleted = 0 ORDER BY file.name";
    BY_ID = "SELECT file.id, file.name, file.created, file.modified, file.blob, blob.size, blob.crc32, \
                 blob.storage_key, blob.pending FROM file \
             JOIN blob ON blob.id = file.blob WHERE file.id = $1";
}

impl Tx<'_> {
    /// The live files in a folder, by name.
    pub fn files_to_pack(&mut self, folder: i64) -> Stored<Vec<PackedFile>> {
        self.all(IN_FOLDER, args![folder])
    }

    /// One file, live or not, whoever owns it.
    pub fn file_to_pack(&mut self, id: i64) -> Stored<Option<PackedFile>> {
        self.opt(BY_ID, args![id])
    }
}
