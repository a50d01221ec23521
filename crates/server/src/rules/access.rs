//! Who sees a folder or a file, and what he may do there: the one place that decides.
//!
//! What an account owns it may do anything with. What another account owns it sees if that, or a folder above it, is
//! shared with it, and may do there what the share says. A folder that a recipient sees through a share keeps its id, but
//! the shared folder itself has a place and a name of the recipient's own. Everything here that answers a [`Folder`]
//! answers it as the caller sees it.

use crate::call::Answer;
use crate::cx::View;
use crate::rules::metadata::wire_id;
use pileus_api::Code;
use pileus_api::metadata::Rights;
use pileus_store::accounts;
use pileus_store::files::File;
use pileus_store::folders::Folder;
use pileus_store::shares::{self, Share};
use pileus_store::{Stored, Tx};

/// What a recipient needs for anything but reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// To make an entry.
    Create,
    /// To change an entry, or its name, or its place within the share.
    Modify,
    /// To delete an entry, or to take it away.
    Delete,
}

impl Right {
    fn bit(self) -> i64 {
        match self {
            Self::Create => shares::CREATE,
            Self::Modify => shares::MODIFY,
            Self::Delete => shares::DELETE,
        }
    }
}

/// How a caller sees a folder and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whose it is.
    pub owner: i64,
    /// The nearest shared or offered folder, from this one upwards; 0 if there is none.
    pub shared: i64,
    /// The share that lets the caller see it; none if it is his own.
    pub share: Option<Share>,
}

impl Access {
    /// Whether the caller may do this here.
    pub fn allows(&self, right: Right) -> bool {
        self.share
            .as_ref()
            .is_none_or(|share| share.permissions & right.bit() != 0)
    }

    /// What metadata say about the caller's rights.
    pub fn rights(&self) -> Option<Rights> {
        let share = self.share.as_ref()?;
        Some(rights(share.owner, share.permissions))
    }
}

/// Rights in what an account has shared.
pub fn rights(owner: i64, permissions: i64) -> Rights {
    let may = |bit: i64| permissions & bit != 0;
    Rights {
        userid: wire_id(owner),
        cancreate: may(shares::CREATE),
        canmodify: may(shares::MODIFY),
        candelete: may(shares::DELETE),
    }
}

/// Folders whose place is remembered. Most calls look at one or two.
const REMEMBERED: usize = 8;

/// What was found out in this transaction. An edit that changes places or shares forgets it.
#[derive(Debug, Default)]
pub struct Known {
    /// Owner, and nearest shared folder, of folders.
    places: Vec<(i64, Place)>,
    /// The caller's share by which what a shared folder is the nearest for is seen.
    shares: Vec<(i64, Option<Share>)>,
}

impl Known {
    /// Forgets everything.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Notes by which share the caller sees what a shared folder is the nearest for.
    pub(super) fn note_share(&mut self, shared: i64, share: Share) {
        self.shares.push((shared, Some(share)));
    }

    /// Remembers where a folder is.
    pub(super) fn note_place(&mut self, folder: i64, place: Place) {
        if self.places.len() >= REMEMBERED {
            self.places.clear();
        }
        self.places.push((folder, place));
    }
}

/// Where a folder is, as far as rights go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whose it is.
    pub owner: i64,
    /// The nearest shared or offered folder, from this one upwards; 0 if there is none.
    pub shared: i64,
}

impl From<&Folder> for Place {
    fn from(folder: &Folder) -> Self {
        Self {
            owner: folder.owner,
            shared: folder.shared,
        }
    }
}

/// The next shared folder above a shared one; 0 if there is none.
pub fn next_shared(tx: &mut Tx<'_>, shared: i64) -> Stored<i64> {
    let Some(top) = tx.folder(shared)? else {
        return Ok(0);
    };
    Ok(tx.folder(top.parent)?.map_or(0, |above| above.shared))
}

/// The owner of a live file that somebody shares with an active account.
pub fn shared_by(tx: &mut Tx<'_>, account: i64, file: i64) -> Stored<Option<i64>> {
    let file = tx.file(file)?.filter(|file| file.deleted == 0);
    let Some(file) = file.filter(|file| file.owner != account) else {
        return Ok(None);
    };
    let is_active = tx
        .account(account)?
        .is_some_and(|account| account.state == accounts::ACTIVE);
    let shared = tx.folder(file.folder)?.map_or(0, |folder| folder.shared);
    let share = tx.share_above(shared, account)?;
    Ok(share.filter(|_| is_active).map(|_| file.owner))
}

impl View<'_, '_> {
    /// Where a folder is, by its id.
    pub fn place(&mut self, folder: i64) -> Answer<Option<Place>> {
        if let Some((_, place)) = self.known.places.iter().find(|(id, _)| *id == folder) {
            return Ok(Some(*place));
        }
        let place = self.tx.folder(folder)?.as_ref().map(Place::from);
        if let Some(place) = place {
            self.known.note_place(folder, place);
        }
        Ok(place)
    }

    /// How the caller sees what is at a place; `None` if he does not.
    fn access_at(&mut self, place: Place) -> Answer<Option<Access>> {
        let Place { owner, shared } = place;
        if owner == self.user.account.id {
            return Ok(Some(Access {
                owner,
                shared,
                share: None,
            }));
        }
        if self.own_only {
            return Ok(None);
        }
        let share = match self.known.shares.iter().find(|(top, _)| *top == shared) {
            Some((_, share)) => share.clone(),
            None => {
                let share = self.find_share(shared)?;
                self.known.shares.push((shared, share.clone()));
                share
            }
        };
        Ok(share.map(|share| Access {
            owner,
            shared,
            share: Some(share),
        }))
    }

    fn find_share(&mut self, shared: i64) -> Answer<Option<Share>> {
        let share = self.tx.share_above(shared, self.user.account.id)?;
        let is_inside = match &share {
            Some(share) => self.reaches(share.mount)?,
            None => false,
        };
        Ok(share.filter(|_| is_inside))
    }

    /// Whether the caller sees that part of the tree of his account where a folder is: an app that was let into one folder
    /// sees what is there, and the shares that are mounted there.
    pub(super) fn reaches(&mut self, folder: i64) -> Answer<bool> {
        match self.user.app_folder {
            Some(top) => Ok(self.tx.is_below(folder, top)?),
            None => Ok(true),
        }
    }

    /// How the caller sees a folder; `None` if he does not.
    pub fn access(&mut self, folder: &Folder) -> Answer<Option<Access>> {
        let is_own = folder.owner == self.user.account.id;
        // What somebody else has deleted is nobody else's business.
        if folder.mount != 0 || (folder.deleted != 0 && !is_own) {
            return Ok(None);
        }
        if is_own && !self.reaches(folder.id)? {
            return Ok(None);
        }
        self.known.note_place(folder.id, Place::from(folder));
        self.access_at(Place::from(folder))
    }

    /// How the caller sees the files in a folder, by the folder's id; `None` if he does not.
    pub fn access_in(&mut self, folder: i64) -> Answer<Option<Access>> {
        if self.user.app_folder.is_some() {
            return match self.tx.folder(folder)? {
                Some(folder) => self.access(&folder),
                None => Ok(None),
            };
        }
        match self.place(folder)? {
            Some(place) => self.access_at(place),
            None => Ok(None),
        }
    }

    /// The accounts in whose trees the caller sees something, his own first.
    pub fn visible_owners(&mut self) -> Answer<Vec<i64>> {
        let me = self.user.account.id;
        let mut owners = vec![me];
        for share in self.tx.shares_taken(me)? {
            if !owners.contains(&share.owner) {
                owners.push(share.owner);
            }
        }
        Ok(owners)
    }

    /// Whether a folder of anybody, live or not, is one that the caller sees.
    pub fn sees_folder(&mut self, folder: &Folder) -> Answer<bool> {
        Ok(self.access(folder)?.is_some())
    }

    /// Whether a file of anybody, live or not, is one that the caller sees.
    pub fn sees_file(&mut self, file: &File) -> Answer<bool> {
        let is_own = file.owner == self.user.account.id;
        if is_own && self.user.app_folder.is_none() {
            return Ok(true);
        }
        if !is_own && file.deleted != 0 {
            return Ok(false);
        }
        Ok(self.access_in(file.folder)?.is_some())
    }

    /// Refuses what the caller may not do in a folder (2003), or with a folder that he does not see at all (2005).
    pub fn require(&mut self, folder: &Folder, right: Right) -> Answer<()> {
        let access = self.access(folder)?.ok_or(Code::FOLDER_MISSING)?;
        allow(&access, right)
    }

    /// Refuses what the caller may not do with a file (2003), or with one that he does not see at all (2009).
    pub fn require_file(&mut self, file: &File, right: Right) -> Answer<()> {
        let access = self.access_in(file.folder)?.ok_or(Code::FILE_MISSING)?;
        allow(&access, right)
    }

    /// A folder row as the caller sees it: the row that stands for a shared folder becomes that folder, and a shared folder
    /// has the place and the name that the caller gave it. `None` if he does not see it.
    pub fn seen(&mut self, row: Folder) -> Answer<Option<Folder>> {
        if row.mount != 0 {
            // What somebody else was given, in a folder that he shares, is not the caller's.
            if row.owner != self.user.account.id {
                return Ok(None);
            }
            let shared = self.tx.folder(row.mount)?;
            let shared = shared.filter(|shared| shared.deleted == 0);
            return Ok(match shared {
                Some(shared) if self.sees_folder(&shared)? => Some(Folder {
                    parent: row.parent,
                    name: row.name,
                    ..shared
                }),
                _ => None,
            });
        }
        let Some(access) = self.access(&row)? else {
            return Ok(None);
        };
        match access.share {
            Some(share) if share.folder == row.id => {
                let mount = self.tx.folder(share.mount)?;
                Ok(mount.map(|mount| Folder {
                    parent: mount.parent,
                    name: mount.name,
                    ..row
                }))
            }
            _ => Ok(Some(row)),
        }
    }

    /// The share whose folder this is, if the caller sees it as a recipient: what he does with its name and its place, and
    /// with itself, is his own affair.
    pub fn mounted(&mut self, folder: &Folder) -> Answer<Option<Share>> {
        let share = self.access(folder)?.and_then(|access| access.share);
        Ok(share.filter(|share| share.folder == folder.id))
    }

    /// The live folder of this name in a folder.
    pub fn child_folder(&mut self, parent: i64, name: &str) -> Answer<Option<Folder>> {
        match self.tx.folder_child(parent, name)? {
            Some(row) if row.mount != 0 => self.seen(row),
            found => Ok(found),
        }
    }

    /// The live folders in a folder, by name.
    pub fn child_folders(&mut self, parent: i64) -> Answer<Vec<Folder>> {
        let rows = self.tx.folder_children(parent)?;
        if rows.iter().all(|row| row.mount == 0) {
            return Ok(rows);
        }
        let mut folders = Vec::with_capacity(rows.len());
        for row in rows {
            if row.mount == 0 {
                folders.push(row);
            } else {
                folders.extend(self.seen(row)?);
            }
        }
        Ok(folders)
    }

    /// The folder that a folder is in, as the caller sees both; `None` for his root.
    pub fn parent_of(&mut self, folder: &Folder) -> Answer<Option<Folder>> {
        if folder.parent == 0 {
            return Ok(None);
        }
        match self.tx.folder(folder.parent)? {
            Some(row) if row.owner != self.user.account.id => self.seen(row),
            found => Ok(found),
        }
    }
}

fn allow(access: &Access, right: Right) -> Answer<()> {
    if access.allows(right) {
        Ok(())
    } else {
        Err(Code::DENIED.into())
    }
}
