//! Rust SDK for servers that speak the pCloud API.
//!
//! Every method that `pileus-api` declares can be called with its own types, over HTTP or over the
//! binary protocol; the URL decides which.
//!
//! ```no_run
//! use pileus_api::args::{FolderArg, FolderRef};
//! use pileus_api::folder::ListFolder;
//! use pileus_client::{Client, Options};
//!
//! # async fn example() -> Result<(), pileus_client::Error> {
//! let client = Client::connect("https://cloud.example.com", Options::default()).await?;
//! client.login("ann@example.com", "correct horse").await?;
//! let root = ListFolder {
//!     folder: FolderArg(FolderRef::Id(0)),
//!     recursive: false,
//!     showdeleted: false,
//!     nofiles: false,
//!     noshares: false,
//! };
//! for entry in client.call(&root).await?.contents() {
//!     println!("{}", entry.name);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! - A [`Client`] makes calls from any number of tasks over a few connections that it keeps open.
//! - A [`Connection`] is one connection and nothing else. It is for what depends on a connection:
//!   the login that sticks to it, several requests under way at once, and waiting calls that a
//!   later request ends.
//! - A [`Body`] is content to upload, [`Data`] is content that arrives; both go through in pieces,
//!   so a file of any size needs little memory.
//!
//! Answers are bounded in size and in time, see [`Options`].

mod address;
mod answer;
mod binary;
mod body;
mod channel;
mod client;
mod connect;
mod connection;
mod credentials;
mod data;
mod download;
mod error;
mod http1;
mod incoming;
mod login;
mod options;
mod pool;

pub use address::{Address, Protocol};
pub use answer::check;
pub use body::Body;
pub use client::Client;
pub use connection::Connection;
pub use credentials::Credentials;
pub use data::Data;
pub use download::Download;
pub use error::Error;
pub use login::password_digest;
pub use options::Options;
