//! Content delivery: signed links, and the endpoint that redeems them.

mod blocks;
mod condition;
mod link;
mod meter;
mod public;
mod range;
pub mod safety;
mod serve;
mod speed;

pub use link::{Link, PREFIX, Pass, dwltag, parse, path};
pub(crate) use serve::serve;
