//! Playing a scenario against a server.

mod check;
mod compute;
mod player;
mod request;
mod transcript;

pub use player::{Failure, Played, Stage, play};
pub use transcript::{Transcript, first_difference};
