//! Finding files and folders by their names.

use crate::metadata::Metadata;
use pileus_api_derive::{Method, Params, Reply};

/// Matches that a search counts and shows at most.
pub const MATCHES_MAX: usize = 1000;

/// Finds files and folders by words in their names.
///
/// A name matches if it holds every word somewhere, in upper or lower case. Where there are more than 1,000 matches,
/// those that got their names last are taken. They come with the latest changes first.
#[derive(Method, Params)]
#[method(name = "search", caller = User, access = Read, reply = SearchReply)]
pub struct Search {
    /// Words, separated by blanks. Without any nothing is found.
    pub query: Option<String>,
    /// Leave out that many of the first matches.
    pub offset: Option<u64>,
    /// Show at most that many matches; 100, if not given.
    pub limit: Option<u64>,
    /// Only files of this category, as in metadata.
    pub category: Option<u64>,
}

/// What was found.
#[derive(Reply)]
pub struct SearchReply {
    /// The matches, or the part of them that was asked for.
    pub items: Vec<Metadata>,
    /// How many matches there are, up to 1,000.
    pub total: u64,
}
