//! Reading through descriptors.

use super::descriptor;
use crate::call::{Answer, Content, Fail, Raw};
use crate::cx::Cx;
use crate::dispatch::{Streamed, Streams};
use crate::together::{Together, each};
use crate::working::access::{Source, source};
use bytes::Bytes;
use pileus_api::Code;
use pileus_api::fileops::{FileChecksum, FilePread, FilePreadIfmod, FileRead, RangeChecksumReply};
use pileus_api::reply::Done;
use pileus_blobs::{BlobReader, Digests, Piece, READ_CHUNK_BYTES};
use std::ops::Range;

const CONTENT_TYPE: &str = "application/octet-stream";

/// The bytes of a range as an answer.
async fn answer(cx: &Cx<'_, '_>, source: &Source, range: Range<u64>) -> Answer<Streamed<Done>> {
    let length = range.end - range.start;
    Ok(Streamed::Content(Content {
        length,
        content_type: CONTENT_TYPE.into(),
        file_name: None,
        bytes: Raw::Stream(source.read(cx.app, range).await?),
    }))
}

/// The checksums of a range.
async fn digests(cx: &Cx<'_, '_>, source: &Source, range: Range<u64>) -> Answer<Digests> {
    let bytes = BlobReader::new(source.read(cx.app, range).await?);
    let digests = cx.app.blobs.digests(bytes).await;
    digests.map_err(|error| Fail::caused(Code::READ_FAILED, error))
}

impl Streams for FileRead {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<Done>> {
        let descriptor = descriptor(cx, self.fd)?;
        let source = source(cx, &descriptor).await?;
        let range = source.range(descriptor.offset(), self.count);
        let end = range.end;
        let answer = answer(cx, &source, range).await?;
        // An offset behind the end stays there.
        descriptor.set_offset(descriptor.offset().max(end));
        Ok(answer)
    }
}

impl Streams for FilePread {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<Done>> {
        let descriptor = descriptor(cx, self.fd)?;
        let source = source(cx, &descriptor).await?;
        let range = source.range(self.offset, self.count);
        answer(cx, &source, range).await
    }
}

impl Together for FilePread {
    /// Short pieces from one descriptor are looked up and read in one go. Long ones are left to [`Streams::run`], which
    /// holds no more of them in memory than what is being sent.
    async fn run_all(
        calls: Vec<(Self, Bytes)>,
        cx: &mut Cx<'_, '_>,
    ) -> Vec<Answer<Streamed<Done>>> {
        let mut answers = Vec::with_capacity(calls.len());
        let is_short = |call: &Self| call.count <= READ_CHUNK_BYTES as u64;
        let belong = |one: &Self, next: &Self| one.fd == next.fd && is_short(one) && is_short(next);
        for calls in calls.chunk_by(|(one, _), (next, _)| belong(one, next)) {
            match calls {
                [(call, _)] if !is_short(call) => answers.push(call.run(cx).await),
                calls => {
                    let read = read_all(cx, calls).await;
                    let read = each(calls.len(), read).into_iter();
                    answers.extend(read.map(|piece| piece.map(whole)));
                }
            }
        }
        answers
    }
}

/// What calls with one descriptor read.
async fn read_all(cx: &Cx<'_, '_>, calls: &[(FilePread, Bytes)]) -> Answer<Vec<Answer<Piece>>> {
    let Some((first, _)) = calls.first() else {
        return Ok(Vec::new());
    };
    let source = source(cx, &*descriptor(cx, first.fd)?).await?;
    let ranges = calls
        .iter()
        .map(|(call, _)| source.range(call.offset, call.count));
    // What has to be encrypted has to be in memory.
    let keeps = !cx.call.conn.secure;
    let pieces = source.read_all(cx.app, ranges.collect(), keeps).await?;
    Ok(pieces.into_iter().map(Ok).collect())
}

/// A piece as an answer.
fn whole(piece: Piece) -> Streamed<Done> {
    Streamed::Content(Content {
        length: piece.len() as u64,
        content_type: CONTENT_TYPE.into(),
        file_name: None,
        bytes: Raw::Piece(piece),
    })
}

impl Streams for FilePreadIfmod {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<Done>> {
        let descriptor = descriptor(cx, self.fd)?;
        if self.sha1.is_none() && self.md5.is_none() {
            return Err(Code::NO_CHECKSUM.into());
        }
        let source = source(cx, &descriptor).await?;
        let range = source.range(self.offset, self.count);
        let digests = digests(cx, &source, range.clone()).await?;
        let is_same = match (&self.sha1, &self.md5) {
            (Some(sha1), _) => sha1.eq_ignore_ascii_case(&hex::encode(digests.sha1)),
            (None, Some(md5)) => md5.eq_ignore_ascii_case(&hex::encode(digests.md5)),
            (None, None) => false,
        };
        if is_same {
            return Err(Code::NOT_MODIFIED.into());
        }
        answer(cx, &source, range).await
    }
}

impl Streams for FileChecksum {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<RangeChecksumReply>> {
        let descriptor = descriptor(cx, self.fd)?;
        let source = source(cx, &descriptor).await?;
        let range = source.range(self.offset, self.count);
        let digests = digests(cx, &source, range).await?;
        Ok(Streamed::Reply(RangeChecksumReply {
            sha1: hex::encode(digests.sha1),
            md5: hex::encode(digests.md5),
            sha256: hex::encode(digests.sha256),
            size: digests.size,
        }))
    }
}
