//! Content delivery: signed links, and the endpoint that redeems them.

mod blocks;
mod condition;
mod link;
mod range;
pub mod safety;
mod serve;
mod speed;

pub use link::{Link, PREFIX, dwltag, parse, path};
pub(crate) use serve::serve;
