//! Which calls are refused, and with which codes.

use super::policy::Policy;
use super::step::Step;
use super::world::{CREATE, DELETE, File, MODIFY, World, root};

/// A right is missing.
const DENIED: u64 = 2003;
/// The name is taken.
const TAKEN: u64 = 2004;
/// A folder is missing.
const NO_FOLDER: u64 = 2005;
/// A file is missing.
const NO_FILE: u64 = 2009;
/// A share in a share.
const NESTED: u64 = 2023;

/// A share in which a call is made; none in what is the caller's own.
type Where = Option<u64>;

impl World {
    /// The code that answers a call of an account; `None` if it succeeds.
    pub(super) fn refusal(&self, who: usize, step: &Step) -> Option<u64> {
        self.checked(who, step).err()
    }

    fn checked(&self, who: usize, step: &Step) -> Result<(), u64> {
        let folder = |id: u64| self.rights(who, id).ok_or(NO_FOLDER);
        match step {
            Step::CreateFolder { parent, name } => {
                let rights = self.rights(who, *parent).ok_or(2002u64)?;
                check(self.folder_child(*parent, name).is_none(), TAKEN)?;
                check(rights & CREATE != 0, DENIED)
            }
            Step::Upload {
                folder: at, name, ..
            } => {
                folder(*at)?;
                self.may_save(who, *at, name)
            }
            Step::CopyFile { file, to, name } => {
                let source = self.seen_file(who, *file)?;
                folder(*to)?;
                if source.folder == *to && source.name == *name {
                    return self.may(who, *to, MODIFY);
                }
                self.may_save(who, *to, name)
            }
            Step::RenameFile { file, to, name } => self.may_rename_file(who, *file, *to, name),
            Step::DeleteFile { file } => {
                let file = self.seen_file(who, *file)?;
                self.may(who, file.folder, DELETE)
            }
            Step::RenameFolder { folder, to, name } => {
                self.may_rename_folder(who, *folder, *to, name)
            }
            Step::DeleteFolder { folder } => self.may_delete_folder(who, *folder),
            Step::DeleteFolderRecursive { folder: top } => {
                folder(*top)?;
                check(*top != root(who), 2007)?;
                match self.mounted(who, *top) {
                    Some(_) => Ok(()),
                    None => self.may(who, *top, DELETE),
                }
            }
            Step::CopyFolder {
                folder: from, to, ..
            } => {
                folder(*from)?;
                self.rights(who, *to).ok_or(2208u64)?;
                check(*from != root(who), 2206)?;
                check(!self.is_within(who, *to, *from), 2207)?;
                self.may(who, *to, CREATE)
            }
            Step::RestoreFile { file, to } => {
                to.map_or(Ok(0), folder)?;
                // What others have deleted, or have at all and do not share, does not exist.
                let found = self.files.get(file).ok_or(NO_FILE)?;
                if found.group == 0 {
                    self.seen_file(who, *file)?;
                    return Err(1018);
                }
                check(found.owner == who, NO_FILE)?;
                self.may(who, self.destination(who, *to, found.folder), CREATE)
            }
            Step::RestoreFolder { folder: top, to } => {
                to.map_or(Ok(0), folder)?;
                let found = self.folders.get(top).ok_or(NO_FOLDER)?;
                if found.group == 0 {
                    folder(*top)?;
                    return Err(1017);
                }
                check(found.owner == who, NO_FOLDER)?;
                self.may(who, self.destination(who, *to, found.parent), CREATE)
            }
            Step::ClearTrash => Ok(()),
            Step::Share { .. } | Step::Accept { .. } | Step::Decline { .. } => {
                self.may_share(who, step)
            }
            Step::Cancel { .. } | Step::Change { .. } | Step::Remove { .. } => {
                self.may_end(who, step)
            }
        }
    }

    fn may(&self, who: usize, folder: u64, right: u64) -> Result<(), u64> {
        let rights = self.rights(who, folder).ok_or(NO_FOLDER)?;
        check(rights & right != 0, DENIED)
    }

    fn may_save(&self, who: usize, folder: u64, name: &str) -> Result<(), u64> {
        let is_taken = self.file_child(folder, name).is_some();
        self.may(who, folder, if is_taken { MODIFY } else { CREATE })
    }

    fn seen_file(&self, who: usize, id: u64) -> Result<&File, u64> {
        self.file_rights(who, id).ok_or(NO_FILE)?;
        self.files.get(&id).ok_or(NO_FILE)
    }

    /// The share that lets somebody into a folder.
    fn by(&self, who: usize, folder: u64) -> Where {
        let is_own = self.owner(folder) == Some(who);
        let share = self.share_above(who, folder).filter(|_| !is_own);
        share.map(|(id, _)| id)
    }

    /// Within one share entries are changed; otherwise they are taken away there and made here.
    fn may_move(&self, who: usize, from: u64, to: u64) -> Result<(), u64> {
        if self.by(who, from) == self.by(who, to) {
            return self.may(who, from, MODIFY);
        }
        self.may(who, from, DELETE)?;
        self.may(who, to, CREATE)
    }

    fn may_rename_file(&self, who: usize, id: u64, to: u64, name: &str) -> Result<(), u64> {
        let file = self.seen_file(who, id)?;
        self.rights(who, to).ok_or(NO_FOLDER)?;
        check(file.folder != to || file.name != name, 2049)?;
        self.may_move(who, file.folder, to)?;
        match self.file_child(to, name).filter(|taken| *taken != id) {
            Some(_) => self.may(who, to, MODIFY),
            None => Ok(()),
        }
    }

    fn may_rename_folder(&self, who: usize, id: u64, to: u64, name: &str) -> Result<(), u64> {
        self.rights(who, id).ok_or(NO_FOLDER)?;
        check(id != root(who), 2042)?;
        self.rights(who, to).ok_or(NO_FOLDER)?;
        check(!self.is_within(who, to, id), 2043)?;
        let (parent, own) = self.place(who, id);
        if parent == to && own == name {
            return Ok(());
        }
        let is_taken = self
            .folder_child(to, name)
            .is_some_and(|taken| taken != id || parent != to);
        if self.mounted(who, id).is_some() {
            let is_plain = self.owner(to) == Some(who) && self.shared(to).is_none();
            check(is_plain, NESTED)?;
            return check(!is_taken, TAKEN);
        }
        self.may_move(who, parent, to)?;
        check(!is_taken, TAKEN)?;
        let changes_owner = self.owner(parent) != self.owner(to);
        if changes_owner || (self.shared(to).is_some() && self.shared(to) != self.shared(parent)) {
            let moved = self.below(id);
            check(!self.has_tops(&moved) && !self.has_mounts(&moved), NESTED)?;
        }
        Ok(())
    }

    fn may_delete_folder(&self, who: usize, id: u64) -> Result<(), u64> {
        self.rights(who, id).ok_or(NO_FOLDER)?;
        check(id != root(who), 2007)?;
        if self.mounted(who, id).is_some() {
            return Ok(());
        }
        let all = self.below(id);
        check(!self.has_tops(&all), 2028)?;
        let is_empty = all.len() == 1 && self.files_in(&all).is_empty() && !self.has_mounts(&all);
        check(is_empty, 2006)?;
        self.may(who, id, DELETE)
    }

    fn may_share(&self, who: usize, step: &Step) -> Result<(), u64> {
        match step {
            Step::Share {
                folder, recipient, ..
            } => {
                self.rights(who, *folder).ok_or(NO_FOLDER)?;
                check(*folder != root(who), 2015)?;
                check(self.owner(*folder) == Some(who), 2016)?;
                check(*recipient != who, 2020)?;
                check(self.policy(*recipient, who) != Some(Policy::Blocks), 2017)?;
                check(!self.has_access_around(*recipient, *folder), 2024)?;
                let is_offered = self
                    .offers
                    .values()
                    .any(|offer| offer.folder == *folder && offer.recipient == *recipient);
                check(!is_offered, 2019)
            }
            Step::Accept { offer, into, .. } => {
                let offer = self.offer_to(who, *offer)?;
                self.rights(who, *into).ok_or(NO_FOLDER)?;
                let is_plain = self.owner(*into) == Some(who) && self.shared(*into).is_none();
                check(is_plain, NESTED)?;
                check(!self.has_access_around(who, offer), 2024)
            }
            Step::Decline { offer, .. } => self.offer_to(who, *offer).map(drop),
            _ => Ok(()),
        }
    }

    /// The folder of an offer to somebody.
    fn offer_to(&self, who: usize, id: u64) -> Result<u64, u64> {
        let offer = self.offers.get(&id).ok_or(2021u64)?;
        check(self.owner(offer.folder) != Some(who), 2020)?;
        check(offer.recipient == who, 2021)?;
        Ok(offer.folder)
    }

    fn may_end(&self, who: usize, step: &Step) -> Result<(), u64> {
        match step {
            Step::Cancel { offer } => {
                let offer = self.offers.get(offer).ok_or(2021u64)?;
                check(self.owner(offer.folder) == Some(who), 2021)
            }
            Step::Change { share, .. } => {
                let share = self.shares.get(share).ok_or(2025u64)?;
                check(self.owner(share.folder) == Some(who), 2025)
            }
            Step::Remove { share } => {
                let share = self.shares.get(share).ok_or(2025u64)?;
                let is_side = share.recipient == who || self.owner(share.folder) == Some(who);
                check(is_side, 2025)
            }
            _ => Ok(()),
        }
    }
}

fn check(holds: bool, code: u64) -> Result<(), u64> {
    if holds { Ok(()) } else { Err(code) }
}
