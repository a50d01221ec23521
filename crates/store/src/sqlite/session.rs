//! One SQLite connection with its prepared statements.

use crate::dialect::{Engine, Sql};
use crate::error::Stored;
use crate::row::{Arg, Row, Source};
use crate::sqlite::store_error;
use crate::tx;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement, ToSql};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// A connection and every statement it has prepared so far.
///
/// Statements are kept for good: their texts are constants of the program, so
/// there is only a certain number of them. They are found by the address of the
/// text, which costs far less than hashing the text on every call.
pub(crate) struct Session<'c> {
    connection: &'c Connection,
    statements: HashMap<(usize, usize), Statement<'c>>,
}

impl<'c> Session<'c> {
    pub(crate) fn new(connection: &'c Connection) -> Self {
        Self {
            connection,
            statements: HashMap::new(),
        }
    }

    /// Whether no transaction is open, be it that none was begun or that SQLite has
    /// rolled it back by itself after a grave error.
    pub(crate) fn is_idle(&self) -> bool {
        self.connection.is_autocommit()
    }

    /// How many rows this connection has changed so far, by statements that did not fail.
    pub(crate) fn total_changes(&self) -> u64 {
        self.connection.total_changes()
    }

    /// Runs a statement without arguments and rows, such as `BEGIN`.
    pub(crate) fn control(&mut self, text: &'static str) -> rusqlite::Result<()> {
        self.with(text, &[], |statement| statement.raw_execute().map(drop))
    }

    /// The integer in column `index` of the one row that `text` answers.
    pub(crate) fn number(&mut self, text: &'static str, index: usize) -> rusqlite::Result<i64> {
        self.with(text, &[], |statement| {
            let mut rows = statement.raw_query();
            let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            row.get(index)
        })
    }

    fn with<T>(
        &mut self,
        text: &'static str,
        args: &[Arg<'_>],
        body: impl FnOnce(&mut Statement<'c>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let statement = match self.statements.entry((text.as_ptr().addr(), text.len())) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => free.insert(self.connection.prepare(text)?),
        };
        for (index, arg) in args.iter().enumerate() {
            statement.raw_bind_parameter(index + 1, arg)?;
        }
        body(statement)
    }
}

impl tx::Session for Session<'_> {
    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    fn exec(&mut self, sql: Sql, args: &[Arg<'_>]) -> Stored<u64> {
        self.with(sql.sqlite_text(), args, |statement| statement.raw_execute())
            .map(|count| count as u64)
            .map_err(|error| store_error(&error))
    }

    fn rows(
        &mut self,
        sql: Sql,
        args: &[Arg<'_>],
        take: &mut dyn FnMut(&Row<'_>) -> Stored<()>,
    ) -> Stored<()> {
        let read = self.with(sql.sqlite_text(), args, |statement| {
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                if let Err(error) = take(&Row(Source::Sqlite(row))) {
                    return Ok(Err(error));
                }
            }
            Ok(Ok(()))
        });
        read.unwrap_or_else(|error| Err(store_error(&error)))
    }
}

impl ToSql for Arg<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Int(value) => ValueRef::Integer(value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Blob(value) => ValueRef::Blob(value),
            Self::Null => ValueRef::Null,
        }))
    }
}
