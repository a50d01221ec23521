//! Links to content.

use crate::app::App;
use crate::call::{Answer, Fail};
use crate::conn::Protocol;
use crate::content::{self, Link, Pass};
use crate::cx::{Cx, View};
use crate::dispatch::{Reads, Streamed, Streams};
use crate::rules::tree::Version;
use crate::transfer::SmallFiles;
use pileus_api::args::FileRef;
use pileus_api::reply::Done;
use pileus_api::streaming::{AsyncTransfer, GetChecksumLink, GetFileLink, LinkReply};
use pileus_api::{Code, UnixTime};
use pileus_store::files::File;

/// The lowest speed limit, told to a client that asked for less.
#[derive(pileus_api_derive::Reply)]
struct MinSpeed {
    /// Bytes per second.
    minspeed: u64,
}

/// Whether a text can be a content type: `type/subtype`, perhaps with parameters, and nothing that could break a
/// header.
fn is_content_type(text: &str) -> bool {
    let is_token = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
    };
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    let is_essence = essence
        .trim()
        .split_once('/')
        .is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype));
    is_essence && text.len() <= 128 && parameters.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// How a link to content is to be.
pub struct Wish {
    /// Have browsers save the content.
    pub forcedownload: bool,
    /// Content type to serve it with.
    pub contenttype: Option<String>,
    /// Bytes per second at most; 0 is no limit.
    pub maxspeed: u64,
    /// Leave the file name out.
    pub skipfilename: bool,
}

impl Wish {
    /// Refuses a content type that cannot be one.
    pub fn check(&self) -> Answer<()> {
        let kind = self.contenttype.as_deref();
        if kind.is_some_and(|kind| !is_content_type(kind)) {
            return Err(Code::BAD_CONTENT_TYPE.into());
        }
        Ok(())
    }

    /// A link to the content of a file that an account may read, bound to that content; `public` tells which public link
    /// leads there, if one does.
    pub fn link(
        &self,
        app: &App,
        account: i64,
        file: &File,
        public: Option<Pass>,
        now: UnixTime,
    ) -> Answer<LinkReply> {
        let minspeed = app.config.min_speed_bytes;
        if self.maxspeed > 0 && self.maxspeed < minspeed {
            return Err(Fail::with(Code::SPEED_TOO_LOW, MinSpeed { minspeed }));
        }
        let link = Link {
            account,
            file: file.id,
            blob: file.blob,
            expires: expiry(app, now),
            checksums: false,
            forcedownload: self.forcedownload,
            maxspeed: self.maxspeed,
            contenttype: self.contenttype.clone().filter(|_| !self.forcedownload),
            public,
        };
        let name = (!self.skipfilename).then_some(file.name.as_str());
        Ok(told(app, &link, name, file))
    }
}

/// When a link of now stops working.
fn expiry(app: &App, now: UnixTime) -> i64 {
    let seconds = i64::try_from(app.config.link_seconds).unwrap_or(i64::MAX);
    now.0.saturating_add(seconds)
}

/// What a client is told about a link.
fn told(app: &App, link: &Link, name: Option<&str>, file: &File) -> LinkReply {
    LinkReply {
        path: content::path(app, link, name),
        hosts: app.content_hosts(),
        expires: UnixTime(link.expires),
        dwltag: content::dwltag(app, link),
        hash: file.hash.0,
        size: file.size.unsigned_abs(),
    }
}

impl Reads for GetFileLink {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<LinkReply> {
        let wish = Wish {
            forcedownload: self.forcedownload,
            contenttype: self.contenttype.clone(),
            maxspeed: self.maxspeed.unwrap_or(0),
            skipfilename: self.skipfilename || self.skip_filename,
        };
        wish.check()?;
        let version = cx.version(&self.file)?;
        let version = cx.version_by_hash(version, self.hash)?;
        wish.link(cx.app, cx.user.account.id, &version.file, None, cx.now)
    }
}

impl Streams for AsyncTransfer {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<Done>> {
        if self.checksum != "sha1" {
            return Err(Code::NO_CHECKSUM.into());
        }
        let standing = cx.standing();
        standing.view(|_| Ok(())).await?;
        if cx.call.conn.protocol != Protocol::Binary {
            return Err(Code::WRONG_FORM.into());
        }
        Ok(Streamed::Takeover(
            Done,
            Box::new(SmallFiles::new(standing)),
        ))
    }
}

impl Reads for GetChecksumLink {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<LinkReply> {
        let file = cx.file(&FileRef::Id(self.fileid))?;
        let current = Version {
            file,
            revisionid: None,
        };
        let version = cx.version_by_hash(current, self.hash)?;
        if version.file.size == 0 {
            // There are no blocks, and this is the answer on which the sync client goes on without them.
            return Err(Code::FILE_MISSING.into());
        }
        let file = version.file;
        let link = Link {
            account: cx.user.account.id,
            file: file.id,
            blob: file.blob,
            expires: expiry(cx.app, cx.now),
            checksums: true,
            forcedownload: true,
            maxspeed: 0,
            contenttype: None,
            public: None,
        };
        Ok(told(cx.app, &link, None, &file))
    }
}

#[cfg(test)]
mod tests {
    use super::is_content_type;

    #[test]
    fn content_types() {
        for good in [
            "text/plain",
            "text/plain; charset=utf-8",
            "application/vnd.oasis.opendocument.text",
            "image/svg+xml",
        ] {
            assert!(is_content_type(good), "{good}");
        }
        for bad in [
            "",
            "text",
            "text/",
            "/plain",
            "text/plain\r\nX: y",
            "te xt/plain",
            "text/plain; a=\u{7f}",
        ] {
            assert!(!is_content_type(bad), "{bad}");
        }
    }
}
