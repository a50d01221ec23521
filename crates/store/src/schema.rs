//! Tests that both engines are brought to the same, reviewed schema.

use crate::Engine;
use crate::testing::{TestDatabase, engines};
use std::fmt::Write as _;
use std::path::Path;

/// The schema as text, checked in so that a change of it is seen in review.
const CHECKED_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.txt");

/// A table with its columns and indexes, in words that fit both engines.
struct Table {
    name: String,
    columns: Vec<Column>,
    indexes: Vec<Index>,
}

struct Column {
    name: String,
    kind: String,
    not_null: bool,
    default: Option<String>,
    /// Place in the primary key, from 1; 0 if not in it.
    key: i64,
}

struct Index {
    name: String,
    unique: bool,
    columns: Vec<String>,
    condition: Option<String>,
}

#[test]
fn both_engines_have_the_checked_in_schema() {
    for engine in engines() {
        let place = TestDatabase::new(engine);
        drop(place.open());
        let tables = match engine {
            Engine::Sqlite => sqlite_tables(&place),
            Engine::Postgres => postgres_tables(&place),
        };
        let found = write_down(tables);
        if engine == Engine::Sqlite && std::env::var_os("UPDATE").is_some() {
            std::fs::write(CHECKED_IN, &found).expect("the schema is written");
        }
        let wanted = std::fs::read_to_string(CHECKED_IN).unwrap_or_default();
        if let Some((line, (found, wanted))) = found
            .lines()
            .zip(wanted.lines())
            .enumerate()
            .find(|(_, (found, wanted))| found != wanted)
        {
            panic!(
                "{engine:?} differs from schema.txt in line {}: `{found}` instead of `{wanted}`; \
                 UPDATE=1 rewrites the file from SQLite",
                line + 1
            );
        }
        assert_eq!(
            found.lines().count(),
            wanted.lines().count(),
            "{engine:?}: schema.txt; UPDATE=1 rewrites it"
        );
    }
}

fn write_down(mut tables: Vec<Table>) -> String {
    let mut text = String::from(
        "# Every table, column and index, the same on both engines. Written by the tests of this crate (UPDATE=1).\n",
    );
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    for table in tables {
        let _ = writeln!(text, "\ntable {}", table.name);
        for column in &table.columns {
            let _ = write!(text, "    {} {}", column.name, column.kind);
            if column.not_null || column.key > 0 {
                text.push_str(" not null");
            }
            if let Some(default) = &column.default {
                let _ = write!(text, " default {default}");
            }
            text.push('\n');
        }
        let mut key: Vec<_> = table
            .columns
            .iter()
            .filter(|column| column.key > 0)
            .collect();
        key.sort_by_key(|column| column.key);
        let key: Vec<_> = key.iter().map(|column| column.name.as_str()).collect();
        let _ = writeln!(text, "    primary key ({})", key.join(", "));
        let mut indexes = table.indexes;
        indexes.sort_by(|a, b| a.name.cmp(&b.name));
        for index in indexes {
            let unique = if index.unique {
                "unique index"
            } else {
                "index"
            };
            let _ = write!(
                text,
                "    {unique} {} ({})",
                index.name,
                index.columns.join(", ")
            );
            if let Some(condition) = index.condition {
                let _ = write!(text, " where {}", condition.to_lowercase());
            }
            text.push('\n');
        }
    }
    text
}

/// What `query` answers on SQLite, each row read by `read`.
fn sqlite_rows<T>(
    connection: &rusqlite::Connection,
    query: &str,
    argument: &[&str],
    read: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Vec<T> {
    let mut statement = connection.prepare(query).expect("a good query");
    let rows = statement
        .query_map(rusqlite::params_from_iter(argument), |row| read(row))
        .expect("an answer");
    rows.map(|row| row.expect("a row")).collect()
}

fn sqlite_tables(place: &TestDatabase) -> Vec<Table> {
    let connection = rusqlite::Connection::open(place.path()).expect("it opens");
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
                 AND name <> 'refinery_schema_history'";
    let columns = "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info(?)";
    let indexes = "SELECT list.name, list.\"unique\", made.sql FROM pragma_index_list(?) AS list \
                   JOIN sqlite_schema AS made ON made.name = list.name WHERE list.origin = 'c'";
    let parts = "SELECT name, \"desc\" FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno";
    sqlite_rows(&connection, names, &[], |row| row.get::<_, String>(0))
        .into_iter()
        .map(|name| Table {
            columns: sqlite_rows(&connection, columns, &[&name], |row| {
                let kind: String = row.get(1)?;
                Ok(Column {
                    name: row.get(0)?,
                    // An INTEGER key is the row's own number; every integer is 64 bits wide.
                    kind: if kind == "INTEGER" {
                        "BIGINT".to_owned()
                    } else {
                        kind
                    },
                    not_null: row.get(2)?,
                    default: row.get(3)?,
                    key: row.get(4)?,
                })
            }),
            indexes: sqlite_rows(&connection, indexes, &[&name], |row| {
                let (name, text): (String, String) = (row.get(0)?, row.get(2)?);
                Ok(Index {
                    unique: row.get(1)?,
                    columns: sqlite_rows(&connection, parts, &[&name], |row| {
                        Ok(directed(row.get(0)?, row.get(1)?))
                    }),
                    condition: text
                        .split_once(" WHERE ")
                        .map(|(_, condition)| condition.to_owned()),
                    name,
                })
            }),
            name,
        })
        .collect()
}

fn directed(column: String, descending: bool) -> String {
    if descending { column + " desc" } else { column }
}

fn postgres_tables(place: &TestDatabase) -> Vec<Table> {
    let mut client = postgres::Client::connect(&place.url(), postgres::NoTls).expect("connected");
    let names = "SELECT relname::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace \
                 WHERE relkind = 'r' AND nspname = 'public' AND relname <> 'refinery_schema_history'";
    let rows = client.query(names, &[]).expect("tables");
    rows.iter()
        .map(|row| row.get::<_, String>(0))
        .map(|name| Table {
            columns: postgres_columns(&mut client, &name),
            indexes: postgres_indexes(&mut client, &name),
            name,
        })
        .collect()
}

fn postgres_columns(client: &mut postgres::Client, table: &str) -> Vec<Column> {
    let query = "SELECT attname::text, format_type(atttypid, NULL), attnotnull, \
                     pg_get_expr(adbin, adrelid), \
                     coalesce(array_position(indkey::int2[], attnum), -1)::bigint + 1, \
                     coalesce(collname::text, 'C') \
                 FROM pg_attribute \
                 LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum \
                 LEFT JOIN pg_index ON indrelid = attrelid AND indisprimary \
                 LEFT JOIN pg_collation ON pg_collation.oid = attcollation \
                 WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
    let rows = client.query(query, &[&table]).expect("columns");
    rows.iter()
        .map(|row| {
            let kind: String = row.get(1);
            let collation: String = row.get(5);
            let name: String = row.get(0);
            assert_eq!(
                collation, "C",
                "{table}.{name} must sort by bytes, as on SQLite"
            );
            Column {
                name,
                kind: kind.to_uppercase().replace("BYTEA", "BLOB"),
                not_null: row.get(2),
                default: row
                    .get::<_, Option<String>>(3)
                    .map(|text| without_cast(&text)),
                key: row.get(4),
            }
        })
        .collect()
}

fn postgres_indexes(client: &mut postgres::Client, table: &str) -> Vec<Index> {
    let query = "SELECT relname::text, indisunique, pg_get_expr(indpred, indrelid), \
                     array(SELECT pg_get_indexdef(indexrelid, place, true) \
                             || CASE WHEN indoption[place - 1] & 1 = 1 THEN ' desc' ELSE '' END \
                           FROM generate_series(1, indnkeyatts) AS place ORDER BY place) \
                 FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid \
                 WHERE indrelid = $1::text::regclass AND NOT indisprimary";
    let rows = client.query(query, &[&table]).expect("indexes");
    rows.iter()
        .map(|row| Index {
            name: row.get(0),
            unique: row.get(1),
            condition: row
                .get::<_, Option<String>>(2)
                .map(|text| without_cast(text.trim_start_matches('(').trim_end_matches(')'))),
            // Names that are also key words come in quotes.
            columns: row
                .get::<_, Vec<String>>(3)
                .iter()
                .map(|name| name.replace('"', ""))
                .collect(),
        })
        .collect()
}

/// An expression as SQLite would write it: `0` for `'0'::bigint`.
fn without_cast(text: &str) -> String {
    text.split("::")
        .next()
        .unwrap_or(text)
        .trim_matches('\'')
        .to_owned()
}

#[test]
fn the_steps_are_the_files_in_both_folders() {
    for engine in ["sqlite", "postgres"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("migrations")
            .join(engine);
        let mut files: Vec<String> = std::fs::read_dir(&folder)
            .expect("the folder is here")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        files.sort_by_key(|name| (name.find("__"), name.clone()));
        let steps: Vec<String> = crate::migrate::names()
            .map(|name| format!("{name}.sql"))
            .collect();
        assert_eq!(files, steps, "migrations/{engine} and migrate.rs");
    }
}

/// Released migrations with their checksums: databases out there have recorded
/// them, and refuse to open when they have changed.
#[test]
fn released_migrations_never_change() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/released.txt");
    let released = std::fs::read_to_string(path).expect("the list is here");
    let mut known: Vec<&str> = released
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    let now: Vec<String> = crate::migrate::checksums().collect();
    if std::env::var_os("RELEASE").is_some() {
        let new = now
            .iter()
            .filter(|line| !known.contains(&line.as_str()))
            .cloned();
        let text: String = released
            .lines()
            .map(str::to_owned)
            .chain(new)
            .map(|line| line + "\n")
            .collect();
        std::fs::write(path, text).expect("the list is written");
    }
    known.retain(|line| !now.iter().any(|step| step == line));
    assert_eq!(
        known, [""; 0],
        "a released migration was changed or removed"
    );
}
