//! What a benchmark found: lines of measurements with their goals, written as JSON and Markdown.

pub mod markdown;
pub mod number;

use crate::machine::Machine;
use serde::{Deserialize, Serialize};

/// The results of one run of the program.
#[derive(Serialize, Deserialize)]
pub struct Report {
    /// The day of the run as given by the caller; the program does not read the calendar.
    pub date: Option<String>,
    /// Whether sizes and times were cut down for a quick look.
    pub quick: bool,
    /// How often each line was measured.
    pub runs: usize,
    /// What it ran on.
    pub machine: Machine,
    /// The groups in the order they ran.
    pub groups: Vec<Group>,
}

/// Lines that were measured together, on one fresh server.
#[derive(Serialize, Deserialize)]
pub struct Group {
    /// Name for `--only`.
    pub name: String,
    /// Heading in the table.
    pub title: String,
    /// The measurements.
    pub lines: Vec<Line>,
    /// Why there are no measurements, if the group failed.
    pub failure: Option<String>,
}

/// One measured quantity.
#[derive(Serialize, Deserialize)]
pub struct Line {
    /// What is measured.
    pub title: String,
    /// What the numbers count.
    pub unit: Unit,
    /// Pileus, run by run.
    pub pileus: Series,
    /// nginx doing the same, run by run, where it can.
    pub nginx: Option<Series>,
    /// What the numbers ought to be.
    pub goals: Vec<Goal>,
}

/// Unit of a [`Series`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Calls per second.
    PerSecond,
    /// Mebibytes per second.
    MebibytesPerSecond,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Mebibytes.
    Mebibytes,
    /// Share of one processor core, in percent.
    PercentOfCore,
    /// A ratio.
    Times,
}

/// A condition on the median.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// Not below this.
    AtLeast(f64),
    /// Below this.
    Below(f64),
    /// At least this part of nginx's median.
    OfNginx(f64),
}

/// The same measurement, several times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    runs: Vec<f64>,
}

impl Series {
    /// Adds the value of one more run.
    pub fn push(&mut self, value: f64) {
        self.runs.push(value);
    }

    /// The values, run by run.
    pub fn runs(&self) -> &[f64] {
        &self.runs
    }

    /// The middle value, or the mean of the two middle ones; 0 without runs.
    pub fn median(&self) -> f64 {
        let mut sorted = self.runs.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => 0.0,
            odd if odd % 2 == 1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        }
    }

    /// The smallest value.
    pub fn min(&self) -> f64 {
        self.runs.iter().copied().reduce(f64::min).unwrap_or(0.0)
    }

    /// The largest value.
    pub fn max(&self) -> f64 {
        self.runs.iter().copied().reduce(f64::max).unwrap_or(0.0)
    }
}

impl FromIterator<f64> for Series {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self {
            runs: values.into_iter().collect(),
        }
    }
}

impl Line {
    /// A line without yardstick and goals.
    pub fn new(title: impl Into<String>, unit: Unit, pileus: Series) -> Self {
        Self {
            title: title.into(),
            unit,
            pileus,
            nginx: None,
            goals: Vec::new(),
        }
    }

    /// Adds what nginx did.
    pub fn beside(mut self, nginx: Series) -> Self {
        self.nginx = Some(nginx);
        self
    }

    /// Adds a goal.
    pub fn goal(mut self, goal: Goal) -> Self {
        self.goals.push(goal);
        self
    }

    /// Pileus's median as a part of nginx's.
    pub fn ratio(&self) -> Option<f64> {
        let nginx = self.nginx.as_ref()?.median();
        (nginx > 0.0).then(|| self.pileus.median() / nginx)
    }

    /// Whether all goals are met; `None` without goals.
    pub fn met(&self) -> Option<bool> {
        let median = self.pileus.median();
        let met = self.goals.iter().all(|goal| match *goal {
            Goal::AtLeast(least) => median >= least,
            Goal::Below(limit) => median < limit,
            Goal::OfNginx(part) => self.ratio().is_some_and(|ratio| ratio >= part),
        });
        (!self.goals.is_empty()).then_some(met)
    }
}

impl Report {
    /// How many lines with goals meet them, and how many lines have goals.
    pub fn score(&self) -> (usize, usize) {
        let verdicts = || {
            let lines = self.groups.iter().flat_map(|group| &group.lines);
            lines.filter_map(Line::met)
        };
        (verdicts().filter(|&met| met).count(), verdicts().count())
    }
}

#[cfg(test)]
mod tests {
    use super::{Goal, Line, Series, Unit};

    fn series(values: &[f64]) -> Series {
        values.iter().copied().collect()
    }

    #[test]
    fn median_and_spread() {
        assert_eq!(series(&[5.0, 1.0, 3.0]).median(), 3.0);
        assert_eq!(series(&[4.0, 1.0]).median(), 2.5);
        assert_eq!(series(&[]).median(), 0.0);
        assert_eq!(series(&[5.0, 1.0, 3.0]).min(), 1.0);
        assert_eq!(series(&[5.0, 1.0, 3.0]).max(), 5.0);
    }

    #[test]
    fn every_goal_counts() {
        let line = |goal: Goal| {
            Line::new("x", Unit::PerSecond, series(&[80.0]))
                .beside(series(&[100.0]))
                .goal(goal)
        };
        assert_eq!(line(Goal::AtLeast(80.0)).met(), Some(true));
        assert_eq!(line(Goal::AtLeast(81.0)).met(), Some(false));
        assert_eq!(line(Goal::Below(80.0)).met(), Some(false));
        assert_eq!(line(Goal::Below(81.0)).met(), Some(true));
        assert_eq!(line(Goal::OfNginx(0.8)).met(), Some(true));
        assert_eq!(line(Goal::OfNginx(0.81)).met(), Some(false));
        let both = line(Goal::OfNginx(0.8)).goal(Goal::AtLeast(90.0));
        assert_eq!(both.met(), Some(false));
        assert_eq!(Line::new("x", Unit::Times, series(&[1.0])).met(), None);
    }

    #[test]
    fn a_yardstick_that_is_missing_is_not_met() {
        let line = Line::new("x", Unit::PerSecond, series(&[80.0])).goal(Goal::OfNginx(0.5));
        assert_eq!(line.ratio(), None);
        assert_eq!(line.met(), Some(false));
    }
}
