//! Downloads of 4 KiB files through content links, and through those of public links, which are counted.

use crate::error::Result;
use crate::lines::Bench;
use crate::lines::upload::{FILE_BYTES, nginx_target};
use crate::load::api::{Api, text};
use crate::load::callers::{Expect, Get};
use crate::load::closed_loop::{Pace, closed_loop};
use crate::load::fill::{fill, fill_folder};
use crate::load::http;
use crate::load::sample::Sample;
use crate::report::{Goal, Line, Series, Unit};
use std::net::SocketAddr;
use std::sync::Arc;

const FILES: u64 = 1000;
const CONNECTIONS: usize = 64;
/// The part of uncounted downloads that counted ones are to reach.
const COUNTED_PART: f64 = 0.7;

pub(super) async fn lines(bench: &Bench) -> Result<Vec<Line>> {
    let pileus = bench.pileus("download").await?;
    let nginx = bench.nginx("download").await?;
    let mut api = pileus.new_account("download@bench.test").await?;
    pileus.verify("download@bench.test").await?;

    let folder = api.create_folder(0, "files").await?;
    fill_folder(&api, folder, FILES, FILE_BYTES).await?;
    let mut links = Vec::new();
    for file in api.file_ids(folder).await? {
        links.push(content_request(&mut api, file).await?);
    }
    let links = Arc::new(links);
    let counted = Arc::new(public_requests(&mut api, folder, 0).await?);
    // A limit that is never reached, and that every download has to be held against.
    let limited = Arc::new(public_requests(&mut api, folder, 1 << 50).await?);

    let target = nginx_target(&nginx, "files", FILE_BYTES);
    fill(target, FILES, async || http::connect(nginx.address).await).await?;
    let files = (0..FILES)
        .map(|file| http::get(&nginx.authority(), &format!("/files/f{file:08}")))
        .collect();
    let files = Arc::new(files);

    let (mut ours, mut theirs) = (Series::default(), Series::default());
    let (mut public, mut held) = (Series::default(), Series::default());
    bench.settle();
    for _ in 0..bench.scale.runs {
        ours.push(
            downloads(pileus.address(), &links, bench.scale.pace)
                .await?
                .rate(),
        );
        for (series, links) in [(&mut public, &counted), (&mut held, &limited)] {
            let sample = downloads(pileus.address(), links, bench.scale.pace).await?;
            series.push(sample.rate());
        }
        theirs.push(
            downloads(nginx.address, &files, bench.scale.pace)
                .await?
                .rate(),
        );
    }
    nginx.stop().await?;
    pileus.stop().await?;
    let title = format!("4 KiB downloads, {CONNECTIONS} connections");
    let uncounted = ours.median();
    let line = Line::new(title, Unit::PerSecond, ours).beside(theirs);
    Ok(vec![
        line.goal(Goal::OfNginx(0.6)),
        Line::new(
            "the same by a public link, counted",
            Unit::PerSecond,
            public,
        )
        .goal(Goal::AtLeast(COUNTED_PART * uncounted)),
        Line::new(
            "the same by a public link with a limit of traffic",
            Unit::PerSecond,
            held,
        ),
    ])
}

/// The request that fetches a file's content through a link asked for now.
pub async fn content_request(api: &mut Api, file: u64) -> Result<Vec<u8>> {
    let link = api.call("getfilelink", &[("fileid", file.into())]).await?;
    Ok(http::get(text(&link, "hosts.0")?, text(&link, "path")?))
}

/// The requests that fetch the files of a folder through a public link to it, with a limit of traffic or without.
async fn public_requests(api: &mut Api, folder: u64, maxtraffic: u64) -> Result<Vec<Vec<u8>>> {
    let options = [
        ("folderid", folder.into()),
        ("maxtraffic", maxtraffic.into()),
    ];
    let link = api.call("getfolderpublink", &options).await?;
    let code = text(&link, "code")?.to_owned();
    let mut requests = Vec::new();
    for file in api.file_ids(folder).await? {
        let pairs = [("code", code.as_str().into()), ("fileid", file.into())];
        let link = api.call("getpublinkdownload", &pairs).await?;
        requests.push(http::get(text(&link, "hosts.0")?, text(&link, "path")?));
    }
    Ok(requests)
}

async fn downloads(
    address: SocketAddr,
    requests: &Arc<Vec<Vec<u8>>>,
    pace: Pace,
) -> Result<Sample> {
    let mut callers = Vec::new();
    for at in 0..CONNECTIONS {
        let connection = http::connect(address).await?;
        // Connections begin at different files, so that they do not fetch the same ones in step.
        let first = at * requests.len() / CONNECTIONS;
        let expect = Expect::Content(FILE_BYTES);
        callers.push(Get::new(connection, Arc::clone(requests), first, expect));
    }
    closed_loop(callers, pace).await
}
