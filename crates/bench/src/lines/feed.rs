//! How soon a client that waits in `diff` learns of a change.

use crate::error::Result;
use crate::limit::within;
use crate::lines::Bench;
use crate::load::api::{Api, list, number, target};
use crate::load::binary;
use crate::load::callers::Expect;
use crate::load::http;
use crate::load::sample::{Sample, micros};
use crate::report::{Goal, Line, Series, Unit};
use pileus_wire::{Tree, Value, decode_answer};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Time for the server to take up the waiting call before the change is made. Nothing tells a
/// client from outside that it is waited for.
const PAUSE: Duration = Duration::from_millis(3);
/// How long one change may take to arrive.
const ARRIVAL_LIMIT: Duration = Duration::from_secs(10);

pub(super) async fn lines(bench: &Bench) -> Result<Vec<Line>> {
    let pileus = bench.pileus("feed").await?;
    let mut api = pileus.new_account("feed@bench.test").await?;
    let changes = bench.scale.feed_changes;
    let mut lines = Vec::new();
    for protocol in ["HTTP", "binary"] {
        let (mut from_answer, mut from_request) = (Latency::default(), Latency::default());
        for run in 0..bench.scale.runs {
            let folder = api.create_folder(0, &format!("{protocol}{run}")).await?;
            let diffid = api.newest_diffid().await?;
            let (arrivals, arrived) = mpsc::channel(1);
            let waiter = match protocol {
                "HTTP" => {
                    let connection = api.connect().await?;
                    let authority = api.authority();
                    spawn(wait_over_http(connection, authority, diffid, arrivals))
                }
                _ => spawn(wait_over_binary(
                    api.connect_binary().await?,
                    diffid,
                    arrivals,
                )),
            };
            let found = time_changes(&mut api, folder, changes, arrived).await;
            waiter.abort();
            // When the waiter ended by itself, its error is the one to tell.
            let (answer, request) = match (found, waiter.await) {
                (Ok(found), _) => found,
                (Err(_), Ok(Err(error))) => return Err(error),
                (Err(error), _) => return Err(error),
            };
            from_answer.add(&answer);
            from_request.add(&request);
        }
        lines.extend(from_answer.lines(&format!(
            "Change answered to its arrival in `diff`, {protocol}"
        )));
        lines.extend(
            from_request.lines(&format!("Change sent to its arrival in `diff`, {protocol}")),
        );
    }
    pileus.stop().await?;
    Ok(lines)
}

fn spawn(waiter: impl Future<Output = Result<()>> + Send + 'static) -> JoinHandle<Result<()>> {
    tokio::spawn(waiter)
}

/// Makes changes one by one. Answers how long each took to arrive, counted from its answer and
/// from just before it was sent.
async fn time_changes(
    api: &mut Api,
    folder: u64,
    changes: usize,
    mut arrived: mpsc::Receiver<Instant>,
) -> Result<(Sample, Sample)> {
    let (mut from_answer, mut from_request) = (Vec::new(), Vec::new());
    for change in 0..changes {
        tokio::time::sleep(PAUSE).await;
        let sent = Instant::now();
        api.create_folder(folder, &format!("n{change}")).await?;
        let answered = Instant::now();
        let arrival = within(ARRIVAL_LIMIT, "the arrival of a change", async {
            let arrival = arrived.recv().await;
            arrival.ok_or_else(|| "the waiting client has ended".into())
        });
        let arrival = arrival.await?;
        // The feed may be faster than the answer to the change; then there was no wait at all.
        from_answer.push(micros(arrival.saturating_duration_since(answered)));
        from_request.push(micros(arrival - sent));
    }
    let window = Duration::from_secs(1);
    Ok((
        Sample::new(window, from_answer),
        Sample::new(window, from_request),
    ))
}

/// Waits in `diff` again and again, and tells when events arrive.
async fn wait_over_http(
    mut connection: http::Connection<TcpStream>,
    authority: String,
    mut diffid: u64,
    arrivals: mpsc::Sender<Instant>,
) -> Result<()> {
    loop {
        let target = target("diff", &position(diffid))?;
        let answer = connection.exchange(&http::get(&authority, &target)).await?;
        let now = Instant::now();
        Expect::ResultZero.check(&answer)?;
        diffid = report(&Tree::from_json(answer.body)?, now, &arrivals).await?;
    }
}

/// As [`wait_over_http`], on the other protocol.
async fn wait_over_binary(
    mut connection: binary::Connection,
    mut diffid: u64,
    arrivals: mpsc::Sender<Instant>,
) -> Result<()> {
    loop {
        let request = binary::request("diff", &position(diffid))?;
        connection.send(&request).await?;
        let answer = connection.receive().await?;
        let now = Instant::now();
        binary::check(answer)?;
        diffid = report(&decode_answer(answer)?, now, &arrivals).await?;
    }
}

fn position(diffid: u64) -> [(&'static str, Value); 2] {
    [("diffid", diffid.into()), ("block", true.into())]
}

/// Tells that events arrived, if the answer holds any, and answers where to wait next. An answer
/// without events is what ends a wait that took too long.
async fn report(answer: &Tree, now: Instant, arrivals: &mpsc::Sender<Instant>) -> Result<u64> {
    if !list(answer, "entries")?.is_empty() {
        arrivals.send(now).await?;
    }
    number(answer, "diffid")
}

#[derive(Default)]
struct Latency {
    p50_ms: Series,
    p99_ms: Series,
}

impl Latency {
    fn add(&mut self, sample: &Sample) {
        self.p50_ms.push(sample.percentile_ms(50.0));
        self.p99_ms.push(sample.percentile_ms(99.0));
    }

    fn lines(self, title: &str) -> [Line; 2] {
        let p50 = format!("{title}: half within");
        let p99 = format!("{title}: 99 % within");
        [
            Line::new(p50, Unit::Milliseconds, self.p50_ms).goal(Goal::Below(2.0)),
            Line::new(p99, Unit::Milliseconds, self.p99_ms).goal(Goal::Below(10.0)),
        ]
    }
}
