//! Telling how far transfers are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::error::Error;

/// One bar for all transfers of a command, if standard error is a terminal, and their count.
pub struct Progress {
    bar: ProgressBar,
    moved_files: AtomicU64,
    moved_bytes: AtomicU64,
    unchanged: AtomicU64,
    failed: AtomicU64,
}

impl Progress {
    /// Nothing to do yet.
    pub fn new() -> Progress {
        // On anything but a terminal this target draws nothing.
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let look = "{wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(look) {
            bar.set_style(style);
        }
        Progress {
            bar,
            moved_files: AtomicU64::new(0),
            moved_bytes: AtomicU64::new(0),
            unchanged: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// Counts a file that will be moved.
    pub fn expect(&self, bytes: u64) {
        self.bar.inc_length(bytes);
    }

    /// Counts a file that need not be moved.
    pub fn unchanged(&self) {
        self.unchanged.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a file that has been moved.
    pub fn moved(&self, bytes: u64) {
        self.moved_files.fetch_add(1, Ordering::Relaxed);
        self.moved_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Tells and counts something that could not be done.
    pub fn failed(&self, error: &Error) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        self.bar.suspend(|| super::complain(error));
    }

    /// Tells something that is not a failure.
    pub fn note(&self, text: &str) {
        self.bar.suspend(|| eprintln!("pileus: {text}"));
    }

    /// Removes the bar, tells what was done, and answers how many failures there were.
    pub fn finish(&self, done: &str) -> usize {
        self.bar.finish_and_clear();
        let files = self.moved_files.load(Ordering::Relaxed);
        let bytes = HumanBytes(self.moved_bytes.load(Ordering::Relaxed));
        let unchanged = self.unchanged.load(Ordering::Relaxed);
        let failed = self.failed.load(Ordering::Relaxed);
        let noun = if files == 1 { "file" } else { "files" };
        eprintln!("{files} {noun} {done} ({bytes}), {unchanged} unchanged, {failed} failed");
        usize::try_from(failed).unwrap_or(usize::MAX)
    }

    /// A meter for one file.
    pub fn meter(&self) -> Meter {
        Meter {
            bar: self.bar.clone(),
            at: Arc::default(),
        }
    }
}

/// How far one file is. When its transfer begins again the bar goes back.
#[derive(Clone)]
pub struct Meter {
    bar: ProgressBar,
    at: Arc<AtomicU64>,
}

impl Meter {
    /// Shows that `at` bytes of the file have been moved.
    pub fn set(&self, at: u64) {
        let before = self.at.swap(at, Ordering::Relaxed);
        match at >= before {
            true => self.bar.inc(at - before),
            false => self.bar.dec(before - at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_that_begins_again_takes_the_bar_back() {
        let progress = Progress::new();
        progress.expect(10);
        progress.expect(5);
        let first = progress.meter();
        let second = progress.meter();
        first.set(8);
        second.set(5);
        first.set(0);
        assert_eq!(progress.bar.position(), 5);
        first.set(10);
        assert_eq!(
            (progress.bar.position(), progress.bar.length()),
            (15, Some(15))
        );
    }
}
