//! Tests of the blob store through its public interface.
//!
//! - [`conformance`]: what every back end does, on each of them
//! - [`disk`]: what only the file system can show: layout, crashes, full and read-only disks
//! - [`working`]: content that changes before it becomes a blob
//! - [`s3`]: what only a network service can show: being away, being slow, breaking off

mod conformance;
mod disk;
mod s3;
#[path = "../../examples/s3_server/server.rs"]
mod s3_server;
mod site;
mod working;
