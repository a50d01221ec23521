//! A session whose file is open.

use super::{Copied, disk_failure};
use crate::app::App;
use crate::call::{Answer, Fail};
use crate::methods::file::kept_states;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use pileus_api::Code;
use pileus_blobs::{Digests, Hasher, KnownBytes, RunningHash, STATE_STEP_BYTES, WorkingFile};
use pileus_store::StoreError;
use std::ops::Range;
use std::sync::Arc;

/// How much is read at a time for hashes that have fallen behind.
const CATCH_UP_BYTES: u64 = 1 << 20;

/// As far as this the hashes that the row knows are behind the bytes when they could not be waited for.
const BEHIND_BYTES: u64 = 2 * STATE_STEP_BYTES;

/// A session whose file is open.
#[derive(Debug)]
pub struct Open {
    /// Its bytes.
    pub file: Arc<WorkingFile>,
    /// Hashes of the first of them, or of all.
    hash: RunningHash,
    /// The last state of these hashes that is known without waiting for them, which is the one that the row gets.
    reached: Hasher,
    /// What is being copied behind them, if its hashes are known.
    known: Option<Known>,
    /// The hashes were begun at the front: states that were kept before do not count.
    is_anew: bool,
    /// Bytes written since the row was told.
    pub(super) unnoted: u64,
}

/// A part of a copy whose hashes are known.
#[derive(Debug)]
struct Known {
    copied: Arc<Copied>,
    /// Where the next byte of it belongs.
    at: u64,
    bytes: KnownBytes,
}

impl Open {
    /// All bytes of a range, which has to be short.
    pub async fn read(&self, range: Range<u64>) -> pileus_blobs::Result<Bytes> {
        let mut chunks = self.file.read(range).await?;
        let mut bytes = BytesMut::new();
        while let Some(chunk) = chunks.next().await {
            bytes.extend_from_slice(&chunk?);
        }
        Ok(bytes.freeze())
    }

    /// Size and hashes, if all is hashed.
    pub async fn digests(&self) -> pileus_blobs::Result<Digests> {
        Ok(self.hash.state().await?.finish())
    }

    /// Waits for the hashes of all that is on its way to be hashed, so that the row gets them next.
    pub(super) async fn reach_end(&mut self) -> Answer<()> {
        self.reached = self.hash.state().await.map_err(disk_failure)?;
        Ok(())
    }

    /// How many bytes are hashed, or on their way to be.
    pub(super) fn hashed(&self) -> u64 {
        self.hash.size()
    }

    /// Whether all bytes are hashed, and the row knows the hashes.
    pub(super) fn is_settled(&self) -> bool {
        self.reached.size() == self.file.size() && self.unnoted == 0
    }

    /// Whether a write would change bytes that were hashed. Clients that resume may send again what has arrived.
    pub(super) async fn changes_hashed(&self, pieces: &[(u64, Bytes)]) -> Answer<bool> {
        for (offset, bytes) in pieces {
            let hashed = usize::try_from(self.hashed().saturating_sub(*offset));
            let length = hashed.unwrap_or(usize::MAX).min(bytes.len());
            if length == 0 {
                break;
            }
            let range = *offset..*offset + length as u64;
            let before = self.read(range).await.map_err(disk_failure)?;
            if before != bytes[..length] {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Begins the hashes at the front again.
    pub(super) fn begin_anew(&mut self, app: &App) {
        self.hash = app.blobs.hash_on(Hasher::new());
        self.reached = Hasher::new();
        self.known = None;
        self.is_anew = true;
    }

    /// Has bytes that were written hashed, as far as they follow what is hashed already. What is left out, for whatever
    /// reason, is read later.
    pub(super) async fn hash(
        &mut self,
        app: &App,
        pieces: Vec<(u64, Bytes)>,
        copied: Option<&Arc<Copied>>,
    ) -> pileus_blobs::Result<()> {
        let Some(&(offset, _)) = pieces.first() else {
            return Ok(());
        };
        // Whatever else is written may change what the copy has written: it has to be read.
        self.known = self.known.take().filter(|known| {
            known.at == offset && copied.is_some_and(|copied| Arc::ptr_eq(copied, &known.copied))
        });
        let at = self.known.as_ref().map_or(self.hashed(), |known| known.at);
        for mut bytes in not_hashed(&pieces, at) {
            while !bytes.is_empty() {
                self.begin_known(copied).await?;
                let Some(mut known) = self.known.take() else {
                    self.hash.push(std::mem::take(&mut bytes)).await?;
                    continue;
                };
                let length = usize::try_from(known.bytes.left()).unwrap_or(usize::MAX);
                let piece = bytes.split_to(length.min(bytes.len()));
                known.at += piece.len() as u64;
                let check = move || {
                    known.bytes.update(&piece);
                    known
                };
                let known = app.blobs.compute(check).await?;
                if known.bytes.left() > 0 {
                    self.known = Some(known);
                    continue;
                }
                match known.bytes.finish() {
                    Some(state) => self.hash.jump(state)?,
                    // What was copied is not what was hashed back then.
                    None => return Ok(()),
                }
            }
        }
        Ok(())
    }

    /// Reads a piece of what is not hashed, and has it hashed. True if that was all.
    pub(super) async fn catch_up(&mut self, app: &App) -> Answer<bool> {
        let (hashed, size) = (self.hashed(), self.file.size());
        let end = size.min(hashed + CATCH_UP_BYTES);
        let bytes = self.read(hashed..end).await.map_err(disk_failure)?;
        self.unnoted += bytes.len() as u64;
        let pieces = vec![(hashed, bytes)];
        self.hash(app, pieces, None).await.map_err(disk_failure)?;
        Ok(end == size)
    }

    /// Looks whether the hashes of what a copy brings next are known.
    async fn begin_known(&mut self, copied: Option<&Arc<Copied>>) -> pileus_blobs::Result<()> {
        let Some(copied) = copied.filter(|copied| copied.knows(self.hashed())) else {
            return Ok(());
        };
        if self.known.is_none() {
            let state = self.hash.state().await?;
            self.known = copied.behind(&state).map(|bytes| Known {
                copied: Arc::clone(copied),
                at: state.size(),
                bytes,
            });
        }
        Ok(())
    }

    /// The states after the steps that the hashes have passed since this was last called.
    pub async fn take_states(&mut self) -> Answer<Vec<Hasher>> {
        let states = self.hash.take_states().await.map_err(disk_failure)?;
        if let Some(last) = states.last() {
            self.reached.clone_from(last);
        }
        Ok(states)
    }

    /// Puts the bytes on stable storage, then tells the row; 2067 if there is no row any more.
    pub(super) async fn note(&mut self, app: &App, id: i64) -> Answer<()> {
        let end = self.hash.mark().map_err(disk_failure)?;
        self.file.sync().await.map_err(disk_failure)?;
        // The hashes may be behind, and nobody waits for them: the row gets what is known.
        let is_hashed = end.is_reached();
        let states = kept_states(&self.take_states().await?)?;
        if is_hashed {
            self.reached = end.state().await.map_err(disk_failure)?;
        }
        let hasher = self.reached.save();
        let size = i64::try_from(self.file.size()).map_err(Fail::internal)?;
        let (is_anew, now) = (self.is_anew, app.clock.now().0);
        let is_there = app
            .db
            .edit(move |tx| -> Result<bool, StoreError> {
                if is_anew {
                    tx.remove_hash_states(id)?;
                }
                let is_there = tx.grow_upload(id, size, Some(&hasher), now)?;
                if is_there {
                    tx.keep_hash_states(id, &states)?;
                }
                Ok(is_there)
            })
            .await?;
        if !is_there {
            return Err(Code::UPLOADID_MISSING.into());
        }
        self.is_anew = false;
        self.unnoted = 0;
        Ok(())
    }
}

/// Pieces with their places.
pub(super) fn placed(mut offset: u64, pieces: Vec<Bytes>) -> Vec<(u64, Bytes)> {
    let place = |bytes: Bytes| {
        let at = offset;
        offset = offset.saturating_add(bytes.len() as u64);
        (at, bytes)
    };
    pieces.into_iter().map(place).collect()
}

/// What of pieces that lie one behind the other comes next to be hashed, if so many bytes are: nothing if there is a gap.
fn not_hashed(pieces: &[(u64, Bytes)], hashed: u64) -> Vec<Bytes> {
    if pieces.first().is_none_or(|(first, _)| *first > hashed) {
        return Vec::new();
    }
    let rest = |(offset, bytes): &(u64, Bytes)| {
        let known = usize::try_from(hashed.saturating_sub(*offset)).ok()?;
        (known < bytes.len()).then(|| bytes.slice(known..))
    };
    pieces.iter().filter_map(rest).collect()
}

/// Opens the file of a session as its row describes it.
pub(super) async fn load(app: &App, id: i64) -> Answer<Open> {
    let upload = app
        .db
        .view(move |tx| -> Result<_, StoreError> { tx.upload(id) })
        .await?
        .ok_or(Code::UPLOADID_MISSING)?;
    let working = app.working_dir()?;
    if upload.node != working.name() {
        return Err(Code::UPLOAD_UNWRITABLE.into());
    }
    let size = upload.size.unsigned_abs();
    let file = match working.reopen(id).await.map_err(disk_failure)? {
        Some(file) => file,
        // A session that nothing was written to has no file yet.
        None if size == 0 => working.create(id).await.map_err(disk_failure)?,
        None => return Err(Code::UPLOAD_UNWRITABLE.into()),
    };
    if file.size() < size {
        return Err(Code::UPLOAD_UNWRITABLE.into());
    }
    if file.size() > size {
        // What arrived right before the end of another process: nobody was told of it, and it may be incomplete.
        file.set_size(size).await.map_err(disk_failure)?;
    }
    let hasher = upload
        .hasher
        .and_then(|saved| Hasher::restore(&saved))
        .filter(|hasher| hasher.size() <= size);
    let is_anew = hasher.is_none();
    let reached = hasher.unwrap_or_default();
    let mut open = Open {
        file: Arc::new(file),
        is_anew,
        hash: app.blobs.hash_on(reached.clone()),
        reached,
        known: None,
        unnoted: 0,
    };
    // Without this, what comes next would be behind a gap, and would have to be read as well.
    while (1..=BEHIND_BYTES).contains(&(size - open.hashed())) {
        open.catch_up(app).await?;
    }
    Ok(open)
}
