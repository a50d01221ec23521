//! Collecting listings: depth first, folders before files, each by name.

use crate::call::Answer;
use crate::cx::View;
use crate::rules::metadata::below;
use pileus_api::listing::Node;
use pileus_api::{Code, Listing};
use pileus_store::files::File;
use pileus_store::folders::Folder;

/// What a listing shows.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// Everything below, not just what is directly inside.
    pub recursive: bool,
    /// Deleted entries too.
    pub deleted: bool,
    /// Files too.
    pub files: bool,
    /// What others share with the caller too.
    pub shares: bool,
}

/// What is still to be added to a listing, the next one last.
enum Pending {
    /// A folder with everything in it.
    Folder(Folder, u32),
    /// The files of a folder, which come after its folders.
    Files(i64, u32),
}

/// Lists a folder.
pub fn list(cx: &mut View<'_, '_>, top: &Folder, scope: Scope) -> Answer<Listing> {
    let limit = usize::try_from(cx.app.config.listing_max_entries).unwrap_or(usize::MAX);
    if !scope.recursive {
        return list_level(cx, top, scope);
    }
    let mut nodes = Vec::new();
    let mut pending = vec![Pending::Folder(top.clone(), 0)];
    while let Some(next) = pending.pop() {
        match next {
            Pending::Folder(folder, depth) => {
                nodes.push(Node {
                    depth,
                    open: true,
                    metadata: cx.folder_metadata(&folder)?,
                });
                if scope.files {
                    pending.push(Pending::Files(folder.id, depth + 1));
                }
                let children = folders_in(cx, folder.id, scope)?;
                pending.extend(
                    children
                        .into_iter()
                        .rev()
                        .map(|child| Pending::Folder(child, depth + 1)),
                );
            }
            Pending::Files(folder, depth) => {
                for file in files_in(cx, folder, scope)? {
                    nodes.push(Node {
                        depth,
                        open: false,
                        metadata: cx.file_metadata(&file)?,
                    });
                }
            }
        }
        if nodes.len() > limit {
            return Err(Code::INTERNAL.into());
        }
    }
    // Paths are left out of recursive listings; they would be most of the answer.
    if let Some(top) = nodes.first_mut() {
        top.metadata.path = None;
    }
    Ok(Listing::new(nodes))
}

/// Lists what is directly in a folder, with paths.
fn list_level(cx: &mut View<'_, '_>, top: &Folder, scope: Scope) -> Answer<Listing> {
    let path = cx.path_of(top)?;
    let mut metadata = cx.folder_metadata(top)?;
    metadata.path = Some(path.clone());
    let mut nodes = vec![Node {
        depth: 0,
        open: true,
        metadata,
    }];
    for folder in folders_in(cx, top.id, scope)? {
        let mut metadata = cx.folder_metadata(&folder)?;
        metadata.path = Some(below(&path, &folder.name));
        nodes.push(Node {
            depth: 1,
            open: false,
            metadata,
        });
    }
    if scope.files {
        for file in files_in(cx, top.id, scope)? {
            let mut metadata = cx.file_metadata(&file)?;
            metadata.path = Some(below(&path, &file.name));
            nodes.push(Node {
                depth: 1,
                open: false,
                metadata,
            });
        }
    }
    Ok(Listing::new(nodes))
}

fn folders_in(cx: &mut View<'_, '_>, folder: i64, scope: Scope) -> Answer<Vec<Folder>> {
    let mut folders = if scope.shares {
        cx.child_folders(folder)?
    } else {
        let mut rows = cx.tx.folder_children(folder)?;
        rows.retain(|row| row.mount == 0);
        rows
    };
    if scope.deleted {
        for trashed in cx.tx.folder_trashed_children(folder)? {
            if cx.sees_folder(&trashed)? && cx.is_restorable(trashed.deleted)? {
                folders.push(trashed);
            }
        }
    }
    Ok(folders)
}

fn files_in(cx: &mut View<'_, '_>, folder: i64, scope: Scope) -> Answer<Vec<File>> {
    let mut files = cx.tx.file_children(folder)?;
    if scope.deleted {
        for trashed in cx.tx.file_trashed_children(folder)? {
            if cx.sees_file(&trashed)? && cx.is_restorable(trashed.deleted)? {
                files.push(trashed);
            }
        }
    }
    Ok(files)
}
