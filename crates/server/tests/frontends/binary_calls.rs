//! The binary front end: calls, data in and out, waiting, and what is no request.

use crate::binary_client::{Client, request, result};
use crate::server::Server;
use pileus_wire::{Tree, Value};
use tokio::io::AsyncWriteExt;

fn auth(server: &Server) -> (&'static str, Value) {
    ("auth", Value::from(server.token.as_str()))
}

fn id(number: u64) -> (&'static str, Value) {
    ("id", Value::from(number))
}

fn id_of(answer: &Tree) -> Option<u64> {
    answer.get("id").and_then(Tree::as_u64)
}

#[tokio::test]
async fn a_call_is_answered_with_the_type_of_its_id() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.send(request("nop", &[], None)).await;
    assert_eq!(client.read(14).await, b"\x0a\0\0\0\x10\x6aresult\xc8\xff");
    assert_eq!(
        client.call("nop", &[id(7)]).await.get("id"),
        Some(&Tree::Num(7))
    );
    let text = client.call("nop", &[("id", Value::from("7"))]).await;
    assert_eq!(text.get("id"), Some(&Tree::Text("7".into())));
    assert_eq!(
        result(
            &client
                .call("listfolder", &[("folderid", Value::from(0_u64))])
                .await
        ),
        1000
    );
    // The login stays with the connection.
    assert_eq!(result(&client.call("userinfo", &[auth(&server)]).await), 0);
    let listing = client
        .call("listfolder", &[("folderid", Value::from(0_u64))])
        .await;
    assert_eq!(listing.get("metadata.isfolder"), Some(&Tree::Bool(true)));
}

#[tokio::test]
async fn requests_may_come_in_any_pieces() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let bytes: Vec<u8> = (0..3)
        .flat_map(|number| request("nop", &[id(number)], None))
        .collect();
    for piece in bytes.chunks(5) {
        client.send(piece).await;
        tokio::task::yield_now().await;
    }
    for number in 0..3 {
        assert_eq!(id_of(&client.answer().await), Some(number));
    }
}

#[tokio::test]
async fn ten_thousand_pipelined_requests_are_answered_in_order() {
    let server = Server::start().await;
    let client = Client::connect(&server).await;
    let (reader, mut writer) = client.io.into_split();
    let sending = tokio::spawn(async move {
        let requests: Vec<u8> = (0..10_000)
            .flat_map(|number| request("nop", &[id(number)], None))
            .collect();
        writer.write_all(&requests).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut client = Client {
        io: tokio::io::join(reader, tokio::io::sink()),
    };
    for number in 0..10_000 {
        assert_eq!(id_of(&client.answer().await), Some(number));
    }
    sending.await.unwrap();
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn data_goes_in_and_out() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    for size in [0_usize, 1, 100_000, 3_000_000] {
        let content: Vec<u8> = (0..size).map(|i| (i % 253) as u8).collect();
        let params = [
            auth(&server),
            ("folderid", Value::from(0_u64)),
            ("filename", Value::from("f")),
        ];
        client
            .send(request("uploadfile", &params, Some(size as u64)))
            .await;
        client.send(&content).await;
        let uploaded = client.answer().await;
        assert_eq!(result(&uploaded), 0);
        let fileid = uploaded.get("fileids").unwrap().as_list().unwrap()[0]
            .as_u64()
            .unwrap();
        let params = [
            ("fileid", Value::from(fileid)),
            ("offset", Value::from(0_u64)),
            ("count", Value::from(1_u64 << 30)),
        ];
        client.send(request("readfile", &params, None)).await;
        client.send(request("nop", &[id(3)], None)).await;
        let answer = client.answer().await;
        assert_eq!(answer.data_len(), Some(size as u64));
        assert_eq!(client.read(size).await, content);
        assert_eq!(id_of(&client.answer().await), Some(3));
    }
    // Without the data bit, a name makes an empty file.
    let params = [
        ("folderid", Value::from(0_u64)),
        ("filename", Value::from("empty")),
    ];
    let uploaded = client.call("uploadfile", &params).await;
    assert_eq!(
        uploaded.get("metadata").unwrap().as_list().unwrap()[0].get("size"),
        Some(&Tree::Num(0))
    );
}

#[tokio::test]
async fn data_that_nobody_wants_is_read() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let data = vec![7; 1_000_000];
    for (method, params, code) in [
        ("nop", vec![], 0),
        ("uploadfile", vec![("filename", Value::from("f"))], 1000),
        (
            "uploadfile",
            vec![
                auth(&server),
                ("folderid", Value::from(99_u64)),
                ("filename", Value::from("f")),
            ],
            2005,
        ),
    ] {
        client
            .send(request(method, &params, Some(data.len() as u64)))
            .await;
        client.send(&data).await;
        client.send(request("nop", &[id(1)], None)).await;
        assert_eq!(result(&client.answer().await), code, "{method}");
        assert_eq!(id_of(&client.answer().await), Some(1));
    }
}

#[tokio::test]
async fn further_bytes_end_a_wait() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let now = client
        .call("diff", &[auth(&server), ("last", Value::from(0_u64))])
        .await;
    let diffid = now.get("diffid").and_then(Tree::as_u64).unwrap();
    let diff = request(
        "diff",
        &[
            ("diffid", Value::from(diffid)),
            ("block", Value::Bool(true)),
            id(1),
        ],
        None,
    );
    let nop = request("nop", &[id(2)], None);

    // Later.
    client.send(&diff).await;
    server.waiting(1).await;
    client.send(&nop).await;
    assert_eq!(id_of(&client.answer().await), Some(1));
    assert_eq!(id_of(&client.answer().await), Some(2));
    // In the same segment, and a wait behind a wait.
    client.send([&diff[..], &diff, &nop].concat()).await;
    assert_eq!(id_of(&client.answer().await), Some(1));
    assert_eq!(id_of(&client.answer().await), Some(1));
    assert_eq!(id_of(&client.answer().await), Some(2));
    // Behind data that the call does not take.
    let params = [
        ("diffid", Value::from(diffid)),
        ("block", Value::Bool(true)),
        id(1),
    ];
    client
        .send([request("diff", &params, Some(5)), b"hello".to_vec()].concat())
        .await;
    server.waiting(1).await;
    client.send(&nop[..1]).await;
    assert_eq!(id_of(&client.answer().await), Some(1));
    client.send(&nop[1..]).await;
    assert_eq!(id_of(&client.answer().await), Some(2));
    // By the end of input.
    client.send(&diff).await;
    server.waiting(1).await;
    client.io.shutdown().await.unwrap();
    assert_eq!(id_of(&client.answer().await), Some(1));
    assert!(client.is_closed().await);
    // By a client that is gone.
    let mut client = Client::connect(&server).await;
    client.call("userinfo", &[auth(&server)]).await;
    client.send(&diff).await;
    server.waiting(1).await;
    drop(client);
    server.waiting(0).await;
    server.connected(0).await;
}

#[tokio::test]
async fn answers_before_a_wait_are_not_held_back() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let now = client
        .call("diff", &[auth(&server), ("last", Value::from(0_u64))])
        .await;
    let diffid = now.get("diffid").and_then(Tree::as_u64).unwrap();
    let diff = request(
        "diff",
        &[
            ("diffid", Value::from(diffid)),
            ("block", Value::Bool(true)),
        ],
        None,
    );
    client
        .send([request("nop", &[id(1)], None), diff].concat())
        .await;
    assert_eq!(id_of(&client.answer().await), Some(1));
    server.waiting(1).await;
}

#[tokio::test]
async fn what_is_no_request_ends_the_connection() {
    let server = Server::start().await;
    let nop = request("nop", &[id(1)], None);
    let mut unknown_type = nop.clone();
    unknown_type[7] |= 0xc0;
    let mut too_long = nop.clone();
    too_long[0] += 1;
    too_long.push(0);
    for bytes in [
        b"\x00\x00\x00".to_vec(),
        b"\x02\x00\x00\x00".to_vec(),
        b"\x05\x00\x03no\x00\x00\x00".to_vec(),
        b"\x04\x00\x7fnop".to_vec(),
        b"\x05\x00\x03\xff\xff\xff\x00".to_vec(),
        unknown_type,
        too_long,
        // A text that runs past the end.
        b"\x0d\x00\x03nop\x01\x02id\xff\xff\xff\xff\x31".to_vec(),
        // More parameters than there are.
        b"\x05\x00\x03nop\xff".to_vec(),
        // The data bit without a length.
        b"\x05\x00\x83nop\x00".to_vec(),
        request("nosuchmethod", &[id(1)], None),
        [
            request("nosuchmethod", &[id(1)], Some(5)),
            b"hello".to_vec(),
            nop.clone(),
        ]
        .concat(),
    ] {
        let mut client = Client::connect(&server).await;
        client.send(&nop).await;
        assert_eq!(id_of(&client.answer().await), Some(1));
        client.send(&bytes).await;
        assert!(client.is_closed().await, "{bytes:x?}");
    }
}

#[tokio::test]
async fn more_data_than_there_could_be_is_refused() {
    let server = Server::start().await;
    for length in [(1 << 40) + 1, u64::MAX] {
        let mut client = Client::connect(&server).await;
        let params = [auth(&server), ("filename", Value::from("f")), id(5)];
        client
            .send(request("uploadfile", &params, Some(length)))
            .await;
        let answer = client.answer().await;
        assert_eq!((result(&answer), id_of(&answer)), (2008, Some(5)));
        assert!(client.is_closed().await);
    }
}

#[tokio::test]
async fn data_that_is_cut_short_ends_the_connection() {
    let server = Server::start().await;
    for sent in [0, 5] {
        let mut client = Client::connect(&server).await;
        let params = [
            auth(&server),
            ("filename", Value::from("f")),
            ("nopartial", Value::Bool(true)),
        ];
        client
            .send(request("uploadfile", &params, Some(1_000_000)))
            .await;
        client.send(vec![7; sent]).await;
        client.io.shutdown().await.unwrap();
        assert_ne!(result(&client.answer().await), 0);
        assert!(client.is_closed().await);
    }
    // Nor does half a request leave anything behind.
    let mut client = Client::connect(&server).await;
    client.send(&request("nop", &[], None)[..4]).await;
    client.io.shutdown().await.unwrap();
    assert!(client.is_closed().await);
    drop(client);
    server.connected(0).await;
}
