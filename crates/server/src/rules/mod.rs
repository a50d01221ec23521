//! What may be done to the tree and what follows from it. Methods call these; nothing here knows the wire.

pub mod accounts;
pub mod administration;
pub mod copy;
pub mod delete;
pub mod events;
pub mod metadata;
pub mod notices;
pub mod place;
pub mod public_links;
pub mod purge;
pub mod save;
pub mod selection;
pub mod trash;
pub mod tree;
