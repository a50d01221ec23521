//! What hyper is given, and for how long clients are waited for. What hyper makes of it is tested over sockets.

use super::super::line::Length;
use super::*;
use crate::conn::{Conn, Protocol};
use crate::listen::patience::TEST;
use std::io::ErrorKind;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

struct Setup {
    client: DuplexStream,
    watch: Watch<DuplexStream>,
    line: Arc<Line>,
}

fn setup() -> Setup {
    let (client, server) = duplex(100);
    let conn = Conn::new(Protocol::Http, ([127, 0, 0, 1], 1).into(), false);
    let line = Arc::new(Line::new(Arc::new(conn)));
    let watch = Watch::new(server, b"", line.clone(), &TEST);
    Setup {
        client,
        watch,
        line,
    }
}

impl Setup {
    /// What one read gives hyper.
    async fn given(&mut self) -> io::Result<String> {
        let mut buf = [0; 100];
        let count = self.watch.read(&mut buf).await?;
        Ok(String::from_utf8_lossy(&buf[..count]).into_owned())
    }

    /// Whether hyper is told to wait.
    async fn is_pending(&mut self) -> bool {
        let mut buf = [0; 100];
        poll_fn(|cx| {
            let mut buf = ReadBuf::new(&mut buf);
            Poll::Ready(
                Pin::new(&mut self.watch)
                    .poll_read(cx, &mut buf)
                    .is_pending(),
            )
        })
        .await
    }

    fn is_raised(&self) -> bool {
        self.line.conn.interrupt.is_raised()
    }

    /// What happens when hyper has the answer and sends it.
    async fn answer(&mut self, text: &str) {
        self.line.answer();
        self.watch.write_all(text.as_bytes()).await.unwrap();
        self.line.answered();
        self.watch.flush().await.unwrap();
    }
}

#[tokio::test]
async fn nothing_is_given_beyond_the_request() {
    let mut setup = setup();
    setup
        .client
        .write_all(b"head\r\n\r\nbodyhead\n\nnext")
        .await
        .unwrap();
    assert_eq!(setup.given().await.unwrap(), "head\r\n\r\n");
    setup.line.begin(Length::Known(4));
    assert_eq!(setup.given().await.unwrap(), "body");
    assert!(!setup.is_raised());
    assert!(setup.is_pending().await);
    assert!(setup.is_raised());
    setup.answer("1").await;
    assert_eq!(setup.given().await.unwrap(), "head\n\n");
    setup.line.begin(Length::Known(0));
    assert!(!setup.is_raised(), "by the former request");
    assert!(setup.is_pending().await);
    assert!(setup.is_raised());
    setup.answer("2").await;
    assert_eq!(setup.given().await.unwrap(), "next");
    // Both answers left together, when there was nothing more to answer.
    let mut answers = [0; 2];
    setup.watch.flush().await.unwrap();
    setup.client.read_exact(&mut answers).await.unwrap();
    assert_eq!(&answers, b"12");
}

#[tokio::test]
async fn a_blank_line_in_chunks_is_an_end_only_if_the_handler_says_so() {
    let mut setup = setup();
    setup
        .client
        .write_all(b"\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\nnext")
        .await
        .unwrap();
    assert_eq!(setup.given().await.unwrap(), "\r\n\r\n");
    setup.line.begin(Length::Chunked);
    assert_eq!(setup.given().await.unwrap(), "4\r\n\r\n");
    for part in ["\r\n\r\n", "0\r\n\r\n"] {
        assert!(setup.is_pending().await, "hyper may be at the end");
        poll_fn(|cx| {
            setup.line.body_awaited(cx);
            Poll::Ready(())
        })
        .await;
        assert_eq!(setup.given().await.unwrap(), part);
    }
    assert!(setup.is_pending().await);
    assert!(!setup.is_raised());
    setup.line.body_ended();
    assert!(setup.is_pending().await);
    assert!(setup.is_raised());
}

#[tokio::test]
async fn the_end_of_input_is_held_back_until_the_answer_is_out() {
    let mut setup = setup();
    setup.client.write_all(b"head\r\n\r\n").await.unwrap();
    setup.client.shutdown().await.unwrap();
    setup.given().await.unwrap();
    setup.line.begin(Length::Known(0));
    assert!(setup.is_pending().await);
    assert!(setup.is_raised());
    setup.line.answer();
    setup.watch.write_all(b"1").await.unwrap();
    assert!(setup.is_pending().await);
    setup.line.answered();
    assert!(setup.is_pending().await);
    setup.watch.flush().await.unwrap();
    assert_eq!(setup.given().await.unwrap(), "");
}

#[tokio::test]
async fn a_body_that_is_cut_short_is_not_waited_for() {
    let mut setup = setup();
    setup.client.write_all(b"head\r\n\r\nbo").await.unwrap();
    setup.client.shutdown().await.unwrap();
    setup.given().await.unwrap();
    setup.line.begin(Length::Known(4));
    assert_eq!(setup.given().await.unwrap(), "bo");
    assert_eq!(setup.given().await.unwrap(), "");
}

#[tokio::test]
async fn hyper_does_not_hear_of_a_broken_connection_while_a_call_runs() {
    let mut setup = setup();
    setup.client.write_all(b"head\r\n\r\n").await.unwrap();
    setup.given().await.unwrap();
    setup.line.begin(Length::Known(0));
    drop(std::mem::replace(&mut setup.client, duplex(1).0));
    setup.watch.write_all(b"100 Continue").await.unwrap();
    setup.watch.flush().await.unwrap();
    assert!(setup.is_raised());
    assert!(setup.is_pending().await);
    setup.line.answer();
    let error = setup.watch.write_all(b"200 OK").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

/// Reads until it ends, and how many milliseconds that takes.
async fn ended(setup: &mut Setup) -> (io::Result<String>, u128) {
    let begin = Instant::now();
    let end = setup.given().await;
    (end, begin.elapsed().as_millis())
}

#[tokio::test]
async fn nobody_is_waited_for_forever() {
    // Half a head, however often another byte of it comes.
    let mut head = setup();
    let begin = Instant::now();
    let dribble = async {
        loop {
            let _ = head.client.write_all(b"x").await;
            tokio::time::sleep(TEST.request / 10).await;
        }
    };
    let mut dribble = std::pin::pin!(dribble);
    let watch = &mut head.watch;
    let reading = async {
        let mut buf = [0; 10];
        while watch.read(&mut buf).await.unwrap() > 0 {}
    };
    tokio::select! {
        () = &mut dribble => {}
        () = reading => {}
    }
    let elapsed = begin.elapsed().as_millis();
    assert!((200..600).contains(&elapsed), "{elapsed}");

    // Half a body; each byte of it counts.
    let mut body = setup();
    body.client.write_all(b"\n\n").await.unwrap();
    body.given().await.unwrap();
    body.line.begin(Length::Known(10));
    let begin = Instant::now();
    for _ in 0..3 {
        tokio::time::sleep(TEST.data / 2).await;
        body.client.write_all(b"x").await.unwrap();
        body.given().await.unwrap();
    }
    assert!(begin.elapsed() > TEST.data);
    let (end, elapsed) = ended(&mut body).await;
    assert_eq!(end.unwrap_err().kind(), ErrorKind::TimedOut);
    assert!((300..600).contains(&elapsed), "{elapsed}");

    // An answer that is not read.
    let mut answer = setup();
    answer.line.answer();
    let begin = Instant::now();
    let error = answer.watch.write_all(&[0; 1000]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(begin.elapsed() >= TEST.answer);
}

#[tokio::test]
async fn a_call_may_take_longer_than_any_limit() {
    let mut setup = setup();
    setup.client.write_all(b"\n\n").await.unwrap();
    setup.given().await.unwrap();
    setup.line.begin(Length::Known(0));
    let begin = Instant::now();
    while begin.elapsed() < 2 * TEST.idle {
        assert!(setup.is_pending().await);
        tokio::time::sleep(TEST.idle / 4).await;
    }
    assert!(!setup.line.is_paused());
    setup.answer("1").await;
}

#[tokio::test]
async fn a_client_may_pause_but_not_forever() {
    let mut setup = setup();
    let begin = Instant::now();
    // hyper is polled until it is seen that there is nothing to do.
    while !setup.line.is_paused() {
        assert!(setup.is_pending().await);
        assert!(begin.elapsed() < 100 * TEST.pause);
        tokio::task::yield_now().await;
    }
    assert!(begin.elapsed() >= TEST.pause);
    setup.client.write_all(b"head").await.unwrap();
    assert!(setup.watch.wakes().await);
    assert!(!setup.line.is_paused());
    assert_eq!(setup.given().await.unwrap(), "head");
    setup.client.write_all(b"\n\n").await.unwrap();
    assert_eq!(setup.given().await.unwrap(), "\n\n");
    setup.line.begin(Length::Known(0));
    setup.answer("1").await;

    let begin = Instant::now();
    assert!(!setup.watch.wakes().await);
    let elapsed = begin.elapsed().as_millis();
    assert!((100..300).contains(&elapsed), "{elapsed}");

    // Nor is who has gone meanwhile.
    let Setup {
        client, mut watch, ..
    } = self::setup();
    drop(client);
    assert!(!watch.wakes().await);
}

#[test]
fn blank_lines_are_found_in_whatever_pieces_they_come() {
    for (text, end) in [
        ("a\r\n\r\nb", Some(5)),
        ("a\n\nb", Some(3)),
        ("a\n\r\nb", Some(4)),
        ("a\r\n\nb", Some(4)),
        ("\r\n\r\n", Some(4)),
        ("a\r\n\r\r\n\r\n", Some(8)),
        ("a\n\ra\n\n", Some(6)),
        ("a\r\nb\r\n", None),
        ("\r\r\n", None),
        ("", None),
    ] {
        for piece in 1..=text.len().max(1) {
            let mut blank = BlankLine::No;
            let mut at = 0;
            let found = text.as_bytes().chunks(piece).find_map(|piece| {
                let found = blank.find(piece).map(|end| at + end);
                at += piece.len();
                found
            });
            assert_eq!(found, end, "{text:?} in pieces of {piece}");
        }
    }
}
