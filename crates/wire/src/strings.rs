//! The memory of strings that lets a binary answer repeat one by its id.

use crate::binary_read::MAX_UNFOLDING;

/// Strings compete for a place only with the few that share their group.
const GROUP: usize = 4;

/// Groups at first; enough for the keys of a small answer.
const FIRST_GROUPS: usize = 16;

/// Groups at most: 4096 strings.
const MAX_GROUPS: usize = 1024;

/// Longer strings hardly ever come twice and are not worth a place. The longest that do are the
/// content types of office documents, of some seventy bytes.
const MAX_BYTES: usize = 128;

// What is written here must be readable there: one byte may repeat a string of this length.
const _: () = assert!(MAX_BYTES <= MAX_UNFOLDING);

/// A string that was written: where it stands in the answer, and its id.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: u32,
    bytes: u16,
    id: u32,
}

/// What is known of the strings written into one answer.
///
/// Every string that is written out gets the next id, but only some are remembered: each belongs
/// to a group of four by its hash, and the one used longest ago leaves. The keys of a listing, in
/// use all the time, so stay while names pass through. The texts are not copied but found in the
/// answer itself. Names chosen to share a group make the answer longer, never slower.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    /// Each group has the string used last in front. A power of two in number, or none.
    groups: Vec<[Option<Place>; GROUP]>,
    next_id: u32,
}

impl Strings {
    /// The id of a string, if it is remembered.
    pub(crate) fn find(&mut self, answer: &[u8], text: &[u8]) -> Option<u32> {
        if self.groups.is_empty() || text.len() > MAX_BYTES {
            return None;
        }
        let index = self.group_of(text);
        let group = &mut self.groups[index];
        let found = group
            .iter()
            .flatten()
            .position(|place| place.text(answer) == text)?;
        group[..=found].rotate_right(1);
        group[0].map(|place| place.id)
    }

    /// Gives the next id to a string that has just been written to the end of the answer.
    pub(crate) fn add(&mut self, answer: &[u8], bytes: usize) {
        let id = self.next_id;
        // An answer is limited to 4 GiB, so ids cannot run out within one.
        self.next_id = self.next_id.wrapping_add(1);
        if bytes > MAX_BYTES {
            return;
        }
        let start = answer.len() - bytes;
        let (Ok(start), Ok(bytes)) = (u32::try_from(start), u16::try_from(bytes)) else {
            return;
        };
        if self.next_id as usize > self.groups.len() * GROUP && self.groups.len() < MAX_GROUPS {
            self.grow(answer);
        }
        self.insert(answer, Place { start, bytes, id });
    }

    fn insert(&mut self, answer: &[u8], place: Place) {
        let index = self.group_of(place.text(answer));
        let group = &mut self.groups[index];
        group.rotate_right(1);
        group[0] = Some(place);
    }

    fn grow(&mut self, answer: &[u8]) {
        let groups = (self.groups.len() * 4).clamp(FIRST_GROUPS, MAX_GROUPS);
        let old = std::mem::replace(&mut self.groups, vec![[None; GROUP]; groups]);
        for group in old {
            for place in group.into_iter().rev().flatten() {
                self.insert(answer, place);
            }
        }
    }

    fn group_of(&self, text: &[u8]) -> usize {
        hash(text) & (self.groups.len() - 1)
    }
}

impl Place {
    fn text<'a>(&self, answer: &'a [u8]) -> &'a [u8] {
        let start = self.start as usize;
        &answer[start..start + usize::from(self.bytes)]
    }
}

/// A quick hash in the manner of FxHash. It need not resist anybody, see [`Strings`].
fn hash(text: &[u8]) -> usize {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let (words, tail) = text.as_chunks::<8>();
    let tail = tail
        .iter()
        .fold(0, |word, &byte| word << 8 | u64::from(byte));
    let mut hash = (text.len() as u64 ^ tail).wrapping_mul(FACTOR);
    for word in words {
        hash = (hash.rotate_left(23) ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR);
    }
    (hash >> 40) as usize
}
