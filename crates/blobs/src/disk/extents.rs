//! Which blocks of a file are there.

use std::collections::BTreeMap;
use std::ops::Range;

/// A set of numbers, kept as the ranges it consists of, none of which touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extents(BTreeMap<u64, u64>);

impl Extents {
    /// Adds a range.
    pub(crate) fn insert(&mut self, range: Range<u64>) {
        let Range { mut start, mut end } = range;
        if start >= end {
            return;
        }
        // All that overlap or touch: going down from the end, each ends no later than the next begins.
        while let Some((&from, &to)) = self.0.range(..=end).next_back() {
            if to < start {
                break;
            }
            self.0.remove(&from);
            start = start.min(from);
            end = end.max(to);
        }
        self.0.insert(start, end);
    }

    /// The ranges of the set, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.0.iter().map(|(&start, &end)| start..end)
    }

    /// How many numbers are in the set.
    pub(crate) fn count(&self) -> u64 {
        self.iter().map(|range| range.end - range.start).sum()
    }

    /// Cuts a range into pieces that are in the set, marked true, and such that are not.
    pub(crate) fn pieces(&self, range: Range<u64>) -> Vec<(Range<u64>, bool)> {
        let mut pieces = Vec::new();
        let mut at = range.start;
        let first = self.0.range(..=range.start).next_back();
        let first = first.map_or(range.start, |(&start, _)| start);
        for (&start, &end) in self.0.range(first..range.end.max(first)) {
            let (start, end) = (start.max(at), end.min(range.end));
            if start >= end {
                continue;
            }
            if at < start {
                pieces.push((at..start, false));
            }
            pieces.push((start..end, true));
            at = end;
        }
        if at < range.end {
            pieces.push((at..range.end, false));
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Compared with a list of flags.
        #[test]
        fn it_is_a_set(ranges in prop::collection::vec((0u64..60, 0u64..20), 0..20), asked in (0u64..60, 0u64..30)) {
            let mut extents = Extents::default();
            let mut flags = [false; 100];
            for (start, length) in ranges {
                extents.insert(start..start + length);
                flags[start as usize..(start + length) as usize].fill(true);
            }
            prop_assert_eq!(extents.count(), flags.iter().filter(|&&flag| flag).count() as u64);
            let kept: Vec<_> = extents.iter().collect();
            prop_assert!(kept.windows(2).all(|pair| pair[0].end < pair[1].start));

            let asked = asked.0..asked.0 + asked.1;
            let pieces = extents.pieces(asked.clone());
            let mut at = asked.start;
            for (piece, is_in) in pieces {
                prop_assert_eq!(piece.start, at);
                prop_assert!(piece.start < piece.end);
                prop_assert!(flags[piece.start as usize..piece.end as usize].iter().all(|&flag| flag == is_in));
                at = piece.end;
            }
            prop_assert_eq!(at, asked.end.max(asked.start));
        }
    }
}
