//! What the scenarios showed, held against the declarations of the API.

use crate::Result;
use pileus_api::every::SPECS;
use pileus_api::method::Spec;
use pileus_api::{Code, method::Caller};
use pileus_wire::Tree;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Fields that any answer may have.
const GENERAL_FIELDS: [&str; 4] = ["result", "error", "id", "auth"];

/// The methods and codes that were answered so far.
#[derive(Debug, Default)]
pub struct Coverage(Mutex<BTreeSet<(String, u64)>>);

impl Coverage {
    /// Takes note of an answer, and checks that its method's declaration covers it: the code, and on success the
    /// fields. Methods that are not declared are left alone.
    pub fn answered(&self, method: &str, answer: &Tree) -> Result<()> {
        let Some(spec) = SPECS.iter().find(|spec| spec.name == method) else {
            return Ok(());
        };
        let code = answer
            .get("result")
            .and_then(Tree::as_u64)
            .ok_or("an answer without `result`")?;
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((method.to_owned(), code));
        if code == 0 {
            check_fields(spec, answer)
        } else {
            check_failure(spec, code, answer)
        }
    }

    /// Everything that is declared and was not answered by any scenario, `method code` each; the code is 0 for a
    /// method that never succeeded or was never called.
    pub fn missing(&self) -> BTreeSet<String> {
        let answered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut missing = BTreeSet::new();
        for spec in SPECS {
            for code in declared(spec) {
                if !answered.contains(&(spec.name.to_owned(), code)) {
                    missing.insert(format!("{} {code}", spec.name));
                }
            }
        }
        missing
    }
}

/// The results that a method is declared to have.
fn declared(spec: &Spec) -> BTreeSet<u64> {
    let refuses_always = spec.access == pileus_api::method::Access::Refused;
    let missing = spec.params().into_iter().filter_map(|param| param.missing);
    let failures = spec
        .fails
        .iter()
        .copied()
        .chain(missing)
        .map(|code| u64::from(code.number()));
    (!refuses_always)
        .then_some(0)
        .into_iter()
        .chain(failures)
        .collect()
}

fn check_fields(spec: &Spec, answer: &Tree) -> Result<()> {
    let Some(fields) = answer.as_hash() else {
        return Err("an answer that is not a hash".into());
    };
    let declared = spec.reply();
    for (name, _) in fields {
        if !GENERAL_FIELDS.contains(&name.as_str())
            && !declared.iter().any(|field| field.name == name)
        {
            return Err(format!("{} does not declare the field `{name}`", spec.name).into());
        }
    }
    // `data` stands for raw bytes, which are not among the fields.
    let lacks = declared
        .iter()
        .find(|field| !field.optional && answer.get(field.name).is_none());
    lacks.map_or(Ok(()), |field| {
        Err(format!("the declared field `{}` is missing", field.name).into())
    })
}

fn check_failure(spec: &Spec, code: u64, answer: &Tree) -> Result<()> {
    let Some(code) = Code::from_number(code) else {
        return Err(format!("{code} is not in the table of codes").into());
    };
    if !spec.may_answer(code) {
        return Err(format!("{} does not declare {code:?}", spec.name).into());
    }
    match answer.get("error").and_then(Tree::as_str) {
        Some(text) if !text.is_empty() => Ok(()),
        _ => Err("a failure without a text in `error`".into()),
    }
}

/// Compares what is missing with the list of exceptions, of which each line holds `method code reason`. The list may
/// only shrink: an exception that is not needed any more is a fault too.
pub fn compare(missing: &BTreeSet<String>, exceptions: &str) -> Result<()> {
    let lines = exceptions
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let mut excepted = BTreeSet::new();
    for line in lines {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(method), Some(code), Some(_)) => excepted.insert(format!("{method} {code}")),
            _ => return Err(format!("an exception needs method, code and reason: {line}").into()),
        };
    }
    let mut faults: Vec<String> = Vec::new();
    faults.extend(
        missing
            .difference(&excepted)
            .map(|pair| format!("no scenario answers: {pair}")),
    );
    faults.extend(
        excepted
            .difference(missing)
            .map(|pair| format!("not an exception any more: {pair}")),
    );
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("\n").into())
    }
}

/// The methods that need a login.
pub fn closed_to_strangers() -> impl Iterator<Item = &'static Spec> {
    SPECS
        .iter()
        .copied()
        .filter(|spec| spec.caller != Caller::Anyone)
}

/// The methods that apps cannot call. `login` is not among them: it wants fresh credentials and so refuses a token by
/// another code.
pub fn closed_to_apps() -> impl Iterator<Item = &'static Spec> {
    SPECS
        .iter()
        .copied()
        .filter(|spec| spec.caller == Caller::Owner && spec.name != "login")
}
