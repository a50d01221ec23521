//! One big file up and down over one connection, plain and with TLS.

use crate::error::Result;
use crate::limit::{self, within};
use crate::lines::download::content_request;
use crate::lines::{Bench, mebibytes};
use crate::load::api::{Api, call, number, target};
use crate::load::callers::Expect;
use crate::load::http::{self, Connection, Transport};
use crate::noise::Noise;
use crate::report::number::count;
use crate::report::{Goal, Line, Series, Unit};
use crate::servers::nginx::Nginx;
use pileus_wire::Tree;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

pub(super) async fn lines(bench: &Bench) -> Result<Vec<Line>> {
    let pileus = bench.pileus_with_tls("bulk").await?;
    let nginx = bench.nginx("bulk").await?;
    let api = pileus.new_account("bulk@bench.test").await?;
    let mut servers = Servers { bench, api, nginx };

    let plain_address = servers.nginx.address;
    let plain = servers
        .transfers("plain", plain_address, async |address| {
            http::connect(address).await
        })
        .await?;
    let tls_address = servers.nginx.tls_address;
    let tls = servers
        .transfers("TLS", tls_address, async |address| {
            bench.identity.connect(address).await
        })
        .await?;

    servers.nginx.stop().await?;
    pileus.stop().await?;
    Ok(plain.into_iter().chain(tls).collect())
}

struct Servers<'a> {
    bench: &'a Bench,
    api: Api,
    nginx: Nginx,
}

impl Servers<'_> {
    /// Measures both directions over one kind of connection.
    async fn transfers<S: Transport>(
        &mut self,
        kind: &str,
        nginx_address: SocketAddr,
        connect: impl AsyncFn(SocketAddr) -> Result<Connection<S>>,
    ) -> Result<[Line; 3]> {
        let bytes = self.bench.scale.bulk_bytes;
        let mut up = Series::default();
        let (mut up_nginx, mut up_flushed) = (Series::default(), Series::default());
        let (mut down, mut down_nginx) = (Series::default(), Series::default());
        for run in 0..self.bench.scale.runs {
            let name = format!("{kind}-{run}");
            let mut to_pileus = connect(self.api.address()).await?;
            let mut to_nginx = connect(nginx_address).await?;

            self.bench.settle();
            let (file, elapsed) = self.upload(&mut to_pileus, &name, bytes).await?;
            up.push(speed(bytes, elapsed));

            self.bench.settle();
            let (elapsed, flushed) = self.upload_to_nginx(&mut to_nginx, &name, bytes).await?;
            up_nginx.push(speed(bytes, elapsed));
            up_flushed.push(speed(bytes, flushed));

            self.bench.settle();
            let request = content_request(&mut self.api, file).await?;
            down.push(speed(
                bytes,
                download(&mut to_pileus, &request, bytes).await?,
            ));
            let request = http::get(&self.nginx.authority(), &format!("/{name}"));
            down_nginx.push(speed(
                bytes,
                download(&mut to_nginx, &request, bytes).await?,
            ));
        }

        let size = count(bytes >> 20);
        let line = |title: &str, pileus: Series, nginx: Series| {
            let title = format!("{title} {size} MiB, {kind}");
            Line::new(title, Unit::MebibytesPerSecond, pileus).beside(nginx)
        };
        Ok([
            line("Upload of", up.clone(), up_nginx).goal(Goal::OfNginx(0.8)),
            line("Beside nginx with `fsync`: upload of", up, up_flushed),
            line("Download of", down, down_nginx).goal(Goal::OfNginx(0.8)),
        ])
    }

    /// Uploads a new file and answers its `fileid`.
    async fn upload<S: Transport>(
        &self,
        connection: &mut Connection<S>,
        name: &str,
        bytes: u64,
    ) -> Result<(u64, Duration)> {
        let authority = self.api.authority();
        call(connection, &authority, "userinfo", &[self.api.auth()]).await?;
        let pairs = [
            ("folderid", 0_u64.into()),
            ("filename", name.into()),
            ("nopartial", true.into()),
        ];
        let head = http::put(&authority, &target("uploadfile", &pairs)?, bytes);

        let begin = Instant::now();
        let answer = within(limit::CALL, "an upload", async {
            send_file(connection, &head, name, bytes).await?;
            connection.receive().await
        });
        let answer = answer.await?;
        let elapsed = begin.elapsed();

        Expect::ResultZero.check(&answer)?;
        let answer = Tree::from_json(answer.body)?;
        if number(&answer, "metadata.0.size")? != bytes {
            return Err("the file is not as long as what was uploaded".into());
        }
        Ok((number(&answer, "metadata.0.fileid")?, elapsed))
    }

    /// Uploads to nginx. Answers the time until nginx acknowledged the file, and until it was on
    /// stable storage.
    async fn upload_to_nginx<S: Transport>(
        &self,
        connection: &mut Connection<S>,
        name: &str,
        bytes: u64,
    ) -> Result<(Duration, Duration)> {
        let head = http::put(&self.nginx.authority(), &format!("/{name}"), bytes);
        let begin = Instant::now();
        let answer = within(limit::CALL, "an upload", async {
            send_file(connection, &head, name, bytes).await?;
            connection.receive().await
        });
        let answer = answer.await?;
        let acknowledged = begin.elapsed();
        Expect::Created.check(&answer)?;
        flush(&self.nginx.root.join(name))?;
        Ok((acknowledged, begin.elapsed()))
    }
}

/// Sends head and content of a file. Its content depends on its name, so that no store can use
/// what it has already; a changed word in each block is enough for that and costs the client
/// nothing.
async fn send_file<S: Transport>(
    connection: &mut Connection<S>,
    head: &[u8],
    name: &str,
    bytes: u64,
) -> Result<()> {
    let seed = name
        .bytes()
        .fold(0, |seed, byte| seed * 31 + u64::from(byte));
    let mut noise = Noise::new(seed);
    connection.send(head).await?;
    let mut first = true;
    connection
        .send_bulk(bytes, |block| {
            if std::mem::take(&mut first) {
                noise.fill(block);
            } else if let Some(word) = block.first_chunk_mut() {
                *word = noise.next().to_le_bytes();
            }
        })
        .await
}

async fn download<S: Transport>(
    connection: &mut Connection<S>,
    request: &[u8],
    bytes: u64,
) -> Result<Duration> {
    let begin = Instant::now();
    let answer = within(limit::CALL, "a download", async {
        connection.send(request).await?;
        connection.receive_bulk().await
    });
    let (status, length) = answer.await?;
    let elapsed = begin.elapsed();
    if (status, length) == (200, bytes) {
        Ok(elapsed)
    } else {
        Err(format!("a download was answered {status} with {length} bytes").into())
    }
}

fn flush(file: &Path) -> Result<()> {
    Ok(File::open(file)?.sync_all()?)
}

fn speed(bytes: u64, elapsed: Duration) -> f64 {
    mebibytes(bytes) / elapsed.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::{download, send_file};
    use crate::error::Result;
    use crate::load::callers::Expect;
    use crate::load::http::{self, Connection, Transport};
    use crate::servers::nginx::tests::start;

    const BYTES: u64 = 3_000_001;

    async fn up_and_down<S: Transport>(mut connection: Connection<S>, name: &str) -> Result<()> {
        let head = http::put("localhost", &format!("/{name}"), BYTES);
        send_file(&mut connection, &head, name, BYTES).await?;
        Expect::Created.check(&connection.receive().await?)?;
        let request = http::get("localhost", &format!("/{name}"));
        download(&mut connection, &request, BYTES).await?;
        assert!(
            download(&mut connection, &request, BYTES - 1)
                .await
                .is_err()
        );
        Ok(())
    }

    #[tokio::test]
    async fn big_files_go_up_and_down_plain_and_with_tls() -> Result<()> {
        let Some((nginx, _dir, identity)) = start().await? else {
            return Ok(());
        };
        up_and_down(http::connect(nginx.address).await?, "plain").await?;
        up_and_down(identity.connect(nginx.tls_address).await?, "tls").await?;
        let plain = std::fs::read(nginx.root.join("plain"))?;
        let tls = std::fs::read(nginx.root.join("tls"))?;
        assert_eq!((plain.len(), tls.len()), (3_000_001, 3_000_001));
        assert_ne!(plain, tls);
        nginx.stop().await
    }
}
