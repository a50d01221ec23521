//! Copying everything from one database to another, of either engine.

use crate::error::{StoreError, Stored};
use crate::tables::{Table, Value, tables};
use crate::{Db, Tx, sql};

/// The table that ids are drawn from. Opening a database may already draw some.
const SEQUENCE: &str = "sequence";

sql! {
    CLEAR_SEQUENCE = "DELETE FROM sequence";
}

/// How much is in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRows {
    /// Its name.
    pub name: &'static str,
    /// Its rows.
    pub rows: u64,
}

/// Copies all rows of one database, as they are at one moment, to another one, which must be empty. Compares the
/// numbers of rows in the end and answers them. What others write meanwhile is not copied.
///
/// Blocks, and must not be called from async code or from a job.
///
/// # Errors
/// When the target is not empty, or reading or writing fails. The target is then useless and to be thrown away.
pub fn copy(from: &Db, to: &Db) -> Stored<Vec<TableRows>> {
    let tables = tables()?;
    ensure_empty(to)?;
    let target = to.clone();
    let copied = from.view_blocking(move |tx| {
        let copied = tables.iter().map(|table| {
            Ok(TableRows {
                name: &table.name,
                rows: copy_table(tx, &target, table)?,
            })
        });
        copied.collect::<Stored<Vec<_>>>()
    })?;
    for (wanted, found) in copied.iter().zip(count(to)?) {
        if found != *wanted {
            let TableRows { name, rows } = found;
            let text = format!("table {name} has {rows} rows instead of {}", wanted.rows);
            return Err(StoreError::Other(text));
        }
    }
    Ok(copied)
}

/// Counts the rows of every table.
///
/// Blocks, and must not be called from async code or from a job.
pub fn count(db: &Db) -> Stored<Vec<TableRows>> {
    let tables = tables()?;
    db.view_blocking(move |tx| {
        let counted = tables.iter().map(|table| {
            let (rows,): (i64,) = tx.one(table.count.as_str(), &[])?;
            Ok(TableRows {
                name: &table.name,
                rows: rows.unsigned_abs(),
            })
        });
        counted.collect()
    })
}

/// Refuses a database that has any data.
///
/// Blocks, and must not be called from async code or from a job.
pub fn ensure_empty(db: &Db) -> Stored<()> {
    let tables = tables()?;
    db.view_blocking(move |tx| {
        for table in tables.iter().filter(|table| table.name != SEQUENCE) {
            if tx.opt::<(i64,)>(table.any.as_str(), &[])?.is_some() {
                let text = format!("the target is not empty: table {} has rows", table.name);
                return Err(StoreError::Other(text));
            }
        }
        Ok(())
    })
}

/// Copies one table page by page; answers how many rows it has. Each page is an edit of the target, whose own threads
/// run it while this view waits.
fn copy_table(tx: &mut Tx<'_>, to: &Db, table: &'static Table) -> Stored<u64> {
    if table.name == SEQUENCE {
        to.edit_blocking(|tx| tx.exec(CLEAR_SEQUENCE, &[]))?;
    }
    let mut rows = 0;
    let mut page = read_page(tx, table, None)?;
    while let Some(last) = page.last().cloned() {
        rows += page.len() as u64;
        to.edit_blocking(move |tx| {
            page.iter().try_for_each(|row| {
                let args: Vec<_> = row.iter().map(Into::into).collect();
                tx.exec(table.insert.as_str(), &args).map(drop)
            })
        })?;
        page = read_page(tx, table, Some(&last))?;
    }
    Ok(rows)
}

fn read_page(
    tx: &mut Tx<'_>,
    table: &'static Table,
    after: Option<&[Value]>,
) -> Stored<Vec<Vec<Value>>> {
    let mut page = Vec::new();
    let (sql, args) = match after {
        None => (table.first.as_str(), Vec::new()),
        Some(row) => (table.next.as_str(), table.key_of(row)),
    };
    tx.rows(sql.into(), &args, &mut |row| {
        page.push(table.read(row)?);
        Ok(())
    })?;
    Ok(page)
}
