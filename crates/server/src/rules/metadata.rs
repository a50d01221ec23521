//! From rows to metadata as the caller sees it.

use crate::call::Answer;
use crate::cx::View;
use crate::rules::access::Access;
use pileus_api::UnixTime;
use pileus_api::metadata::{FileFacts, Kind, Metadata};
use pileus_store::files::File;
use pileus_store::folders::Folder;

/// Ids are positive; a negative one would be a damaged row.
pub fn wire_id(id: i64) -> u64 {
    id.unsigned_abs()
}

impl View<'_, '_> {
    /// A folder's id on the wire, where every caller's root is 0.
    pub fn wire_folder(&self, id: i64) -> u64 {
        if id == self.user.account.root {
            0
        } else {
            wire_id(id)
        }
    }

    /// Metadata of a folder.
    pub fn folder_metadata(&mut self, folder: &Folder) -> Answer<Metadata> {
        let is_root = folder.id == self.user.account.root;
        let access = self.access(folder)?;
        Ok(Metadata {
            kind: Kind::Folder {
                folderid: self.wire_folder(folder.id),
            },
            name: if is_root {
                "/".into()
            } else {
                folder.name.clone()
            },
            parentfolderid: (!is_root).then(|| self.wire_folder(folder.parent)),
            rights: access.as_ref().and_then(Access::rights),
            isshared: access.is_some_and(|access| access.shared != 0) && folder.deleted == 0,
            isdeleted: folder.deleted != 0,
            origparentfolderid: None,
            created: UnixTime(folder.created),
            modified: UnixTime(folder.modified),
            path: is_root.then(|| "/".into()),
        })
    }

    /// Metadata of a file.
    pub fn file_metadata(&mut self, file: &File) -> Answer<Metadata> {
        let access = self.access_in(file.folder)?;
        // The right to make something is the folder's.
        let rights = access.as_ref().and_then(Access::rights);
        Ok(Metadata {
            kind: Kind::File(FileFacts {
                fileid: wire_id(file.id),
                size: wire_id(file.size),
                hash: file.hash.0,
                deletedfileid: None,
                revisionid: None,
                conflicted: false,
                media: None,
            }),
            name: file.name.clone(),
            parentfolderid: Some(self.wire_folder(file.folder)),
            rights,
            isshared: access.is_some_and(|access| access.shared != 0) && file.deleted == 0,
            isdeleted: file.deleted != 0,
            origparentfolderid: None,
            created: UnixTime(file.created),
            modified: UnixTime(file.modified),
            path: None,
        })
    }

    /// The full path of a live folder of the caller, found by walking up.
    pub fn path_of(&mut self, folder: &Folder) -> Answer<String> {
        let mut names = Vec::new();
        let mut at = folder.clone();
        while at.id != self.user.account.root {
            let Some(parent) = self.parent_of(&at)? else {
                break;
            };
            names.push(at.name);
            at = parent;
        }
        Ok(join(&names.into_iter().rev().collect::<Vec<_>>()))
    }
}

/// A full path from its names; `/` from none.
pub fn join(names: &[String]) -> String {
    if names.is_empty() {
        "/".into()
    } else {
        names.iter().flat_map(|name| ["/", name]).collect()
    }
}

/// The path of an entry in a folder.
pub fn below(folder: &str, name: &str) -> String {
    if folder == "/" {
        format!("/{name}")
    } else {
        format!("{folder}/{name}")
    }
}
