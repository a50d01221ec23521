//! Many small files as fast as the server takes them, before something is measured.

use crate::error::Result;
use crate::load::api::Api;
use crate::load::callers::{Expect, Upload, UploadTarget};
use crate::load::closed_loop::Caller;
use crate::load::http::Connection;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Connections that share the work.
const CONNECTIONS: u64 = 16;

/// Uploads files to a folder of an account: as a target for [`Upload`] and [`fill`].
pub fn folder_target(api: &Api, folder: u64, file_bytes: usize) -> UploadTarget {
    UploadTarget {
        authority: api.authority(),
        prefix: format!("/uploadfile?folderid={folder}&nopartial=1&filename="),
        file_bytes,
        expect: Expect::ResultZero,
        next_name: AtomicU64::new(0),
    }
}

/// Fills a folder of an account with `count` files named `f00000000`, `f00000001` and so on.
pub async fn fill_folder(api: &Api, folder: u64, count: u64, file_bytes: usize) -> Result<()> {
    let target = folder_target(api, folder, file_bytes);
    fill(target, count, async || api.connect().await).await
}

/// Uploads `count` files to `target`.
pub async fn fill(
    target: UploadTarget,
    count: u64,
    connect: impl AsyncFn() -> Result<Connection<TcpStream>>,
) -> Result<()> {
    let target = Arc::new(target);
    let mut tasks = JoinSet::new();
    for worker in 0..CONNECTIONS.min(count) {
        let mut upload = Upload::new(connect().await?, Arc::clone(&target), worker);
        let share = (count + CONNECTIONS - 1 - worker) / CONNECTIONS;
        tasks.spawn(async move {
            for _ in 0..share {
                upload.call().await?;
            }
            Result::Ok(())
        });
    }
    while let Some(finished) = tasks.join_next().await {
        finished??;
    }
    Ok(())
}
