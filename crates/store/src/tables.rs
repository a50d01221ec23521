//! The tables of the schema, for what treats them all alike.
//!
//! There is no list of them to be kept up to date: they are read from a database in memory that has just been brought
//! to the current schema.

use crate::error::{StoreError, Stored};
use crate::migrate;
use crate::row::{Arg, Row};
use crate::sqlite::store_error;
use rusqlite::Connection;
use std::sync::OnceLock;

/// Where the migrations keep their own state. It belongs to a database and is never copied to another.
const MIGRATIONS: &str = "refinery_schema_history";

/// Rows that are read at once.
const PAGE_ROWS: usize = 200;

/// One table, with the statements that copy it.
#[derive(Debug)]
pub(crate) struct Table {
    /// Its name.
    pub name: String,
    /// Kinds of its columns, from the left.
    kinds: Vec<Kind>,
    /// Places of the primary key's columns.
    key: Vec<usize>,
    /// Reads the first rows by primary key.
    pub first: String,
    /// Reads the rows that follow a primary key.
    pub next: String,
    /// Adds a row.
    pub insert: String,
    /// Counts the rows.
    pub count: String,
    /// Answers a row if there is any.
    pub any: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Int,
    Text,
    Bytes,
}

/// A value of any column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
    Null,
}

impl<'a> From<&'a Value> for Arg<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Int(value) => Self::Int(*value),
            Value::Text(value) => Self::Text(value),
            Value::Bytes(value) => Self::Blob(value),
            Value::Null => Self::Null,
        }
    }
}

impl Table {
    /// All values of a row.
    pub fn read(&self, row: &Row<'_>) -> Stored<Vec<Value>> {
        let values = self.kinds.iter().enumerate().map(|(place, kind)| {
            let value = match kind {
                Kind::Int => row.opt_int(place)?.map(Value::Int),
                Kind::Text => row.opt_text(place)?.map(Value::Text),
                Kind::Bytes => row.opt_blob(place)?.map(Value::Bytes),
            };
            Ok(value.unwrap_or(Value::Null))
        });
        values.collect()
    }

    /// The primary key of a row.
    pub fn key_of<'a>(&self, row: &'a [Value]) -> Vec<Arg<'a>> {
        self.key
            .iter()
            .filter_map(|&place| row.get(place))
            .map(Arg::from)
            .collect()
    }

    /// Whether there is a column of this name.
    #[cfg(test)]
    pub fn has_column(&self, column: &str) -> bool {
        let columns = self
            .first
            .trim_start_matches("SELECT ")
            .split(" FROM ")
            .next();
        columns.is_some_and(|columns| columns.split(", ").any(|name| name == column))
    }

    fn new(name: String, columns: &[Column]) -> Self {
        let all = list(columns.iter().map(|column| column.name.clone()));
        let mut key: Vec<usize> = (0..columns.len())
            .filter(|&place| columns[place].key > 0)
            .collect();
        key.sort_by_key(|&place| columns[place].key);
        let order = list(key.iter().map(|&place| columns[place].name.clone()));
        let bounds = list((1..=key.len()).map(|number| format!("${number}")));
        let values = list((1..=columns.len()).map(|number| format!("${number}")));
        let page = format!("ORDER BY {order} LIMIT {PAGE_ROWS}");
        Self {
            first: format!("SELECT {all} FROM {name} {page}"),
            next: format!("SELECT {all} FROM {name} WHERE ({order}) > ({bounds}) {page}"),
            insert: format!("INSERT INTO {name} ({all}) VALUES ({values})"),
            count: format!("SELECT CAST(COUNT(*) AS BIGINT) FROM {name}"),
            any: format!("SELECT CAST(1 AS BIGINT) FROM {name} LIMIT 1"),
            kinds: columns.iter().map(|column| column.kind).collect(),
            key,
            name,
        }
    }
}

/// A column of a table.
struct Column {
    name: String,
    kind: Kind,
    /// Its place in the primary key, from 1; 0 if it is not in it.
    key: i64,
}

fn list(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

/// All tables that hold data.
pub(crate) fn tables() -> Stored<&'static [Table]> {
    // Statements are kept by the address of their text, so the texts have to stay.
    static TABLES: OnceLock<Vec<Table>> = OnceLock::new();
    if let Some(tables) = TABLES.get() {
        return Ok(tables);
    }
    let tables = read_schema()?;
    Ok(TABLES.get_or_init(|| tables))
}

fn read_schema() -> Stored<Vec<Table>> {
    let mut connection = Connection::open_in_memory().map_err(|error| store_error(&error))?;
    migrate::sqlite(&mut connection)?;
    let names = texts(
        &connection,
        "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
    )?;
    let data = names
        .into_iter()
        .filter(|name| name != MIGRATIONS && !name.starts_with("sqlite_"));
    data.map(|name| {
        let columns = columns(&connection, &name)?;
        Ok(Table::new(name, &columns))
    })
    .collect()
}

fn texts(connection: &Connection, sql: &str) -> Stored<Vec<String>> {
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare(sql)?;
        statement.query_map([], |row| row.get(0))?.collect()
    };
    read().map_err(|error| store_error(&error))
}

fn columns(connection: &Connection, table: &str) -> Stored<Vec<Column>> {
    let read = || {
        let sql = "SELECT name, type, pk FROM pragma_table_info(?1) ORDER BY cid";
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([table], |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?))
        })?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    };
    let rows = read().map_err(|error| store_error(&error))?;
    let columns = rows.into_iter().map(|(name, kind, key)| {
        let kind = match kind.as_str() {
            "INTEGER" | "BIGINT" => Kind::Int,
            "TEXT" => Kind::Text,
            "BLOB" => Kind::Bytes,
            other => {
                let text = format!("column {table}.{name} has the unknown type {other}");
                return Err(StoreError::Other(text));
            }
        };
        Ok(Column { name, kind, key })
    });
    columns.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_the_schema_is_there_and_has_a_key() {
        let tables = tables().unwrap();
        let schema = include_str!("../schema.txt");
        let written: Vec<&str> = schema
            .lines()
            .filter_map(|line| line.strip_prefix("table "))
            .filter(|name| *name != MIGRATIONS)
            .collect();
        let mut found: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, written);
        for table in tables {
            assert!(!table.key.is_empty(), "{}", table.name);
        }
    }

    #[test]
    fn statements_name_columns_and_keys() {
        let tables = tables().unwrap();
        let event = tables.iter().find(|table| table.name == "event").unwrap();
        assert!(
            event
                .first
                .starts_with("SELECT account, diffid, time, kind, ")
        );
        assert!(
            event
                .next
                .contains("WHERE (account, diffid) > ($1, $2) ORDER BY account, diffid LIMIT")
        );
        assert_eq!(event.key, [0, 1]);
        assert!(event.insert.ends_with("$17, $18)"));
    }
}
