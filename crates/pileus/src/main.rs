//! The Pileus program.
fn main() {}
