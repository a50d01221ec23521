//! Telling the results, in the form of Rust's own harness, which the test run counts.

use crate::servers::Servers;
use pileus_scenarios::Result;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The results so far.
pub struct Report {
    began: Instant,
    results: Mutex<Results>,
}

#[derive(Default)]
struct Results {
    passed: usize,
    failures: Vec<(String, String)>,
}

impl Report {
    /// A report about `count` trials.
    pub fn new(count: usize) -> Self {
        println!("\nrunning {count} tests");
        Self {
            began: Instant::now(),
            results: Mutex::default(),
        }
    }

    /// Adds the result of a trial.
    pub fn add(&self, name: &str, result: Result<()>) {
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(()) => {
                results.passed += 1;
                println!("test {name} ... ok");
            }
            Err(error) => {
                println!("test {name} ... FAILED");
                results.failures.push((name.to_owned(), error.to_string()));
            }
        }
    }

    /// Tells the failures and the totals; true if nothing failed. Data and logs of the servers stay for a look if
    /// something did.
    pub fn end(self, servers: Servers) -> bool {
        let Results { passed, failures } = self
            .results
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let all_passed = failures.is_empty();
        if !all_passed {
            println!("\nfailures:\n");
            for (name, told) in &failures {
                println!("---- {name} ----\n{told}\n");
            }
            println!("data and logs of the servers: {}", servers.keep().display());
        }
        let word = if all_passed { "ok" } else { "FAILED" };
        let failed = failures.len();
        println!(
            "\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out; \
             finished in {:.2}s\n",
            self.began.elapsed().as_secs_f64()
        );
        all_passed
    }
}
