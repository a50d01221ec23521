//! The report as a page for people.

use crate::machine::Machine;
use crate::report::{Goal, Group, Line, Report};
use std::fmt::{Display, Formatter, Result, Write};

const HOW: &str = "\
This page is written by the benchmark program. `make bench` measures and prints the same tables; \
`make bench BENCH=\"--write-docs docs/benchmarks.md --date YYYY-MM-DD\"` writes them here as well.

## How it is measured

Pileus and nginx (with its dav module, two workers, no access log) run one after the other on the \
same machine and the same disk. The load comes from a single-threaded client on the same machine \
through plain sockets; it uses nothing but the public API, and it checks every answer. Each line \
was measured several times, Pileus and nginx taking turns, with the disk caches written out \
before each turn. The tables show the median and, in parentheses, the smallest and the largest \
value. Every group of lines starts on a fresh server with an empty data folder.

The two servers do not promise the same. Pileus acknowledges an upload when it is on stable \
storage, with its SHA-1, SHA-256 and MD5 computed, and listed in the change feed. nginx \
acknowledges when the bytes are in the kernel's cache, and a power failure soon after loses \
them. Where this matters most, a second line lets nginx's clock run until the file is flushed \
with `fsync`.

Client and servers share the processors, so the figures are lower than two machines would show. \
They are for comparing: with nginx, and with the same program before a change.
";

/// The whole page.
pub struct Page<'a>(pub &'a Report);

impl Display for Page<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        writeln!(out, "# Benchmarks\n\n{HOW}")?;
        let Report { machine, runs, .. } = self.0;
        write_machine(out, machine)?;
        if let Some(date) = &self.0.date {
            writeln!(out, "| Date | {date} |")?;
        }
        writeln!(out, "| Runs of each line | {runs} |")?;
        writeln!(out, "\n## Results\n\n{}", Tables(self.0))
    }
}

/// The tables alone.
pub struct Tables<'a>(pub &'a Report);

impl Display for Tables<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        if self.0.quick {
            writeln!(
                out,
                "A quick look with reduced sizes and times: good for finding mistakes, not for \
                 judging goals.\n"
            )?;
        }
        for group in &self.0.groups {
            writeln!(out, "{}", Section(group))?;
        }
        let (met, of) = self.0.score();
        write!(out, "{met} of {of} lines with a goal meet it.")
    }
}

/// One group as a heading with its table.
pub struct Section<'a>(pub &'a Group);

impl Display for Section<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        writeln!(out, "### {}\n", self.0.title)?;
        if let Some(failure) = &self.0.failure {
            return writeln!(out, "Not measured: {failure}");
        }
        // Where nginx has nothing to compare, its columns would only take room.
        let beside = self.0.lines.iter().any(|line| line.nginx.is_some());
        let mut columns = vec!["Measurement", "Pileus"];
        if beside {
            columns.extend(["nginx", "Ratio"]);
        }
        columns.extend(["Goal", "Met"]);
        writeln!(out, "| {} |", columns.join(" | "))?;
        writeln!(out, "|{}", "---|".repeat(columns.len()))?;
        for line in &self.0.lines {
            writeln!(out, "| {} |", cells(line, beside).join(" | "))?;
        }
        Ok(())
    }
}

fn cells(line: &Line, beside: bool) -> Vec<String> {
    let unit = line.unit;
    let mut cells = vec![line.title.clone(), unit.show_series(&line.pileus)];
    if beside {
        let nginx = line.nginx.as_ref().map(|nginx| unit.show_series(nginx));
        cells.push(nginx.unwrap_or_default());
        let ratio = line.ratio().map(|ratio| format!("{ratio:.2}"));
        cells.push(ratio.unwrap_or_default());
    }
    let goals = line.goals.iter().map(|goal| match *goal {
        Goal::AtLeast(least) => format!("≥ {}", unit.show(least)),
        Goal::Below(limit) => format!("< {}", unit.show(limit)),
        Goal::OfNginx(part) => format!("≥ {part} of nginx"),
    });
    cells.push(goals.collect::<Vec<_>>().join(", "));
    let met = match line.met() {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "",
    };
    cells.push(met.to_owned());
    cells
}

fn write_machine(out: &mut impl Write, machine: &Machine) -> Result {
    writeln!(out, "| | |\n|---|---|")?;
    writeln!(
        out,
        "| Processor | {}, {} cores |",
        machine.processor, machine.cores
    )?;
    writeln!(out, "| Memory | {} MiB |", machine.memory_mib)?;
    writeln!(out, "| Kernel | {} |", machine.kernel)?;
    writeln!(out, "| File system | {} |", machine.file_system)?;
    writeln!(
        out,
        "| Writing 4 KiB and `fdatasync` | {:.2} ms |",
        machine.flush_ms
    )?;
    writeln!(out, "| Pileus | {} |", machine.pileus)?;
    writeln!(out, "| nginx | {} |", machine.nginx)
}

#[cfg(test)]
mod tests {
    use super::{Page, Section};
    use crate::machine::Machine;
    use crate::report::{Goal, Group, Line, Report, Series, Unit};

    fn report() -> Report {
        let series = |values: [f64; 3]| values.into_iter().collect::<Series>();
        let uploads = Line::new(
            "4 KiB uploads",
            Unit::PerSecond,
            series([7000.0, 8000.0, 8100.0]),
        )
        .beside(series([10_000.0, 16_000.0, 20_000.0]))
        .goal(Goal::AtLeast(8000.0))
        .goal(Goal::OfNginx(0.6));
        let group = |lines: Vec<Line>, failure: Option<String>| Group {
            name: "upload".into(),
            title: "Uploads".into(),
            lines,
            failure,
        };
        Report {
            date: Some("2030-01-02".into()),
            quick: false,
            runs: 3,
            machine: Machine::default(),
            groups: vec![
                group(vec![uploads], None),
                group(Vec::new(), Some("disk full".into())),
            ],
        }
    }

    #[test]
    fn a_line_shows_values_ratio_goal_and_verdict() {
        let report = report();
        let text = Section(&report.groups[0]).to_string();
        let expected = "| 4 KiB uploads | 8,000/s (7,000–8,100) | 16,000/s (10,000–20,000) | \
            0.50 | ≥ 8,000/s, ≥ 0.6 of nginx | **no** |";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn the_page_survives_the_way_through_json() {
        let report = report();
        let page = Page(&report).to_string();
        let json = serde_json::to_string(&report).unwrap();
        let again: Report = serde_json::from_str(&json).unwrap();
        assert_eq!(Page(&again).to_string(), page);
        assert!(page.contains("| Date | 2030-01-02 |"), "{page}");
        assert!(page.contains("Not measured: disk full"), "{page}");
        assert!(page.contains("0 of 1 lines with a goal meet it."), "{page}");
    }
}
