//! Walking through everything that may have a name, the newest first.

use super::grams::{Range, ranges, unpack};
use super::{LISTS, NOTED, Object, SEGMENTS, fold};
use crate::row::Arg;
use crate::{Stored, Tx, args};
use std::collections::BTreeMap;

/// Segments that are looked through at once, at first and at most. Frequent words find enough in the first ones.
const SEGMENTS_AT_ONCE: (i64, i64) = (4, 64);

/// Noted names that are looked through at once; there are rarely more than some thousands.
const NOTED_AT_ONCE: i64 = 10_000;

/// Segments whose lists are read with one statement.
const LISTS_AT_ONCE: usize = 32;

/// So few objects of a segment are looked at sooner than another list of it is read.
const FEW_OBJECTS: usize = 2;

/// Objects, sorted, by the segment that they are in.
type Found = BTreeMap<i64, Vec<Object>>;

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
        let mut segments: Vec<i64> = segments.into_iter().map(|(segment,)| segment).collect();
        let Some(&last) = segments.last() else {
            return Ok(None);
        };
        let is_first = self.at_once == SEGMENTS_AT_ONCE.0;
        let mut counted = Vec::with_capacity(self.ranges.len());
        let mut left: Option<Found> = None;
        for range in &self.ranges {
            let found = self.lists(tx, &segments, *range)?;
            counted.push((count(&found), *range));
            let both = match left.take() {
                Some(left) => common(left, &found),
                None => found,
            };
            if !is_first {
                // Where nothing is left, no other list has to be read.
                segments = both.keys().copied().collect();
                if count(&both) <= segments.len() * FEW_OBJECTS {
                    left = Some(both);
                    break;
                }
            }
            left = Some(both);
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

    /// The objects in these segments that have a gram of the range.
    fn lists(&self, tx: &mut Tx<'_>, segments: &[i64], range: Range) -> Stored<Found> {
        let mut found = Found::new();
        for some in segments.chunks(LISTS_AT_ONCE) {
            let mut values = vec![
                Arg::Int(self.owner),
                Arg::Int(range.from),
                Arg::Int(range.to),
            ];
            // Places that are left over name a segment again, which changes nothing.
            let places = some.iter().chain(std::iter::repeat(&some[0]));
            values.extend(places.take(LISTS_AT_ONCE).map(|segment| Arg::Int(*segment)));
            tx.each(LISTS, &values, |(segment, objects): (i64, Vec<u8>)| {
                found.entry(segment).or_default().extend(unpack(&objects)?);
                Ok(())
            })?;
        }
        if range.has_many() {
            for objects in found.values_mut() {
                objects.sort_unstable();
                objects.dedup();
            }
        }
        Ok(found)
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

fn count(found: &Found) -> usize {
    found.values().map(Vec::len).sum()
}

/// What is in both.
fn common(left: Found, right: &Found) -> Found {
    let both = left.into_iter().filter_map(|(segment, mut objects)| {
        let mut others = right.get(&segment)?.iter().peekable();
        objects.retain(|object| {
            while others.next_if(|other| *other < object).is_some() {}
            others.peek() == Some(&object)
        });
        (!objects.is_empty()).then_some((segment, objects))
    });
    both.collect()
}
