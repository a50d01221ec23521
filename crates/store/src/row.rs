//! What goes into a statement and what comes out of it.
//!
//! Columns are `BIGINT`, `TEXT` or `BLOB`/`BYTEA` and nothing else, so that
//! values mean the same on both engines. Aggregates are cast to `BIGINT`.

use crate::error::{StoreError, Stored};

/// One argument of a statement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arg<'a> {
    /// A `BIGINT`.
    Int(i64),
    /// A `TEXT`. U+0000 is refused by PostgreSQL and must not get this far.
    Text(&'a str),
    /// A `BLOB` or `BYTEA`.
    Blob(&'a [u8]),
    /// An absent value of any type.
    Null,
}

impl From<i64> for Arg<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Arg<'_> {
    /// Truth values are stored as 0 and 1.
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Arg<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Blob(value)
    }
}

impl<'a> From<&'a Vec<u8>> for Arg<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Self::Blob(value)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Arg<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Blob(value)
    }
}

impl<'a, T: Into<Arg<'a>>> From<Option<T>> for Arg<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Builds the argument list of a statement from values of different types.
///
/// ```
/// use pileus_store::{Arg, args};
/// let name = String::from("docs");
/// assert_eq!(args![7, &name], &[Arg::Int(7), Arg::Text("docs")]);
/// ```
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::Arg::from($value)),*] };
}

/// One row of an answer, borrowed from the engine.
///
/// Columns are counted from 0. A column of another type than asked for, or NULL
/// where a value is asked for, is [`StoreError::Corrupt`].
pub struct Row<'a>(pub(crate) Source<'a>);

/// Where a row's values lie.
pub(crate) enum Source<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a postgres::Row),
}

impl<'a> Row<'a> {
    /// The `BIGINT` in column `index`.
    pub fn int(&self, index: usize) -> Stored<i64> {
        self.opt_int(index)?.ok_or_else(|| null(index))
    }

    /// The `BIGINT` in column `index`, if it is not NULL.
    pub fn opt_int(&self, index: usize) -> Stored<Option<i64>> {
        use rusqlite::types::ValueRef;
        match &self.0 {
            Source::Sqlite(row) => match row.get_ref(index) {
                Ok(ValueRef::Integer(value)) => Ok(Some(value)),
                Ok(ValueRef::Null) => Ok(None),
                other => Err(mismatch(index, "BIGINT", other)),
            },
            Source::Postgres(row) => row
                .try_get(index)
                .map_err(|error| mismatch(index, "BIGINT", error)),
        }
    }

    /// The `TEXT` in column `index`, copied.
    pub fn text(&self, index: usize) -> Stored<String> {
        self.str(index).map(str::to_owned)
    }

    /// The `TEXT` in column `index`, copied, if it is not NULL.
    pub fn opt_text(&self, index: usize) -> Stored<Option<String>> {
        Ok(self.opt_str(index)?.map(str::to_owned))
    }

    /// The `TEXT` in column `index`, borrowed.
    pub fn str(&self, index: usize) -> Stored<&'a str> {
        self.opt_str(index)?.ok_or_else(|| null(index))
    }

    /// The `TEXT` in column `index`, borrowed, if it is not NULL.
    pub fn opt_str(&self, index: usize) -> Stored<Option<&'a str>> {
        use rusqlite::types::ValueRef;
        match self.0 {
            Source::Sqlite(row) => match row.get_ref(index) {
                Ok(ValueRef::Text(bytes)) => std::str::from_utf8(bytes)
                    .map(Some)
                    .map_err(|error| mismatch(index, "UTF-8", error)),
                Ok(ValueRef::Null) => Ok(None),
                other => Err(mismatch(index, "TEXT", other)),
            },
            Source::Postgres(row) => row
                .try_get(index)
                .map_err(|error| mismatch(index, "TEXT", error)),
        }
    }

    /// The `BLOB` or `BYTEA` in column `index`, copied.
    pub fn blob(&self, index: usize) -> Stored<Vec<u8>> {
        self.bytes(index).map(<[u8]>::to_vec)
    }

    /// The `BLOB` or `BYTEA` in column `index`, copied, if it is not NULL.
    pub fn opt_blob(&self, index: usize) -> Stored<Option<Vec<u8>>> {
        Ok(self.opt_bytes(index)?.map(<[u8]>::to_vec))
    }

    /// The `BLOB` or `BYTEA` in column `index`, borrowed.
    pub fn bytes(&self, index: usize) -> Stored<&'a [u8]> {
        self.opt_bytes(index)?.ok_or_else(|| null(index))
    }

    /// The `BLOB` or `BYTEA` in column `index`, borrowed, if it is not NULL.
    pub fn opt_bytes(&self, index: usize) -> Stored<Option<&'a [u8]>> {
        use rusqlite::types::ValueRef;
        match self.0 {
            Source::Sqlite(row) => match row.get_ref(index) {
                Ok(ValueRef::Blob(bytes)) => Ok(Some(bytes)),
                Ok(ValueRef::Null) => Ok(None),
                other => Err(mismatch(index, "BLOB", other)),
            },
            Source::Postgres(row) => row
                .try_get(index)
                .map_err(|error| mismatch(index, "BYTEA", error)),
        }
    }
}

fn null(index: usize) -> StoreError {
    StoreError::Corrupt(format!("column {index} is NULL"))
}

fn mismatch(index: usize, wanted: &str, found: impl std::fmt::Debug) -> StoreError {
    StoreError::Corrupt(format!("column {index} is no {wanted}: {found:?}"))
}

/// A type that one column of a row can be read into.
pub trait Column: Sized {
    /// Reads column `index`.
    fn column(row: &Row<'_>, index: usize) -> Stored<Self>;
}

macro_rules! columns {
    ($($type:ty => $getter:ident),+ $(,)?) => {
        $(impl Column for $type {
            fn column(row: &Row<'_>, index: usize) -> Stored<Self> {
                row.$getter(index)
            }
        })+
    };
}

columns! {
    i64 => int,
    Option<i64> => opt_int,
    String => text,
    Option<String> => opt_text,
    Vec<u8> => blob,
    Option<Vec<u8>> => opt_blob,
}

impl Column for bool {
    /// Truth values are stored as 0 and 1; whatever is not 0 is true.
    fn column(row: &Row<'_>, index: usize) -> Stored<Self> {
        Ok(row.int(index)? != 0)
    }
}

/// A type that a whole row can be read into. Tuples of columns are.
pub trait FromRow: Sized {
    /// Reads the row, column by column from the left.
    fn from_row(row: &Row<'_>) -> Stored<Self>;
}

macro_rules! tuples {
    ($($($name:ident $index:tt),+;)+) => {
        $(impl<$($name: Column),+> FromRow for ($($name,)+) {
            fn from_row(row: &Row<'_>) -> Stored<Self> {
                Ok(($($name::column(row, $index)?,)+))
            }
        })+
    };
}

tuples! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
}
