//! Walking through everything that may have a name, the newest first.

use super::grams::{Range, ranges, unpack};
use super::{NOTED, Object, POSTINGS, SEGMENTS, fold};
use crate::{Stored, Tx, args};
use std::collections::BTreeMap;

/// Segments that are looked through at once, at first and at most. Frequent words find enough in the first ones.
const SEGMENTS_AT_ONCE: (i64, i64) = (4, 64);

/// Noted names that are looked through at once; there are rarely more than some thousands.
const NOTED_AT_ONCE: i64 = 10_000;

/// So few objects are looked at sooner than another list is read.
const FEW_OBJECTS: usize = 256;

/// A search among the names of one account.
#[derive(Clone, Debug)]
pub struct Finder {
    owner: i64,
    words: Vec<String>,
    ranges: Vec<Range>,
    position: Position,
    /// Segments that are looked through next.
    at_once: i64,
}

/// Where the walk stands. Noted names come before segments, since they are newer.
#[derive(Clone, Copy, Debug)]
enum Position {
    /// Before this object among the noted names.
    Noted(i64),
    /// Before this segment.
    Segments(i64),
}

impl Finder {
    /// A search for names of an account that hold all these words, in upper or lower case.
    pub fn new(owner: i64, words: &[&str]) -> Self {
        let words: Vec<String> = words
            .iter()
            .map(|word| fold(word))
            .filter(|word| !word.is_empty())
            .collect();
        Self {
            owner,
            ranges: ranges(&words),
            words,
            position: Position::Noted(i64::MAX),
            at_once: SEGMENTS_AT_ONCE.0,
        }
    }

    /// Whether a name is what is looked for.
    pub fn finds(&self, name: &str) -> bool {
        let name = fold(name);
        self.words.iter().all(|word| name.contains(word))
    }

    /// The next objects that may be what is looked for, newer names first; none if all have been proposed. An object
    /// that was renamed may come several times.
    pub fn next(&mut self, tx: &mut Tx<'_>) -> Stored<Option<Vec<Object>>> {
        if self.words.is_empty() {
            return Ok(None);
        }
        match self.position {
            Position::Noted(before) => self.noted(tx, before).map(Some),
            Position::Segments(before) => self.indexed(tx, before),
        }
    }

    /// What segments propose.
    fn indexed(&mut self, tx: &mut Tx<'_>, before: i64) -> Stored<Option<Vec<Object>>> {
        let segments: Vec<(i64,)> = tx.all(SEGMENTS, args![self.owner, before, self.at_once])?;
        let Some(&(last,)) = segments.last() else {
            return Ok(None);
        };
        let is_first = self.at_once == SEGMENTS_AT_ONCE.0;
        let mut counted = Vec::with_capacity(self.ranges.len());
        let mut left: Option<BTreeMap<i64, Vec<Object>>> = None;
        for range in &self.ranges {
            let mut found: BTreeMap<i64, Vec<Object>> = BTreeMap::new();
            tx.each(
                POSTINGS,
                args![self.owner, before, self.at_once, range.from, range.to],
                |(segment, objects): (i64, Vec<u8>)| {
                    found.entry(segment).or_default().extend(unpack(&objects)?);
                    Ok(())
                },
            )?;
            counted.push((count(&found), *range));
            let narrow = narrowed(left, found);
            let is_enough = !is_first && count(&narrow) <= FEW_OBJECTS;
            left = Some(narrow);
            if is_enough {
                break;
            }
        }
        if is_first {
            // What is rare in the newest names is rare in the others, and comes first from now on.
            counted.sort_by_key(|(count, _)| *count);
            self.ranges = counted.into_iter().map(|(_, range)| range).collect();
        }
        self.position = Position::Segments(last);
        self.at_once = (self.at_once * 4).min(SEGMENTS_AT_ONCE.1);
        let newest_first = left.unwrap_or_default().into_values().rev();
        Ok(Some(
            newest_first
                .flat_map(|objects| objects.into_iter().rev())
                .collect(),
        ))
    }

    /// What matches among the noted names.
    fn noted(&mut self, tx: &mut Tx<'_>, before: i64) -> Stored<Vec<Object>> {
        let (mut found, mut count, mut last) = (Vec::new(), 0, before);
        tx.each(
            NOTED,
            args![self.owner, before, NOTED_AT_ONCE],
            |(object, name): (i64, String)| {
                if self.words.iter().all(|word| name.contains(word)) {
                    found.push(Object(object));
                }
                (count, last) = (count + 1, object);
                Ok(())
            },
        )?;
        self.position = if count < NOTED_AT_ONCE {
            Position::Segments(i64::MAX)
        } else {
            Position::Noted(last)
        };
        Ok(found)
    }
}

fn count(found: &BTreeMap<i64, Vec<Object>>) -> usize {
    found.values().map(Vec::len).sum()
}

/// What is in both, segment by segment. The lists of the result are sorted.
fn narrowed(
    left: Option<BTreeMap<i64, Vec<Object>>>,
    mut found: BTreeMap<i64, Vec<Object>>,
) -> BTreeMap<i64, Vec<Object>> {
    for objects in found.values_mut() {
        objects.sort_unstable();
        objects.dedup();
    }
    let Some(left) = left else { return found };
    let both = left.into_iter().filter_map(|(segment, mut objects)| {
        let others = found.get(&segment)?;
        objects.retain(|object| others.binary_search(object).is_ok());
        (!objects.is_empty()).then_some((segment, objects))
    });
    both.collect()
}
