//! Revisions.

use crate::call::Answer;
use crate::cx::{Edit, View};
use crate::dispatch::{Reads, Writes};
use crate::methods::file::checksums;
use crate::rules::access::Right;
use crate::rules::metadata::wire_id;
use crate::rules::save::Held;
use pileus_api::event::EventKind;
use pileus_api::file::Checksums;
use pileus_api::revisions::{ListRevisions, RevertReply, RevertRevision, Revision, RevisionsReply};
use pileus_api::{Code, UnixTime};
use pileus_store::StoreError;

/// Checksums as optional fields.
fn split(sums: Option<Checksums>) -> (Option<String>, Option<String>, Option<String>) {
    match sums {
        Some(Checksums { sha1, md5, sha256 }) => (Some(sha1), Some(md5), Some(sha256)),
        None => (None, None, None),
    }
}

/// Checksums of a content, if they are asked for.
fn sums_of(cx: &mut View<'_, '_>, blob: i64, wanted: bool) -> Answer<Option<Checksums>> {
    if !wanted {
        return Ok(None);
    }
    let content = cx.tx.content(blob)?.ok_or(StoreError::Missing)?;
    checksums(&content).map(Some)
}

impl Reads for ListRevisions {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<RevisionsReply> {
        let file = cx.file(&self.file.0)?;
        let mut revisions = Vec::new();
        for revision in cx.tx.revisions(file.id)? {
            if !cx.is_kept(revision.replaced) {
                continue;
            }
            let (sha1, md5, sha256) = split(sums_of(cx, revision.blob, self.showchecksums)?);
            revisions.push(Revision {
                revisionid: wire_id(revision.id),
                size: wire_id(revision.size),
                hash: revision.hash.0,
                created: UnixTime(revision.stored),
                sha1,
                md5,
                sha256,
            });
        }
        let (sha1, md5, sha256) = split(sums_of(cx, file.blob, self.showchecksums)?);
        Ok(RevisionsReply {
            revisions,
            metadata: cx.file_metadata(&file)?,
            sha1,
            md5,
            sha256,
        })
    }
}

impl Writes for RevertRevision {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<RevertReply> {
        let mut file = cx.file(&self.file.0)?;
        cx.require_file(&file, Right::Modify)?;
        cx.require_committed(file.id)?;
        let id = i64::try_from(self.revisionid).map_err(|_| Code::REVISION_MISSING)?;
        let revision = cx
            .tx
            .revision(id)?
            .filter(|revision| revision.file == file.id && cx.is_kept(revision.replaced));
        let revision = revision.ok_or(Code::REVISION_MISSING)?;
        let now = cx.now.0;
        if (file.size, file.hash) == (revision.size, revision.hash) {
            // As with any content that is saved over itself.
            let before = (file.created, file.modified);
            file.modified = now;
            cx.set_times(&mut file, before)?;
            return Ok(RevertReply {
                metadata: cx.file_metadata(&file)?,
            });
        }
        cx.check_quota(file.owner, (revision.size - file.size).max(0))?;
        if !cx.tx.hold_content(revision.blob)? {
            return Err(StoreError::Missing.into());
        }
        let held = Held {
            blob: revision.blob,
            size: revision.size,
            hash: revision.hash,
        };
        cx.use_bytes(file.owner, held.size - file.size)?;
        cx.keep_as_revision(&file)?;
        cx.set_content(&mut file, held, now)?;
        cx.record_file(EventKind::ModifyFile, &file, None)?;
        Ok(RevertReply {
            metadata: cx.file_metadata(&file)?,
        })
    }
}
