//! Uploads of 4 KiB files over one and many connections.

use crate::error::Result;
use crate::lines::Bench;
use crate::load::callers::{Expect, Upload, UploadTarget};
use crate::load::closed_loop::{Pace, closed_loop};
use crate::load::fill::folder_target;
use crate::load::http::{self, Connection};
use crate::load::sample::Sample;
use crate::report::{Goal, Line, Series, Unit};
use crate::servers::nginx::Nginx;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::net::TcpStream;

/// Size of a small file.
pub const FILE_BYTES: usize = 4096;

/// Connections per line, with the goals of that line.
const CASES: [(u64, &[Goal]); 3] = [
    (1, &[Goal::AtLeast(600.0)]),
    (16, &[]),
    (64, &[Goal::AtLeast(8000.0), Goal::OfNginx(0.6)]),
];

pub(super) async fn lines(bench: &Bench) -> Result<Vec<Line>> {
    let pileus = bench.pileus("upload").await?;
    let nginx = bench.nginx("upload").await?;
    let mut api = pileus.new_account("upload@bench.test").await?;
    let pace = bench.scale.pace;
    let mut lines = Vec::new();
    for (connections, goals) in CASES {
        let (mut ours, mut theirs) = (Series::default(), Series::default());
        for run in 0..bench.scale.runs {
            let folder = format!("c{connections}-r{run}");
            let folder_id = api.create_folder(0, &folder).await?;
            let target = folder_target(&api, folder_id, FILE_BYTES);
            bench.settle();
            let sample = uploads(target, connections, pace, async || api.connect().await).await?;
            ours.push(sample.rate());

            let target = nginx_target(&nginx, &folder, FILE_BYTES);
            bench.settle();
            let connect = async || http::connect(nginx.address).await;
            theirs.push(uploads(target, connections, pace, connect).await?.rate());
        }
        let plural = if connections == 1 { "" } else { "s" };
        let title = format!("4 KiB uploads, {connections} connection{plural}");
        let mut line = Line::new(title, Unit::PerSecond, ours).beside(theirs);
        line.goals.extend_from_slice(goals);
        lines.push(line);
    }
    nginx.stop().await?;
    pileus.stop().await?;
    Ok(lines)
}

/// Uploads to a folder of nginx, which makes it with the first file.
pub fn nginx_target(nginx: &Nginx, folder: &str, file_bytes: usize) -> UploadTarget {
    UploadTarget {
        authority: nginx.authority(),
        prefix: format!("/{folder}/"),
        file_bytes,
        expect: Expect::Created,
        next_name: AtomicU64::new(0),
    }
}

/// Uploads to `target` over a number of connections.
pub async fn uploads(
    target: UploadTarget,
    connections: u64,
    pace: Pace,
    connect: impl AsyncFn() -> Result<Connection<TcpStream>>,
) -> Result<Sample> {
    let target = Arc::new(target);
    let mut callers = Vec::new();
    for seed in 0..connections {
        callers.push(Upload::new(connect().await?, Arc::clone(&target), seed));
    }
    closed_loop(callers, pace).await
}

#[cfg(test)]
mod tests {
    use super::{FILE_BYTES, nginx_target, uploads};
    use crate::error::Result;
    use crate::load::closed_loop::Pace;
    use crate::load::http;
    use crate::servers::nginx::tests::start;
    use std::time::Duration;

    #[tokio::test]
    async fn nginx_stores_what_is_uploaded() -> Result<()> {
        let Some((nginx, _dir, _)) = start().await? else {
            return Ok(());
        };
        let pace = Pace {
            warm_up: Duration::from_millis(10),
            window: Duration::from_millis(200),
        };
        let target = nginx_target(&nginx, "new", FILE_BYTES);
        let connect = async || http::connect(nginx.address).await;
        let sample = uploads(target, 4, pace, connect).await?;
        assert!(sample.rate() > 0.0);
        let first = std::fs::read(nginx.root.join("new/f00000000"))?;
        let second = std::fs::read(nginx.root.join("new/f00000001"))?;
        assert_eq!(first.len(), FILE_BYTES);
        assert_ne!(first, second);

        // The same names once more are no new files, which must not pass for success.
        let target = nginx_target(&nginx, "new", FILE_BYTES);
        assert!(uploads(target, 4, pace, connect).await.is_err());
        nginx.stop().await
    }
}
