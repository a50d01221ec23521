//! Finding what a call names by its id, in the same time whether it belongs to somebody else or to nobody.
//!
//! What is the caller's own is found by its row. Whatever else is asked for costs one statement more, which finds nothing if
//! there is no such thing, or if it is not shared with him: on a server whose database is another machine, each statement
//! that only foreign things take would tell that they exist.

use crate::call::Answer;
use crate::cx::View;
use pileus_store::files::File;
use pileus_store::folders::Folder;
use pileus_store::shares::Share;

impl View<'_, '_> {
    /// A file that the caller sees, live or not.
    pub fn find_file(&mut self, id: i64) -> Answer<Option<File>> {
        let row = self.tx.file(id)?;
        let is_own = |file: &File| file.owner == self.user.account.id;
        let own = row.as_ref().filter(|file| is_own(file));
        let own_place = own.map(|file| file.folder);
        if self.is_settled(own_place) {
            return Ok(row.filter(is_own));
        }
        let share = self.tx.share_above_file(id, self.user.account.id)?;
        if !self.reaches_one_of(own_place, share.as_ref())? {
            return Ok(None);
        }
        if let (Some(file), Some(share)) = (&row, share)
            && let Some(place) = self.place(file.folder)?
        {
            self.known.note_share(place.shared, share);
        }
        match row {
            Some(file) if self.sees_file(&file)? => Ok(Some(file)),
            _ => Ok(None),
        }
    }

    /// The row of a folder that the caller sees, live or not; he may see it at another place, and by another name.
    pub fn find_folder(&mut self, id: i64) -> Answer<Option<Folder>> {
        // Rows that stand for shared folders have no id that anybody knows.
        let row = self.tx.folder(id)?.filter(|folder| folder.mount == 0);
        let is_own = |folder: &Folder| folder.owner == self.user.account.id;
        let own_place = row
            .as_ref()
            .filter(|folder| is_own(folder))
            .map(|folder| folder.id);
        if self.is_settled(own_place) {
            return Ok(row.filter(is_own));
        }
        let share = self.tx.share_above_folder(id, self.user.account.id)?;
        if !self.reaches_one_of(own_place, share.as_ref())? {
            return Ok(None);
        }
        if let (Some(folder), Some(share)) = (&row, share) {
            self.known.note_share(folder.shared, share);
        }
        match row {
            Some(folder) if self.sees_folder(&folder)? => Ok(Some(folder)),
            _ => Ok(None),
        }
    }

    /// Whether there is a place where the caller sees something, be it his own or shared with him. It takes the same time if
    /// there is none.
    fn reaches_one_of(&mut self, own_place: Option<i64>, share: Option<&Share>) -> Answer<bool> {
        let place = own_place.or(share.map(|share| share.mount));
        Ok(self.reaches(place.unwrap_or(0))? && place.is_some())
    }

    /// Whether a row is all that has to be known, given where it is if it is the caller's own.
    fn is_settled(&self, own_place: Option<i64>) -> bool {
        self.own_only || (own_place.is_some() && self.user.app_folder.is_none())
    }
}
