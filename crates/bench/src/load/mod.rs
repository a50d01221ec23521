//! The load client: raw sockets, reused buffers, every answer checked.
//!
//! Client and servers share the processors of one machine, so what a call costs here is taken
//! from the server under test. Everything runs on one thread for the same reason: work is never
//! handed from one core to another.

pub mod api;
pub mod binary;
pub mod callers;
pub mod closed_loop;
pub mod fill;
pub mod http;
pub mod sample;
pub mod small_files;
