//! What has to hold for an answer, and reading it.

use super::Span;
use super::cursor::Cursor;
use super::value::{Stops, Value};
use crate::Result;

/// One thing that has to hold for an answer, or that is kept of it.
#[derive(Debug)]
pub enum Clause {
    /// `PATH = VALUE` and its kin.
    Compare {
        /// What is compared.
        subject: Subject,
        /// How.
        operator: Operator,
        /// With what.
        value: Value,
        /// Where the value stands.
        span: Span,
    },
    /// `PATH is SHAPE`.
    Is(Path, Shape),
    /// `no PATH`.
    Absent(Path),
    /// `PATH has NAME=VALUE …` or `PATH lacks …`: whether some item of a list has all these fields.
    Holds {
        /// The list.
        list: Path,
        /// The fields.
        fields: Vec<(Path, Value)>,
        /// Whether there has to be one, or must not be one.
        wanted: bool,
    },
    /// `keep PATH as NAME`.
    Keep(Path, String),
}

/// What a comparison looks at.
#[derive(Debug)]
pub enum Subject {
    /// A field.
    Field(Path),
    /// How many items or fields something has.
    Size(Path),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`, of numbers or times.
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `~`: a text in which each `*` of the pattern stands for any text.
    Like,
}

/// What a value has to look like if it cannot be foreseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A number.
    Int,
    /// A text that is not empty.
    Text,
    /// A truth value.
    Bool,
    /// A list.
    List,
    /// A hash.
    Hash,
    /// A datetime in its text form.
    Time,
    /// A datetime in seconds.
    Seconds,
    /// A datetime in either form, which is about now by the server's clock.
    Now,
    /// This many lower-case hexadecimal digits.
    Hex(usize),
}

/// The way to a field: `metadata.contents[name=docs].folderid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(pub Vec<Segment>);

/// One step of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A field of a hash.
    Key(String),
    /// An item of a list, from 0; negative ones count from the end.
    Index(i64),
    /// All items of a list: what follows is looked up in each of them, and the results make a list.
    Each,
    /// The first item of a list that has this field with this text or number.
    Where(String, String),
}

impl Cursor<'_> {
    /// Reads clauses up to the end of the statement. They are separated by commas or line ends.
    pub(super) fn clauses(&mut self) -> Result<Vec<Clause>> {
        let mut clauses = Vec::new();
        while !self.is_done() {
            clauses.push(self.clause()?);
            let line_ended = self.blanks();
            if !self.eat_byte(b',') && !line_ended && !self.is_done() {
                return Err("a comma or a new line is missing between two clauses".into());
            }
        }
        Ok(clauses)
    }

    fn clause(&mut self) -> Result<Clause> {
        if self.word_is("keep") {
            self.blanks();
            let path = self.path()?;
            self.blanks();
            self.expect_word("as")?;
            self.blanks();
            return Ok(Clause::Keep(path, self.word()?.to_owned()));
        }
        if self.word_is("no") {
            self.blanks();
            return Ok(Clause::Absent(self.path()?));
        }
        if self.eat("size(") {
            let path = self.path()?;
            self.expect_byte(b')')?;
            return self.comparison(Subject::Size(path));
        }
        let path = self.path()?;
        self.blanks();
        if self.word_is("is") {
            self.blanks();
            let shape = self.word()?;
            return Ok(Clause::Is(path, Shape::named(shape)?));
        }
        let wanted = self.word_is("has");
        if wanted || self.word_is("lacks") {
            return Ok(Clause::Holds {
                list: path,
                fields: self.fields()?,
                wanted,
            });
        }
        self.comparison(Subject::Field(path))
    }

    fn comparison(&mut self, subject: Subject) -> Result<Clause> {
        self.blanks();
        let signs = [
            ("!=", Operator::Unequal),
            ("<=", Operator::AtMost),
            (">=", Operator::AtLeast),
            ("=", Operator::Equal),
            ("<", Operator::Less),
            (">", Operator::More),
            ("~", Operator::Like),
        ];
        let Some((_, operator)) = signs.into_iter().find(|(sign, _)| self.eat(sign)) else {
            return Err("a comparison is missing".into());
        };
        self.blanks();
        let start = self.mark();
        let value = self.value(Stops::Expression)?;
        Ok(Clause::Compare {
            subject,
            operator,
            value,
            span: start..self.mark(),
        })
    }

    fn fields(&mut self) -> Result<Vec<(Path, Value)>> {
        let mut fields = Vec::new();
        loop {
            let mark = self.mark();
            if self.blanks() || self.peek().is_none_or(|byte| byte == b',') {
                self.reset(mark);
                return if fields.is_empty() {
                    Err("fields are missing".into())
                } else {
                    Ok(fields)
                };
            }
            let path = self.path()?;
            self.expect_byte(b'=')?;
            fields.push((path, self.value(Stops::Expression)?));
        }
    }

    /// Reads the way to a field.
    pub(super) fn path(&mut self) -> Result<Path> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let mut segments = Vec::new();
        loop {
            let name = self.take_while(is_name);
            if name.is_empty() {
                return Err("the name of a field is missing".into());
            }
            segments.push(Segment::Key(name.to_owned()));
            while self.eat_byte(b'[') {
                let inside = self.take_while(|byte| byte != b']');
                self.expect_byte(b']')?;
                segments.push(match inside.split_once('=') {
                    _ if inside.is_empty() => Segment::Each,
                    Some((key, value)) => {
                        Segment::Where(key.to_owned(), value.trim_matches('"').to_owned())
                    }
                    None => Segment::Index(inside.parse()?),
                });
            }
            if !self.eat_byte(b'.') {
                return Ok(Path(segments));
            }
        }
    }
}

impl Shape {
    fn named(name: &str) -> Result<Self> {
        Ok(match name {
            "int" => Self::Int,
            "text" => Self::Text,
            "bool" => Self::Bool,
            "list" => Self::List,
            "hash" => Self::Hash,
            "time" => Self::Time,
            "seconds" => Self::Seconds,
            "now" => Self::Now,
            _ => match name.strip_prefix("hex").map(str::parse) {
                Some(Ok(digits)) => Self::Hex(digits),
                _ => return Err(format!("unknown shape `{name}`").into()),
            },
        })
    }
}
