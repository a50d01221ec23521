//! The server: front ends, dispatcher, rules and methods.
//!
//! A call travels: front end ([`http`], [`binary`]: bytes become a name and a parameter map) → [`dispatch`] (find the
//! method, establish the caller, decode, open the transaction the declaration asks for, run, commit, log) →
//! [`methods`] → [`rules`] and the store → a typed reply that writes itself as JSON or binary.

pub mod admin;
pub mod app;
pub mod binary;
pub mod body;
pub mod call;
pub mod clock;
pub mod config;
pub mod conn;
pub mod content;
pub mod cx;
pub mod dispatch;
pub mod feed;
pub mod fetch;
pub mod handover;
pub mod http;
pub(crate) mod intake;
pub mod jobs;
pub mod language;
pub mod limits;
pub mod link_counts;
pub mod listen;
pub mod login;
pub mod mail;
pub mod methods;
pub mod metrics;
pub mod password;
pub mod phrases;
pub mod polls;
pub mod progress;
pub mod rules;
pub mod seal;
pub mod second_step;
pub mod secrets;
pub mod sessions;
pub mod standing;
pub mod start;
pub mod tls;
pub mod together;
pub mod totp;
mod transfer;
pub mod verify_token;
pub mod web;
pub mod working;
pub mod zip;
