//! A server with nothing to do: how soon it answers after its start, and what it occupies.

use crate::error::Result;
use crate::lines::{Bench, mebibytes};
use crate::load::api::call;
use crate::load::http;
use crate::report::{Goal, Line, Series, Unit};
use pileus_wire::Value;
use std::time::Instant;

/// Most memory of a server that has answered one call.
pub const MEMORY_MIB: f64 = 40.0;
/// Longest time from the start of the program to its first answer.
pub const START_SECONDS: f64 = 1.0;

pub(super) async fn lines(bench: &Bench) -> Result<Vec<Line>> {
    let pileus = bench.pileus("idle").await?;
    let auth = pileus.new_account("idle@bench.test").await?.auth();
    pileus.stop().await?;

    let starts = Starts::measure(bench, "idle", &auth).await?;
    Ok(starts.lines("an empty account"))
}

/// Starts of the server on an existing data folder.
pub struct Starts {
    seconds: Series,
    memory_mib: Series,
}

impl Starts {
    /// Starts and stops the server several times on the data folder of a group. The clock runs
    /// from the start of the program to the answer of the first call, a `userinfo` by token:
    /// hashing a password would take time and memory that say nothing about the start.
    pub async fn measure(bench: &Bench, group: &str, auth: &(&'static str, Value)) -> Result<Self> {
        let (mut seconds, mut memory_mib) = (Series::default(), Series::default());
        for _ in 0..bench.scale.runs {
            bench.settle();
            let begin = Instant::now();
            let pileus = bench.pileus(group).await?;
            let mut connection = http::connect(pileus.address()).await?;
            let authority = pileus.authority();
            let pairs = std::slice::from_ref(auth);
            call(&mut connection, &authority, "userinfo", pairs).await?;
            seconds.push(begin.elapsed().as_secs_f64());
            memory_mib.push(mebibytes(pileus.memory()?.resident));
            pileus.stop().await?;
        }
        Ok(Self {
            seconds,
            memory_mib,
        })
    }

    /// The lines for the report; `on` says what the server was started on.
    pub fn lines(self, on: &str) -> Vec<Line> {
        let start = format!("Start to first answer on {on}");
        let memory = format!("Memory after the first answer on {on}");
        vec![
            Line::new(start, Unit::Seconds, self.seconds).goal(Goal::Below(START_SECONDS)),
            Line::new(memory, Unit::Mebibytes, self.memory_mib).goal(Goal::Below(MEMORY_MIB)),
        ]
    }
}
