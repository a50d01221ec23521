//! The official sync client, as far as a server can tell: the calls it makes in the binary protocol, in its order and
//! with its parameters, against the program as a process.
//!
//! - `wire`: connections that make calls, many ahead of their answers.
//! - `turned`: a connection for small downloads.
//! - `upload`: how the client uploads: small, large, and only what has changed.
//! - `day`: a client from its first start on, beside another one.
//! - `resume`: uploads that are cut off in all ways, and gone on with.

mod day;
mod resume;
mod turned;
mod upload;
mod wire;
