//! Measures the codecs on a listing of 10,000 files, one thread, best of many rounds.
//!
//!     cargo run --release -p pileus-wire --example throughput

use std::hint::black_box;
use std::time::{Duration, Instant};

use pileus_wire::{
    BinarySink, Icon, JsonSink, Options, Params, Sink, TimeFormat, Tree, UnixTime, decode_answer,
    parse_query, parse_request, write_request,
};

const FILES: u64 = 10_000;
const ROUNDS: usize = 100;

fn main() {
    for time in [TimeFormat::Text, TimeFormat::Timestamp] {
        println!("listing of {FILES} files, times as {time:?}");
        measure_listing(Options {
            time,
            ..Options::default()
        });
    }
    measure_requests();
}

fn measure_listing(options: Options) {
    let json = report("write JSON", || {
        let mut sink = JsonSink::new(options.clone());
        write_listing(&mut sink);
        sink.take()
    });
    let binary = report("write binary", || {
        let mut sink = BinarySink::new(options.clone());
        write_listing(&mut sink);
        sink.finish().unwrap_or_default()
    });
    report_reading("read JSON", json.len(), || Tree::from_json(&json).is_ok());
    report_reading("read binary", binary.len(), || {
        decode_answer(&binary[4..]).is_ok()
    });
}

/// Writes a folder of photographs, each with the fields that the API always sends.
fn write_listing(sink: &mut dyn Sink) {
    const ICON: Icon = Icon {
        name: "image",
        id: 1,
    };
    sink.begin_hash();
    sink.field_num("result", 0);
    sink.field_hash("metadata");
    sink.field_text("name", "Photographs");
    sink.field_list("contents");
    for n in 0..FILES {
        let fileid = (1 << 33) + n;
        // Filled in by hand, since formatting would be measured with it.
        let mut id = *b"f0000000000";
        let mut name = *b"IMG_0000.jpeg";
        for (place, digit) in (4..8).rev().zip(digits(n)) {
            name[place] = digit;
        }
        for (place, digit) in (1..11).rev().zip(digits(fileid)) {
            id[place] = digit;
        }
        let taken = UnixTime(1_363_890_705 + 37 * n as i64);
        sink.begin_hash();
        sink.field_text("name", std::str::from_utf8(&name).unwrap_or_default());
        sink.field_text("id", std::str::from_utf8(&id).unwrap_or_default());
        sink.field_bool("isfolder", false);
        sink.field_num("parentfolderid", 1 << 32);
        sink.field_bool("ismine", true);
        sink.field_bool("isshared", false);
        sink.field_time("created", taken);
        sink.field_time("modified", taken);
        sink.field_bool("thumb", true);
        sink.field_icon("icon", &ICON);
        sink.field_num("comments", 0);
        sink.field_num("fileid", fileid);
        sink.field_num("size", 3_000_000 + n * 977);
        sink.field_text("contenttype", "image/jpeg");
        sink.field_num("category", 1);
        sink.field_num("hash", fileid.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        sink.end_hash();
    }
    sink.end_list();
    sink.end_hash();
    sink.end_hash();
}

/// The decimal digits of a number, the last one first, with zeros behind them.
fn digits(mut number: u64) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let digit = b'0' + (number % 10) as u8;
        number /= 10;
        Some(digit)
    })
}

fn measure_requests() {
    const CALLS: u32 = 100_000;
    let query = "folderid=8589934592&recursive=1&timeformat=timestamp&auth=0123456789abcdef0123456789abcdef";
    let mut params = Params::new();
    let _ = parse_query(&mut params, query);
    let mut request = Vec::new();
    let _ = write_request(&mut request, "listfolder", &params, None);

    println!("a call with four parameters");
    let (query_time, _) = best(|| {
        for _ in 0..CALLS {
            let mut params = Params::new();
            let _ = black_box(parse_query(&mut params, black_box(query)));
            black_box(&params);
        }
    });
    println!("  read query    {:>9.0?}", query_time / CALLS);
    let (request_time, _) = best(|| {
        for _ in 0..CALLS {
            let _ = black_box(parse_request(black_box(&request[2..])));
        }
    });
    println!("  read request  {:>9.0?}", request_time / CALLS);
}

fn report(what: &str, write: impl Fn() -> Vec<u8>) -> Vec<u8> {
    let (time, out) = best(write);
    print_rate(what, out.len(), time);
    out
}

fn report_reading(what: &str, bytes: usize, read: impl Fn() -> bool) {
    let (time, is_read) = best(read);
    assert!(is_read);
    print_rate(what, bytes, time);
}

fn print_rate(what: &str, bytes: usize, time: Duration) {
    let rate = bytes as f64 / time.as_secs_f64() / 1e6;
    println!("  {what:<13} {bytes:>9} bytes {time:>9.2?} {rate:>6.0} MB/s");
}

/// The shortest time of all rounds, and what the last one made.
fn best<T>(work: impl Fn() -> T) -> (Duration, T) {
    let round = || {
        let start = Instant::now();
        let made = black_box(work());
        (start.elapsed(), made)
    };
    (1..ROUNDS).fold(round(), |(shortest, _), _| {
        let (time, made) = round();
        (shortest.min(time), made)
    })
}
