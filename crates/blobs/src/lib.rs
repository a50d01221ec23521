//! Content at rest: immutable blobs in a directory, on an S3 service or in memory.
//!
//! A blob is written once, through a [`BlobWriter`], gets a random [`BlobKey`] and never
//! changes. While its bytes pass by they are hashed with everything the API shows and the
//! metadata needs ([`Digests`]). Contents up to a size the caller chooses never become blobs:
//! they come back as [`Place::Inline`], to be kept beside their metadata.
//!
//! What a caller can rely on, whatever the back end:
//!
//! - When [`BlobWriter::finish`] has returned, the blob is on stable storage. Before that no
//!   reader and no listing can see it.
//! - A writer that is dropped leaves nothing behind.
//! - No hash and no disk access runs on a thread of the network loop, and no queue grows
//!   without bound: a slow disk or a busy processor slows down [`BlobWriter::write`].
//! - Reading streams: at most two chunks of a blob are in memory per reader.
//!
//! Content that still changes is a [`WorkingFile`] until it is published as a blob.
//!
//! Who refers to which blob is not known here. The caller commits its reference after
//! `finish`, deletes blobs that nothing refers to any more, and uses [`BlobStore::list`] to
//! find what a crash between the two has orphaned.

mod blocks;
mod compute;
mod digests;
mod disk;
mod error;
mod hashing;
mod kept;
mod key;
mod known;
mod lane;
mod md5;
mod memory;
mod pool;
mod reader;
mod s3;
mod store;
mod working;
mod writer;

pub use blocks::{BlockHasher, BlockLayout};
pub use digests::{Digests, Hasher};
pub use error::{Error, Result};
pub use hashing::{HashMark, RunningHash, STATE_STEP_BYTES};
pub use kept::{Kept, Piece};
pub use key::{BlobKey, InvalidKey};
pub use known::KnownBytes;
pub use reader::{BlobReader, READ_CHUNK_BYTES};
pub use s3::S3Config;
pub use store::{BlobList, BlobStore, Listed};
pub use working::{Look, Published, Seen, WorkingDir, WorkingFile};
pub use writer::{BlobWriter, Place, Stored};
