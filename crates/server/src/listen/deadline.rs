//! A time limit that is moved far more often than it passes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// The moment at which somebody has waited too long.
///
/// Moving it later costs nothing but the reading of a clock: the timer below goes off at the old moment, sees that there is
/// time left, and is set again. A connection moves its limits with every request, so that matters.
#[derive(Debug, Default)]
pub struct Deadline {
    at: Option<Instant>,
    /// Made when somebody first waits, and kept for the next time.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    /// Sets the moment to so far from now.
    pub fn set(&mut self, limit: Duration) {
        self.at = Some(Instant::now() + limit);
    }

    /// Nobody waits any more.
    pub fn clear(&mut self) {
        self.at = None;
    }

    /// Whether a moment is set.
    pub fn is_set(&self) -> bool {
        self.at.is_some()
    }

    /// Ready once the moment has passed; never, if there is none.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else {
            return Poll::Pending;
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if timer.deadline() > at {
            timer.as_mut().reset(at);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= at {
                return Poll::Ready(());
            }
            timer.as_mut().reset(at);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test]
    async fn it_passes_at_the_moment_that_was_set_last() {
        let mut deadline = Deadline::default();
        for (first, second) in [(10, 60), (60_000, 60), (60, 10)] {
            deadline.set(Duration::from_millis(first));
            assert!(poll_fn(|cx| Poll::Ready(deadline.poll(cx).is_pending())).await);
            let begin = Instant::now();
            deadline.set(Duration::from_millis(second));
            poll_fn(|cx| deadline.poll(cx)).await;
            assert!(begin.elapsed() >= Duration::from_millis(second));
            assert!(begin.elapsed() < Duration::from_secs(10));
        }
        deadline.clear();
        assert!(poll_fn(|cx| Poll::Ready(deadline.poll(cx).is_pending())).await);
    }
}
