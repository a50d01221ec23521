//! What may be done to the tree and what follows from it. Methods call these; nothing here knows the wire.

pub mod account_mail;
pub mod accounts;
pub mod administration;
pub mod app_folder;
pub mod copy;
pub mod delete;
pub mod events;
pub mod mail_codes;
pub mod metadata;
pub mod newsletter;
pub mod notices;
pub mod oauth;
pub mod place;
pub mod public_links;
pub mod purge;
pub mod redirects;
pub mod save;
pub mod second_factor;
pub mod selection;
pub mod trash;
pub mod tree;
