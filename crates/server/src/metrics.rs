//! Counters for `/metrics`, kept without locks.

use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// What the server counts.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Calls answered with 0.
    pub calls_succeeded: AtomicU64,
    /// Calls answered with anything else.
    pub calls_failed: AtomicU64,
    /// Calls answered with a 5xxx code.
    pub calls_broken: AtomicU64,
    /// Bytes of content received.
    pub bytes_received: AtomicU64,
    /// Bytes of content sent.
    pub bytes_sent: AtomicU64,
    /// Connections that are open.
    pub connections: AtomicI64,
    /// Calls that wait for something.
    pub waiting: AtomicI64,
}

impl Metrics {
    /// The counters in the text format of Prometheus.
    pub fn render(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, kind: &str, help: &str, value: i128| {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "# HELP pileus_{name} {help}\n# TYPE pileus_{name} {kind}\npileus_{name} {value}"
            );
        };
        let counters = [
            (
                "calls_succeeded_total",
                "Calls answered with result 0.",
                &self.calls_succeeded,
            ),
            (
                "calls_failed_total",
                "Calls answered with another result.",
                &self.calls_failed,
            ),
            (
                "calls_broken_total",
                "Calls answered with a 5xxx result.",
                &self.calls_broken,
            ),
            (
                "content_received_bytes_total",
                "Bytes of content received.",
                &self.bytes_received,
            ),
            (
                "content_sent_bytes_total",
                "Bytes of content sent.",
                &self.bytes_sent,
            ),
        ];
        for (name, help, counter) in counters {
            line(
                name,
                "counter",
                help,
                counter.load(Ordering::Relaxed).into(),
            );
        }
        line(
            "connections",
            "gauge",
            "Open connections.",
            self.connections.load(Ordering::Relaxed).into(),
        );
        line(
            "waiting_calls",
            "gauge",
            "Calls that wait for something.",
            self.waiting.load(Ordering::Relaxed).into(),
        );
        text
    }
}

/// Counts something up for as long as it lives.
#[derive(Debug)]
pub struct Gauge<'a>(&'a AtomicI64);

impl<'a> Gauge<'a> {
    /// Counts up.
    pub fn enter(gauge: &'a AtomicI64) -> Self {
        gauge.fetch_add(1, Ordering::Relaxed);
        Self(gauge)
    }
}

impl Drop for Gauge<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
