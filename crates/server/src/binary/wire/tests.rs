//! For how long clients are waited for, and what leaves when.

use super::*;
use crate::conn::Protocol;
use crate::listen::patience::TEST;
use crate::listen::socket::{Socket, Transport};
use pileus_blobs::{BlobStore, Piece, Place};
use socket2::SockRef;
use std::io::ErrorKind;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};

/// A stream that has no socket to tell of, as with TLS.
impl Transport for DuplexStream {
    fn plain(&self) -> Option<&TcpStream> {
        None
    }
}

fn setup() -> (DuplexStream, Wire<DuplexStream>) {
    let (client, server) = duplex(100);
    (client, Wire::new(server, b"", &TEST))
}

#[tokio::test]
async fn nobody_is_waited_for_forever() {
    for (sent, is_logged_in, limit) in [
        (&b""[..], false, TEST.idle),
        (b"", true, TEST.idle_logged_in),
        (b"\x05\0x", true, TEST.request_logged_in),
    ] {
        let (mut client, mut wire) = setup();
        client.write_all(sent).await.unwrap();
        let begin = Instant::now();
        let error = wire.request(is_logged_in).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(
            begin.elapsed() >= limit && begin.elapsed() < 3 * limit,
            "{:?}",
            begin.elapsed()
        );
    }

    let (mut client, mut wire) = setup();
    let begin = Instant::now();
    for _ in 0..3 {
        tokio::time::sleep(TEST.data / 2).await;
        client.write_all(b"x").await.unwrap();
        assert_eq!(wire.data(10).await.unwrap(), "x");
    }
    assert!(begin.elapsed() > TEST.data);
    assert_eq!(wire.data(10).await.unwrap_err().kind(), ErrorKind::TimedOut);

    let (_client, mut wire) = setup();
    let error = wire.send(Bytes::from(vec![0; 1000])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_request_has_to_come_within_one_limit() {
    let (mut client, mut wire) = setup();
    let dribble = async {
        client.write_all(b"\xff\0").await.unwrap();
        loop {
            let _ = client.write_all(b"x").await;
            tokio::time::sleep(TEST.request / 10).await;
        }
    };
    tokio::select! {
        () = dribble => {}
        request = wire.request(false) => assert_eq!(request.unwrap_err().kind(), ErrorKind::TimedOut),
    }
}

#[tokio::test]
async fn answers_wait_for_requests_that_are_there() {
    let (mut client, mut wire) = setup();
    client.write_all(b"\x01\0a\x01\0b\x01").await.unwrap();
    let mut answers = [0; 2];
    for answer in [b"1", b"2"] {
        wire.request(false).await.unwrap().unwrap();
        wire.answer(answer.to_vec()).await.unwrap();
        let is_there = tokio::time::timeout(TEST.idle / 10, client.read(&mut answers)).await;
        assert!(is_there.is_err());
    }
    // The third request is not there, so both leave.
    tokio::select! {
        _ = wire.request(false) => panic!("there is no further request"),
        read = client.read_exact(&mut answers) => assert_eq!(read.unwrap(), 2),
    }
    assert_eq!(&answers, b"12");
}

#[tokio::test]
async fn what_comes_meanwhile_raises_the_interrupt_and_is_bounded() {
    let (mut client, mut wire) = setup();
    let conn = Conn::new(Protocol::Binary, ([127, 0, 0, 1], 1).into(), false);
    wire.answer(b"1".to_vec()).await.unwrap();
    let sent = tokio::spawn(async move {
        assert_eq!(
            client.read_u8().await.unwrap(),
            b'1',
            "what is answered leaves before a wait"
        );
        let _ = client.write_all(&[0; 10 * AHEAD_BYTES]).await;
    });
    tokio::select! {
        never = wire.meanwhile(&conn) => match never {},
        () = conn.interrupt.raised() => {}
    }
    assert!(wire.is_followed());
    let limit = tokio::time::sleep(TEST.data);
    tokio::select! {
        never = wire.meanwhile(&conn) => match never {},
        () = limit => {}
    }
    assert!((AHEAD_BYTES..AHEAD_BYTES + SMALL_READ_BYTES).contains(&wire.held.len()));
    drop(wire);
    sent.await.unwrap();
}

const PIECE_BYTES: usize = 64 * 1024;

/// Pieces of a file, one after the other.
async fn pieces(count: usize) -> (Vec<Piece>, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let store = BlobStore::disk(dir.path()).await.unwrap();
    let bytes: Vec<u8> = (0..count * PIECE_BYTES)
        .map(|at| (at % 251) as u8)
        .collect();
    let mut writer = store.writer(0);
    writer.write(bytes.clone().into()).await.unwrap();
    let Place::Key(key) = writer.finish().await.unwrap().place else {
        panic!("the bytes are not in a blob");
    };
    let size = PIECE_BYTES as u64;
    let ranges = (0..count as u64).map(|at| at * size..(at + 1) * size);
    let pieces = store.read_all(&key, ranges.collect(), true).await.unwrap();
    assert!(pieces.iter().all(|piece| matches!(piece, Piece::Kept(_))));
    (pieces, bytes)
}

/// Both ends of a TCP connection that takes little.
async fn narrow() -> (TcpStream, Wire<Socket>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (server, _) = listener.accept().await.unwrap();
    SockRef::from(&server)
        .set_send_buffer_size(16 * 1024)
        .unwrap();
    (client, Wire::new(Socket::Plain(server), b"", &TEST))
}

/// Sends an answer in front of each piece.
async fn send_pieces<S: Transport>(mut wire: Wire<S>, pieces: Vec<Piece>) -> io::Result<()> {
    for piece in pieces {
        wire.answer(b"head".to_vec()).await?;
        wire.send_piece(piece).await?;
    }
    wire.answer(b"end".to_vec()).await?;
    wire.flush().await
}

async fn receive_pieces(mut client: impl AsyncRead + Unpin, bytes: &[u8]) {
    let mut expected: Vec<u8> = Vec::new();
    for piece in bytes.chunks(PIECE_BYTES) {
        expected.extend(b"head");
        expected.extend(piece);
    }
    expected.extend(b"end");
    let mut received = Vec::new();
    client.read_to_end(&mut received).await.unwrap();
    assert!(received == expected);
}

#[tokio::test]
async fn pieces_leave_behind_their_answers_whatever_carries_them() {
    let (kept, bytes) = pieces(16).await;
    let (client, wire) = narrow().await;
    let (sent, ()) = tokio::join!(send_pieces(wire, kept), receive_pieces(client, &bytes));
    sent.unwrap();

    let (kept, bytes) = pieces(16).await;
    let (client, wire) = setup();
    let (sent, ()) = tokio::join!(send_pieces(wire, kept), receive_pieces(client, &bytes));
    sent.unwrap();
}

#[tokio::test]
async fn who_takes_no_pieces_is_given_up() {
    let (_client, wire) = narrow().await;
    let (kept, _) = pieces(16).await;
    let begin = Instant::now();
    let sent = send_pieces(wire, kept).await;
    assert_eq!(sent.unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(begin.elapsed() >= TEST.answer);
}
