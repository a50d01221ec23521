//! Writes the reference documents from the declarations of `pileus-api`.
//!
//! - `kind`: what values can be, read from the names that declarations give them.
//! - `structures`: the objects that replies are made of.
//! - `text`: doc comments as Markdown.
//! - `page`: one page for each family of methods.
//! - `index`: what all methods have in common, lists of methods and codes.
//! - `openapi`: the same for programs.

mod index;
mod kind;
mod openapi;
mod page;
mod structures;
mod text;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pileus_api::Spec;
use pileus_api::every::SPECS;

/// Stands in every Markdown page, so that nobody edits one.
const NOTICE: &str = "<!-- Written by `cargo xtask gen` from crates/api. Do not edit. -->\n\n";

/// What `cargo xtask gen` takes.
#[derive(clap::Args)]
pub struct Args {
    /// Write nothing; fail if a document is not what it would be
    #[arg(long)]
    check: bool,
}

/// Documents by file name.
type Documents = BTreeMap<String, String>;

/// Writes the documents, or compares them.
pub fn run(args: &Args) -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference");
    let documents = match documents() {
        Ok(documents) => documents,
        Err(what) => {
            eprintln!("{what}");
            return ExitCode::FAILURE;
        }
    };
    let done = match args.check {
        true => check(&folder, &documents),
        false => write(&folder, &documents).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("`cargo xtask gen` writes them again.");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

/// The methods of each family, in the order of their declarations.
fn families() -> BTreeMap<&'static str, Vec<&'static Spec>> {
    let mut families: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for spec in SPECS.iter().copied() {
        families.entry(spec.family).or_default().push(spec);
    }
    families
}

/// Makes all documents. The error names a declaration that they cannot express.
fn documents() -> Result<Documents, String> {
    let families = families();
    let mut documents = Documents::new();
    for (family, methods) in &families {
        let page = page::page(family, methods)?;
        documents.insert(format!("{family}.md"), NOTICE.to_owned() + &page);
    }
    let structures = structures::page()?;
    documents.insert("structures.md".into(), NOTICE.to_owned() + &structures);
    let index = index::page(&families);
    documents.insert("README.md".into(), NOTICE.to_owned() + &index);
    documents.insert("openapi.json".into(), openapi::document(SPECS)?);
    Ok(documents)
}

/// Writes what has changed and removes pages that no longer exist.
fn write(folder: &Path, documents: &Documents) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (name, text) in documents {
        let path = folder.join(name);
        if fs::read(&path).ok().as_deref() != Some(text.as_bytes()) {
            fs::write(&path, text)?;
            println!("wrote {name}");
        }
    }
    for path in superfluous(folder, documents)? {
        fs::remove_file(&path)?;
        println!("removed {}", path.display());
    }
    Ok(())
}

/// Whether the folder holds exactly these documents; tells what differs.
fn check(folder: &Path, documents: &Documents) -> io::Result<bool> {
    let mut is_same = true;
    for (name, text) in documents {
        if fs::read(folder.join(name)).ok().as_deref() != Some(text.as_bytes()) {
            eprintln!("docs/reference/{name} is not what the declarations say.");
            is_same = false;
        }
    }
    for path in superfluous(folder, documents)? {
        eprintln!("{} belongs to nothing.", path.display());
        is_same = false;
    }
    Ok(is_same)
}

fn superfluous(folder: &Path, documents: &Documents) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if !name
            .to_str()
            .is_some_and(|name| documents.contains_key(name))
        {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_declaration_can_be_expressed_and_always_in_the_same_words() {
        let documents = documents().unwrap();
        assert_eq!(Ok(&documents), super::documents().as_ref());
        for spec in SPECS {
            let page = &documents[&format!("{}.md", spec.family)];
            assert!(page.contains(&format!("`{}`", spec.name)), "{}", spec.name);
            assert!(documents["README.md"].contains(spec.name), "{}", spec.name);
        }
    }

    #[test]
    fn links_lead_somewhere() {
        let documents = documents().unwrap();
        let mut links = 0;
        for (name, text) in documents.iter().filter(|(name, _)| name.ends_with(".md")) {
            for link in text.split("](").skip(1) {
                let target = link.split(')').next().unwrap();
                let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
                let file = if file.is_empty() { name } else { file };
                let page = documents
                    .get(file)
                    .unwrap_or_else(|| panic!("{name}: {target}"));
                let has_anchor = page
                    .lines()
                    .filter(|line| line.starts_with('#'))
                    .any(|line| text::anchor(line.trim_start_matches(['#', ' '])) == anchor);
                assert!(anchor.is_empty() || has_anchor, "{name}: {target}");
                links += 1;
            }
        }
        assert!(links > SPECS.len());
    }

    #[test]
    fn a_check_finds_what_was_changed_by_hand() {
        let folder = tempfile::tempdir().unwrap();
        let documents = documents().unwrap();
        write(folder.path(), &documents).unwrap();
        assert!(check(folder.path(), &documents).unwrap());
        fs::write(folder.path().join("README.md"), "else").unwrap();
        assert!(!check(folder.path(), &documents).unwrap());
        write(folder.path(), &documents).unwrap();
        fs::write(folder.path().join("old.md"), "old").unwrap();
        assert!(!check(folder.path(), &documents).unwrap());
        write(folder.path(), &documents).unwrap();
        assert!(check(folder.path(), &documents).unwrap());
    }
}
