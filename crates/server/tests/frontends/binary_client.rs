//! A client of the binary protocol that sends what it is told to.

use crate::server::{PATIENCE, Server};
use pileus_wire::{Params, Tree, Value, decode_answer, write_request};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A connection.
pub struct Client<S = TcpStream> {
    pub io: S,
}

impl Client {
    /// Connects to a server.
    pub async fn connect(server: &Server) -> Self {
        let io = TcpStream::connect(server.address).await.unwrap();
        io.set_nodelay(true).unwrap();
        Self { io }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Sends bytes.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        timeout(PATIENCE, self.io.write_all(bytes.as_ref()))
            .await
            .unwrap()
            .unwrap();
    }

    /// Makes a call.
    pub async fn call(&mut self, method: &str, params: &[(&str, Value)]) -> Tree {
        self.send(request(method, params, None)).await;
        self.answer().await
    }

    /// Reads an answer.
    pub async fn answer(&mut self) -> Tree {
        let length = u32::from_le_bytes(self.read(4).await.try_into().unwrap());
        let body = self.read(length as usize).await;
        decode_answer(&body).unwrap()
    }

    /// Reads raw bytes.
    pub async fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        timeout(PATIENCE, self.io.read_exact(&mut bytes))
            .await
            .expect("the server says nothing")
            .unwrap();
        bytes
    }

    /// Whether the server has ended the connection, and sent nothing before.
    pub async fn is_closed(&mut self) -> bool {
        let read = timeout(PATIENCE, self.io.read_u8())
            .await
            .expect("the server says nothing");
        read.is_err()
    }
}

/// A request. Data of this length has to follow.
pub fn request(method: &str, params: &[(&str, Value)], data_len: Option<u64>) -> Vec<u8> {
    let mut list = Params::new();
    for (name, value) in params {
        list.set(name.as_bytes().to_vec(), value.clone()).unwrap();
    }
    let mut out = Vec::new();
    write_request(&mut out, method, &list, data_len).unwrap();
    out
}

/// The result of a call.
pub fn result(answer: &Tree) -> u64 {
    answer.get("result").and_then(Tree::as_u64).unwrap()
}
