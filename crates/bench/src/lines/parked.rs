//! Thousands of clients that wait in `diff` and should cost next to nothing.

use crate::error::Result;
use crate::limit::within;
use crate::lines::{Bench, mebibytes};
use crate::load::api::{Api, number, target};
use crate::load::callers::Expect;
use crate::load::http::{self, Connection};
use crate::report::number::count;
use crate::report::{Goal, Line, Series, Unit};
use crate::servers::pileus::Pileus;
use pileus_wire::Tree;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::net::{TcpSocket, TcpStream};

/// Waiting clients of one account; servers refuse more than 64.
const PER_ACCOUNT: usize = 50;
/// Connections from one source address, which has some 28,000 ports to give.
const PER_SOURCE: usize = 5000;
/// How long the processor time of the idle server is watched.
const WATCH: Duration = Duration::from_secs(5);
/// How long the server must rest before it counts as waiting.
const REST: Duration = Duration::from_millis(500);
/// How long anything may take here. Blocked calls end by themselves after 55 seconds.
const LIMIT: Duration = Duration::from_secs(30);

/// An account with its waiting connections.
struct Crowd {
    api: Api,
    diffid: u64,
    waiting: Vec<Connection<TcpStream>>,
}

pub(super) async fn lines(bench: &Bench) -> Result<Vec<Line>> {
    let pileus = bench.pileus("parked").await?;
    let connections = bench.scale.parked;
    let mut crowds = gather(&pileus, connections).await?;

    let (mut resident, mut busy, mut waking) =
        (Series::default(), Series::default(), Series::default());
    for run in 0..bench.scale.runs {
        for crowd in &mut crowds {
            crowd.wait().await?;
        }
        rest(&pileus).await?;
        let before = pileus.cpu_time()?;
        let begin = Instant::now();
        tokio::time::sleep(WATCH).await;
        let used = pileus.cpu_time()?.saturating_sub(before);
        busy.push(100.0 * used.as_secs_f64() / begin.elapsed().as_secs_f64());
        resident.push(mebibytes(pileus.memory()?.resident));

        // That all of them are really waiting shows when all of them are woken.
        let begin = Instant::now();
        let woken = within(LIMIT, "waking all clients", async {
            for crowd in &mut crowds {
                crowd.wake(run).await?;
            }
            Ok(())
        });
        woken.await?;
        waking.push(begin.elapsed().as_secs_f64());
    }
    drop(crowds);
    pileus.stop().await?;
    let title = format!(
        "{} connections waiting in `diff`",
        count(connections as u64)
    );
    let line = |what: &str, unit: Unit, series: Series| {
        Line::new(format!("{title}: {what}"), unit, series)
    };
    Ok(vec![
        line("memory of the server", Unit::Mebibytes, resident).goal(Goal::Below(300.0)),
        line("processor time", Unit::PercentOfCore, busy).goal(Goal::Below(1.0)),
        line(
            "waking all of them, account by account",
            Unit::Seconds,
            waking,
        ),
    ])
}

/// Makes accounts and connects all clients.
async fn gather(pileus: &Pileus, count: usize) -> Result<Vec<Crowd>> {
    let mut crowds = Vec::new();
    for first in (0..count).step_by(PER_ACCOUNT) {
        let email = format!("parked{first}@bench.test");
        let mut api = pileus.new_account(&email).await?;
        let diffid = api.newest_diffid().await?;
        let mut waiting = Vec::new();
        for at in first..count.min(first + PER_ACCOUNT) {
            waiting.push(connect_from(at / PER_SOURCE, pileus.address()).await?);
        }
        crowds.push(Crowd {
            api,
            diffid,
            waiting,
        });
    }
    Ok(crowds)
}

/// Connects from one of several loopback addresses.
async fn connect_from(source: usize, to: SocketAddr) -> Result<Connection<TcpStream>> {
    let source = Ipv4Addr::new(127, 0, 1, u8::try_from(source + 1)?);
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((source, 0)))?;
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(Connection::new(stream))
}

/// Waits until the server has used no processor time for a while.
async fn rest(pileus: &Pileus) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    let mut used = pileus.cpu_time()?;
    loop {
        tokio::time::sleep(REST).await;
        let now = pileus.cpu_time()?;
        if now == used {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err("the server does not come to rest".into());
        }
        used = now;
    }
}

impl Crowd {
    /// Sends a blocking `diff` on every connection.
    async fn wait(&mut self) -> Result<()> {
        let pairs = [
            self.api.auth(),
            ("diffid", self.diffid.into()),
            ("block", true.into()),
        ];
        let request = http::get(&self.api.authority(), &target("diff", &pairs)?);
        for connection in &mut self.waiting {
            connection.send(&request).await?;
        }
        Ok(())
    }

    /// Makes one change and reads it on every connection.
    async fn wake(&mut self, run: usize) -> Result<()> {
        let folder = self.api.create_folder(0, &format!("wake{run}")).await?;
        for connection in &mut self.waiting {
            let answer = connection.receive().await?;
            Expect::ResultZero.check(&answer)?;
            let answer = Tree::from_json(answer.body)?;
            if number(&answer, "entries.0.metadata.folderid")? != folder {
                return Err(format!("a waiting client was told {answer:?}").into());
            }
            self.diffid = number(&answer, "diffid")?;
        }
        Ok(())
    }
}
