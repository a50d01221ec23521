//! Reading through descriptors.

use super::descriptor;
use crate::call::{Answer, Content, Fail};
use crate::cx::Cx;
use crate::dispatch::{Streamed, Streams};
use crate::working::access::{Source, source};
use pileus_api::Code;
use pileus_api::fileops::{FileChecksum, FilePread, FilePreadIfmod, FileRead, RangeChecksumReply};
use pileus_api::reply::Done;
use pileus_blobs::{BlobReader, Digests};
use std::ops::Range;

/// The bytes of a range as an answer.
async fn answer(cx: &Cx<'_, '_>, source: &Source, range: Range<u64>) -> Answer<Streamed<Done>> {
    let length = range.end - range.start;
    Ok(Streamed::Content(Content {
        length,
        content_type: "application/octet-stream".into(),
        file_name: None,
        stream: source.read(cx.app, range).await?,
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
