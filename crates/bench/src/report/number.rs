//! Numbers as people read them.

use crate::report::{Series, Unit};

impl Unit {
    fn symbol(self) -> &'static str {
        match self {
            Self::PerSecond => "/s",
            Self::MebibytesPerSecond => " MiB/s",
            Self::Milliseconds => " ms",
            Self::Seconds => " s",
            Self::Mebibytes => " MiB",
            Self::PercentOfCore => " %",
            Self::Times => " ×",
        }
    }

    /// A value with its unit, such as `12,345/s`.
    pub fn show(self, value: f64) -> String {
        format!("{}{}", grouped(value), self.symbol())
    }

    /// Median and spread, such as `12,345/s (12,000–12,900)`.
    pub fn show_series(self, series: &Series) -> String {
        let median = self.show(series.median());
        format!(
            "{median} ({}–{})",
            grouped(series.min()),
            grouped(series.max())
        )
    }
}

/// A number of things, such as `10,000`.
pub fn count(things: u64) -> String {
    mark_thousands(&things.to_string())
}

/// Three significant digits for small numbers, whole numbers with thousands marked for large ones.
fn grouped(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.995 => 2,
        _ => 3,
    };
    mark_thousands(&format!("{value:.digits$}"))
}

/// Puts a comma before each group of three digits of the whole part.
fn mark_thousands(plain: &str) -> String {
    let whole = plain.find('.').unwrap_or(plain.len());
    let mut marked = String::with_capacity(plain.len() + whole / 3);
    for (at, digit) in plain.char_indices() {
        if at > 0 && at < whole && (whole - at).is_multiple_of(3) {
            marked.push(',');
        }
        marked.push(digit);
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::{Series, Unit, count, grouped};

    #[test]
    fn digits_follow_the_size() {
        for (value, text) in [
            (0.0, "0.000"),
            (0.1234, "0.123"),
            (1.5, "1.50"),
            (12.34, "12.3"),
            (99.96, "100"),
            (123.4, "123"),
            (1234.5, "1,234"),
            (1_234_567.0, "1,234,567"),
        ] {
            assert_eq!(grouped(value), text);
        }
    }

    #[test]
    fn counts_have_no_fraction() {
        assert_eq!(count(7), "7");
        assert_eq!(count(100), "100");
        assert_eq!(count(1_000_000), "1,000,000");
    }

    #[test]
    fn series_show_median_and_spread() {
        let series: Series = [8000.0, 9000.0, 7000.0].into_iter().collect();
        assert_eq!(
            Unit::PerSecond.show_series(&series),
            "8,000/s (7,000–9,000)"
        );
    }
}
