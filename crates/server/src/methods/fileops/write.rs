//! Writing through descriptors.

use super::descriptor;
use crate::body::Broken;
use crate::call::Answer;
use crate::cx::Cx;
use crate::dispatch::{Streamed, Streams};
use crate::together::{Together, each};
use crate::working::Descriptor;
use crate::working::change::{At, break_off, resize, write, write_all};
use bytes::{Bytes, BytesMut};
use pileus_api::Code;
use pileus_api::fileops::{FilePwrite, FileTruncate, FileWrite, WrittenReply};
use pileus_api::reply::Done;

/// Data is written in pieces of this size. What fits into one is written as a whole or not at all.
const PIECE_BYTES: usize = 1024 * 1024;

/// The most bytes of one request.
const MOST_BYTES: u64 = 4 << 30;

impl Streams for FileWrite {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<WrittenReply>> {
        let descriptor = descriptor(cx, self.fd)?;
        let at = match descriptor.appends {
            true => At::End,
            false => At::Offset(descriptor.offset()),
        };
        let (start, bytes) = receive(cx, &descriptor, at).await?;
        descriptor.set_offset(start.saturating_add(bytes));
        Ok(Streamed::Reply(WrittenReply { bytes }))
    }
}

impl Streams for FilePwrite {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<WrittenReply>> {
        let descriptor = descriptor(cx, self.fd)?;
        let (_, bytes) = receive(cx, &descriptor, At::Offset(self.offset)).await?;
        Ok(Streamed::Reply(WrittenReply { bytes }))
    }
}

impl Together for FilePwrite {
    /// Pieces for one descriptor are judged and written in one go.
    async fn run_all(
        calls: Vec<(Self, Bytes)>,
        cx: &mut Cx<'_, '_>,
    ) -> Vec<Answer<Streamed<WrittenReply>>> {
        let mut answers = Vec::with_capacity(calls.len());
        for calls in calls.chunk_by(|(one, _), (next, _)| one.fd == next.fd) {
            let written = match descriptor(cx, calls[0].0.fd) {
                Ok(descriptor) => {
                    let pieces = calls.iter().map(|(call, data)| (call.offset, data.clone()));
                    write_all(cx, &descriptor, pieces.collect()).await
                }
                Err(fail) => Err(fail),
            };
            let written = each(calls.len(), written).into_iter().zip(calls);
            answers.extend(written.map(|(written, (_, data))| {
                let bytes = data.len() as u64;
                written.map(|()| Streamed::Reply(WrittenReply { bytes }))
            }));
        }
        answers
    }
}

impl Streams for FileTruncate {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<Done>> {
        let descriptor = descriptor(cx, self.fd)?;
        resize(cx, &descriptor, self.length).await?;
        Ok(Streamed::Reply(Done))
    }
}

/// Writes the data of a call; answers where it begins and how much it is. What has arrived before a connection breaks
/// is written.
///
/// A call that tells the length of its data is refused before anything is written if there is no room for all of it.
async fn receive(cx: &mut Cx<'_, '_>, descriptor: &Descriptor, at: At) -> Answer<(u64, u64)> {
    let head = cx.body.next_file().await.ok().flatten();
    let length = head.and_then(|head| head.length);
    if length.is_some_and(|length| length > MOST_BYTES) {
        return Err(Code::REQUESTS_LIMITED.into());
    }
    let mut start = None;
    let mut written = 0;
    loop {
        let (piece, is_last) = next_piece(cx).await;
        let count = piece.len() as u64;
        let promised = length.map_or(count, |length| length.saturating_sub(written).max(count));
        let to = match start {
            None => at,
            Some(start) => At::Offset(written + start),
        };
        let first = write(cx, descriptor, to, piece, promised).await?;
        let start = *start.get_or_insert(first);
        written += count;
        if is_last {
            if at == At::End && length.is_some_and(|length| written < length) {
                break_off(&descriptor.file, start.saturating_add(length.unwrap_or(0))).await;
            }
            return Ok((start, written));
        }
        if written > MOST_BYTES {
            return Err(Code::REQUESTS_LIMITED.into());
        }
    }
}

/// The next bytes of the data, and whether they are the last.
async fn next_piece(cx: &mut Cx<'_, '_>) -> (Bytes, bool) {
    let mut piece = BytesMut::new();
    loop {
        match cx.body.chunk().await {
            Ok(Some(bytes)) => {
                piece.extend_from_slice(&bytes);
                if piece.len() >= PIECE_BYTES {
                    return (piece.freeze(), false);
                }
            }
            Ok(None) | Err(Broken) => return (piece.freeze(), true),
        }
    }
}
