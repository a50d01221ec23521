//! Printing: columns for people, JSON for programs.

use super::error::{Error, Result};
use pileus_wire::UnixTime;
use serde_json::Value;
use std::io::{self, ErrorKind, Write};

/// Prints one JSON value on a line.
pub fn json(value: &Value) -> Result<()> {
    lines([value.to_string()])
}

/// Prints lines.
pub fn lines(lines: impl IntoIterator<Item = String>) -> Result<()> {
    let mut out = io::stdout().lock();
    let written = lines
        .into_iter()
        .try_for_each(|line| writeln!(out, "{line}"))
        .and_then(|()| out.flush());
    match written {
        // Whoever reads may stop early, as `head` does.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::about("standard output")(error))
        }
        _ => Ok(()),
    }
}

/// Prints rows in columns below their headings.
pub fn table<const N: usize>(headings: [&str; N], rows: Vec<[String; N]>) -> Result<()> {
    let mut all = vec![headings.map(str::to_owned)];
    all.extend(rows);
    let widths: [usize; N] = std::array::from_fn(|column| {
        let lengths = all.iter().map(|row| row[column].chars().count());
        lengths.max().unwrap_or(0)
    });
    lines(all.into_iter().map(|row| {
        let cells = row.iter().zip(widths);
        let line: String = cells
            .map(|(cell, width)| format!("{cell:width$}  "))
            .collect();
        line.trim_end().to_owned()
    }))
}

/// A number of bytes for people: 512 B, 1.5 GiB.
pub fn size(bytes: i64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut tenths = i128::from(bytes) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// A moment for people, in UTC: 22 Nov 2026 13:05:09.
pub fn time(unix_seconds: i64) -> String {
    let time = UnixTime(unix_seconds).format_rfc2822();
    // Without the day of the week and the time zone.
    time.as_str().get(5..25).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (1 << 40, "1.0 TiB"),
            (i64::MAX, "7.9 EiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn times() {
        assert_eq!(time(1_795_352_709), "22 Nov 2026 13:05:09");
    }
}
