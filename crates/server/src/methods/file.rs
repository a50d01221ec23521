//! File methods, but for uploads.

use crate::app::App;
use crate::call::{Answer, Content, Fail, Need, Raw};
use crate::cx::{Cx, Edit, View};
use crate::dispatch::{Reads, Streamed, Streams, Writes};
use crate::rules::access::Right;
use crate::rules::save::Times;
use crate::rules::tree::Version;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use pileus_api::args::{FileRef, FolderRef};
use pileus_api::field::Seconds;
use pileus_api::file::{
    ChecksumFile, ChecksumReply, Checksums, CopyFile, DeleteFile, FileReply, FilesReply,
    GetFilesByChecksum, ReadFile, RenameFile, SetFileMtime, Stat,
};
use pileus_api::reply::Done;
use pileus_api::{Code, Metadata};
use pileus_blobs::{BlobKey, Hasher, Stored};
use pileus_store::ContentHash;
use pileus_store::contents::{Content as StoredContent, NewContent, Place};
use pileus_store::files::File;
use pileus_store::hash_states::HashState;
use std::ops::Range;

/// Checksums of a content for the wire.
pub fn checksums(content: &StoredContent) -> Answer<Checksums> {
    if content.pending {
        return Err(Need::Sums { blob: content.id }.into());
    }
    Ok(Checksums {
        sha1: hex::encode(&content.sha1),
        md5: hex::encode(&content.md5),
        sha256: hex::encode(&content.sha256),
    })
}

/// The times a call asks to record.
pub fn times(mtime: Option<Seconds>, ctime: Option<Seconds>) -> Times {
    Times {
        modified: mtime.map(|time| time.time().0),
        created: ctime.map(|time| time.time().0),
    }
}

/// Metadata of a version: the file's, with size and hash of the version.
fn version_metadata(cx: &mut View<'_, '_>, version: &Version) -> Answer<Metadata> {
    let mut metadata = cx.file_metadata(&version.file)?;
    if let (Some(id), Some(facts)) = (version.revisionid, metadata.file_mut()) {
        facts.revisionid = Some(id.unsigned_abs());
    }
    Ok(metadata)
}

/// The path of a file that was addressed by path.
fn given_path(file: &FileRef) -> Option<String> {
    match file {
        FileRef::Path(path) => Some(path.to_text()),
        FileRef::Id(_) => None,
    }
}

impl Reads for Stat {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<FileReply> {
        let path = given_path(&self.file.file);
        let missing = [Code::FILE_MISSING, Code::NO_PARENT];
        let mut metadata = match (cx.version(&self.file), &self.file.file) {
            (Ok(version), _) => version_metadata(cx, &version)?,
            (Err(fail), FileRef::Path(path)) if missing.contains(&fail.code) => {
                let folder = cx.folder_or(&FolderRef::Path(path.clone()), Code::NOTHING_THERE)?;
                cx.folder_metadata(&folder)?
            }
            (Err(fail), _) => return Err(fail),
        };
        metadata.path = path.or(metadata.path);
        Ok(FileReply { metadata })
    }
}

impl Reads for ChecksumFile {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<ChecksumReply> {
        let version = cx.version(&self.file)?;
        let Checksums { sha1, md5, sha256 } = checksums(&cx.content_of(&version.file)?)?;
        let mut metadata = version_metadata(cx, &version)?;
        metadata.path = given_path(&self.file.file);
        Ok(ChecksumReply {
            sha1,
            md5,
            sha256,
            metadata,
        })
    }
}

impl Writes for DeleteFile {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<FileReply> {
        let file = cx.file(&self.file.0)?;
        let file = cx.delete_file(file)?;
        Ok(FileReply {
            metadata: cx.file_metadata(&file)?,
        })
    }
}

impl Writes for RenameFile {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<FileReply> {
        let file = cx.file(&self.file.0)?;
        let (parent, name) = cx.target(&self.to, file.folder, &file.name)?;
        if parent.id == file.folder && name == file.name {
            // The sync client takes this for success and reads the metadata.
            return Err(Fail::with(
                Code::SAME_FILE,
                FileReply {
                    metadata: cx.file_metadata(&file)?,
                },
            ));
        }
        let (file, replaced) = cx.move_file(file, parent, name)?;
        let mut metadata = cx.file_metadata(&file)?;
        if let Some(facts) = metadata.file_mut() {
            facts.deletedfileid = replaced.map(i64::unsigned_abs);
        }
        Ok(FileReply { metadata })
    }
}

impl Writes for CopyFile {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<FileReply> {
        let version = cx.version(&self.file)?;
        let version = cx.version_by_hash(version, self.hash)?;
        let (mut folder, name) = cx.target(&self.to, version.file.folder, &version.file.name)?;
        let target = cx.tx.file_child(folder.id, &name)?;
        if target.is_some() && self.noover {
            return Err(Code::NAME_TAKEN.into());
        }
        let times = times(self.mtime, self.ctime);
        let is_onto_itself = version.revisionid.is_none()
            && target.is_some_and(|target| target.id == version.file.id);
        let file = if is_onto_itself {
            set_times(cx, version.file, times)?
        } else {
            cx.copy_file(&version.file, &mut folder, &name, times)?.file
        };
        Ok(FileReply {
            metadata: cx.file_metadata(&file)?,
        })
    }
}

/// A copy onto itself is how rclone sets times: without any, nothing changes.
fn set_times(cx: &mut Edit<'_, '_>, mut file: File, times: Times) -> Answer<File> {
    cx.require_file(&file, Right::Modify)?;
    let before = (file.created, file.modified);
    if let Some(modified) = times.modified {
        file.modified = modified;
        file.created = times.created.unwrap_or(file.created);
    }
    cx.set_times(&mut file, before)?;
    Ok(file)
}

impl Reads for GetFilesByChecksum {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<FilesReply> {
        let sha1 = hex::decode(&self.sha1)
            .ok()
            .filter(|sha1| sha1.len() == 20)
            .ok_or(Code::NO_CHECKSUM)?;
        let mut metadata = Vec::new();
        if let Ok(size) = i64::try_from(self.size) {
            // Only own ones: to copy a file of somebody else's the client would have to know that it may.
            let account = cx.user.account.id;
            for content in cx.tx.contents_by_sha1(&sha1, size)? {
                for file in cx.tx.files_of_blob(content, account)? {
                    if cx.sees_file(&file)? {
                        metadata.push(cx.file_metadata(&file)?);
                    }
                }
            }
        }
        // Ids need not rise with time: those of a node come in blocks, and several nodes draw them.
        metadata.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(FilesReply { metadata })
    }
}

impl Writes for SetFileMtime {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<FileReply> {
        let mut file = cx.file(&FileRef::Id(self.fileid))?;
        cx.require_file(&file, Right::Modify)?;
        let before = (file.created, file.modified);
        let time = if self.isctime {
            &mut file.created
        } else {
            &mut file.modified
        };
        if let Some(new) = self.newtm
            && self
                .oldtm
                .is_none_or(|old| old.0.is_some_and(|old| old.time().0 == *time))
        {
            *time = new.time().0;
        }
        cx.set_times(&mut file, before)?;
        Ok(FileReply {
            metadata: cx.file_metadata(&file)?,
        })
    }
}

impl Streams for ReadFile {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<Done>> {
        let (fileid, hash) = (self.fileid, self.hash);
        let (size, place) = cx
            .view(move |view| {
                let file = view.file(&FileRef::Id(fileid))?;
                let version = view.version_by_hash(
                    Version {
                        file,
                        revisionid: None,
                    },
                    hash,
                )?;
                let content = view.content_of(&version.file)?;
                let place = view.tx.content_place(&content)?.ok_or(Code::READ_FAILED)?;
                Ok((content.size.unsigned_abs(), place))
            })
            .await?;
        let start = self.offset.min(size);
        let end = start.saturating_add(self.count).min(size);
        let stream = read(cx.app, place, start..end).await?;
        Ok(Streamed::Content(Content {
            length: end - start,
            content_type: "application/octet-stream".into(),
            file_name: None,
            bytes: Raw::Stream(stream),
        }))
    }
}

/// Streams a range of a content, in which it has to lie.
pub async fn read(
    app: &App,
    place: Place,
    range: Range<u64>,
) -> Answer<BoxStream<'static, pileus_blobs::Result<Bytes>>> {
    match place {
        Place::Inline(bytes) => {
            let index = |at| usize::try_from(at).unwrap_or(0);
            let bytes = Bytes::from(bytes).slice(index(range.start)..index(range.end));
            Ok(stream::once(async move { Ok(bytes) }).boxed())
        }
        Place::Key(key) => {
            let reader = app.blobs.read(&blob_key(&key)?, range).await;
            Ok(reader
                .map_err(|error| Fail::caused(Code::READ_FAILED, error))?
                .boxed())
        }
    }
}

/// The key of a content in the blob store.
pub fn blob_key(bytes: &[u8]) -> Answer<BlobKey> {
    let bytes: [u8; 16] = bytes
        .try_into()
        .map_err(|_| Fail::internal("a storage key has the wrong length"))?;
    Ok(BlobKey::from_bytes(bytes))
}

/// A stored content as the database keeps it.
pub fn new_content(stored: Stored) -> Answer<NewContent> {
    let digests = stored.digests;
    Ok(NewContent {
        size: i64::try_from(digests.size).map_err(Fail::internal)?,
        hash: ContentHash(digests.hash()),
        sha1: digests.sha1,
        sha256: digests.sha256,
        md5: digests.md5,
        crc32: digests.crc32,
        place: match stored.place {
            pileus_blobs::Place::Inline(bytes) => Place::Inline(bytes.to_vec()),
            pileus_blobs::Place::Key(key) => Place::Key(key.as_bytes().to_vec()),
        },
        states: kept_states(&stored.states)?,
    })
}

/// States of hashes as the database keeps them.
pub fn kept_states(states: &[Hasher]) -> Answer<Vec<HashState>> {
    let kept = |state: &Hasher| {
        let at = i64::try_from(state.size()).map_err(Fail::internal)?;
        Ok((at, state.save()))
    };
    states.iter().map(kept).collect()
}
