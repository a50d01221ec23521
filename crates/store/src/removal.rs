//! Removing an account with everything it owns, in pieces of bounded size.

use crate::{Sql, Stored, Tx, args, sql};

/// Rows that one piece removes, about.
const PIECE_ROWS: usize = 500;

sql! {
    FOLDER = "SELECT id FROM folder WHERE parent = $1 AND deleted = 0 LIMIT 1";
    TRASHED_FOLDER = "SELECT id FROM folder WHERE parent = $1 AND deleted <> 0 LIMIT 1";
    FILES = "SELECT id, blob FROM file WHERE folder = $1 AND deleted = 0 LIMIT 100";
    TRASHED_FILES = "SELECT id, blob FROM file WHERE folder = $1 AND deleted <> 0 LIMIT 100";
    EVENTS = "DELETE FROM event WHERE account = $1 AND diffid IN \
              (SELECT diffid FROM event WHERE account = $1 ORDER BY diffid LIMIT 500)";
    SHARED_EVENTS = "DELETE FROM shared_event WHERE owner = $1 AND (folder, diffid) IN \
                     (SELECT folder, diffid FROM shared_event WHERE owner = $1 LIMIT 500)";
    STRETCHES = "DELETE FROM stretch WHERE account = $1 AND diffid IN \
                 (SELECT diffid FROM stretch WHERE account = $1 LIMIT 500)";
    FOLLOWED = "DELETE FROM follow WHERE account = $1";
    TRASH = "DELETE FROM trash WHERE owner = $1";
    TOKENS = "DELETE FROM token WHERE account = $1";
    RECOVERY_CODES = "DELETE FROM recovery_code WHERE account = $1";
    TRUSTED_DEVICES = "DELETE FROM trusted_device WHERE account = $1";
    MAIL_CODES = "DELETE FROM mail_code WHERE account = $1";
    NOTIFICATIONS = "DELETE FROM notification WHERE account = $1";
    SHARES = "DELETE FROM share WHERE owner = $1";
    SHARE_REQUESTS = "DELETE FROM share_request WHERE owner = $1";
    SHARE_POLICIES = "DELETE FROM share_policy WHERE account = $1";
    PUBLIC_LINKS = "DELETE FROM public_link WHERE owner = $1";
    UPLOAD_LINKS = "DELETE FROM upload_link WHERE owner = $1";
    JOBS = "DELETE FROM job WHERE account = $1";
    COLLECTION_ITEMS = "DELETE FROM collection_item WHERE collection IN \
                        (SELECT id FROM collection WHERE account = $1)";
    COLLECTIONS = "DELETE FROM collection WHERE account = $1";
    APP_GRANTS = "DELETE FROM app_grant WHERE account = $1";
    APP_FOLDERS = "DELETE FROM app_folder WHERE account = $1";
    UPLOADS = "DELETE FROM upload WHERE account = $1";
    APP_CODES = "DELETE FROM app_code WHERE account = $1";
    ACCOUNT = "DELETE FROM account WHERE id = $1";
}

/// What is left when tree and feed are gone, the account itself last.
const REST: [Sql; 20] = [
    FOLLOWED,
    TRASH,
    TOKENS,
    RECOVERY_CODES,
    TRUSTED_DEVICES,
    MAIL_CODES,
    NOTIFICATIONS,
    SHARES,
    SHARE_REQUESTS,
    SHARE_POLICIES,
    PUBLIC_LINKS,
    UPLOAD_LINKS,
    JOBS,
    COLLECTION_ITEMS,
    COLLECTIONS,
    APP_GRANTS,
    APP_FOLDERS,
    UPLOADS,
    APP_CODES,
    ACCOUNT,
];

impl Tx<'_> {
    /// Removes a piece of an account; true when nothing is left of it. To be called in one edit after the other, once
    /// the account is locked out. Contents that nobody else holds become garbage at the time `now`.
    pub fn remove_account_piece(&mut self, account: i64, now: i64) -> Stored<bool> {
        let Some(account) = self.account(account)? else {
            return Ok(true);
        };
        if !self.remove_tree_piece(account.root, now)? {
            return Ok(false);
        }
        for statement in [EVENTS, SHARED_EVENTS, STRETCHES] {
            if self.exec(statement, args![account.id])? > 0 {
                return Ok(false);
            }
        }
        self.remove_working_copies_of_account(account.id, now)?;
        if !self.remove_names_piece(account.id)? || self.remove_link_items_piece(account.id, now)? {
            return Ok(false);
        }
        self.retire_shortcodes_of(account.id)?;
        for statement in REST {
            self.exec(statement, args![account.id])?;
        }
        Ok(true)
    }

    /// Removes about [`PIECE_ROWS`] rows of a tree, leaves first; true when its root is gone as well.
    fn remove_tree_piece(&mut self, root: i64, now: i64) -> Stored<bool> {
        let mut removed = 0;
        let mut at = root;
        while removed < PIECE_ROWS {
            let below = match self.opt::<(i64,)>(FOLDER, args![at])? {
                None => self.opt::<(i64,)>(TRASHED_FOLDER, args![at])?,
                found => found,
            };
            if let Some((below,)) = below {
                at = below;
                continue;
            }
            let mut files: Vec<(i64, i64)> = self.all(FILES, args![at])?;
            files.extend(self.all::<(i64, i64)>(TRASHED_FILES, args![at])?);
            for &(file, blob) in &files {
                removed += 1 + self.remove_file_and_revisions(file, blob, now)?;
            }
            if !files.is_empty() {
                continue;
            }
            let parent = self.folder(at)?.map(|folder| folder.parent);
            self.remove_folder(at)?;
            removed += 1;
            match parent {
                Some(parent) if at != root => at = parent,
                _ => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Removes a file; answers how many revisions went with it.
    fn remove_file_and_revisions(&mut self, file: i64, blob: i64, now: i64) -> Stored<usize> {
        let revisions = self.revisions(file)?;
        for revision in &revisions {
            self.remove_revision(revision.id)?;
            self.release_content(revision.blob, now)?;
        }
        self.release_content(blob, now)?;
        self.remove_file(file)?;
        Ok(revisions.len())
    }
}

#[cfg(test)]
mod tests {
    use crate::statements::statements;
    use crate::tables::tables;

    /// Folders and files are removed one by one, with what hangs on them.
    const TREE: [&str; 2] = ["folder", "file"];

    #[test]
    fn what_an_account_has_is_removed_with_it() {
        let texts: Vec<&str> = statements().map(|(_, sql)| sql.sqlite_text()).collect();
        let is_said = |start: String| texts.iter().any(|text| text.starts_with(&start));
        for table in tables().unwrap() {
            let name = table.name.as_str();
            let of_accounts = ["account", "owner"]
                .iter()
                .any(|column| table.has_column(column));
            let is_written = is_said(format!("INSERT INTO {name} "));
            let is_removed = TREE.contains(&name)
                || is_said(format!("DELETE FROM {name} WHERE account = $1"))
                || is_said(format!("DELETE FROM {name} WHERE owner = $1"));
            assert!(
                !of_accounts || !is_written || is_removed,
                "{name} is forgotten"
            );
        }
    }
}
