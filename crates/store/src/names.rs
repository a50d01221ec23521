//! Finding files and folders by parts of their names.
//!
//! Each name is noted in `name_new` by the statement that gives it to an object, in the same transaction. From time to
//! time the noted names of an account become a *segment*: for every three letters that follow each other in one of
//! them, the objects that have them. A search looks through what is noted and through the segments, and so sees every
//! name at once, while an upload pays for one small row. docs/decisions/search.md has the reasons and the figures.
//!
//! The index only proposes: an object that was renamed or is gone may still be in a segment. Who searches reads the
//! rows of what is proposed and looks at their names.

mod finder;
mod grams;
mod segment;

pub use finder::Finder;
pub use grams::fold;

use crate::jobs::{NAMES, NewJob};
use crate::{Stored, Tx, args, sql};
pub(crate) use grams::unpack;

/// Names that become a segment together, at most. It bounds how long the one writer of SQLite is kept busy.
const SEGMENT_NAMES: usize = 4096;

/// Noted names that are worth a segment.
const WORTHWHILE_NAMES: i64 = 1024;

sql! {
    NOTE = "INSERT INTO name_new (owner, object, name) VALUES ($1, $2, $3) \
            ON CONFLICT (owner, object) DO UPDATE SET name = excluded.name";
    NOTE_FILE = "INSERT INTO name_new (owner, object, name) SELECT owner, id * 2 + 1, $1 FROM file WHERE id = $2 \
                 ON CONFLICT (owner, object) DO UPDATE SET name = excluded.name";
    NOTE_FOLDER = "INSERT INTO name_new (owner, object, name) SELECT owner, id * 2, $1 FROM folder WHERE id = $2 \
                   ON CONFLICT (owner, object) DO UPDATE SET name = excluded.name";
    NOTED = "SELECT object, name FROM name_new WHERE owner = $1 AND object < $2 ORDER BY object DESC LIMIT $3";
    IS_WORTHWHILE = "SELECT object FROM name_new WHERE owner = $1 ORDER BY object LIMIT 1 OFFSET $2";
    TAKE = "DELETE FROM name_new WHERE owner = $1 AND object IN \
            (SELECT object FROM name_new WHERE owner = $1 ORDER BY object LIMIT 4096) RETURNING object, name";
    ADD_SEGMENT = "INSERT INTO name_segment (owner, segment, objects, checked) VALUES ($1, $2, $3, $4)";
    ADD_GRAM = "INSERT INTO name_gram (owner, segment, gram, objects) VALUES ($1, $2, $3, $4)";
    ADD_GRAMS = "INSERT INTO name_gram (owner, segment, gram, objects) VALUES \
                 ($1, $2, $3, $4), ($1, $2, $5, $6), ($1, $2, $7, $8), ($1, $2, $9, $10), \
                 ($1, $2, $11, $12), ($1, $2, $13, $14), ($1, $2, $15, $16), ($1, $2, $17, $18), \
                 ($1, $2, $19, $20), ($1, $2, $21, $22), ($1, $2, $23, $24), ($1, $2, $25, $26), \
                 ($1, $2, $27, $28), ($1, $2, $29, $30), ($1, $2, $31, $32), ($1, $2, $33, $34)";
    SEGMENTS = "SELECT segment FROM name_segment WHERE owner = $1 AND segment < $2 ORDER BY segment DESC LIMIT $3";
    LISTS = "SELECT segment, objects FROM name_gram WHERE owner = $1 AND gram >= $2 AND gram < $3 AND segment IN \
             ($4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, \
             $26, $27, $28, $29, $30, $31, $32, $33, $34, $35)";
    UNCHECKED = "SELECT owner, segment, objects FROM name_segment WHERE checked <= $1 \
                 ORDER BY checked, owner, segment LIMIT 4";
    SET_CHECKED = "UPDATE name_segment SET checked = $1 WHERE owner = $2 AND segment = $3";
    NOTE_AGAIN = "INSERT INTO name_new (owner, object, name) VALUES ($1, $2, $3) ON CONFLICT (owner, object) DO NOTHING";
    REMOVE_SEGMENT = "DELETE FROM name_segment WHERE owner = $1 AND segment = $2";
    REMOVE_GRAMS = "DELETE FROM name_gram WHERE owner = $1 AND segment = $2";
    REMOVE_NEW = "DELETE FROM name_new WHERE owner = $1 AND object IN \
                  (SELECT object FROM name_new WHERE owner = $1 ORDER BY object LIMIT 1000)";
}

/// A file or folder as the index knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object(i64);

impl Object {
    /// A file.
    pub fn file(id: i64) -> Self {
        Self(id * 2 + 1)
    }

    /// A folder.
    pub fn folder(id: i64) -> Self {
        Self(id * 2)
    }

    /// The object that a number of the index stands for.
    pub(crate) fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// The id, if it is a file.
    pub fn as_file(self) -> Option<i64> {
        (self.0 % 2 == 1).then_some(self.0 / 2)
    }

    /// The id, if it is a folder.
    pub fn as_folder(self) -> Option<i64> {
        (self.0 % 2 == 0).then_some(self.0 / 2)
    }
}

impl Tx<'_> {
    /// Notes the name of a new object.
    pub(crate) fn note_name(&mut self, owner: i64, object: Object, name: &str) -> Stored<()> {
        self.exec(NOTE, args![owner, object.0, &fold(name)])?;
        if is_sample(object) {
            self.ask_for_segment(owner)?;
        }
        Ok(())
    }

    /// Notes the name that an object has got.
    pub(crate) fn note_new_name(&mut self, object: Object, name: &str) -> Stored<()> {
        let name = fold(name);
        match (object.as_file(), object.as_folder()) {
            (Some(id), _) => self.exec(NOTE_FILE, args![&name, id]),
            (None, Some(id)) => self.exec(NOTE_FOLDER, args![&name, id]),
            (None, None) => Ok(0),
        }?;
        if is_sample(object) {
            let owner = match (object.as_file(), object.as_folder()) {
                (Some(id), _) => self.file(id)?.map(|file| file.owner),
                (None, Some(id)) => self.folder(id)?.map(|folder| folder.owner),
                (None, None) => None,
            };
            if let Some(owner) = owner {
                self.ask_for_segment(owner)?;
            }
        }
        Ok(())
    }

    fn ask_for_segment(&mut self, owner: i64) -> Stored<()> {
        self.add_job(&NewJob {
            kind: NAMES,
            account: owner,
            progress_key: None,
            payload: "",
            progress: "",
            run_at: 0,
            created: 0,
        })
        .map(drop)
    }
}

/// Whether this object is one of those at which the names of an account are looked at: one in 1,024, and always the
/// same ones. Counting would cost a row that all uploads of an account write.
fn is_sample(object: Object) -> bool {
    // The multiplier of Fibonacci hashing: ids of files may all be even, the top bits of the product are not.
    object.0.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54 == 0
}
