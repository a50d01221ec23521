//! What sharing costs: those who work in shared folders, and those who work beside them.

use crate::error::Result;
use crate::limit::within;
use crate::lines::upload::{FILE_BYTES, uploads};
use crate::lines::{Bench, ratio};
use crate::load::api::{Api, list, number, target, text};
use crate::load::callers::{Expect, Get};
use crate::load::closed_loop::{Pace, closed_loop};
use crate::load::fill::{fill_folder, folder_target};
use crate::load::http;
use crate::load::sample::{Sample, micros};
use crate::report::number::count;
use crate::report::{Goal, Line, Series, Unit};
use crate::servers::pileus::Pileus;
use pileus_wire::Tree;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Recipients of the folder that is uploaded to.
const FEW: usize = 20;
/// Recipients of the folder whose changes are waited for.
const MANY: usize = 100;
const CONNECTIONS: u64 = 64;
const CALLERS: usize = 16;
/// Folders above the files that are looked at in a share.
const LEVELS: usize = 10;
const FILES: u64 = 100;
const SMALL_BYTES: usize = 100;
/// Everything that a recipient may do.
const ALL_RIGHTS: u64 = 7;
/// How long a large share may take to be told.
const JOIN_LIMIT: Duration = Duration::from_secs(120);
/// How long one change may take to reach everybody.
const ARRIVAL_LIMIT: Duration = Duration::from_secs(10);
/// Time for waiting clients to be taken up before a change is made.
const PAUSE: Duration = Duration::from_millis(20);

/// Somebody with a verified address.
struct Person {
    email: String,
    api: Api,
}

impl Person {
    async fn new(pileus: &Pileus, name: &str) -> Result<Self> {
        let email = format!("{name}@bench.test");
        let api = pileus.new_account(&email).await?;
        pileus.verify(&email).await?;
        Ok(Self { email, api })
    }

    /// Offers a folder, which the recipient accepts.
    async fn share(&mut self, folder: u64, recipient: &mut Person) -> Result<()> {
        let offer = [
            ("folderid", folder.into()),
            ("mail", recipient.email.as_str().into()),
            ("permissions", ALL_RIGHTS.into()),
        ];
        let offered = self.api.call("sharefolder", &offer).await?;
        let request = number(&offered, "share.sharerequestid")?;
        let accepted = [
            ("sharerequestid", request.into()),
            ("folderid", 0_u64.into()),
        ];
        recipient.api.call("acceptshare", &accepted).await?;
        Ok(())
    }
}

pub(super) async fn lines(bench: &Bench) -> Result<Vec<Line>> {
    let pileus = bench.pileus("sharing").await?;
    let mut owner = Person::new(&pileus, "owner").await?;
    let mut people = Vec::with_capacity(MANY);
    for number in 0..MANY {
        people.push(Person::new(&pileus, &format!("p{number}")).await?);
    }
    let mut lines = uploading(bench, &mut owner, &mut people).await?;
    lines.extend(looking(bench, &mut owner, &mut people[0]).await?);
    lines.extend(arriving(bench, &mut owner, &mut people).await?);
    lines.extend(accepting(bench, &pileus, &mut owner).await?);
    pileus.stop().await?;
    Ok(lines)
}

/// Small uploads into a folder that is shared, and into one that is not. First nobody looks, then all recipients wait for
/// what comes, and read it.
async fn uploading(bench: &Bench, owner: &mut Person, people: &mut [Person]) -> Result<Vec<Line>> {
    let (mut alone, mut shared) = (Series::default(), Series::default());
    let mut watched = Series::default();
    let top = owner.api.create_folder(0, "few").await?;
    for person in people.iter_mut().take(FEW) {
        owner.share(top, person).await?;
    }
    let few = people.len().min(FEW);
    for run in 0..bench.scale.runs {
        for (parent, is_watched, rates) in [
            (0, false, &mut alone),
            (top, false, &mut shared),
            (top, true, &mut watched),
        ] {
            let name = format!("r{run} {is_watched}");
            let folder = owner.api.create_folder(parent, &name).await?;
            let (arrivals, mut arrived) = mpsc::channel(MANY);
            tokio::spawn(async move { while arrived.recv().await.is_some() {} });
            let watchers = if is_watched { few } else { 0 };
            let waiters = wait_all(&mut people[..watchers], &arrivals).await?;
            let target = folder_target(&owner.api, folder, FILE_BYTES);
            bench.settle();
            let api = &owner.api;
            let connect = async || api.connect().await;
            let sample = uploads(target, CONNECTIONS, bench.scale.pace, connect).await?;
            rates.push(sample.rate());
            for waiter in waiters {
                waiter.abort();
            }
        }
    }
    let title =
        format!("4 KiB uploads into a folder shared with {FEW} people, {CONNECTIONS} connections");
    let beside = ratio(
        &format!("{title}, of those into an unshared one"),
        &shared,
        &alone,
        0.5,
    );
    let watched = Line::new(
        "the same with all of them waiting in `diff`",
        Unit::PerSecond,
        watched,
    );
    Ok(vec![
        Line::new(title, Unit::PerSecond, shared),
        beside,
        watched,
    ])
}

/// Looking at files deep in a share, as its recipient and as its owner.
async fn looking(bench: &Bench, owner: &mut Person, recipient: &mut Person) -> Result<Vec<Line>> {
    let top = owner.api.create_folder(0, "deep").await?;
    let mut deepest = top;
    for level in 1..LEVELS {
        deepest = owner
            .api
            .create_folder(deepest, &format!("l{level}"))
            .await?;
    }
    fill_folder(&owner.api, deepest, FILES, SMALL_BYTES).await?;
    owner.share(top, recipient).await?;
    let files = owner.api.file_ids(deepest).await?;
    let authority = owner.api.authority();
    let stat = files.iter().map(|&file| {
        let target = target("stat", &[("fileid", file.into())])?;
        Ok(http::get(&authority, &target))
    });
    let stat: Vec<Vec<u8>> = stat.collect::<Result<_>>()?;
    let listing = target("listfolder", &[("folderid", deepest.into())])?;
    let listing = vec![http::get(&authority, &listing)];
    let mut lines = Vec::new();
    for (method, requests) in [("stat", stat), ("listfolder", listing)] {
        let requests = Arc::new(requests);
        let (mut theirs, mut own) = (Series::default(), Series::default());
        for _ in 0..bench.scale.runs {
            own.push(rate(&owner.api, &requests, bench.scale.pace).await?);
            theirs.push(rate(&recipient.api, &requests, bench.scale.pace).await?);
        }
        let title = format!("`{method}` in a share, {LEVELS} levels deep, {CALLERS} connections");
        let beside = ratio(
            &format!("{title}, of that of the owner"),
            &theirs,
            &own,
            0.8,
        );
        lines.extend([Line::new(title, Unit::PerSecond, theirs), beside]);
    }
    Ok(lines)
}

async fn rate(api: &Api, requests: &Arc<Vec<Vec<u8>>>, pace: Pace) -> Result<f64> {
    let mut callers = Vec::new();
    for at in 0..CALLERS {
        let first = at * requests.len() / CALLERS;
        let connection = api.connect().await?;
        callers.push(Get::new(
            connection,
            Arc::clone(requests),
            first,
            Expect::ResultZero,
        ));
    }
    Ok(closed_loop(callers, pace).await?.rate())
}

/// From a change in a shared folder to everybody who waits for it.
async fn arriving(bench: &Bench, owner: &mut Person, people: &mut [Person]) -> Result<Vec<Line>> {
    let folder = owner.api.create_folder(0, "many").await?;
    for person in people.iter_mut() {
        owner.share(folder, person).await?;
    }
    let mut p99 = Series::default();
    for run in 0..bench.scale.runs {
        let (arrivals, mut arrived) = mpsc::channel(MANY);
        let waiters = wait_all(people, &arrivals).await?;
        let mut micros_taken = Vec::new();
        for change in 0..bench.scale.feed_changes.min(100) {
            tokio::time::sleep(PAUSE).await;
            let sent = Instant::now();
            let name = format!("r{run}c{change}");
            owner.api.create_folder(folder, &name).await?;
            for _ in 0..MANY {
                let arrival = within(ARRIVAL_LIMIT, "the arrival of a change", async {
                    let arrival = arrived.recv().await;
                    arrival.ok_or_else(|| "the waiting clients have ended".into())
                });
                micros_taken.push(micros(arrival.await?.saturating_duration_since(sent)));
            }
        }
        for waiter in waiters {
            waiter.abort();
        }
        p99.push(Sample::new(Duration::from_secs(1), micros_taken).percentile_ms(99.0));
    }
    let title = format!("Change sent to its arrival in `diff` at {MANY} recipients: 99 % within");
    Ok(vec![
        Line::new(title, Unit::Milliseconds, p99).goal(Goal::Below(50.0)),
    ])
}

/// Has each of these people wait for what comes.
async fn wait_all(
    people: &mut [Person],
    arrivals: &mpsc::Sender<Instant>,
) -> Result<Vec<JoinHandle<Result<()>>>> {
    let mut waiters = Vec::with_capacity(people.len());
    for person in people {
        let diffid = person.api.newest_diffid().await?;
        let (connection, authority) = (person.api.connect().await?, person.api.authority());
        let waiting = wait(connection, authority, diffid, arrivals.clone());
        waiters.push(tokio::spawn(waiting));
    }
    Ok(waiters)
}

/// Waits in `diff` again and again, and tells when events arrive.
async fn wait(
    mut connection: http::Connection<TcpStream>,
    authority: String,
    mut diffid: u64,
    arrivals: mpsc::Sender<Instant>,
) -> Result<()> {
    loop {
        let target = target("diff", &[("diffid", diffid.into()), ("block", true.into())])?;
        let answer = connection.exchange(&http::get(&authority, &target)).await?;
        let now = Instant::now();
        Expect::ResultZero.check(&answer)?;
        let answer = Tree::from_json(answer.body)?;
        if !list(&answer, "entries")?.is_empty() {
            arrivals.send(now).await?;
        }
        diffid = number(&answer, "diffid")?;
    }
}

/// Accepting a large share, and what others notice of it.
async fn accepting(bench: &Bench, pileus: &Pileus, owner: &mut Person) -> Result<Vec<Line>> {
    let entries = bench.scale.recursive_entries;
    let part = entries / 10;
    let folder = owner.api.create_folder(0, "large").await?;
    let first = owner.api.create_folder(folder, "d0").await?;
    fill_folder(&owner.api, first, part, SMALL_BYTES).await?;
    for copy in 1..10 {
        owner
            .api
            .copy_folder(first, folder, &format!("d{copy}"))
            .await?;
    }
    let mut other = Person::new(pileus, "other").await?;
    let (mut seconds, mut p99, mut p99_alone) =
        (Series::default(), Series::default(), Series::default());
    for run in 0..bench.scale.runs {
        let mut recipient = Person::new(pileus, &format!("joiner{run}")).await?;
        let diffid = recipient.api.newest_diffid().await?;
        let alone = other.api.create_folder(0, &format!("alone{run}")).await?;
        let beside = other.api.create_folder(0, &format!("beside{run}")).await?;
        bench.settle();
        p99_alone.push(work(&other.api, alone, bench.scale.pace).await?);
        let join = async {
            let began = Instant::now();
            owner.share(folder, &mut recipient).await?;
            within(
                JOIN_LIMIT,
                "the end of joining",
                told(&mut recipient, diffid),
            )
            .await?;
            Ok(began.elapsed())
        };
        let (joined, worked) = tokio::join!(join, work(&other.api, beside, bench.scale.pace));
        let joined: Result<Duration> = joined;
        seconds.push(joined?.as_secs_f64());
        p99.push(worked?);
    }
    let entries = count(entries);
    Ok(vec![
        Line::new(
            format!("Accepting a share of {entries} files, until all of it has been told"),
            Unit::Seconds,
            seconds,
        )
        .goal(Goal::Below(3.0)),
        Line::new(
            "Small uploads of another account meanwhile: 99 % within",
            Unit::Milliseconds,
            p99,
        )
        .goal(Goal::Below(50.0)),
        Line::new(
            "The same with nobody accepting: 99 % within",
            Unit::Milliseconds,
            p99_alone,
        ),
    ])
}

/// Small uploads of one account; answers within how many milliseconds nearly all were answered.
async fn work(api: &Api, folder: u64, pace: Pace) -> Result<f64> {
    let target = folder_target(api, folder, FILE_BYTES);
    let sample = uploads(target, 4, pace, async || api.connect().await).await?;
    Ok(sample.percentile_ms(99.0))
}

/// Follows the feed until it says that a share has begun.
async fn told(recipient: &mut Person, mut diffid: u64) -> Result<()> {
    loop {
        let wait = [("diffid", diffid.into()), ("block", true.into())];
        let answer = recipient.api.call("diff", &wait).await?;
        for event in list(&answer, "entries")? {
            if text(event, "event")? == "acceptedsharein" {
                return Ok(());
            }
        }
        diffid = number(&answer, "diffid")?;
    }
}
