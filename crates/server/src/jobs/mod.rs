//! Work that nobody waits for, and work that goes on when those who wait are gone.

mod bell;
pub mod downloads;
pub mod janitor;
pub mod joins;
pub mod names;
pub mod runner;

pub use bell::Bell;
