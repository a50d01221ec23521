//! Receiving the files of a call: the bytes first, one file after the other. Whose files they become is up to a
//! [`Keeper`].

use crate::app::App;
use crate::body::Broken;
use crate::call::{Answer, Fail};
use crate::cx::Cx;
use crate::progress::Running;
use pileus_api::name::check_name;
use pileus_api::{Code, Metadata};
use pileus_blobs::{BlobKey, Error as BlobError, Place, Stored};
use std::future::Future;
use std::sync::atomic::Ordering;

/// What multipart may add to the bytes of the files.
const OVERHEAD_BYTES: u64 = 65_536;

/// Who takes the files.
pub trait Keeper: Send {
    /// What a file answers that has more bytes than there is room for.
    const FULL: Code;

    /// Bytes that the next file may have. What really fits is decided when it is kept.
    fn room(&self) -> u64;

    /// Keeps a file whose bytes are stored; nothing refers to them yet, and they are the keeper's to remove if that
    /// stays so. Answers what those who watch the upload may know of it.
    fn keep(
        &mut self,
        cx: &Cx<'_, '_>,
        received: Received,
    ) -> impl Future<Output = Answer<Option<Metadata>>> + Send;
}

/// A file whose bytes have been stored.
pub struct Received {
    /// Its name, which is a good one.
    pub name: String,
    /// Its bytes.
    pub stored: Stored,
}

/// How the files of a call are received.
pub struct Intake<'i> {
    /// Name of the first file, which counts more than the one that the transport carries.
    pub filename: Option<&'i str>,
    /// Whether a file that breaks off is dropped.
    pub nopartial: bool,
    /// Who watches.
    pub running: Running<'i>,
}

impl Intake<'_> {
    /// Receives all files of the call; answers how many came. The first one that fails ends it; those before it stay.
    pub async fn receive<K: Keeper>(&mut self, cx: &mut Cx<'_, '_>, keeper: &mut K) -> Answer<u64> {
        if cx.body.is_none() {
            let Some(name) = self.filename.filter(|_| cx.body.may_be_empty_file()) else {
                return Ok(0);
            };
            check_name(name)?;
            let writer = cx.app.blobs.writer(inline_max(cx));
            let received = Received {
                name: name.to_owned(),
                stored: writer.finish().await.map_err(|error| failure(&error))?,
            };
            self.running.begin_file(1, name);
            let metadata = keeper.keep(cx, received).await?;
            self.running.end_file(metadata);
            return Ok(1);
        }
        let mut number = 0;
        loop {
            let head = cx.body.next_file().await;
            let Some(head) = head.map_err(|Broken| Code::UPLOAD_BROKEN)? else {
                return Ok(number);
            };
            number += 1;
            let name = self.name_of(number, head.name)?;
            self.running.begin_file(number, &name);
            if head.length.is_some_and(|length| length > keeper.room()) {
                return Err(K::FULL.into());
            }
            let (stored, is_partial) = self.bytes(cx, keeper).await?;
            let metadata = keeper.keep(cx, Received { name, stored }).await?;
            self.running.end_file(metadata);
            if is_partial {
                return Err(Code::UPLOAD_BROKEN.into());
            }
        }
    }

    /// The name of a file: what the transport carries, which the parameter overrides for the first file. Whole paths
    /// in multipart names are cut to what follows the last slash, since the Python file system sends them.
    fn name_of(&self, number: u64, carried: Option<Vec<u8>>) -> Answer<String> {
        let name = match (self.filename, carried) {
            (Some(name), _) if number == 1 => name.to_owned(),
            (_, Some(bytes)) => {
                let path = String::from_utf8(bytes).map_err(|_| Code::BAD_NAME)?;
                path.rsplit('/').next().unwrap_or_default().to_owned()
            }
            (_, None) => return Err(Code::BAD_NAME.into()),
        };
        check_name(&name)?;
        Ok(name)
    }

    /// Stores the bytes of the present file; answers too whether they broke off.
    async fn bytes<K: Keeper>(&self, cx: &mut Cx<'_, '_>, keeper: &K) -> Answer<(Stored, bool)> {
        let mut writer = cx.app.blobs.writer(inline_max(cx));
        let room = keeper.room();
        let is_partial = loop {
            match cx.body.chunk().await {
                Ok(Some(bytes)) => {
                    let length = bytes.len() as u64;
                    self.running.grow_file(length);
                    let counter = &cx.app.metrics.bytes_received;
                    counter.fetch_add(length, Ordering::Relaxed);
                    let written = writer.write(bytes).await;
                    written.map_err(|error| failure(&error))?;
                    if writer.written() > room {
                        return Err(K::FULL.into());
                    }
                }
                Ok(None) => break false,
                Err(Broken) if self.nopartial => return Err(Code::UPLOAD_BROKEN.into()),
                Err(Broken) => break true,
            }
        };
        let stored = writer.finish().await.map_err(|error| failure(&error))?;
        Ok((stored, is_partial))
    }
}

fn inline_max(cx: &Cx<'_, '_>) -> usize {
    usize::try_from(cx.app.config.inline_max_bytes).unwrap_or(usize::MAX)
}

/// A failure of the blob store during an upload: the client may try again later.
fn failure(error: &BlobError) -> Fail {
    Fail::caused(Code::UPLOAD_FAILED, error)
}

/// Whether a body is known to bring more bytes than there is room for. The overhead of multipart is part of its length,
/// so only a clear excess counts.
pub fn is_clearly_more(cx: &Cx<'_, '_>, room: u64) -> bool {
    let total = cx.body.total.unwrap_or(0);
    total > room.saturating_add(OVERHEAD_BYTES)
}

/// Where the blob store has the bytes of a file, if they are not to go into the database.
pub fn key_of(stored: &Stored) -> Option<BlobKey> {
    match &stored.place {
        Place::Key(key) => Some(*key),
        Place::Inline(_) => None,
    }
}

/// Removes bytes that no row refers to, before the answer: what is left to be done after it would be left undone by a stop
/// of the server. If this fails the janitor finds them later.
pub async fn discard(app: &App, key: BlobKey) {
    if let Err(error) = app.blobs.delete(&key).await {
        tracing::warn!(%error, "an unneeded blob could not be removed");
    }
}
