//! The closed loop: each connection sends its next call when the last one is answered.

use crate::error::Result;
use crate::limit::within;
use crate::load::sample::{Sample, micros};
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How much longer than planned a loop may take before it counts as hung.
const GRACE: Duration = Duration::from_secs(30);

/// One connection with its supply of calls.
pub trait Caller: Send + 'static {
    /// Sends the next call and checks its answer.
    fn call(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// How long a loop runs.
#[derive(Clone, Copy)]
pub struct Pace {
    /// Time before the measurement, in which caches fill and connections settle.
    pub warm_up: Duration,
    /// The measured time.
    pub window: Duration,
}

/// Lets all callers call as fast as they are answered, and answers what the measured window saw.
///
/// Ends with an error as soon as one call fails, and when answers stay away.
pub async fn closed_loop<C: Caller>(callers: Vec<C>, pace: Pace) -> Result<Sample> {
    let begin = Instant::now() + pace.warm_up;
    let end = begin + pace.window;
    let mut tasks = JoinSet::new();
    for caller in callers {
        tasks.spawn(call_until(caller, begin, end));
    }
    let limit = pace.warm_up + pace.window + GRACE;
    let latencies = within(limit, "a call", async {
        let mut all = Vec::new();
        while let Some(finished) = tasks.join_next().await {
            all.append(&mut finished??);
        }
        Ok(all)
    });
    Ok(Sample::new(pace.window, latencies.await?))
}

async fn call_until<C: Caller>(mut caller: C, begin: Instant, end: Instant) -> Result<Vec<u32>> {
    let mut latencies = Vec::with_capacity(1 << 14);
    loop {
        let sent = Instant::now();
        if sent >= end {
            return Ok(latencies);
        }
        caller.call().await?;
        let answered = Instant::now();
        if sent >= begin && answered <= end {
            latencies.push(micros(answered - sent));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Caller, Pace, closed_loop};
    use crate::error::Result;
    use std::time::Duration;

    struct Failing {
        left: u32,
    }

    impl Caller for Failing {
        async fn call(&mut self) -> Result<()> {
            tokio::task::yield_now().await;
            self.left = self.left.checked_sub(1).ok_or("refused")?;
            Ok(())
        }
    }

    const PACE: Pace = Pace {
        warm_up: Duration::from_millis(1),
        window: Duration::from_millis(20),
    };

    #[tokio::test]
    async fn one_failed_call_fails_the_run() {
        let callers = vec![Failing { left: u32::MAX }, Failing { left: 3 }];
        let Err(error) = closed_loop(callers, PACE).await else {
            panic!("a failed call must not be counted");
        };
        assert_eq!(error.to_string(), "refused");
    }

    #[tokio::test]
    async fn calls_of_all_connections_are_counted() -> Result<()> {
        let callers = vec![Failing { left: u32::MAX }, Failing { left: u32::MAX }];
        let sample = closed_loop(callers, PACE).await?;
        assert!(sample.rate() > 100.0, "{} calls/s", sample.rate());
        Ok(())
    }
}
