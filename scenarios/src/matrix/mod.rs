//! The matrix of rights: every method, called by everybody about things at every place.
//!
//! - `rights.txt` says who may call what; `table` reads it and tells what has to be answered to a `caller`. Neither knows
//!   the server.
//! - `world` makes the accounts and the shares, `things` what the calls are about.
//! - [`run`] makes the calls and compares. What a caller cannot see has to be answered, letter by letter, as an id that
//!   nothing has; what was refused has to have left no trace.
//! - [`times`] compares how long both take.

mod caller;
mod find;
mod table;
mod things;
pub mod times;
mod world;

use crate::Result;
use crate::connection::{Answer, Protocol};
use crate::server::Server;
use caller::{Caller, Place};
use find::contains;
use pileus_api::every::SPECS;
use std::collections::BTreeSet;
use table::{Expected, Row, Thing, rows};
use world::{Subject, World};

/// How many faults are told.
const FAULTS_TOLD: usize = 60;

/// How much of the matrix is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All callers and all places.
    Full,
    /// A few of them: enough for another protocol or database, which rights do not depend on.
    Part,
}

/// Runs the matrix on new accounts of a server. The error tells what was answered wrong.
pub fn run(server: &Server, protocol: Protocol, run: usize, extent: Extent) -> Result<()> {
    let rows = rows()?;
    check_complete(&rows)?;
    let callers = match extent {
        Extent::Full => Caller::all(),
        Extent::Part => Caller::few(),
    };
    let mut matrix = Matrix {
        world: World::new(server, protocol, run, &callers)?,
        faults: Vec::new(),
        calls: 0,
    };
    for row in &rows {
        for place in row.places() {
            let is_left_out = matches!(place, Place::Own | Place::Nested | Place::Linked);
            if extent == Extent::Full || !is_left_out {
                let done = matrix.column(row, place, &callers);
                done.map_err(|error| format!("{}: {}: {error}", place.name(), row.text))?;
            }
        }
    }
    let Matrix { faults, calls, .. } = matrix;
    // A table that is read as nothing would find no fault.
    if calls < rows.len() * callers.len() {
        return Err(format!("only {calls} calls").into());
    }
    if faults.is_empty() {
        return Ok(());
    }
    let told: Vec<&str> = faults
        .iter()
        .take(FAULTS_TOLD)
        .map(String::as_str)
        .collect();
    Err(format!("{} faults\n{}", faults.len(), told.join("\n")).into())
}

/// Every method has a line, and every line a method.
fn check_complete(rows: &[Row]) -> Result<()> {
    let listed: BTreeSet<&str> = rows.iter().map(Row::method).collect();
    let registered: BTreeSet<&str> = SPECS.iter().map(|spec| spec.name).collect();
    let differ: Vec<&&str> = listed.symmetric_difference(&registered).collect();
    if differ.is_empty() {
        Ok(())
    } else {
        Err(format!("not both a method and in rights.txt: {differ:?}").into())
    }
}

struct Matrix<'a> {
    world: World<'a>,
    faults: Vec<String>,
    calls: usize,
}

impl Matrix<'_> {
    /// All callers on one line at one place. They find the same thing until one of them may change it.
    fn column(&mut self, row: &Row, place: Place, callers: &[Caller]) -> Result<()> {
        let is_personal = row
            .need
            .is_some_and(|(need, thing)| World::is_personal(need, thing, place));
        let mut common = None;
        for &caller in callers {
            let subject = match common.take() {
                Some(subject) => subject,
                None => self.world.subject(row, place, caller)?,
            };
            let expected = row.expected(caller, place);
            let is_allowed = matches!(expected, Expected::Allowed(_));
            // Those before had all been refused.
            if is_allowed {
                self.check_untouched(row, place, &subject)?;
            }
            if let Some(fault) = self.cell(row, caller, &subject, expected)? {
                self.faults.push(format!(
                    "{caller:?}, {}: {}\n    {fault}",
                    place.name(),
                    row.text.trim()
                ));
            }
            if is_personal && !is_allowed {
                self.check_untouched(row, place, &subject)?;
            }
            let is_changed = is_allowed && row.need.is_some_and(|(need, _)| need.changes());
            common = Some(subject).filter(|_| !is_personal && !is_changed);
        }
        match common {
            Some(subject) => self.check_untouched(row, place, &subject),
            None => Ok(()),
        }
    }

    fn check_untouched(&mut self, row: &Row, place: Place, subject: &Subject) -> Result<()> {
        if !self.world.is_untouched(subject, row, place)? {
            self.faults.push(format!(
                "{}: {}\n    refused, but something has changed",
                place.name(),
                row.text.trim()
            ));
        }
        Ok(())
    }

    /// One call, or two where the answer has to be that for an id that nothing has.
    fn cell(
        &mut self,
        row: &Row,
        caller: Caller,
        subject: &Subject,
        expected: Expected,
    ) -> Result<Option<String>> {
        self.calls += 1;
        let answer = self.world.attempt(caller, row, subject)?;
        let code = match expected {
            Expected::Allowed(code) | Expected::Refused(code) | Expected::Missing(code) => code,
            Expected::Listed(_) => 0,
        };
        if answer.result()? != code {
            return Ok(Some(format!("expected {code}, answered {:?}", answer.tree)));
        }
        match expected {
            Expected::Missing(_) => {
                let missing = self.world.attempt(caller, row, &subject.missing())?;
                let (here, there) = (lasting(&answer), lasting(&missing));
                Ok((here != there).then(|| format!("here {here:?}\n    there {there:?}")))
            }
            Expected::Listed(wanted) => {
                let thing = row.need.map_or(Thing::File, |(_, thing)| thing);
                let id = subject.id(thing.variable())?;
                let is_listed = contains(&answer.tree, thing.field(), id);
                Ok(
                    (is_listed != wanted)
                        .then(|| format!("listed: {is_listed}, {:?}", answer.tree)),
                )
            }
            _ => Ok(None),
        }
    }
}

/// An answer without what changes from one moment to the next.
fn lasting(answer: &Answer) -> String {
    let headers = answer.head.iter().flat_map(|head| &head.headers);
    let headers: Vec<_> = headers.filter(|(name, _)| name != "date").collect();
    format!("{:?} {headers:?} {:?}", answer.tree, answer.data)
}
