//! What each method does, one file per family of the API's documentation.

mod archiving;
mod auth;
mod feed;
mod file;
mod folder;
pub(crate) mod general;
mod listing;
mod newsletter;
mod oauth2;
mod public_links;
mod revisions;
mod streaming;
mod stubs;
mod trash;
mod upload;
