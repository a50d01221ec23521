//! `pileus convert-db`.

use super::error::{Error, Result};
use super::{open_existing, output};
use crate::cli::DataArgs;
use pileus_store::transfer::{self, TableRows};
use pileus_store::{Db, PostgresOptions, SqliteOptions, Stored};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Where to convert to.
enum Target {
    Sqlite(PathBuf),
    Postgres(String),
}

/// Copies the database into another one.
pub async fn run(to: &str, data: &DataArgs, as_json: bool) -> Result<()> {
    let target = target(to)?;
    let app = open_existing(data).await?;
    let source = app.db.clone();
    let copy = move || -> Stored<Vec<TableRows>> {
        let to = match target {
            Target::Sqlite(path) => Db::open_sqlite(&path, &SqliteOptions::default()),
            Target::Postgres(url) => Db::open_postgres(&url, &PostgresOptions::default()),
        }?;
        transfer::copy(&source, &to)
    };
    let tables = tokio::task::spawn_blocking(copy)
        .await?
        .map_err(Error::about("the new database"))?;
    if as_json {
        let rows = tables
            .iter()
            .map(|table| (table.name.to_owned(), table.rows.into()));
        return output::json(&json!({"rows": Value::Object(rows.collect())}));
    }
    let total: u64 = tables.iter().map(|table| table.rows).sum();
    let copied = tables
        .iter()
        .filter(|table| table.rows > 0)
        .map(|table| [table.name.to_owned(), table.rows.to_string()]);
    output::table(["TABLE", "ROWS"], copied.collect())?;
    output::lines([format!(
        "copied {total} rows; set `database` to the new one before the server is started"
    )])
}

fn target(to: &str) -> Result<Target> {
    if let Some(path) = to.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
        return Ok(Target::Sqlite(path.into()));
    }
    let schemes = ["postgres://", "postgresql://"];
    if schemes.iter().any(|scheme| to.starts_with(scheme)) {
        return Ok(Target::Postgres(to.to_owned()));
    }
    Err(Error::new("--to: postgres://… or sqlite:PATH is expected"))
}
