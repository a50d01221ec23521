//! `pileus methods`.

use pileus_api::every::SPECS;
use serde_json::json;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// Prints the methods of the API that this server knows, one per line, the name first.
///
/// # Errors
/// When nobody can be told.
pub fn print(as_json: bool) -> io::Result<ExitCode> {
    let printed = if as_json { print_json() } else { print_lines() };
    match printed {
        // Whoever reads may stop early, as `head` does.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn print_lines() -> io::Result<()> {
    let mut out = io::stdout().lock();
    let width = SPECS.iter().map(|spec| spec.name.len()).max().unwrap_or(0);
    for spec in SPECS {
        let caller = format!("{:?}", spec.caller).to_lowercase();
        writeln!(out, "{:width$}  {:12}  {caller}", spec.name, spec.family)?;
    }
    Ok(())
}

fn print_json() -> io::Result<()> {
    let methods: Vec<_> = SPECS
        .iter()
        .map(|spec| {
            json!({
                "name": spec.name,
                "family": spec.family,
                "caller": format!("{:?}", spec.caller).to_lowercase(),
                "access": format!("{:?}", spec.access).to_lowercase(),
            })
        })
        .collect();
    writeln!(io::stdout().lock(), "{}", serde_json::Value::from(methods))
}
