//! What travels between a client and a server of the pCloud API, and nothing about what it means.
//!
//! The same methods are spoken over two protocols, HTTP with JSON answers and a binary protocol
//! over TCP. This crate knows both encodings and does no I/O; it knows no method.
//!
//! - [`Params`] are a call's parameters, whichever way they came: [`parse_query`] and
//!   [`parse_cookies`] read HTTP's, [`parse_request`] a binary request's.
//! - An answer writes itself into a [`Sink`], which is a [`JsonSink`] or a [`BinarySink`], without
//!   building anything in between.
//! - Clients and tests read an answer as a [`Tree`], from either encoding.
//! - [`UnixTime`] is the API's datetime, in its textual forms too.
//!
//! ```
//! use pileus_wire::{BinarySink, Options, Sink, Tree, decode_answer};
//!
//! let mut sink = BinarySink::new(Options::default());
//! sink.begin_hash();
//! sink.field_num("result", 0);
//! sink.end_hash();
//! let answer = sink.finish()?;
//!
//! let (_length, body) = answer.split_at(4);
//! assert_eq!(decode_answer(body)?.get("result"), Some(&Tree::Num(0)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Every reader here is meant for hostile bytes: it ends with an error, never with a panic, and
//! its memory is bounded by a multiple of its input.

mod binary_read;
mod binary_sink;
mod datetime;
mod digits;
mod json_read;
mod json_sink;
mod params;
mod query;
mod request;
mod sink;
mod strings;
mod time;
mod tree;

pub use binary_read::{BadAnswer, decode_answer};
pub use binary_sink::{AnswerTooLarge, BinarySink};
pub use json_read::BadJson;
pub use json_sink::JsonSink;
pub use params::{MAX_LIST_ITEMS, MAX_PARAMS, NotUtf8, Params, TooMany, Value};
pub use query::{parse_cookies, parse_query, write_query};
pub use request::{
    BadRequest, MAX_REQUEST_BYTES, Protocol, Request, TooLong, parse_request, sniff, write_request,
};
pub use sink::{Filter, Icon, IconFormat, Options, Sink, TimeFormat};
pub use time::{Rfc2822, UnixTime};
pub use tree::{MAX_DEPTH, Tree};
