//! Archives are read with the programs that users have: Python's `zipfile` and Info-ZIP's `unzip`, where these are installed.

use super::*;
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use pileus_blobs::Result;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;

/// Contents that come in chunks of the given size.
struct InChunks(usize);

impl Contents for InChunks {
    type Id = Bytes;

    async fn open(&self, content: &Bytes, _size: u64) -> Result<BoxStream<'static, Result<Bytes>>> {
        let chunks: Vec<_> = content
            .chunks(self.0)
            .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
            .collect();
        Ok(futures_util::stream::iter(chunks).boxed())
    }
}

fn file<Id>(parent: Option<Index>, name: &str, size: u64, content: Id) -> NewFile<'_, Id> {
    NewFile {
        parent,
        name,
        modified: 1_000_000_000,
        size,
        crc32: 0,
        content,
    }
}

fn add(archive: &mut Archive<Bytes>, parent: Option<Index>, name: &str, content: &[u8]) {
    let new = NewFile {
        crc32: crc32(content),
        ..file(
            parent,
            name,
            content.len() as u64,
            Bytes::copy_from_slice(content),
        )
    };
    archive.add_file(new).unwrap();
}

/// The plain bitwise form.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            crc >> 1 ^ (0xEDB8_8320 & 0u32.wrapping_sub(crc & 1))
        })
    })
}

/// All bytes of an archive, which are as many as promised.
fn written(archive: Archive<Bytes>, chunk_bytes: usize) -> Vec<u8> {
    let length = archive.length();
    let pieces: Vec<_> = block_on(bytes(archive, InChunks(chunk_bytes)).collect());
    let written = pieces.into_iter().map(|piece| piece.unwrap());
    let written: Vec<u8> = written.flatten().collect();
    assert_eq!(written.len() as u64, length);
    written
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// What a program prints, if it is installed. It has to succeed.
fn output(program: &str, arguments: &[&str], archive: &Path) -> Option<String> {
    let run = Command::new(program).args(arguments).arg(archive).output();
    let output = match run {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        run => run.unwrap(),
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {text}{errors}");
    Some(text)
}

/// Runs a line of Python in which `z` is the archive.
fn python(line: &str, archive: &Path) -> Option<String> {
    let script =
        format!("import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1]) as z:\n    {line}");
    output("python3", &["-X", "utf8", "-c", &script], archive)
}

fn saved(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

#[test]
fn others_read_what_is_written() {
    let large: Vec<u8> = (0..200_000_u32)
        .map(|n| (n.wrapping_mul(n) >> 7) as u8)
        .collect();
    for chunk_bytes in [1000, 100_000] {
        let mut archive = Archive::new(0);
        let docs = archive
            .add_folder(None, "Größe & more", 1_000_000_001)
            .unwrap();
        let inner = archive.add_folder(Some(docs), "inner", 0).unwrap();
        archive.add_folder(Some(inner), "empty", 0).unwrap();
        add(&mut archive, Some(inner), "large.bin", &large);
        add(&mut archive, None, "nothing", b"");
        add(&mut archive, None, "zwei ü.txt", b"hello");
        let saved = saved(&written(archive, chunk_bytes));

        let names = "for i in z.infolist(): print(i.filename, i.file_size, oct(i.external_attr >> 16), i.date_time)";
        if let Some(printed) = python(names, saved.path()) {
            assert_eq!(
                printed,
                "Größe & more/ 0 0o40755 (2001, 9, 9, 1, 46, 40)\n\
                 Größe & more/inner/ 0 0o40755 (1980, 1, 1, 0, 0, 0)\n\
                 Größe & more/inner/empty/ 0 0o40755 (1980, 1, 1, 0, 0, 0)\n\
                 Größe & more/inner/large.bin 200000 0o100644 (2001, 9, 9, 1, 46, 40)\n\
                 nothing 0 0o100644 (2001, 9, 9, 1, 46, 40)\n\
                 zwei ü.txt 5 0o100644 (2001, 9, 9, 1, 46, 40)\n"
            );
            let test = "print(z.testzip(), z.read('zwei ü.txt'))";
            let printed = python(test, saved.path());
            assert_eq!(printed.as_deref(), Some("None b'hello'\n"));
        }
        if let Some(printed) = output("unzip", &["-t"], saved.path()) {
            assert!(printed.contains("No errors detected"), "{printed}");
        }
    }
}

#[test]
fn an_empty_archive_is_its_end() {
    let mut expected = b"PK\x05\x06".to_vec();
    expected.resize(22, 0);
    assert_eq!(written(Archive::new(0), 1), expected);
}

#[test]
fn many_entries_need_zip64() {
    for (entries, needs_zip64) in [(65_534, false), (65_535, true)] {
        let mut archive = Archive::new(0);
        for number in 0..entries {
            add(&mut archive, None, &format!("{number}"), b"");
        }
        assert_eq!(archive.needs_zip64(), needs_zip64);
        let saved = saved(&written(archive, 1));
        let count = python("print(len(z.namelist()), z.namelist()[-1])", saved.path());
        let expected = format!("{entries} {}\n", entries - 1);
        assert_eq!(count.unwrap_or(expected.clone()), expected);
        if let Some(names) = output("unzip", &["-Z1"], saved.path()) {
            assert_eq!(names.lines().count(), entries);
        }
    }
}

/// Writes an archive with holes instead of the contents that are `None`.
fn write_with_holes(archive: &Archive<Option<&'static [u8]>>) -> tempfile::NamedTempFile {
    let saved = tempfile::NamedTempFile::new().unwrap();
    let mut file: &File = saved.as_file();
    let mut headers = Vec::new();
    for entry in &archive.entries {
        assert_eq!(file.stream_position().unwrap(), entry.offset);
        headers.clear();
        archive.write_local_header(entry, &mut headers);
        file.write_all(&headers).unwrap();
        match entry.content.unwrap() {
            Some(content) => file.write_all(content).unwrap(),
            None => {
                let size = i64::try_from(entry.size).unwrap();
                file.seek(SeekFrom::Current(size)).unwrap();
            }
        }
    }
    headers.clear();
    for entry in &archive.entries {
        archive.write_directory_header(entry, &mut headers);
    }
    archive.write_end(&mut headers);
    file.write_all(&headers).unwrap();
    assert_eq!(file.stream_position().unwrap(), archive.length());
    saved
}

#[test]
fn large_contents_need_zip64() {
    const LIMIT: u64 = u32::MAX as u64;
    for size in [LIMIT - 200, LIMIT - 1, LIMIT, LIMIT + 1] {
        let mut archive = Archive::new(0);
        for number in 0..2 {
            let name = format!("large{number}");
            archive.add_file(file(None, &name, size, None)).unwrap();
            let name = format!("small{number}");
            let small: &[u8] = b"small";
            archive
                .add_file(NewFile {
                    crc32: crc32(small),
                    ..file(None, &name, 5, Some(small))
                })
                .unwrap();
        }
        let saved = write_with_holes(&archive);
        let script =
            "print([i.file_size for i in z.infolist()], z.read('small0'), z.read('small1'))";
        let expected = format!("[{size}, 5, {size}, 5] b'small' b'small'\n");
        let printed = python(script, saved.path());
        assert_eq!(printed.unwrap_or(expected.clone()), expected);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut archive = Archive::new(0);
    let mut folder = None;
    let name = "x".repeat(1023);
    for _ in 0..63 {
        folder = Some(archive.add_folder(folder, &name, 0).unwrap());
    }
    let before = archive.length();
    let name = "x".repeat(1024);
    assert_eq!(archive.add_folder(folder, &name, 0), Err(Oversize));
    assert_eq!(
        archive.add_file(file(folder, &name, 0, Bytes::new())),
        Err(Oversize)
    );
    assert_eq!(archive.length(), before);
    let full = file(None, "full", u64::MAX - before, Bytes::new());
    assert_eq!(archive.add_file(full), Err(Oversize));
    assert_eq!(archive.length(), before);
}

#[test]
fn contents_of_another_length_end_with_an_error() {
    for size in [4, 6] {
        let mut archive = Archive::new(0);
        let hello = Bytes::from_static(b"hello");
        archive.add_file(file(None, "a", size, hello)).unwrap();
        let pieces: Vec<_> = block_on(bytes(archive, InChunks(2)).collect());
        assert!(matches!(pieces[..], [Err(_)]), "{size}");
    }
}

#[test]
fn times_of_zip() {
    let at = |seconds| {
        let DosTime { date, time } = DosTime::at(seconds);
        (
            (1980 + (date >> 9), date >> 5 & 15, date & 31),
            (time >> 11, time >> 5 & 63, (time & 31) * 2),
        )
    };
    assert_eq!(at(0), ((1980, 1, 1), (0, 0, 0)));
    assert_eq!(at(i64::MIN), at(0));
    assert_eq!(at(315_532_801), at(0));
    assert_eq!(at(951_782_399), ((2000, 2, 28), (23, 59, 58)));
    assert_eq!(at(951_782_400), ((2000, 2, 29), (0, 0, 0)));
    assert_eq!(at(1_735_689_599), ((2024, 12, 31), (23, 59, 58)));
    assert_eq!(at(4_102_444_800), ((2100, 1, 1), (0, 0, 0)));
    assert_eq!(at(4_107_542_400), ((2100, 3, 1), (0, 0, 0)));
    assert_eq!(at(i64::MAX), ((2107, 12, 31), (23, 59, 58)));

    let mut archive: Archive<Bytes> = Archive::new(i64::MAX);
    archive.add_folder(None, "a", i64::MAX).unwrap();
    assert_eq!(archive.entries[0].time, DosTime::at(i64::MAX));
}
