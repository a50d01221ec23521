//! Speed limits of downloads.

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt, try_unfold};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

type Chunks = BoxStream<'static, pileus_blobs::Result<Bytes>>;

/// Pieces are so short that several leave in each second, which players need.
const PIECES_PER_SECOND: u64 = 4;

struct Bucket {
    chunks: Chunks,
    /// What was read and may not leave yet.
    rest: Bytes,
    /// When the next piece may leave.
    next: Instant,
    bytes_per_second: u64,
}

/// Lets at most so many bytes per second through.
///
/// A pause of the client is not made up for by a burst later.
pub(super) fn limit(chunks: Chunks, bytes_per_second: u64) -> Chunks {
    let bucket = Bucket {
        chunks,
        rest: Bytes::new(),
        next: Instant::now(),
        bytes_per_second,
    };
    try_unfold(bucket, |mut bucket| async {
        while bucket.rest.is_empty() {
            match bucket.chunks.next().await {
                None => return Ok(None),
                Some(chunk) => bucket.rest = chunk?,
            }
        }
        sleep_until(bucket.next).await;
        let size = (bucket.bytes_per_second / PIECES_PER_SECOND).max(1);
        let size = usize::try_from(size)
            .unwrap_or(usize::MAX)
            .min(bucket.rest.len());
        let piece = bucket.rest.split_to(size);
        let cost = Duration::from_secs_f64(piece.len() as f64 / bucket.bytes_per_second as f64);
        bucket.next = bucket.next.max(Instant::now()) + cost;
        Ok(Some((piece, bucket)))
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    #[tokio::test]
    async fn bytes_take_their_time() {
        let chunks = [vec![7; 30_000], vec![], vec![8; 10_000]].map(|chunk| Ok(Bytes::from(chunk)));
        let begin = Instant::now();
        let pieces: Vec<Bytes> = limit(stream::iter(chunks).boxed(), 100_000)
            .map(Result::unwrap)
            .collect()
            .await;
        assert_eq!(pieces.len(), 3);
        assert!(pieces.concat() == [vec![7; 30_000], vec![8; 10_000]].concat());
        // The last piece leaves without waiting for what it cost.
        let elapsed = begin.elapsed();
        assert!((300..2000).contains(&elapsed.as_millis()), "{elapsed:?}");
    }
}
