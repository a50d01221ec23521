//! The two zlib streams of a connection. Neither ever ends by itself.

use bytes::{Buf, Bytes};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use std::io;

/// Head of a zlib stream: deflate, a window of 32 KiB, the fastest level (RFC 1950, section 2.2).
const HEAD: [u8; 2] = [0x78, 0x01];

/// Room for what a flush adds, and for contents that do not get smaller.
const FLUSH_BYTES: usize = 64;

/// Unpacks what a client sends, a bounded piece at a time: a few bytes of it may stand for megabytes.
pub(super) struct Inflater(Decompress);

impl Inflater {
    pub(super) fn new() -> Self {
        Self(Decompress::new(true))
    }

    /// Unpacks from `input`, which is advanced, into `out`. Answers how much there was; 0 when all of the input is used
    /// up. A stream that is damaged or comes to an end is an error.
    pub(super) fn inflate(&mut self, input: &mut Bytes, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let (taken, given) = (self.0.total_in(), self.0.total_out());
            let status = self
                .0
                .decompress(input, out, FlushDecompress::None)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            // Neither is more than the length of a slice.
            let taken = (self.0.total_in() - taken) as usize;
            let given = (self.0.total_out() - given) as usize;
            input.advance(taken);
            match status {
                _ if given > 0 => return Ok(given),
                Status::StreamEnd => return Err(io::ErrorKind::UnexpectedEof.into()),
                _ if input.is_empty() => return Ok(0),
                _ if taken == 0 => return Err(io::ErrorKind::InvalidData.into()),
                _ => {}
            }
        }
    }
}

/// Packs what a client is sent. What looks like noise, as compressed contents do, is sent as it is: packing it would take
/// several times as long as all else that is done for a small file, and save nothing.
///
/// Each batch is packed by itself and flushed to a whole byte, so nothing refers to an earlier batch and the packer's
/// memory (some 300 KB) is held only while it works: connections are quiet most of the time.
#[derive(Default)]
pub(super) struct Deflater {
    is_begun: bool,
}

impl Deflater {
    /// The next bytes of the stream, from which a client can unpack all of `plain`.
    pub(super) fn deflate(&mut self, plain: &[u8]) -> io::Result<Vec<u8>> {
        let mut packed = Vec::with_capacity(plain.len() + FLUSH_BYTES);
        if !self.is_begun {
            self.is_begun = true;
            packed.extend_from_slice(&HEAD);
        }
        let mut packer = None;
        for (looks, part) in parts(plain) {
            match looks {
                Looks::Noise => store(part, &mut packed),
                Looks::Orderly => pack(part, &mut packer, &mut packed)?,
            }
        }
        Ok(packed)
    }
}

/// Packs a part, which refers to nothing before it: the packer does not know what was stored without it.
fn pack(part: &[u8], packer: &mut Option<Compress>, packed: &mut Vec<u8>) -> io::Result<()> {
    let packer = packer.get_or_insert_with(|| Compress::new(Compression::fast(), false));
    packer.reset();
    loop {
        let taken = usize::try_from(packer.total_in()).unwrap_or(part.len());
        let rest = part.get(taken..).unwrap_or_default();
        packer
            .compress_vec(rest, packed, FlushCompress::Sync)
            .map_err(io::Error::other)?;
        // A flush is complete when it has left room.
        if packer.total_in() == part.len() as u64 && packed.len() < packed.capacity() {
            return Ok(());
        }
        packed.reserve(part.len() / 2 + FLUSH_BYTES);
    }
}

/// Writes a part as it is, in blocks of the kind that is not compressed (RFC 1951, section 3.2.4). It begins at a whole
/// byte, as everything here does.
fn store(part: &[u8], packed: &mut Vec<u8>) {
    for block in part.chunks(usize::from(u16::MAX)) {
        let length = block.len() as u16;
        packed.push(0);
        packed.extend_from_slice(&length.to_le_bytes());
        packed.extend_from_slice(&(!length).to_le_bytes());
        packed.extend_from_slice(block);
    }
}

/// Whether packing would make bytes fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looks {
    Orderly,
    Noise,
}

/// How many bytes are judged at once, and which of them are looked at. It is not a power of two, so that of numbers
/// that follow each other all bytes are seen, not just the low ones.
const JUDGED_BYTES: usize = 4096;
const JUDGED_STEP: usize = 5;

/// The bytes in parts that look alike.
fn parts(plain: &[u8]) -> impl Iterator<Item = (Looks, &[u8])> {
    let mut rest = plain;
    std::iter::from_fn(move || {
        let mut pieces = rest.chunks(JUDGED_BYTES);
        let looks = look(pieces.next()?);
        let alike = pieces.take_while(|piece| look(piece) == looks).count();
        let (part, after) = rest.split_at(rest.len().min((alike + 1) * JUDGED_BYTES));
        rest = after;
        Some((looks, part))
    })
}

/// Counts how often two of the bytes are the same: in noise one pair of 256. What has half as many again could at best be
/// made smaller by a thirteenth, if nothing in it comes twice.
fn look(piece: &[u8]) -> Looks {
    let mut counts = [0_u32; 256];
    for byte in piece.iter().step_by(JUDGED_STEP) {
        counts[usize::from(*byte)] += 1;
    }
    let all: u32 = counts.iter().sum();
    let same: u32 = counts.iter().map(|count| count * count).sum();
    // All pairs, and of the same bytes; a byte makes none with itself.
    let (all, same) = (all * all - all, same - all);
    if same * 512 < all * 3 {
        Looks::Noise
    } else {
        Looks::Orderly
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpack(packed: Vec<u8>, inflater: &mut Inflater, step: usize) -> Vec<u8> {
        let (mut input, mut out, mut plain) = (Bytes::from(packed), vec![0; step], Vec::new());
        loop {
            match inflater.inflate(&mut input, &mut out).unwrap() {
                0 => return plain,
                count => plain.extend_from_slice(&out[..count]),
            }
        }
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        std::iter::repeat_with(next).take(length).collect()
    }

    fn text(length: usize) -> Vec<u8> {
        let numbers = (0..).flat_map(|number| format!("{number} bottles, ").into_bytes());
        numbers.take(length).collect()
    }

    #[test]
    fn every_batch_can_be_unpacked_at_once() {
        // Parts that look alike begin and end anywhere, and come again.
        let mixed = [3, 5000, 70_000, 4096, 1, 200_000]
            .into_iter()
            .flat_map(|length| [noise(length), text(length)])
            .collect::<Vec<_>>()
            .concat();
        let batches = [
            b"hello".to_vec(),
            b"hello".to_vec(),
            vec![7; 300_000],
            noise(300_000),
            mixed,
            vec![1],
        ];
        let (mut deflater, mut inflater) = (Deflater::default(), Inflater::new());
        for batch in batches {
            let packed = deflater.deflate(&batch).unwrap();
            assert!(unpack(packed, &mut inflater, 1000) == batch);
        }
    }

    #[test]
    fn only_what_gets_smaller_is_packed() {
        // Numbers of eight bytes, of which only the lowest differ.
        let numbers: Vec<u8> = noise(12_500)
            .into_iter()
            .flat_map(|low| u64::from(low).to_le_bytes())
            .collect();
        for orderly in [text(100_000), numbers] {
            let packed = Deflater::default().deflate(&orderly).unwrap();
            assert!(packed.len() < 60_000, "{} bytes", packed.len());
        }
        let packed = Deflater::default().deflate(&noise(100_000)).unwrap();
        // The head of the stream, and of two blocks.
        assert_eq!(packed.len(), 100_000 + HEAD.len() + 2 * 5);
    }

    #[test]
    fn what_is_no_stream_is_refused() {
        let mut out = [0; 100];
        let refuses = |bytes: &[u8]| {
            let (mut input, mut inflater, mut out) =
                (Bytes::copy_from_slice(bytes), Inflater::new(), out);
            loop {
                match inflater.inflate(&mut input, &mut out) {
                    Err(_) => return true,
                    Ok(0) => return false,
                    Ok(_) => {}
                }
            }
        };
        assert!(refuses(b"act=dwl,strm=1,fileid=1\n"));
        assert!(refuses(&[0x78, 0x01, 0xff, 0xff]));
        assert!(!refuses(&[0x78]));
        assert!(!refuses(&[]));
        // An end: an empty last block and the checksum of nothing.
        let mut inflater = Inflater::new();
        let mut end = Bytes::from_static(&[0x78, 0x01, 0x03, 0x00, 0, 0, 0, 1]);
        assert!(inflater.inflate(&mut end, &mut out).is_err());
    }
}
