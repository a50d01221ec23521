//! What each method does, one file per family of the API's documentation.

mod archiving;
mod auth;
mod collections;
mod downloads;
mod feed;
mod file;
mod folder;
pub(crate) mod general;
mod listing;
mod notifications;
mod public_links;
mod revisions;
mod search;
mod streaming;
mod stubs;
mod subscribe;
mod trash;
pub(crate) mod upload;
mod waiting;
