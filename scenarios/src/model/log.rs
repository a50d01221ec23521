//! The story of a session: its calls, as scenario files write them.

use crate::connection::Call;
use pileus_wire::Value;
use std::fmt;

/// The calls so far.
#[derive(Debug, Default)]
pub(super) struct Log(Vec<String>);

impl Log {
    /// A call is about to be made by somebody.
    pub(super) fn call(&mut self, who: impl fmt::Display, call: &Call) {
        self.0.push(format!("{who}: {}", show(call)));
    }

    /// Something else happened.
    pub(super) fn note(&mut self, note: String) {
        self.0.push(note);
    }

    /// The last call was answered with a code.
    pub(super) fn code(&mut self, code: u64) {
        if let Some(line) = self.0.last_mut() {
            line.push_str(&format!(" -> {code}"));
        }
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|call| writeln!(f, "  {call}"))
    }
}

/// A call as a scenario file writes it.
pub fn show(call: &Call) -> String {
    let mut shown = call.method.clone();
    for (name, value) in call.params.iter().filter(|(name, _)| *name != "timeformat") {
        let value = match value {
            Value::Num(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
        };
        shown.push_str(&format!(" {}={value}", String::from_utf8_lossy(name)));
    }
    if let Some(data) = &call.data {
        shown.push_str(&format!(" < {} bytes", data.len()));
    }
    shown
}
