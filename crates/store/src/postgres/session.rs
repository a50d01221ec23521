//! One PostgreSQL connection with its prepared statements.

use crate::dialect::{Engine, Sql};
use crate::error::Stored;
use crate::postgres::{connect, store_error};
use crate::row::{Arg, Row, Source};
use crate::tx;
use bytes::BytesMut;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::{IsNull, ToSql, Type, WrongType, to_sql_checked};
use postgres::{Client, Config, Statement};
use std::collections::HashMap;
use std::error::Error;

/// A connection and every statement it has prepared so far. Their texts are
/// constants of the program, so there is only a certain number of them.
pub(crate) struct Session {
    client: Client,
    /// By text and row lock clause.
    statements: HashMap<(&'static str, &'static str), Statement>,
}

impl Session {
    pub(crate) fn connect(config: &Config) -> Stored<Self> {
        Ok(Self {
            client: connect(config)?,
            statements: HashMap::new(),
        })
    }

    /// Runs a statement without arguments and rows, such as `BEGIN`.
    pub(crate) fn control(&mut self, text: &'static str) -> Stored<()> {
        self.client
            .batch_execute(text)
            .map_err(|error| store_error(&error))
    }

    fn prepared(&mut self, sql: Sql) -> Stored<Statement> {
        let key = (sql.postgres_text(), sql.locking_clause());
        if let Some(known) = self.statements.get(&key) {
            return Ok(known.clone());
        }
        let text = format!("{} {}", key.0, key.1);
        let statement = self
            .client
            .prepare(text.trim_end())
            .map_err(|error| store_error(&error))?;
        self.statements.insert(key, statement.clone());
        Ok(statement)
    }
}

impl tx::Session for Session {
    fn engine(&self) -> Engine {
        Engine::Postgres
    }

    fn exec(&mut self, sql: Sql, args: &[Arg<'_>]) -> Stored<u64> {
        let statement = self.prepared(sql)?;
        let args: Vec<&(dyn ToSql + Sync)> = args.iter().map(|arg| arg as _).collect();
        self.client
            .execute(&statement, &args)
            .map_err(|error| store_error(&error))
    }

    fn rows(
        &mut self,
        sql: Sql,
        args: &[Arg<'_>],
        take: &mut dyn FnMut(&Row<'_>) -> Stored<()>,
    ) -> Stored<()> {
        let statement = self.prepared(sql)?;
        let mut rows = self
            .client
            .query_raw(&statement, args)
            .map_err(|error| store_error(&error))?;
        while let Some(row) = rows.next().map_err(|error| store_error(&error))? {
            take(&Row(Source::Postgres(&row)))?;
        }
        Ok(())
    }
}

impl ToSql for Arg<'_> {
    fn to_sql(
        &self,
        wanted: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match *self {
            Self::Int(value) if *wanted == Type::INT8 => value.to_sql(wanted, out),
            Self::Text(value) if *wanted == Type::TEXT => value.to_sql(wanted, out),
            Self::Blob(value) if *wanted == Type::BYTEA => value.to_sql(wanted, out),
            Self::Null => Ok(IsNull::Yes),
            Self::Int(_) | Self::Text(_) | Self::Blob(_) => {
                Err(Box::new(WrongType::new::<Self>(wanted.clone())))
            }
        }
    }

    fn accepts(wanted: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(wanted)
    }

    to_sql_checked!();
}
