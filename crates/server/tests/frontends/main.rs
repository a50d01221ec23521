//! The front ends, as raw sockets see them: a real server with a database of its own in each test.
//!
//! `server` starts it, `http` and `binary` are clients that send exactly the bytes they are told to, which is the point of
//! them. What methods do is not tested here.

mod account_pages;
mod admin;
mod async_transfer;
mod binary_calls;
mod binary_client;
mod content;
mod copied_uploads;
mod http_bodies;
mod http_calls;
mod http_client;
mod limits;
mod logins;
mod mail_transfer;
mod oauth_browser;
mod oauth_ends;
mod oauth_pages;
mod public_links;
mod server;
mod stop;
mod tls;
mod together;
mod upload_links;
mod upload_sessions;
mod waits;
