//! The server: dispatcher, front ends, rules and methods.
