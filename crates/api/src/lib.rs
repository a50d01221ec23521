//! The contract of the API: every method with its parameters, its reply and its failures.
//!
//! One declaration per method feeds the server's dispatcher, the Rust SDK, the reference pages, the OpenAPI document
//! and the tests. Nothing here does I/O or knows the server. The family files carry the names of the API's own
//! documentation; [`every`] lists all methods.

extern crate self as pileus_api;

pub mod archiving;
pub mod args;
pub mod auth;
pub mod codes;
pub mod collections;
pub mod event;
pub mod every;
pub mod field;
pub mod file;
pub mod fileops;
pub mod filetype;
pub mod folder;
pub mod general;
pub mod listing;
pub mod metadata;
pub mod method;
pub mod name;
pub mod newsletter;
pub mod notifications;
pub mod oauth2;
pub mod progress;
pub mod public_links;
pub mod reply;
pub mod revisions;
pub mod search;
pub mod sharing;
pub mod streaming;
pub mod stubs;
pub mod thumbnails;
pub mod transfer;
pub mod trash;
pub mod upload_links;
pub mod upload_sessions;

pub use codes::Code;
pub use listing::Listing;
pub use metadata::Metadata;
pub use method::{Method, Spec};
pub use pileus_wire::UnixTime;
pub use reply::{Reply, Written};
