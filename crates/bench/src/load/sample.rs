//! What one run of calls yields: how many in how long, and how long each took.

use std::time::Duration;

/// Latencies of all calls of one measured window.
pub struct Sample {
    window: Duration,
    /// Microseconds, ascending.
    latencies_us: Vec<u32>,
}

impl Sample {
    /// Takes the latencies in microseconds of the calls that began and ended within `window`.
    pub fn new(window: Duration, mut latencies_us: Vec<u32>) -> Self {
        latencies_us.sort_unstable();
        Self {
            window,
            latencies_us,
        }
    }

    /// Calls per second.
    pub fn rate(&self) -> f64 {
        self.latencies_us.len() as f64 / self.window.as_secs_f64()
    }

    /// The latency in milliseconds that `percent` of the calls did not exceed (nearest rank);
    /// 0 without any call.
    pub fn percentile_ms(&self, percent: f64) -> f64 {
        let count = self.latencies_us.len();
        let rank = (percent / 100.0 * count as f64).ceil() as usize;
        let at = rank.clamp(1, count.max(1)) - 1;
        self.latencies_us
            .get(at)
            .map_or(0.0, |&us| f64::from(us) / 1000.0)
    }
}

/// A duration as the whole microseconds a [`Sample`] keeps; more than an hour is cut off.
pub fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::Sample;
    use std::time::Duration;

    #[test]
    fn rate_and_percentiles() {
        let sample = Sample::new(Duration::from_secs(2), (1..=1000).rev().collect());
        assert_eq!(sample.rate(), 500.0);
        assert_eq!(sample.percentile_ms(50.0), 0.5);
        assert_eq!(sample.percentile_ms(99.0), 0.99);
        assert_eq!(sample.percentile_ms(100.0), 1.0);
        assert_eq!(sample.percentile_ms(0.0), 0.001);
    }

    #[test]
    fn nothing_measured_is_zero() {
        let sample = Sample::new(Duration::from_secs(1), Vec::new());
        assert_eq!(sample.rate(), 0.0);
        assert_eq!(sample.percentile_ms(99.0), 0.0);
    }
}
