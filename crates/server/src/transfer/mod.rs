//! Downloads of many small files over one connection, the way the official sync client fetches them: asks and contents
//! travel in two endless zlib streams, and nothing is waited for between them.
//!
//! A connection does one thing at a time: it reads a few asks, looks them up together, sends the contents, and only then
//! reads on. A client that asks for more than it takes is held up by that, and what a connection needs of memory does not
//! depend on what it is sent: a piece of unpacked text, a few contents, a batch of packets.

mod lines;
mod packets;
mod zlib;

use crate::app::App;
use crate::call::Answer;
use crate::cx::View;
use crate::handover::{Line, Moving, Takeover};
use crate::standing::Standing;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use lines::{Ask, Lines};
use packets::{Facts, Verdict};
use pileus_api::codes::Kind as CodeKind;
use pileus_blobs::BlobKey;
use pileus_store::contents::Place;
use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;
use zlib::{Deflater, Inflater};

/// The largest content that goes this way; clients fetch others by links.
const CONTENT_BYTES: u64 = 256 * 1024;

/// How long a connection may be quiet. The sync client gives up one of its own after 15 minutes.
const IDLE: Duration = Duration::from_secs(20 * 60);

/// How much of what a client has sent is unpacked at a time.
const TEXT_BYTES: usize = 16 * 1024;

/// How many asks are looked up together, and how many of their contents are read ahead.
const TOGETHER: usize = 16;
const AHEAD: usize = 4;

/// How many bytes of packets are packed and sent together.
const BATCH_BYTES: usize = 128 * 1024;

/// A connection that serves small files to a caller.
pub struct SmallFiles {
    standing: Standing,
}

/// What an ask has led to.
struct Found {
    verdict: Verdict,
    facts: Facts,
    /// Where the content is, if it is to be sent.
    place: Option<Place>,
}

impl SmallFiles {
    /// For the caller of this standing.
    pub fn new(standing: Standing) -> Self {
        Self { standing }
    }
}

impl Takeover for SmallFiles {
    fn run<'a>(self: Box<Self>, line: &'a mut dyn Line) -> Moving<'a, ()> {
        Box::pin(async move {
            let app = self.standing.app.clone();
            let serving = serve(&self.standing, line);
            tokio::select! {
                served = serving => served,
                () = app.stopped() => Ok(()),
            }
        })
    }
}

async fn serve(standing: &Standing, line: &mut dyn Line) -> io::Result<()> {
    let (mut inflater, mut lines) = (Inflater::new(), Lines::default());
    let mut sender = Sender {
        app: &standing.app,
        line,
        deflater: Deflater::default(),
        batch: Vec::new(),
    };
    let (mut asks, mut text) = (Vec::new(), vec![0; TEXT_BYTES]);
    while let Some(mut received) = sender.line.receive(IDLE).await? {
        loop {
            let count = inflater.inflate(&mut received, &mut text)?;
            if count == 0 {
                break;
            }
            lines.take(&text[..count], &mut asks)?;
            for asks in asks.chunks(TOGETHER) {
                answer(standing, &mut sender, asks).await?;
            }
            asks.clear();
        }
        sender.flush().await?;
    }
    Ok(())
}

/// Answers a few asks, in their order.
async fn answer(standing: &Standing, sender: &mut Sender<'_>, asks: &[Ask]) -> io::Result<()> {
    let wanted = asks.to_vec();
    let looked_up = standing
        .view(move |view| wanted.iter().map(|ask| find(view, ask)).collect())
        .await;
    let found: Vec<Found> = match looked_up {
        Ok(found) => found,
        // Whoever lost the right to be here hears of it when connecting again.
        Err(fail) if fail.code.kind() == CodeKind::Login => {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Err(fail) => {
            tracing::error!(cause = ?fail, "files for a sync client cannot be looked up");
            asks.iter()
                .map(|_| Found::nothing(Verdict::Trouble))
                .collect()
        }
    };
    let app = &standing.app;
    let read = stream::iter(found).map(|found| async move {
        match read(app, found.place.as_ref(), found.facts.size).await {
            Ok(content) => (found, content),
            Err(error) => {
                tracing::error!(%error, "a file for a sync client cannot be read");
                (Found::nothing(Verdict::Trouble), Bytes::new())
            }
        }
    });
    let mut read = std::pin::pin!(read.buffered(AHEAD));
    for ask in asks {
        let Some((found, content)) = read.next().await else {
            break;
        };
        let Found { verdict, facts, .. } = found;
        packets::write(&mut sender.batch, ask.stream, verdict, &facts, &content);
        if sender.batch.len() >= BATCH_BYTES {
            sender.flush().await?;
        }
    }
    Ok(())
}

fn find(view: &mut View<'_, '_>, ask: &Ask) -> Answer<Found> {
    let file = match ask.file {
        Some(id) => view.file_by_id(id)?,
        None => None,
    };
    let Some(file) = file else {
        return Ok(Found::nothing(Verdict::Missing));
    };
    let content = view.content_of(&file)?;
    if content.pending {
        // Its checksums are being computed, and the client comes again.
        return Ok(Found::nothing(Verdict::Trouble));
    }
    let facts = Facts {
        size: file.size.unsigned_abs(),
        hash: file.hash.0,
        modified: u64::try_from(file.modified).unwrap_or(0),
        sha1: content.sha1.clone(),
    };
    let verdict = if ask.has.is_some_and(|sha1| sha1[..] == content.sha1[..]) {
        Verdict::Unchanged
    } else if facts.size > CONTENT_BYTES {
        Verdict::TooLarge
    } else {
        Verdict::Sent
    };
    let place = match verdict {
        Verdict::Sent => match view.tx.content_place(&content)? {
            None => return Ok(Found::nothing(Verdict::Trouble)),
            place => place,
        },
        _ => None,
    };
    Ok(Found {
        verdict,
        facts,
        place,
    })
}

impl Found {
    fn nothing(verdict: Verdict) -> Self {
        Self {
            verdict,
            facts: Facts::default(),
            place: None,
        }
    }
}

/// A whole content. Nothing of it is sent before all of it is there, since its size is promised.
async fn read(app: &App, place: Option<&Place>, size: u64) -> Result<Bytes, String> {
    let key = match place {
        None => return Ok(Bytes::new()),
        Some(Place::Inline(bytes)) => return Ok(Bytes::copy_from_slice(bytes)),
        Some(Place::Key(key)) => key
            .as_slice()
            .try_into()
            .map(BlobKey::from_bytes)
            .map_err(|_| "a storage key has the wrong length")?,
    };
    let read = async {
        let chunks = app.blobs.read(&key, 0..size).await?;
        let chunks: Vec<Bytes> = chunks.try_collect().await?;
        Ok(match <[Bytes; 1]>::try_from(chunks) {
            Ok([chunk]) => chunk,
            Err(chunks) => chunks.concat().into(),
        })
    };
    read.await
        .map_err(|error: pileus_blobs::Error| error.to_string())
}

/// The way back to the client.
struct Sender<'a> {
    app: &'a App,
    line: &'a mut dyn Line,
    deflater: Deflater,
    /// Packets that wait to be sent together.
    batch: Vec<u8>,
}

impl Sender<'_> {
    async fn flush(&mut self) -> io::Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let (batch, mut deflater) = (
            std::mem::take(&mut self.batch),
            std::mem::take(&mut self.deflater),
        );
        let pack = move || {
            let packed = deflater.deflate(&batch);
            (deflater, packed)
        };
        let (deflater, packed) = self
            .app
            .blobs
            .compute(pack)
            .await
            .map_err(io::Error::other)?;
        self.deflater = deflater;
        let packed = Bytes::from(packed?);
        let sent = &self.app.metrics.bytes_sent;
        sent.fetch_add(packed.len() as u64, Ordering::Relaxed);
        self.line.send(packed).await
    }
}
