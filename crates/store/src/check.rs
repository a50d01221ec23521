//! Looking for contradictions in the database.
//!
//! All of it runs in one view, so it may be done while others write. What is kept in memory is a bounded number of
//! entries at a time and a few words per account, however large the tables are.

mod contents;
mod feed;
mod links;
mod names;
mod shares;
mod tree;

use crate::{Stored, Tx, sql};
use std::collections::BTreeMap;

/// Problems that are listed; the rest is counted.
const LISTED_PROBLEMS: usize = 10_000;

sql! {
    ACCOUNTS = "SELECT id, root, used, diffid FROM account WHERE id > $1 ORDER BY id LIMIT 5000";
    LINKS = "SELECT a.id, a.publinks, (SELECT COUNT(*) FROM public_link l WHERE l.owner = a.id AND l.state <> 1), a.uploadlinks, \
             (SELECT COUNT(*) FROM upload_link l WHERE l.owner = a.id AND l.state <> 1) FROM account a \
             WHERE a.id > $1 ORDER BY a.id LIMIT 1000";
    FOLDERS = "SELECT f.id, f.owner, f.parent, f.deleted, p.owner, p.deleted, t.owner FROM folder f \
               LEFT JOIN folder p ON p.id = f.parent LEFT JOIN trash t ON t.id = f.deleted \
               WHERE f.id > $1 ORDER BY f.id LIMIT 5000";
    FILES = "SELECT f.id, f.owner, f.folder, f.deleted, p.owner, p.deleted, t.owner, f.size FROM file f \
             LEFT JOIN folder p ON p.id = f.folder LEFT JOIN trash t ON t.id = f.deleted \
             WHERE f.id > $1 ORDER BY f.id LIMIT 5000";
    SUBFOLDERS = "SELECT id, owner FROM folder WHERE parent = $1 AND deleted = 0";
    TRASHED_SUBFOLDERS = "SELECT id, owner FROM folder WHERE parent = $1 AND deleted <> 0";
    BLOBS = "SELECT b.id, b.size, b.hash, b.refs, CAST(CASE WHEN b.storage_key IS NULL THEN 1 ELSE 0 END AS BIGINT), \
             CAST(LENGTH(i.bytes) AS BIGINT) FROM blob b LEFT JOIN inline_blob i ON i.blob = b.id \
             WHERE b.id > $1 ORDER BY b.id LIMIT 5000";
    FILES_OF_BLOBS = "SELECT id, blob, size, hash FROM file WHERE blob > $1 AND blob <= $2";
    REVISIONS_OF_BLOBS = "SELECT id, blob, size, hash FROM revision WHERE blob > $1 AND blob <= $2",
        scans = "only checks go from contents to revisions, half a million contents at a time";
    BASES = "SELECT base FROM blob WHERE base > $1 AND base <= $2",
        scans = "a check looks at everything";
    BASES_OF_COPIES = "SELECT base_blob FROM working_copy WHERE base_blob > $1 AND base_blob <= $2",
        scans = "a check looks at everything";
    LINKED = "SELECT blob FROM public_link_item WHERE blob > $1 AND blob <= $2",
        scans = "a check looks at everything";
    LEFTOVER_INLINE = "SELECT i.blob FROM inline_blob i LEFT JOIN blob b ON b.id = i.blob AND b.storage_key IS NULL \
                       WHERE b.id IS NULL",
        scans = "a check looks at everything";
    LOST_REVISIONS = "SELECT r.id, r.file FROM revision r LEFT JOIN file f ON f.id = r.file WHERE f.id IS NULL",
        scans = "a check looks at everything";
    FOLDER_NAMES = "SELECT id, owner FROM folder WHERE id > $1 AND parent <> 0 ORDER BY id LIMIT 5000";
    FILE_NAMES = "SELECT id, owner FROM file WHERE id > $1 ORDER BY id LIMIT 5000";
    NOTED = "SELECT object FROM name_new WHERE owner = $1";
    SEGMENTS = "SELECT objects FROM name_segment WHERE owner = $1";
    SHARES = "SELECT s.id, s.folder, s.owner, s.recipient, s.joined, f.owner, m.owner, m.mount, w.owner FROM share s \
              LEFT JOIN folder f ON f.id = s.folder AND f.deleted = 0 \
              LEFT JOIN follow w ON w.account = s.recipient AND w.folder = s.folder \
              LEFT JOIN folder m ON m.id = s.mount AND m.deleted = 0 WHERE s.id > $1 ORDER BY s.id LIMIT 5000";
    SHARED_FOLDERS = "SELECT f.id, f.shares, CAST((SELECT COUNT(*) FROM share s WHERE s.folder = f.id) AS BIGINT), \
                      CAST((SELECT COUNT(*) FROM share_request r WHERE r.folder = f.id) AS BIGINT), \
                      f.shared, p.shared, f.mount, CAST(CASE WHEN f.mount = 0 THEN 0 ELSE \
                      (SELECT COUNT(*) FROM share s WHERE s.folder = f.mount AND s.mount = f.id) END AS BIGINT) \
                      FROM folder f LEFT JOIN folder p ON p.id = f.parent \
                      WHERE f.deleted = 0 AND f.id > $1 ORDER BY f.id LIMIT 5000";
}

/// What a check has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// How much was looked at.
    pub counts: Counts,
    /// What is wrong, at most 10,000 entries.
    pub problems: Vec<Problem>,
    /// How many more problems there are.
    pub unlisted: u64,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accounts.
    pub accounts: u64,
    /// Folders, live and deleted, the roots included.
    pub folders: u64,
    /// Files, live and deleted.
    pub files: u64,
    /// Earlier contents of files.
    pub revisions: u64,
    /// Contents.
    pub contents: u64,
    /// Bytes of all contents.
    pub content_bytes: u64,
    /// Events of all feeds.
    pub events: u64,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is about.
    pub kind: ProblemKind,
    /// The whole story, for people.
    pub text: String,
}

/// What a problem is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// The counters of an account, or its root.
    Account,
    /// The place of a folder or file in the tree, or in the trash.
    Tree,
    /// What a file or revision says about its content, or how often a content says it is held.
    Content,
    /// Bytes that are missing, have the wrong length or the wrong checksum.
    Bytes,
    /// Bytes that no row knows.
    Leftover,
    /// The feed of an account does not lead to its tree.
    Feed,
    /// A folder or file that a search cannot find.
    Names,
    /// A share, or what folders say about shares.
    Share,
    /// A file that is open for writing, or an upload session.
    Working,
}

impl ProblemKind {
    /// The kind's name in lower case, for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Tree => "tree",
            Self::Content => "content",
            Self::Bytes => "bytes",
            Self::Leftover => "leftover",
            Self::Feed => "feed",
            Self::Names => "names",
            Self::Share => "share",
            Self::Working => "working",
        }
    }
}

impl Findings {
    /// Adds a problem.
    pub fn add(&mut self, kind: ProblemKind, text: impl Into<String>) {
        if self.problems.len() < LISTED_PROBLEMS {
            let text = text.into();
            self.problems.push(Problem { kind, text });
        } else {
            self.unlisted += 1;
        }
    }

    /// How many problems there are.
    pub fn problem_count(&self) -> u64 {
        self.problems.len() as u64 + self.unlisted
    }
}

/// What is known about an account while its rows go by.
struct Seen {
    root: i64,
    used: i64,
    diffid: i64,
    /// Bytes of the live files that were seen.
    live_bytes: i64,
    /// Folders that were seen, live and deleted.
    folders: u64,
}

/// Accounts by id.
type Accounts = BTreeMap<i64, Seen>;

impl Tx<'_> {
    /// Looks at every row that has something to do with the tree, the contents and the feeds.
    pub fn check(&mut self) -> Stored<Findings> {
        let mut found = Findings::default();
        let mut accounts = tree::accounts(self, &mut found)?;
        tree::folders(self, &mut accounts, &mut found)?;
        tree::files(self, &mut accounts, &mut found)?;
        tree::totals(self, &mut accounts, &mut found)?;
        contents::check(self, &mut found)?;
        shares::check(self, &mut found)?;
        links::check(self, &mut found)?;
        feed::check(self, &accounts, &mut found)?;
        names::check(self, &mut found)?;
        Ok(found)
    }
}
