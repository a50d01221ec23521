//! What clients are sent: packets of many streams, of which each begins with a head.

/// Bytes of a packet's payload at most: its length minus one is told in 16 bits.
const PAYLOAD_BYTES: usize = 1 << 16;

const HEAD_BYTES: usize = 88;

/// What became of an ask, as numbers of the protocol: the error, and what the client is to make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The content follows.
    Sent,
    /// There is no such file for this client.
    Missing,
    /// The content is too large for this way.
    TooLarge,
    /// The server has trouble; the same may succeed later.
    Trouble,
    /// The client has this content.
    Unchanged,
}

impl Verdict {
    /// Error and flags: 1 permanent, 2 to be tried again, 4 nothing to do.
    fn numbers(self) -> (u32, u32) {
        match self {
            Self::Sent => (0, 0),
            Self::Missing => (1, 1),
            Self::TooLarge => (2, 1),
            Self::Trouble => (3, 2),
            Self::Unchanged => (4, 4),
        }
    }
}

/// What is told about a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Bytes.
    pub(super) size: u64,
    /// Hash of the content.
    pub(super) hash: u64,
    /// Modification time in unix seconds.
    pub(super) modified: u64,
    /// SHA-1 of the content; empty, if nothing is told.
    pub(super) sha1: Vec<u8>,
}

/// Writes the packets of one stream: the head, and the content behind it.
pub(super) fn write(
    out: &mut Vec<u8>,
    stream: u32,
    verdict: Verdict,
    facts: &Facts,
    content: &[u8],
) {
    // The head has to lie whole in the first packet.
    let (first, rest) = content.split_at(content.len().min(PAYLOAD_BYTES - HEAD_BYTES));
    begin(out, stream, HEAD_BYTES + first.len());
    write_head(out, verdict, facts);
    out.extend_from_slice(first);
    for piece in rest.chunks(PAYLOAD_BYTES) {
        begin(out, stream, piece.len());
        out.extend_from_slice(piece);
    }
}

/// `length` is from 1 to [`PAYLOAD_BYTES`].
fn begin(out: &mut Vec<u8>, stream: u32, length: usize) {
    out.extend_from_slice(&stream.to_le_bytes());
    out.extend_from_slice(&((length - 1) as u16).to_le_bytes());
}

fn write_head(out: &mut Vec<u8>, verdict: Verdict, facts: &Facts) {
    let end = out.len() + HEAD_BYTES;
    let (error, flags) = verdict.numbers();
    out.extend_from_slice(&error.to_le_bytes());
    out.extend_from_slice(&flags.to_le_bytes());
    for number in [facts.size, facts.hash, facts.modified] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    // Hash and time of the version that the client has: 0 is not known, and then clients look at neither.
    out.extend_from_slice(&[0; 16]);
    out.extend_from_slice(hex::encode(&facts.sha1).as_bytes());
    out.resize(end, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_stands_in_the_first_packet() {
        let facts = Facts {
            size: 5,
            hash: 0x0102_0304_0506_0708,
            modified: 1_000_000_000,
            sha1: vec![0xab; 20],
        };
        let mut out = Vec::new();
        write(&mut out, 7, Verdict::Sent, &facts, b"hello");
        assert_eq!(out.len(), 6 + 88 + 5);
        assert_eq!(out[..6], [7, 0, 0, 0, 92, 0]);
        assert_eq!(out[6..14], [0; 8]);
        assert_eq!(out[14..22], 5_u64.to_le_bytes());
        assert_eq!(out[22..30], [8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(out[30..38], 1_000_000_000_u64.to_le_bytes());
        assert_eq!(out[38..54], [0; 16]);
        assert_eq!(out[54..94], *b"ab".repeat(20));
        assert_eq!(out[94..], *b"hello");
    }

    #[test]
    fn packets_are_as_full_as_they_can_be() {
        for (size, packets) in [(0, 1), (65_448, 1), (65_449, 2), (262_144, 5)] {
            let content = vec![9; size];
            let mut out = Vec::new();
            write(&mut out, 1, Verdict::Sent, &Facts::default(), &content);
            let (mut rest, mut payload, mut count) = (&out[..], Vec::new(), 0);
            while let Some((head, after)) = rest.split_first_chunk::<6>() {
                let length = usize::from(u16::from_le_bytes([head[4], head[5]])) + 1;
                payload.extend_from_slice(&after[..length]);
                rest = &after[length..];
                count += 1;
            }
            assert_eq!(count, packets, "{size}");
            assert!(payload[HEAD_BYTES..] == content);
        }
    }
}
