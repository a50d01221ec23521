//! Runs an S3 service on a directory, for tests of programs that need one.
//!
//! ```text
//! cargo run -p pileus-blobs --example s3_server -- DIR BUCKET ACCESS_KEY SECRET_KEY
//! ```
//!
//! Prints its URL as the first line of standard output and ends when its standard input does,
//! so that it never outlives the test that started it.

mod server;

use std::error::Error;
use std::io::{self, Read};
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, bucket, access_key, secret_key] = &arguments[..] else {
        return Err("usage: s3_server DIR BUCKET ACCESS_KEY SECRET_KEY".into());
    };
    let root = PathBuf::from(dir);
    std::fs::create_dir_all(root.join(bucket))?;
    let server = server::S3Server::start(&root, access_key, secret_key)?;
    println!("http://{}", server.address);
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
