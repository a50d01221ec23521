//! Folding names, cutting them into grams, and writing down which objects have one.

use super::Object;
use crate::error::{StoreError, Stored};

/// Bits of one letter in a gram. Unicode needs 21, so three fit into a positive `BIGINT`.
const LETTER_BITS: u32 = 21;

/// A name or a searched word in the form in which they are compared: lower case.
pub fn fold(text: &str) -> String {
    // The sigma at the end of a word has a form of its own, and the end of a part of a name is none.
    text.to_lowercase().replace('ς', "σ")
}

/// The grams of a folded name: three letters from each letter on, where nothing follows the last ones. They are sorted
/// by the letters, so that a word of one or two letters is a range of grams.
pub(super) fn grams(name: &str) -> impl Iterator<Item = i64> {
    let letters = || name.chars().map(letter);
    let second = letters().skip(1).chain([0]);
    let third = letters().skip(2).chain([0, 0]);
    letters()
        .zip(second)
        .zip(third)
        .map(|((a, b), c)| gram([a, b, c]))
}

fn letter(letter: char) -> i64 {
    i64::from(u32::from(letter))
}

fn gram(letters: [i64; 3]) -> i64 {
    let [a, b, c] = letters;
    (a << (2 * LETTER_BITS)) | (b << LETTER_BITS) | c
}

/// A range of grams, the end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub from: i64,
    pub to: i64,
}

impl Range {
    /// Just one gram.
    fn of(letters: [i64; 3]) -> Self {
        let from = gram(letters);
        Self { from, to: from + 1 }
    }

    /// Whether there is more than one gram in it.
    pub(super) fn has_many(self) -> bool {
        self.to > self.from + 1
    }
}

/// Ranges of one search at most. Reading one more list of objects costs less than reading the rows it rules out.
const RANGES_MAX: usize = 8;

/// Ranges of grams, from each of which every name has one that holds all these folded words. Of a word the first and
/// the last letters are taken; the first ones of all words come first, and longer words before shorter ones.
pub(super) fn ranges(words: &[String]) -> Vec<Range> {
    let mut words: Vec<Vec<i64>> = words
        .iter()
        .map(|word| word.chars().map(letter).collect())
        .collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let beginnings = words.iter().filter_map(|word| match word[..] {
        [] => None,
        [a] => Some(Range {
            from: gram([a, 0, 0]),
            to: gram([a + 1, 0, 0]),
        }),
        [a, b] => Some(Range {
            from: gram([a, b, 0]),
            to: gram([a, b + 1, 0]),
        }),
        [a, b, c, ..] => Some(Range::of([a, b, c])),
    });
    let endings = words.iter().filter_map(|word| match word[..] {
        [.., a, b, c] => Some(Range::of([a, b, c])),
        _ => None,
    });
    let mut found: Vec<Range> = Vec::new();
    for range in beginnings.chain(endings) {
        if found.len() < RANGES_MAX && !found.contains(&range) {
            found.push(range);
        }
    }
    found
}

/// Writes objects, sorted and without repetition, as the distances between them.
pub(super) fn pack(objects: &[Object]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(objects.len() * 2);
    let mut last = 0;
    for object in objects {
        let mut rest = object.0.abs_diff(last);
        last = object.0;
        while rest >= 0x80 {
            bytes.push(u8::try_from(rest & 0x7F).unwrap_or(0) | 0x80);
            rest >>= 7;
        }
        bytes.push(u8::try_from(rest).unwrap_or(0));
    }
    bytes
}

/// Reads what [`pack`] has written.
pub(crate) fn unpack(bytes: &[u8]) -> Stored<Vec<Object>> {
    let damaged = || StoreError::Corrupt("a list of the index of names cannot be read".into());
    let mut objects = Vec::new();
    let (mut last, mut distance, mut shift) = (0i64, 0i64, 0);
    for byte in bytes {
        if shift > 56 {
            return Err(damaged());
        }
        distance |= i64::from(byte & 0x7F) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            last = last.checked_add(distance).ok_or_else(damaged)?;
            objects.push(Object(last));
            (distance, shift) = (0, 0);
        }
    }
    if shift == 0 {
        Ok(objects)
    } else {
        Err(damaged())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_back() {
        let limit = 1i64 << 54;
        for list in [&[][..], &[1], &[2, 3, 130, 20_000, limit - 1, limit]] {
            let objects: Vec<Object> = list.iter().map(|&object| Object(object)).collect();
            assert_eq!(unpack(&pack(&objects)).unwrap(), objects);
        }
        assert!(unpack(&[0x80]).is_err());
        assert!(unpack(&[0xFF; 12]).is_err());
    }

    #[test]
    fn every_name_with_the_words_has_a_gram_of_every_range() {
        let names = [
            "report.pdf",
            "été 2024.jpg",
            "a",
            "ab",
            "abc",
            "𝄞x",
            "日本語",
            "aaaa",
        ];
        for name in names {
            let all: Vec<i64> = grams(name).collect();
            let letters: Vec<char> = name.chars().collect();
            for from in 0..letters.len() {
                for to in from + 1..=letters.len() {
                    let word: String = letters[from..to].iter().collect();
                    for range in ranges(std::slice::from_ref(&word)) {
                        let has = all.iter().any(|gram| (range.from..range.to).contains(gram));
                        assert!(has, "{word} in {name}");
                    }
                }
            }
        }
    }

    #[test]
    fn upper_and_lower_case_are_the_same() {
        for (name, word) in [
            ("ΟΔΟΣΑ", "οδος"),
            ("Straße", "RASS"),
            ("ÉTÉ", "été"),
            ("İ", "i"),
        ] {
            let is_in = fold(name).contains(&fold(word));
            // The German letter is two in upper case only, so these two stay apart.
            assert_eq!(is_in, name != "Straße", "{word} in {name}");
        }
    }

    #[test]
    fn grams_are_positive_and_in_the_order_of_the_letters() {
        let highest = gram([i64::from(0x10_FFFF); 3]);
        assert!(highest > 0);
        let mut sorted: Vec<i64> = grams("bca").collect();
        sorted.sort_unstable();
        assert_eq!(
            sorted,
            ["a", "bca", "ca"].map(|text| grams(text).next().unwrap())
        );
    }
}
