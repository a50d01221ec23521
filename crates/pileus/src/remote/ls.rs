//! `pileus ls`.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use pileus_api::Metadata;
use pileus_api::file::FileReply;
use pileus_api::{Reply, Written};
use pileus_wire::{JsonSink, Options, Sink, TimeFormat};

use super::args::LsArgs;
use super::error::Error;
use super::tree::{self, Entry, Found};
use super::{complain, session};

/// Lists paths. Answers how many could not be listed.
pub async fn run(args: &LsArgs) -> Result<usize, Error> {
    let client = session::open(&args.server).await?;
    let mut out = io::stdout().lock();
    let to_terminal = out.is_terminal();
    let mut failures = 0;
    for path in &args.paths {
        let found = match tree::path(path) {
            Ok(path) => tree::find(&client, &path, args.recursive).await,
            Err(error) => Err(error),
        };
        match found {
            Ok(found) => {
                let written = match args.json {
                    true => write_json(&mut out, found),
                    false => write_lines(&mut out, &found, args.long, to_terminal),
                };
                if let Err(error) = written {
                    return reader_gone(error);
                }
            }
            Err(error) => {
                complain(&error);
                failures += 1;
            }
        }
    }
    out.flush().map(|()| failures).or_else(reader_gone)
}

/// Whoever reads the output may stop early, as `head` does: that is no failure.
fn reader_gone(error: io::Error) -> Result<usize, Error> {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(0),
        _ => Err(Error::local("standard output")(error)),
    }
}

/// Writes metadata as the API shows it, with times as unix seconds, on one line.
fn write_json(out: &mut impl Write, found: Found) -> io::Result<()> {
    match found {
        Found::Folder(listing) => write_reply(out, listing),
        Found::File(metadata) => write_reply(out, FileReply { metadata }),
    }
}

fn write_reply(out: &mut impl Write, mut reply: impl Reply) -> io::Result<()> {
    let mut sink = JsonSink::new(Options {
        time: TimeFormat::Timestamp,
        ..Options::default()
    });
    sink.begin_hash();
    while reply.write(&mut sink) == Written::Some {
        out.write_all(&sink.take())?;
    }
    sink.end_hash();
    out.write_all(&sink.take())?;
    out.write_all(b"\n")
}

fn write_lines(
    out: &mut impl Write,
    found: &Found,
    long: bool,
    to_terminal: bool,
) -> io::Result<()> {
    let entries = match found {
        Found::Folder(listing) => tree::entries(listing),
        Found::File(metadata) => vec![Entry {
            names: vec![&metadata.name],
            metadata,
        }],
    };
    for Entry { names, metadata } in entries {
        if long {
            write!(out, "{} ", details(metadata))?;
        }
        let mut path = names.join("/");
        if metadata.is_folder() {
            path.push('/');
        }
        writeln!(out, "{}", shown(&path, to_terminal))?;
    }
    Ok(())
}

/// Size and modification time, as wide for every entry.
fn details(metadata: &Metadata) -> String {
    let size = match metadata.file() {
        Some(file) => file.size.to_string(),
        None => "-".into(),
    };
    let time = metadata.modified.format_rfc2822();
    // From `Thu, 21 Mar 2013 18:31:45 +0000`.
    let time = time.as_str().get(5..22).unwrap_or_default();
    format!("{size:>15}  {time} ")
}

/// A name as it may be shown: on a terminal, control characters in it could do anything.
fn shown(name: &str, to_terminal: bool) -> Cow<'_, str> {
    match to_terminal && name.contains(char::is_control) {
        true => name.replace(char::is_control, "?").into(),
        false => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::tree::tests::{listing, metadata};

    fn lines(found: &Found, long: bool, to_terminal: bool) -> String {
        let mut out = Vec::new();
        write_lines(&mut out, found, long, to_terminal).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_stand_in_order_and_cannot_talk_to_the_terminal() {
        let found = Found::Folder(listing());
        assert_eq!(lines(&found, false, false), "b/\nb/x\ny\nb-a\nc\n");
        assert_eq!(lines(&found, false, true), "b/\nb/x?y\nb-a\nc\n");
    }

    #[test]
    fn long_lines_have_size_and_time() {
        let found = Found::File(metadata("a.txt", Some(1234)));
        assert_eq!(
            lines(&found, true, false),
            "           1234  21 Mar 2013 18:31  a.txt\n"
        );
        let found = Found::Folder(listing());
        let first = lines(&found, true, true);
        assert!(
            first.starts_with("              -  21 Mar 2013 18:31  b/\n"),
            "{first}"
        );
    }

    #[test]
    fn json_nests_what_is_in_folders() {
        let mut out = Vec::new();
        write_json(&mut out, Found::Folder(listing())).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let contents = &json["metadata"]["contents"];
        assert_eq!(contents[0]["name"], "c");
        assert_eq!(contents[1]["contents"][0]["size"], 22);
        assert_eq!(contents[1]["modified"], 1_363_890_705);
        assert_eq!(out.iter().filter(|&&byte| byte == b'\n').count(), 1);

        let mut out = Vec::new();
        write_json(&mut out, Found::File(metadata("a", Some(5)))).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(json["metadata"]["name"], "a");
    }
}
