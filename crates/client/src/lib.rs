//! Rust SDK for servers that speak the pCloud API.
