//! Copying files and folders. Contents are shared, so no data is moved.

use crate::call::Answer;
use crate::cx::Edit;
use crate::rules::save::{Held, IfTaken, Saved, Times};
use pileus_api::Code;
use pileus_store::StoreError;
use pileus_store::files::File;
use pileus_store::folders::Folder;

/// What happens to files that are in the way of a copied folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Their contents become revisions.
    Overwrite,
    /// They stay as they are.
    Keep,
    /// The whole copy is refused.
    Refuse,
}

/// A folder of the source and the folder its contents go into.
struct Pair {
    from: i64,
    to: Folder,
    /// Whether the target was just made, so that nothing can be in the way.
    is_new: bool,
}

impl Edit<'_, '_> {
    /// Copies a version of a file. A file that has the name gets the content, and its old one becomes a revision.
    pub fn copy_file(
        &mut self,
        file: &File,
        folder: &mut Folder,
        name: &str,
        times: Times,
    ) -> Answer<Saved> {
        let held = self.hold(file)?;
        self.save(folder, name, held, times, IfTaken::Overwrite)
    }

    /// Adds a reference to a version's content.
    pub fn hold(&mut self, file: &File) -> Answer<Held> {
        if !self.tx.hold_content(file.blob)? {
            return Err(StoreError::Missing.into());
        }
        Ok(Held {
            blob: file.blob,
            size: file.size,
            hash: file.hash,
        })
    }

    /// Copies a folder under a name into another. A folder that has the name is merged into. Answers the copy.
    pub fn copy_folder(
        &mut self,
        from: Folder,
        parent: &mut Folder,
        name: &str,
        existing: Existing,
    ) -> Answer<Folder> {
        let merged = self.child_folder(parent.id, name)?;
        self.check_copy(from.clone(), merged.as_ref(), parent.owner, existing)?;
        let (to, is_new) = match merged {
            Some(folder) => (folder, false),
            None => (self.make_folder(parent, name, None)?, true),
        };
        self.copy_contents(
            vec![Pair {
                from: from.id,
                to: to.clone(),
                is_new,
            }],
            existing,
        )?;
        Ok(to)
    }

    /// Copies what is in a folder into another.
    pub fn copy_into(&mut self, from: Folder, to: Folder, existing: Existing) -> Answer<()> {
        self.check_copy(from.clone(), Some(&to), to.owner, existing)?;
        self.copy_contents(
            vec![Pair {
                from: from.id,
                to,
                is_new: false,
            }],
            existing,
        )
    }

    /// Refuses a copy before anything of it is done: for lack of space, or for files in the way.
    fn check_copy(
        &mut self,
        from: Folder,
        to: Option<&Folder>,
        owner: i64,
        existing: Existing,
    ) -> Answer<()> {
        if let (Existing::Refuse, Some(to)) = (existing, to) {
            self.check_nothing_in_the_way(from.id, to.id)?;
        }
        let (mut count, mut bytes) = (0, 0i64);
        let mut next = vec![from];
        while let Some(folder) = next.pop() {
            next.extend(self.child_folders(folder.id)?);
            let (files, size) = self.tx.file_totals(folder.id)?;
            count += 1 + 2 * files.unsigned_abs();
            bytes = bytes.checked_add(size).ok_or(Code::OVER_QUOTA)?;
        }
        self.check_quota(owner, bytes)?;
        Ok(self.tx.reserve_ids(count)?)
    }

    fn check_nothing_in_the_way(&mut self, from: i64, to: i64) -> Answer<()> {
        let mut pairs = vec![(from, to)];
        while let Some((from, to)) = pairs.pop() {
            for file in self.tx.file_children(from)? {
                if self.tx.file_child(to, &file.name)?.is_some() {
                    return Err(Code::NAME_TAKEN.into());
                }
            }
            for folder in self.child_folders(from)? {
                if let Some(merged) = self.child_folder(to, &folder.name)? {
                    pairs.push((folder.id, merged.id));
                }
            }
        }
        Ok(())
    }

    fn copy_contents(&mut self, mut pairs: Vec<Pair>, existing: Existing) -> Answer<()> {
        while let Some(Pair {
            from,
            mut to,
            is_new,
        }) = pairs.pop()
        {
            for file in self.tx.file_children(from)? {
                self.copy_one(&file, &mut to, is_new, existing)?;
            }
            for folder in self.child_folders(from)? {
                let merged = if is_new {
                    None
                } else {
                    self.child_folder(to.id, &folder.name)?
                };
                pairs.push(match merged {
                    Some(merged) => Pair {
                        from: folder.id,
                        to: merged,
                        is_new: false,
                    },
                    None => Pair {
                        from: folder.id,
                        to: self.make_folder(&mut to, &folder.name, None)?,
                        is_new: true,
                    },
                });
            }
        }
        Ok(())
    }

    fn copy_one(
        &mut self,
        file: &File,
        to: &mut Folder,
        is_new: bool,
        existing: Existing,
    ) -> Answer<()> {
        let modified = Some(file.modified);
        let as_new = Times {
            modified,
            created: Some(self.now.0),
        };
        if is_new {
            let held = self.hold(file)?;
            return self.save_new(to, &file.name, held, as_new);
        }
        let times = match self.tx.file_child(to.id, &file.name)? {
            Some(_) if existing == Existing::Keep => return Ok(()),
            Some(_) => Times {
                modified,
                created: None,
            },
            None => as_new,
        };
        self.copy_file(file, to, &file.name, times).map(drop)
    }
}
