//! Writing a run of bytes into a session, from wherever they come.

use super::{Copied, Run, Session};
use crate::app::App;
use crate::body::{Body, Broken};
use crate::call::{Answer, Fail};
use bytes::{Bytes, BytesMut};
use futures_util::future::join;
use futures_util::stream::{BoxStream, StreamExt};
use pileus_api::Code;
use std::sync::Arc;
use std::time::Duration;

/// Bytes are gathered to pieces of about this size.
const PIECE_BYTES: usize = 256 * 1024;

/// How many pieces are written at a time, with one turn at the hashes. Clients may stop at any moment, and what has come
/// from them by then should not wait for more.
const FROM_CLIENT: usize = 1;
const FROM_SERVER: usize = 4;

/// How long a piece waits to become full. A client may have stopped, and what it has sent is to be kept.
const LINGER: Duration = Duration::from_millis(100);

/// Where bytes come from.
pub enum Source<'s, 'b> {
    /// The client.
    Body(&'s mut Body<'b>),
    /// The server.
    Stream(BoxStream<'static, pileus_blobs::Result<Bytes>>),
}

impl Source<'_, '_> {
    fn at_a_time(&self) -> usize {
        match self {
            Self::Body(_) => FROM_CLIENT,
            Self::Stream(_) => FROM_SERVER,
        }
    }

    async fn next(&mut self) -> Answer<Option<Bytes>> {
        match self {
            Self::Body(body) => body
                .chunk()
                .await
                .map_err(|Broken| Code::UPLOAD_BROKEN.into()),
            Self::Stream(stream) => stream.next().await.transpose().map_err(super::disk_failure),
        }
    }
}

/// Bytes on their way into a session.
pub struct Receiving<'a> {
    /// The server.
    pub app: &'a Arc<App>,
    /// The session.
    pub session: Arc<Session>,
    /// Where the first byte goes.
    pub offset: u64,
    /// The most bytes that the session may come to hold.
    pub room: u64,
    /// What is known of the bytes, if they are copied from a content to the place they have there.
    pub copied: Option<Copied>,
}

/// What was read from a source, and how that ended if it did.
#[derive(Default)]
struct Load {
    pieces: Vec<Bytes>,
    length: usize,
    end: Option<Answer<()>>,
}

impl Load {
    fn add(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.length += bytes.len();
            self.pieces.push(bytes);
        }
    }
}

impl Receiving<'_> {
    /// Writes what comes and answers how much the session then holds. However it ends, what has arrived is kept.
    pub async fn run(mut self, mut source: Source<'_, '_>) -> Answer<u64> {
        let keeping = Keeping {
            app: self.app,
            session: Some(self.session.clone()),
        };
        let copied = self.copied.take().map(Arc::new);
        let ended = self.receive(&mut source, copied).await;
        let kept = keeping.finish().await;
        ended.and(kept)
    }

    async fn receive(
        &self,
        source: &mut Source<'_, '_>,
        copied: Option<Arc<Copied>>,
    ) -> Answer<()> {
        let mut at = self.offset;
        let mut load = self.load(source).await;
        loop {
            let length = load.length as u64;
            let room = self.room.saturating_sub(at);
            if length > room {
                return Err(Code::OVER_QUOTA.into());
            }
            let writing = async {
                if length == 0 {
                    return Ok(());
                }
                let run = Run {
                    offset: at,
                    pieces: load.pieces,
                    copied: copied.clone(),
                };
                self.session.write(self.app, run).await
            };
            if let Some(end) = load.end {
                return writing.await.and(end);
            }
            // The next bytes come in meanwhile.
            let (written, next) = join(writing, self.load(source)).await;
            written?;
            at += length;
            load = next;
        }
    }

    async fn load(&self, source: &mut Source<'_, '_>) -> Load {
        let (mut load, mut gathered) = (Load::default(), BytesMut::new());
        while load.end.is_none() && load.pieces.len() < source.at_a_time() {
            let next = tokio::select! {
                biased;
                next = source.next() => next,
                // The server ends before the data may; the client goes on with the next one.
                () = self.app.stopped() => Err(Fail::from(Code::UPLOAD_FAILED)),
                () = tokio::time::sleep(LINGER), if !gathered.is_empty() => break,
            };
            match next {
                // Small ones are copied: keeping them would keep the buffers they are part of.
                Ok(Some(bytes)) if gathered.is_empty() && bytes.len() >= PIECE_BYTES / 2 => {
                    load.add(bytes);
                }
                Ok(Some(bytes)) => {
                    gathered.extend_from_slice(&bytes);
                    if gathered.len() >= PIECE_BYTES {
                        load.add(gathered.split().freeze());
                    }
                }
                Ok(None) => load.end = Some(Ok(())),
                Err(fail) => load.end = Some(Err(fail)),
            }
        }
        load.add(gathered.freeze());
        load
    }
}

/// Sees to it that what has arrived is kept, also if the call is dropped together with its connection.
struct Keeping<'a> {
    app: &'a Arc<App>,
    session: Option<Arc<Session>>,
}

impl Keeping<'_> {
    async fn finish(mut self) -> Answer<u64> {
        let Some(session) = self.session.clone() else {
            return Ok(0);
        };
        let kept = session.keep(self.app).await;
        self.session = None;
        kept
    }
}

impl Drop for Keeping<'_> {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else {
            return;
        };
        let app = self.app.clone();
        tokio::spawn(async move {
            if let Err(fail) = session.keep(&app).await {
                tracing::warn!(cause = ?fail, "what arrived of an upload could not be kept");
            }
        });
    }
}
