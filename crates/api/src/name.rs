//! Names of entries and paths made of them.

use crate::codes::Code;

/// Longest name, in bytes of UTF-8.
pub const NAME_MAX_BYTES: usize = 1023;

/// Deepest path that is looked at. Longer ones cannot exist: every level needs a call to make it.
pub const PATH_MAX_PARTS: usize = 4096;

/// Checks a name for a new entry: 1 to 1023 bytes, no NUL, no slash of either kind, not `.` or `..`.
pub fn check_name(name: &str) -> Result<(), Code> {
    let fits = !name.is_empty() && name.len() <= NAME_MAX_BYTES;
    let clean = !name.bytes().any(|byte| matches!(byte, 0 | b'/' | b'\\'));
    if fits && clean && name != "." && name != ".." {
        Ok(())
    } else {
        Err(Code::BAD_NAME)
    }
}

/// Characters beside the control characters that nobody sees, by code point: those Unicode calls formats, or has ignored
/// where they cannot be shown.
const INVISIBLE: [(u32, u32); 25] = [
    (0xAD, 0xAD),
    (0x34F, 0x34F),
    (0x600, 0x605),
    (0x61C, 0x61C),
    (0x6DD, 0x6DD),
    (0x70F, 0x70F),
    (0x890, 0x891),
    (0x8E2, 0x8E2),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
];

/// Whether a character is not seen, or turns the direction of what is written around it: with it a name can be made to
/// look like another one.
pub fn is_invisible(char: char) -> bool {
    let point = u32::from(char);
    char.is_control()
        || INVISIBLE
            .iter()
            .any(|&(first, last)| (first..=last).contains(&point))
}

/// A path from the caller's root: `/docs/a.txt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The names on the way; empty for the root itself.
    pub parts: Vec<String>,
    /// Whether the text ended in a slash, which in targets means "into this folder".
    pub ends_in_slash: bool,
}

impl Path {
    /// Reads a path. It starts with a slash; repeated slashes count as one, as the Python file system sends them.
    /// `None` if it is not a path.
    pub fn parse(text: &str) -> Option<Self> {
        if !text.starts_with('/') || text.contains('\0') {
            return None;
        }
        let parts: Vec<String> = text
            .split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect();
        (parts.len() <= PATH_MAX_PARTS).then(|| Self {
            parts,
            ends_in_slash: text.ends_with('/'),
        })
    }

    /// Splits off the last name: the folder it is in, and the name. `None` for the root.
    pub fn split_last(mut self) -> Option<(Self, String)> {
        let last = self.parts.pop()?;
        Some((
            Self {
                parts: self.parts,
                ends_in_slash: false,
            },
            last,
        ))
    }

    /// The text form, without a final slash except for the root.
    pub fn to_text(&self) -> String {
        if self.parts.is_empty() {
            "/".into()
        } else {
            self.parts.iter().flat_map(|part| ["/", part]).collect()
        }
    }
}

/// The name that comes `number`-th when a name is taken: `photo (2).jpg`. The number goes before the last extension,
/// and the stem is cut where the whole would be too long.
pub fn numbered(name: &str, number: u64) -> String {
    suffixed(name, &format!(" ({number})"))
}

/// Puts a suffix before the last extension of a name; names without a dot, or with only a leading one, get it at the
/// end. The stem is cut, at a character boundary, so that the result stays within [`NAME_MAX_BYTES`].
pub fn suffixed(name: &str, suffix: &str) -> String {
    let dot = name.rfind('.').filter(|&at| at > 0).unwrap_or(name.len());
    let (stem, extension) = name.split_at(dot);
    // An extension longer than this is no extension but a sentence; cutting it is the lesser evil.
    let extension = &extension[..floor_boundary(extension, 256)];
    let room = NAME_MAX_BYTES - suffix.len() - extension.len();
    let stem = &stem[..floor_boundary(stem, room)];
    format!("{stem}{suffix}{extension}")
}

fn floor_boundary(text: &str, at_most: usize) -> usize {
    if text.len() <= at_most {
        return text.len();
    }
    (0..=at_most)
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_not_seen_is_known() {
        for invisible in
            "\n\u{7f}\u{85}\u{ad}\u{200b}\u{200d}\u{202e}\u{2066}\u{2060}\u{3164}\u{feff}\u{e0041}"
                .chars()
        {
            assert!(super::is_invisible(invisible), "{invisible:?}");
        }
        for visible in "aZ0 -_äßжअ漢ｱ🙂".chars() {
            assert!(!super::is_invisible(visible), "{visible:?}");
        }
    }

    use super::*;

    #[test]
    fn names() {
        for good in ["a", " ", "..a", "a\n", "ä", &"x".repeat(1023)] {
            assert_eq!(check_name(good), Ok(()), "{good:?}");
        }
        for bad in ["", ".", "..", "a/b", "a\\b", "a\0", &"x".repeat(1024)] {
            assert_eq!(check_name(bad), Err(Code::BAD_NAME), "{bad:?}");
        }
    }

    #[test]
    fn paths() {
        let path = Path::parse("//a///b c/").unwrap();
        assert_eq!(path.parts, ["a", "b c"]);
        assert!(path.ends_in_slash);
        assert_eq!(path.to_text(), "/a/b c");
        assert_eq!(Path::parse("/").unwrap().to_text(), "/");
        assert_eq!(Path::parse("a"), None);
        assert_eq!(Path::parse(""), None);
    }

    #[test]
    fn numbers_go_before_the_extension() {
        assert_eq!(numbered("a.tar.gz", 2), "a.tar (2).gz");
        assert_eq!(numbered("a", 3), "a (3)");
        assert_eq!(numbered(".profile", 2), ".profile (2)");
        let long = numbered(&format!("{}.txt", "ä".repeat(600)), 2);
        assert!(long.len() <= NAME_MAX_BYTES && long.ends_with(" (2).txt"));
        assert_eq!(check_name(&numbered(&"x".repeat(1023), 12)), Ok(()));
    }
}
