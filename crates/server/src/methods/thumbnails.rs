//! Thumbnails, of which there are none yet: calls that ask for several say so of each file.

use crate::call::{Answer, Content, Raw};
use crate::cx::{Cx, View};
use crate::dispatch::{Public, Reads, Streamed, Streams};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use pileus_api::Code;
use pileus_api::reply::Done;
use pileus_api::thumbnails::{
    GetPubThumbsLinks, GetThumbs, GetThumbsLinks, NoThumb, ThumbFiles, ThumbsReply,
};
use std::fmt::Write as _;

/// What is said of each file, whether it is there or not: nothing is given away by that.
fn no_thumbs(files: &ThumbFiles) -> ThumbsReply {
    let thumbs = files.0.iter().map(|&fileid| NoThumb {
        result: Code::NO_THUMB.number().into(),
        fileid,
        error: Code::NO_THUMB.text().into(),
    });
    ThumbsReply {
        thumbs: thumbs.collect(),
    }
}

impl Reads for GetThumbsLinks {
    fn run(&self, _cx: &mut View<'_, '_>) -> Answer<ThumbsReply> {
        Ok(no_thumbs(&self.fileids))
    }
}

impl Public for GetPubThumbsLinks {
    async fn run(&self, _cx: &mut Cx<'_, '_>) -> Answer<ThumbsReply> {
        Ok(no_thumbs(&self.fileids))
    }
}

impl Streams for GetThumbs {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<Done>> {
        // Who is calling is checked by the first transaction of a method that moves content, and there is no other one.
        cx.view(|_| Ok(())).await?;
        let mut lines = String::new();
        for NoThumb {
            result,
            fileid,
            error,
        } in no_thumbs(&self.fileids).thumbs
        {
            // Writing to a string does not fail.
            let _ = writeln!(lines, "{fileid}|{result}|{error}");
        }
        Ok(Streamed::Content(Content {
            length: lines.len() as u64,
            content_type: "text/plain; charset=utf-8".into(),
            file_name: None,
            bytes: Raw::Stream(stream::once(async { Ok(Bytes::from(lines)) }).boxed()),
        }))
    }
}
