//! What each method does, one file per family of the API's documentation.

mod archiving;
mod auth;
mod collections;
mod downloads;
mod feed;
pub(crate) mod file;
mod fileops;
mod folder;
pub(crate) mod general;
mod listing;
mod newsletter;
mod notifications;
mod oauth2;
pub(crate) mod public_links;
mod revisions;
mod search;
mod sharing;
pub mod streaming;
mod stubs;
mod subscribe;
mod thumbnails;
mod transfer;
mod trash;
pub(crate) mod upload;
mod upload_links;
mod upload_sessions;
mod waiting;
