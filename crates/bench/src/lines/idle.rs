//! A server with nothing to do: how soon it answers after its start, and what it occupies.

use crate::error::Result;
use crate::lines::{Bench, mebibytes};
use crate::report::{Goal, Line, Series, Unit};
use crate::servers::pileus::Pileus;
use std::path::Path;
use std::time::Instant;

/// Most memory of a server that has answered one call.
pub const MEMORY_MIB: f64 = 40.0;
/// Longest time from the start of the program to its first answer.
pub const START_SECONDS: f64 = 1.0;

pub(super) async fn lines(bench: &Bench) -> Result<Vec<Line>> {
    let pileus = bench.pileus("idle").await?;
    let email = "idle@bench.test";
    pileus.add_account(email).await?;
    pileus.stop().await?;

    let starts = Starts::measure(bench, &bench.data("idle"), email).await?;
    Ok(starts.lines("an empty account"))
}

/// Starts of the server on an existing data folder.
pub struct Starts {
    seconds: Series,
    memory_mib: Series,
}

impl Starts {
    /// Starts and stops the server several times. The clock runs from the start of the program to
    /// the answer of the first call, which is the log-in of an account.
    pub async fn measure(bench: &Bench, data: &Path, email: &str) -> Result<Self> {
        let (mut seconds, mut memory_mib) = (Series::default(), Series::default());
        for _ in 0..bench.scale.runs {
            bench.settle();
            let begin = Instant::now();
            let pileus = Pileus::start(&bench.pileus, data, None).await?;
            pileus.login(email).await?;
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
