//! Holding an answer against what a scenario expects of it.

use super::compute::{Kept, find};
use crate::Result;
use crate::script::{Clause, Operator, Path, Segment, Shape, Span, Subject};
use pileus_wire::{Tree, UnixTime};

/// How far a time that is "now" may be off: a loaded machine may be late, and the test's clock reads whole seconds.
const NOW_TOLERANCE_S: u64 = 120;

/// An expectation that did not hold.
#[derive(Debug)]
pub(super) struct Mismatch {
    /// What was expected and what was there.
    pub(super) told: String,
    /// What would have to stand in the file instead, and where, if a mere value is wrong.
    pub(super) correction: Option<(Span, String)>,
}

impl Mismatch {
    fn new(told: impl Into<String>) -> Self {
        Self {
            told: told.into(),
            correction: None,
        }
    }
}

/// Checks one clause; keeps what it wants kept. `now` is the time by the server's clock.
pub(super) fn check(
    clause: &Clause,
    answer: &Tree,
    kept: &mut Kept,
    now: UnixTime,
) -> Result<Option<Mismatch>> {
    Ok(match clause {
        Clause::Keep(path, name) => match find(answer, path) {
            Some(value) => {
                kept.keep(name.clone(), value);
                None
            }
            None => Some(Mismatch::new(format!("there is no {}", show_path(path)))),
        },
        Clause::Absent(path) => find(answer, path)
            .map(|value| Mismatch::new(format!("{} is there: {}", show_path(path), show(&value)))),
        Clause::Is(path, shape) => match find(answer, path) {
            Some(value) if fits(&value, *shape, now) => None,
            found => Some(Mismatch::new(format!(
                "{} is not {shape:?} but {}",
                show_path(path),
                show_found(&found)
            ))),
        },
        Clause::Holds {
            list,
            fields,
            wanted,
        } => {
            let Some(Tree::List(items)) = find(answer, list) else {
                return Ok(Some(Mismatch::new(format!(
                    "{} is not a list",
                    show_path(list)
                ))));
            };
            let mut expected = Vec::new();
            for (path, value) in fields {
                expected.push((path, kept.compute(value)?.into_tree()?));
            }
            let matches = |item: &Tree| {
                expected
                    .iter()
                    .all(|(path, value)| find(item, path).as_ref() == Some(value))
            };
            if items.iter().any(matches) == *wanted {
                None
            } else {
                let what = if *wanted {
                    "no such item"
                } else {
                    "such an item"
                };
                Some(Mismatch::new(format!(
                    "{what} in {}: {}",
                    show_path(list),
                    show(&Tree::List(items))
                )))
            }
        }
        Clause::Compare {
            subject,
            operator,
            value,
            span,
        } => {
            let (told, found) = match subject {
                Subject::Field(path) => (show_path(path), find(answer, path)),
                Subject::Size(path) => (
                    format!("size({})", show_path(path)),
                    find(answer, path).and_then(|value| size(&value)),
                ),
            };
            let expected = kept.compute(value)?.into_tree()?;
            if found
                .as_ref()
                .is_some_and(|found| holds(found, *operator, &expected))
            {
                return Ok(None);
            }
            let told = format!(
                "{told} {} {}: found {}",
                sign(*operator),
                show(&expected),
                show_found(&found)
            );
            let correction = found.filter(|_| *operator == Operator::Equal && is_literal(value));
            Some(Mismatch {
                told,
                correction: correction.map(|found| (span.clone(), show(&found))),
            })
        }
    })
}

/// Whether a value stands in the file as it is, so that another may be put in its place.
fn is_literal(value: &crate::script::Value) -> bool {
    use crate::script::{Piece, Value};
    match value {
        Value::Number(_) | Value::Bool(_) => true,
        Value::Text { pieces, times } => {
            *times == 1 && pieces.iter().all(|piece| matches!(piece, Piece::Bytes(_)))
        }
        Value::List(items) => items.iter().all(is_literal),
        Value::Variable(_) | Value::Random { .. } | Value::Part { .. } | Value::Apply(..) => false,
    }
}

fn size(value: &Tree) -> Option<Tree> {
    let count = match value {
        Tree::List(items) => items.len(),
        Tree::Hash(fields) => fields.len(),
        Tree::Text(text) => text.len(),
        _ => return None,
    };
    Some(Tree::Num(count as u64))
}

fn holds(found: &Tree, operator: Operator, expected: &Tree) -> bool {
    let order = match (found, expected) {
        (Tree::Num(found), Tree::Num(expected)) => Some(found.cmp(expected)),
        (Tree::Text(found), Tree::Text(expected)) => {
            Option::zip(UnixTime::parse(found), UnixTime::parse(expected))
                .map(|(found, expected)| found.cmp(&expected))
        }
        _ => None,
    };
    match operator {
        Operator::Equal => found == expected,
        Operator::Unequal => found != expected,
        Operator::Less => order.is_some_and(|order| order.is_lt()),
        Operator::AtMost => order.is_some_and(|order| order.is_le()),
        Operator::More => order.is_some_and(|order| order.is_gt()),
        Operator::AtLeast => order.is_some_and(|order| order.is_ge()),
        Operator::Like => match (found, expected) {
            (Tree::Text(found), Tree::Text(pattern)) => is_like(found, pattern),
            _ => false,
        },
    }
}

/// Whether a text fits a pattern in which each `*` stands for any text.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    true
}

fn fits(value: &Tree, shape: Shape, now: UnixTime) -> bool {
    match (shape, value) {
        (Shape::Int, Tree::Num(_)) | (Shape::Bool, Tree::Bool(_)) => true,
        (Shape::List, Tree::List(_)) | (Shape::Hash, Tree::Hash(_)) => true,
        (Shape::Text, Tree::Text(text)) => !text.is_empty(),
        (Shape::Time, Tree::Text(text)) => {
            UnixTime::parse(text).is_some_and(|time| time.format_rfc2822().as_str() == text)
        }
        (Shape::Seconds, Tree::Num(_)) => true,
        (Shape::Now, value) => value
            .as_time()
            .is_some_and(|time| time.0.abs_diff(now.0) <= NOW_TOLERANCE_S),
        (Shape::Hex(digits), Tree::Text(text)) => {
            text.len() == digits
                && text
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        }
        _ => false,
    }
}

fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Equal => "=",
        Operator::Unequal => "!=",
        Operator::Less => "<",
        Operator::AtMost => "<=",
        Operator::More => ">",
        Operator::AtLeast => ">=",
        Operator::Like => "~",
    }
}

fn show_path(path: &Path) -> String {
    let mut shown = String::new();
    for segment in &path.0 {
        match segment {
            Segment::Key(key) if shown.is_empty() => shown.push_str(key),
            Segment::Key(key) => shown.extend([".", key]),
            Segment::Index(index) => shown.push_str(&format!("[{index}]")),
            Segment::Each => shown.push_str("[]"),
            Segment::Where(key, value) => shown.push_str(&format!("[{key}={value}]")),
        }
    }
    shown
}

fn show_found(found: &Option<Tree>) -> String {
    found.as_ref().map_or_else(|| "nothing".to_owned(), show)
}

/// A value as a scenario file writes it.
pub(super) fn show(value: &Tree) -> String {
    match value {
        Tree::Num(number) => number.to_string(),
        Tree::Bool(flag) => flag.to_string(),
        Tree::Data(count) => format!("<{count} bytes of data>"),
        Tree::Text(text) => {
            let mut shown = String::from("\"");
            for character in text.chars() {
                match character {
                    '"' | '\\' | '$' => shown.extend(['\\', character]),
                    '\n' => shown.push_str("\\n"),
                    '\r' => shown.push_str("\\r"),
                    '\t' => shown.push_str("\\t"),
                    '\0'..' ' => shown.push_str(&format!("\\x{:02x}", u32::from(character))),
                    _ => shown.push(character),
                }
            }
            shown + "\""
        }
        Tree::List(items) => {
            let items: Vec<String> = items.iter().map(show).collect();
            format!("[{}]", items.join(", "))
        }
        Tree::Hash(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{key}: {}", show(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (text, pattern) in [
            ("abc", "abc"),
            ("abc", "a*"),
            ("abc", "*c"),
            ("abc", "*"),
            ("abcabc", "a*b*c"),
        ] {
            assert!(is_like(text, pattern), "{text} {pattern}");
        }
        for (text, pattern) in [
            ("abc", "ab"),
            ("abc", "b*"),
            ("abc", "*b"),
            ("abc", "a*d*c"),
        ] {
            assert!(!is_like(text, pattern), "{text} {pattern}");
        }
    }

    #[test]
    fn shapes() {
        let now = UnixTime(1_363_890_705);
        let text = Tree::Text("Thu, 21 Mar 2013 18:31:45 +0000".into());
        assert!(fits(&text, Shape::Time, now));
        assert!(fits(&text, Shape::Now, now));
        assert!(!fits(&text, Shape::Now, UnixTime(0)));
        assert!(!fits(&text, Shape::Seconds, now));
        assert!(!fits(
            &Tree::Text("21 Mar 2013 18:31:45 +0000".into()),
            Shape::Time,
            now
        ));
        assert!(fits(&Tree::Text("00ff".into()), Shape::Hex(4), now));
        assert!(!fits(&Tree::Text("00FF".into()), Shape::Hex(4), now));
    }
}
