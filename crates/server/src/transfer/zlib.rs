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

/// Packs what a client is sent.
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
        let mut packed = Vec::with_capacity(plain.len() / 2 + FLUSH_BYTES);
        if !self.is_begun {
            self.is_begun = true;
            packed.extend_from_slice(&HEAD);
        }
        let mut pack = Compress::new(Compression::fast(), false);
        loop {
            let taken = usize::try_from(pack.total_in()).unwrap_or(plain.len());
            let rest = plain.get(taken..).unwrap_or_default();
            pack.compress_vec(rest, &mut packed, FlushCompress::Sync)
                .map_err(io::Error::other)?;
            // A flush is complete when it has left room.
            if pack.total_in() == plain.len() as u64 && packed.len() < packed.capacity() {
                return Ok(packed);
            }
            packed.reserve(plain.len() / 2 + FLUSH_BYTES);
        }
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

    #[test]
    fn every_batch_can_be_unpacked_at_once() {
        let mut noise = 1_u32;
        let mut random = || {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (noise >> 24) as u8
        };
        let batches = [
            b"hello".to_vec(),
            b"hello".to_vec(),
            vec![7; 300_000],
            (0..300_000).map(|_| random()).collect(),
            vec![1],
        ];
        let (mut deflater, mut inflater) = (Deflater::default(), Inflater::new());
        for batch in batches {
            let packed = deflater.deflate(&batch).unwrap();
            assert!(unpack(packed, &mut inflater, 1000) == batch);
        }
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
