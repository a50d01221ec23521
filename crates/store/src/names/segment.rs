//! Making segments of noted names, and taking them apart again.

use super::grams::{grams, pack, unpack};
use super::{
    ADD_GRAM, ADD_GRAMS, ADD_SEGMENT, IS_WORTHWHILE, NOTE_AGAIN, Object, REMOVE_GRAMS, REMOVE_NEW,
    REMOVE_SEGMENT, SEGMENT_NAMES, SEGMENTS, SET_CHECKED, TAKE, UNCHECKED, WORTHWHILE_NAMES, fold,
};
use crate::row::Arg;
use crate::{Stored, Tx, args};
use std::collections::HashMap;

/// Grams that one statement adds.
const GRAMS_AT_ONCE: usize = 16;

impl Tx<'_> {
    /// Makes a segment of noted names of an account, if there are enough; true if there may be more to do.
    pub fn index_names(&mut self, owner: i64, now: i64) -> Stored<bool> {
        let enough = WORTHWHILE_NAMES - 1;
        if self
            .opt::<(i64,)>(IS_WORTHWHILE, args![owner, enough])?
            .is_none()
        {
            return Ok(false);
        }
        // Removed and read by one statement, so that a name that changes meanwhile is noted again after this.
        let mut taken: Vec<(i64, String)> = self.all(TAKE, args![owner])?;
        taken.sort_unstable_by_key(|(object, _)| *object);
        let is_full = taken.len() >= SEGMENT_NAMES;
        let mut pairs: Vec<(i64, Object)> = taken
            .iter()
            .flat_map(|(object, name)| grams(name).map(|gram| (gram, Object(*object))))
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        let segment = self.id()?;
        let objects: Vec<Object> = taken.iter().map(|(object, _)| Object(*object)).collect();
        self.exec(ADD_SEGMENT, args![owner, segment, &pack(&objects), now])?;
        let rows: Vec<(i64, Vec<u8>)> = pairs
            .chunk_by(|(gram, _), (next, _)| gram == next)
            .map(|pairs| {
                let objects: Vec<Object> = pairs.iter().map(|(_, object)| *object).collect();
                (pairs[0].0, pack(&objects))
            })
            .collect();
        let mut chunks = rows.chunks_exact(GRAMS_AT_ONCE);
        for chunk in &mut chunks {
            let mut values = vec![Arg::Int(owner), Arg::Int(segment)];
            for (gram, objects) in chunk {
                values.extend([Arg::Int(*gram), Arg::Blob(objects)]);
            }
            self.exec(ADD_GRAMS, &values)?;
        }
        for (gram, objects) in chunks.remainder() {
            self.exec(ADD_GRAM, args![owner, segment, *gram, objects])?;
        }
        Ok(is_full)
    }

    /// Looks at a few segments that were last looked at before `before`: one of which less than half is still there is
    /// dissolved, and what is left of it noted again. Answers how many were looked at.
    pub fn tidy_names(&mut self, before: i64, now: i64) -> Stored<usize> {
        let segments: Vec<(i64, i64, Vec<u8>)> = self.all(UNCHECKED, args![before])?;
        for (owner, segment, objects) in &segments {
            let objects = unpack(objects)?;
            let names = self.names_of(*owner, &objects)?;
            if names.len() * 2 >= objects.len() {
                self.exec(SET_CHECKED, args![now, *owner, *segment])?;
                continue;
            }
            for (object, name) in names {
                self.exec(NOTE_AGAIN, args![*owner, object.0, &fold(&name)])?;
            }
            self.remove_segment(*owner, *segment)?;
        }
        Ok(segments.len())
    }

    /// The names of those of the objects that still exist.
    fn names_of(&mut self, owner: i64, objects: &[Object]) -> Stored<HashMap<Object, String>> {
        let files: Vec<i64> = objects
            .iter()
            .filter_map(|object| object.as_file())
            .collect();
        let folders: Vec<i64> = objects
            .iter()
            .filter_map(|object| object.as_folder())
            .collect();
        let mut names = HashMap::new();
        for file in self.files_by_id(&files)? {
            if file.owner == owner {
                names.insert(Object::file(file.id), file.name);
            }
        }
        for folder in self.folders_by_id(&folders)? {
            if folder.owner == owner {
                names.insert(Object::folder(folder.id), folder.name);
            }
        }
        Ok(names)
    }

    /// Removes a piece of the index of an account that is being removed; true when nothing is left of it.
    pub(crate) fn remove_names_piece(&mut self, owner: i64) -> Stored<bool> {
        if self.exec(REMOVE_NEW, args![owner])? > 0 {
            return Ok(false);
        }
        match self.opt::<(i64,)>(SEGMENTS, args![owner, i64::MAX, 1])? {
            Some((segment,)) => self.remove_segment(owner, segment).map(|()| false),
            None => Ok(true),
        }
    }

    fn remove_segment(&mut self, owner: i64, segment: i64) -> Stored<()> {
        self.exec(REMOVE_GRAMS, args![owner, segment])?;
        self.exec(REMOVE_SEGMENT, args![owner, segment]).map(drop)
    }
}
