//! The commands for administrators, as processes, with and without a running server.
//!
//! - `site`: a data folder and the commands that work on it.
//! - `accounts`: `pileus user` and `pileus token`.
//! - `apps`: `pileus app`.
//! - `check`: `pileus check` on data that was damaged in every way.
//! - `copies`: `pileus backup`, `restore` and `convert-db`.
//! - `open_work`: the part of `pileus check` about files that are being written, and upload sessions.
//! - `settings`: file, environment and flags, `pileus config` and `pileus methods`.

mod accounts;
mod apps;
mod check;
mod copies;
mod open_work;
mod settings;
mod site;
