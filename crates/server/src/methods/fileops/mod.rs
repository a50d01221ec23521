//! File descriptors.

mod lock;
mod read;
mod write;

use crate::call::{Answer, Fail};
use crate::conn::Conn;
use crate::cx::{Cx, Edit, View};
use crate::dispatch::{Streamed, Streams, Waits};
use crate::rules::access::Right;
use crate::rules::save::{Held, IfTaken, Times};
use crate::working::access::{check, source};
use crate::working::change::resize;
use crate::working::descriptors::{Descriptor, MOST_PER_CONNECTION};
use pileus_api::Code;
use pileus_api::args::{FileRef, VersionArg};
use pileus_api::fileops::{
    Fd, FileClose, FileOpen, FileSeek, FileSize, OpenArg, OpenFlags, OpenReply, SeekReply,
    SizeReply, Whence,
};
use pileus_api::reply::Done;
use pileus_blobs::Digests;
use pileus_store::ContentHash;
use pileus_store::contents::{NewContent, Place};
use pileus_store::files::File;
use std::sync::Arc;

/// An open file of the connection; 1007 if there is none with this number.
fn descriptor(cx: &Cx<'_, '_>, fd: Fd) -> Answer<Arc<Descriptor>> {
    let found = cx.call.conn.files.get(fd.0);
    found.ok_or_else(|| Code::BAD_DESCRIPTOR.into())
}

/// What was found under the place of a call to `file_open`.
struct Opened {
    file: File,
    /// The content to read, if it is not the present one.
    revision: Option<i64>,
}

impl Waits for FileOpen {
    fn arrives(conn: &Conn) {
        conn.files.use_up_number();
    }

    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<OpenReply> {
        let conn = &cx.call.conn;
        let number = conn.files.last_number();
        let (flags, target) = (self.flags, self.file.clone());
        // A proxy puts many clients on one connection, whose descriptors must not meet.
        if cx.call.via_proxy {
            return Err(Code::DENIED.into());
        }
        if conn.files.count() >= MOST_PER_CONNECTION {
            return Err(Code::REQUESTS_LIMITED.into());
        }
        let revisionid = self.revisionid;
        let opened = if flags.has(OpenFlags::CREAT) {
            cx.edit(move |edit| open_or_make(edit, flags, &target, revisionid))
                .await?
        } else {
            cx.view(move |view| find(view, flags, &target, revisionid))
                .await?
        };
        let fileid = opened.file.id.unsigned_abs();
        let descriptor = Descriptor::new(
            cx.app,
            cx.app.open_files.open(opened.file.id),
            cx.account(),
            flags.has(OpenFlags::APPEND),
            opened.revision,
        );
        let descriptor = descriptor.ok_or(Code::REQUESTS_LIMITED)?;
        if flags.has(OpenFlags::TRUNC) {
            resize(cx, &descriptor, 0).await.map_err(not_opened)?;
        }
        conn.files.insert(number, descriptor);
        Ok(OpenReply { fd: number, fileid })
    }
}

/// A failure to write, as that of a call that opens.
fn not_opened(fail: Fail) -> Fail {
    let code = if fail.code == Code::WRITE_FAILED {
        Code::UPLOAD_FAILED
    } else {
        fail.code
    };
    Fail { code, ..fail }
}

/// Refuses if an account has used more than it may.
fn check_owner(view: &mut View<'_, '_>, owner: i64) -> Answer<()> {
    let account = view.tx.account(owner)?;
    if account.is_some_and(|account| account.used > account.quota) {
        return Err(Code::OVER_QUOTA.into());
    }
    Ok(())
}

/// Finds a file that exists.
fn find(
    view: &mut View<'_, '_>,
    flags: OpenFlags,
    target: &OpenArg,
    revisionid: Option<u64>,
) -> Answer<Opened> {
    let file = match target {
        OpenArg::Id(id) => view.file(&FileRef::Id(*id))?,
        OpenArg::Place { parent, name } => {
            let parent = view.folder_or(parent, Code::NO_PARENT)?;
            let file = view.tx.file_child(parent.id, name)?;
            file.ok_or(Code::FILE_MISSING)?
        }
    };
    revision_of(view, flags, file, revisionid)
}

/// The content of a file that is to be read. Earlier ones cannot be written.
fn revision_of(
    view: &mut View<'_, '_>,
    flags: OpenFlags,
    file: File,
    revisionid: Option<u64>,
) -> Answer<Opened> {
    let writes = flags.has(OpenFlags::WRITE) || flags.has(OpenFlags::TRUNC);
    if writes {
        view.require_file(&file, Right::Modify)?;
    }
    // A file that is only emptied takes up less than before.
    if flags.has(OpenFlags::WRITE) {
        check_owner(view, file.owner)?;
    }
    match revisionid {
        None => Ok(Opened {
            file,
            revision: None,
        }),
        Some(_) if writes => Err(Code::DENIED.into()),
        Some(_) => {
            let version = view.version(&VersionArg {
                file: FileRef::Id(file.id.unsigned_abs()),
                revisionid,
            })?;
            Ok(Opened {
                revision: Some(version.file.blob),
                file: version.file,
            })
        }
    }
}

/// Finds a file, or makes it.
fn open_or_make(
    edit: &mut Edit<'_, '_>,
    flags: OpenFlags,
    target: &OpenArg,
    revisionid: Option<u64>,
) -> Answer<Opened> {
    let OpenArg::Place { parent, name } = target else {
        return Err(Code::NO_PATH_OR_NAME.into());
    };
    let mut parent = edit.folder_or(parent, Code::NO_PARENT)?;
    match edit.tx.file_child(parent.id, name)? {
        Some(_) if flags.has(OpenFlags::EXCL) => return Err(Code::NAME_TAKEN.into()),
        Some(file) => return revision_of(edit, flags, file, revisionid),
        None => {}
    }
    if revisionid.is_some() {
        return Err(Code::REVISION_MISSING.into());
    }
    edit.require(&parent, Right::Create)?;
    // An empty file takes no space, but an account that has none left gets no new files.
    check_owner(edit, parent.owner)?;
    let held = empty(edit)?;
    let saved = edit.save(
        &mut parent,
        name,
        held,
        Times::default(),
        IfTaken::Overwrite,
    )?;
    Ok(Opened {
        file: saved.file,
        revision: None,
    })
}

/// The content of no bytes.
fn empty(edit: &mut Edit<'_, '_>) -> Answer<Held> {
    let digests = Digests::of(b"");
    let content = NewContent {
        size: 0,
        hash: ContentHash(digests.hash()),
        sha1: digests.sha1,
        sha256: digests.sha256,
        md5: digests.md5,
        crc32: digests.crc32,
        place: Place::Inline(Vec::new()),
        states: Vec::new(),
    };
    let kept = edit.tx.keep_content(&content)?;
    Ok(Held {
        blob: kept.id,
        size: content.size,
        hash: content.hash,
    })
}

impl Streams for FileSize {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<SizeReply>> {
        let descriptor = descriptor(cx, self.fd)?;
        let size = source(cx, &descriptor).await?.size();
        Ok(Streamed::Reply(SizeReply {
            size,
            offset: descriptor.offset(),
        }))
    }
}

/// An offset that counts from the start of the file, from the descriptor's offset, or from the end of the file; 1009 if
/// it lies before the start.
async fn absolute(
    cx: &Cx<'_, '_>,
    descriptor: &Descriptor,
    offset: i64,
    whence: Whence,
) -> Answer<u64> {
    let from = match whence {
        Whence::Start => 0,
        Whence::Offset => descriptor.offset(),
        Whence::End => source(cx, descriptor).await?.size(),
    };
    let to = from.checked_add_signed(offset);
    to.ok_or_else(|| Code::NO_OFFSET.into())
}

impl Streams for FileSeek {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<SeekReply>> {
        let descriptor = descriptor(cx, self.fd)?;
        check(cx, &descriptor).await?;
        let offset = absolute(cx, &descriptor, self.offset, self.whence.0?).await?;
        descriptor.set_offset(offset);
        Ok(Streamed::Reply(SeekReply { offset }))
    }
}

impl Streams for FileClose {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<Done>> {
        let own = cx.account();
        let files = &cx.call.conn.files;
        // Somebody else's descriptor is left alone.
        let opened = files.get(self.fd.0).filter(|opened| opened.account == own);
        opened.ok_or(Code::BAD_DESCRIPTOR)?;
        let descriptor = files.remove(self.fd.0).ok_or(Code::BAD_DESCRIPTOR)?;
        descriptor.close().await?;
        Ok(Streamed::Reply(Done))
    }
}
