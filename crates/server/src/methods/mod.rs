//! What each method does, one file per family of the API's documentation.

mod archiving;
mod auth;
mod feed;
pub(crate) mod file;
mod fileops;
mod folder;
pub(crate) mod general;
mod listing;
mod newsletter;
mod public_links;
mod revisions;
mod streaming;
mod stubs;
mod trash;
mod upload;
mod upload_sessions;
