//! Tests over every statement of the crate.
//!
//! The compiler does not check SQL, so these do: each statement is prepared on both
//! engines, counts its parameters the way both understand, uses no types but the
//! three that both share, and finds its rows by an index.

use crate::Sql;
use crate::testing::{TestDatabase, engines};
use crate::{Engine, StoreError};
use std::collections::BTreeSet;

macro_rules! modules {
    ($($module:ident),+ $(,)?) => {
        /// Every module that defines statements, with these.
        const MODULES: &[(&str, &[(&str, Sql)])] =
            &[$((stringify!($module), crate::$module::STATEMENTS)),+];
    };
}

modules! {
    accounts,
    app_codes,
    apps,
    archiving,
    block_checksums,
    check,
    content,
    collections,
    contacts,
    contents,
    deactivation,
    events,
    files,
    folders,
    followed,
    hash_states,
    ids,
    invites,
    mail,
    mail_codes,
    mail_transfer,
    newsletter,
    jobs,
    names,
    notifications,
    public_link_counts,
    public_link_items,
    public_links,
    removal,
    revisions,
    second_factor,
    settings,
    share_requests,
    shares,
    tokens,
    transfer,
    trash,
    upload_links,
    uploads,
    working,
}

/// Tables that do not grow with the number of users and files.
const SMALL_TABLES: &[&str] = &["sequence", "setting"];

/// Every statement with a name for messages.
pub(crate) fn statements() -> impl Iterator<Item = (String, Sql)> {
    MODULES.iter().flat_map(|(module, statements)| {
        statements
            .iter()
            .map(move |(name, sql)| (format!("{module}::{name}"), *sql))
    })
}

/// Fails with all complaints at once.
fn assert_none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_module_with_statements_is_listed() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("the sources are here") {
        let path = entry.expect("an entry").path();
        let defines = path.extension().is_some_and(|extension| extension == "rs")
            && std::fs::read_to_string(&path)
                .expect("text")
                .lines()
                .any(|line| line == "sql! {");
        if defines {
            found.insert(
                path.file_stem()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned(),
            );
        }
    }
    let listed: BTreeSet<String> = MODULES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(listed, found, "list the module in statements.rs");
}

#[test]
fn parameters_first_appear_in_ascending_order() {
    let mut complaints = Vec::new();
    for (name, sql) in statements() {
        for text in [sql.sqlite_text(), sql.postgres_text()] {
            let order = first_appearances(text);
            if order
                .iter()
                .enumerate()
                .any(|(index, number)| *number != index + 1)
            {
                complaints.push(format!("{name}: the parameters appear as {order:?}"));
            }
        }
        if first_appearances(sql.sqlite_text()).len()
            != first_appearances(sql.postgres_text()).len()
        {
            complaints.push(format!("{name}: the engines take different parameters"));
        }
    }
    assert_none(complaints);
}

/// The numbers of the parameters of a statement, each where it comes first.
fn first_appearances(text: &str) -> Vec<usize> {
    let mut order = Vec::new();
    // Every second piece is inside quotes.
    for outside in text.split('\'').step_by(2) {
        for after in outside.split('$').skip(1) {
            let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
            let number = digits.parse().expect("a parameter is a number");
            if !order.contains(&number) {
                order.push(number);
            }
        }
    }
    order
}

#[test]
fn parameters_are_counted_outside_of_quotes_and_once() {
    assert_eq!(
        first_appearances("SELECT '$7' || $1, $2 + $1 -- it's $3"),
        [1, 2]
    );
    assert_eq!(first_appearances("SELECT $12, $1"), [12, 1]);
}

/// A migrated SQLite database and a connection to it.
fn sqlite() -> (TestDatabase, rusqlite::Connection) {
    let place = TestDatabase::new(Engine::Sqlite);
    drop(place.open());
    let connection = rusqlite::Connection::open(place.path()).expect("it opens");
    (place, connection)
}

#[test]
fn every_statement_is_understood_by_sqlite() {
    let (_place, connection) = sqlite();
    let mut complaints = Vec::new();
    for (name, sql) in statements() {
        match connection.prepare(sql.sqlite_text()) {
            Ok(statement) => {
                let wanted = first_appearances(sql.sqlite_text()).len();
                if statement.parameter_count() != wanted {
                    complaints.push(format!(
                        "{name}: SQLite counts {} parameters",
                        statement.parameter_count()
                    ));
                }
            }
            Err(error) => complaints.push(format!("{name}: {error}")),
        }
    }
    assert_none(complaints);
}

#[test]
fn every_statement_is_understood_by_postgres() {
    use postgres::types::Type;
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let place = TestDatabase::new(Engine::Postgres);
    drop(place.open());
    let mut client = postgres::Client::connect(&place.url(), postgres::NoTls).expect("connected");
    let mut complaints = Vec::new();
    for (name, sql) in statements() {
        let text = format!("{} {}", sql.postgres_text(), sql.locking_clause());
        let statement = match client.prepare(&text) {
            Ok(statement) => statement,
            Err(error) => {
                complaints.push(format!("{name}: {error:?}"));
                continue;
            }
        };
        let columns = statement
            .columns()
            .iter()
            .map(|column| column.type_().clone());
        for found in statement.params().iter().cloned().chain(columns) {
            if ![Type::INT8, Type::TEXT, Type::BYTEA].contains(&found) {
                complaints.push(format!("{name}: a parameter or column is of type {found}"));
            }
        }
    }
    assert_none(complaints);
}

#[test]
fn every_statement_finds_its_rows_by_an_index() {
    let (_place, connection) = sqlite();
    let mut complaints = Vec::new();
    for (name, sql) in statements() {
        let scans =
            scans(&connection, sql.sqlite_text()).unwrap_or_else(|error| panic!("{name}: {error}"));
        match (scans.is_empty(), sql.scan_reason()) {
            (false, None) => complaints.push(format!("{name}: {}", scans.join("; "))),
            (true, Some(_)) => {
                complaints.push(format!("{name}: does not scan and needs no excuse"))
            }
            _ => {}
        }
    }
    assert_none(complaints);
}

#[test]
fn a_scan_is_noticed() {
    let (_place, connection) = sqlite();
    let plan = |text| scans(&connection, text).expect("a plan");
    assert_eq!(plan("SELECT id FROM folder WHERE id = $1").len(), 0);
    assert_eq!(plan("SELECT value FROM setting").len(), 0);
    assert_eq!(plan("SELECT id FROM folder WHERE created = $1").len(), 1);
    assert_eq!(plan("DELETE FROM folder").len(), 1);
    assert_eq!(
        plan("SELECT f.id FROM folder AS f JOIN file AS g ON f.created = g.created").len(),
        2
    );
    let cte = "WITH RECURSIVE up (id, parent) AS (SELECT id, parent FROM folder WHERE id = $1 \
               UNION ALL SELECT f.id, f.parent FROM folder AS f JOIN up ON f.id = up.parent) SELECT id FROM up";
    assert_eq!(plan(cte).len(), 0);
}

/// The steps of a statement's plan that go through a whole table.
fn scans(connection: &rusqlite::Connection, text: &str) -> Result<Vec<String>, StoreError> {
    let failed = |error: rusqlite::Error| StoreError::Other(error.to_string());
    let mut statement = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {text}"))
        .map_err(failed)?;
    let mut rows = statement.raw_query();
    let mut scans = Vec::new();
    // Emptying a table is no step of a plan.
    if let Some(table) = text.strip_prefix("DELETE FROM ")
        && !table.contains(char::is_whitespace)
        && !SMALL_TABLES.contains(&table)
    {
        scans.push(format!("DELETE of all of {table}"));
    }
    while let Some(row) = rows.next().map_err(failed)? {
        let step: String = row.get(3).map_err(failed)?;
        // An automatic index is made by reading the whole table each time.
        let automatic = step.contains("AUTOMATIC") && !step.contains("PARTIAL");
        let scanned = step
            .strip_prefix("SCAN ")
            .and_then(|rest| rest.split_whitespace().next());
        let harmless = |name: &str| {
            name.starts_with('(')
                || name == "CONSTANT"
                || step.ends_with("VALUES CLAUSE")
                || SMALL_TABLES.contains(&name)
                || is_subquery(text, name)
        };
        if automatic || scanned.is_some_and(|name| !harmless(name)) {
            scans.push(step);
        }
    }
    Ok(scans)
}

/// Whether a name is that of a common table expression (`name AS (…)` or
/// `name (columns) AS (…)`), whose own reading is a step of its own in the plan.
fn is_subquery(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let mut rest = text[at + name.len()..].trim_start();
        if rest.starts_with('(') {
            rest = rest
                .split_once(')')
                .map_or("", |(_, after)| after.trim_start());
        }
        let whole_word = text[..at].ends_with(|c: char| !c.is_alphanumeric() && c != '_');
        whole_word
            && rest
                .strip_prefix("AS")
                .is_some_and(|body| body.trim_start().starts_with('('))
    })
}
