//! Metadata: one transaction type over SQLite and PostgreSQL.
//!
//! [`Db`] hides the engine. Its callers are async; what they hand in is a job,
//! synchronous code that runs inside one transaction on a database thread and
//! sees the database through [`Tx`]. Statements are shared by both engines and
//! live in this crate only, one module per table.

pub mod accounts;
pub mod app_codes;
pub mod apps;
pub mod archiving;
mod block_checksums;
pub mod check;
pub mod collections;
pub mod contacts;
pub mod content;
pub mod contents;
mod db;
pub mod deactivation;
mod dialect;
mod error;
pub mod events;
pub mod files;
pub mod folders;
pub mod followed;
pub mod hash_states;
mod ids;
pub mod invites;
mod job;
pub mod jobs;
mod lane;
pub mod mail;
pub mod mail_codes;
pub mod mail_transfer;
mod migrate;
pub mod names;
pub mod newsletter;
pub mod notifications;
mod postgres;
pub mod public_link_counts;
pub mod public_link_items;
pub mod public_links;
mod queue;
mod record;
mod removal;
pub mod revisions;
mod row;
#[cfg(test)]
mod schema;
pub mod second_factor;
pub mod settings;
pub mod share_requests;
pub mod shares;
mod sqlite;
#[cfg(test)]
mod statements;
mod tables;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod tokens;
pub mod transfer;
pub mod trash;
mod tx;
pub mod upload_links;
pub mod uploads;
pub mod working;

pub(crate) use dialect::sql;

pub use db::Db;
pub use dialect::{Engine, Sql};
pub use error::{StoreError, Stored};
pub use ids::LIMIT as ID_LIMIT;
pub use postgres::{Notice, PostgresOptions};
pub use record::ContentHash;
pub use row::{Arg, Column, FromRow, Row};
pub use sqlite::{SqliteOptions, Synchronous};
pub use tx::Tx;
