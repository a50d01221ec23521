//! The SDK against a small server made of the same codecs, over real sockets.
//!
//! - `responder`: that server, and one that sends whatever bytes a test wants.
//! - `calls`: calls, logins and credentials.
//! - `connections`: what depends on a connection, and the connections a client keeps.
//! - `contents`: uploads, downloads and answers with content.
//! - `hostile`: servers that misbehave.
//! - `tls`: certificates.

mod calls;
mod connections;
mod contents;
mod hostile;
mod responder;
mod tls;
