//! What the codecs promise, seen from outside. Hostile input has a test binary of its own.

mod examples;
mod generate;
mod json;
mod params;
mod query;
mod requests;
mod round_trip;
mod sinks;
mod support;
mod times;
