//! One connection to a server.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use pileus_api::Method;
use pileus_api::Reply;
use pileus_wire::{Params, Tree};

use crate::address::{Address, Protocol};
use crate::answer::check;
use crate::body::Body;
use crate::channel::Channel;
use crate::connect::Connector;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::incoming::Incoming;
use crate::options::Options;
use crate::{binary, http1};

/// The most bytes [`Connection::receive_raw`] answers at once.
const RAW_BYTES: usize = 64 << 10;

/// One connection, with sending and receiving apart.
///
/// Any number of requests may be sent before their answers are received, in the same order. A
/// login sticks to the connection on the server's side; [`Connection::set_credentials`] is only
/// needed where something is to be sent with each call.
///
/// Content that comes with an answer is received in pieces by [`Connection::data_chunk`]; what is
/// not received is skipped by the next [`Connection::receive`].
pub struct Connection {
    channel: Channel,
    address: Address,
    options: Arc<Options>,
    credentials: Credentials,
    /// The requests whose answers have not been received whole.
    awaited: VecDeque<Awaited>,
    /// Content of the last answer that has not been received.
    rest: Incoming,
    /// Whether the connection can carry no further call.
    is_last: bool,
}

/// A request under way.
#[derive(Clone, Copy, Default)]
struct Awaited {
    /// Whether it is a HEAD request, whose answer has no body.
    is_head: bool,
}

impl Connection {
    /// Connects to the server at a URL, see [`Address::parse`].
    ///
    /// # Errors
    /// [`Error::Setup`] or [`Error::Transport`].
    pub async fn open(url: &str, options: Options) -> Result<Connection, Error> {
        let address = Address::parse(url)?;
        let connector = Connector::new(options, address.tls)?;
        Connection::to(&connector, &address).await
    }

    pub(crate) async fn to(connector: &Connector, address: &Address) -> Result<Connection, Error> {
        let stream = connector.connect(address).await?;
        let options = Arc::clone(&connector.options);
        Ok(Connection {
            channel: Channel::new(stream, options.stall_timeout, options.max_answer_bytes),
            address: address.clone(),
            options,
            credentials: Credentials::None,
            awaited: VecDeque::new(),
            rest: Incoming::Nothing,
            is_last: false,
        })
    }

    /// Whom it is connected to.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Sends these credentials with each further call that brings none.
    pub fn set_credentials(&mut self, credentials: Credentials) {
        self.credentials = credentials;
    }

    /// Makes a call and reads its reply.
    ///
    /// # Errors
    /// [`Error::Api`] if the server refuses, otherwise what went wrong.
    pub async fn call<M: Method>(&mut self, call: &M) -> Result<M::Reply, Error> {
        let mut params = Params::new();
        call.encode(&mut params);
        let answer = self.call_raw(M::SPEC.name, &params).await?;
        read_reply::<M>(&answer)
    }

    /// Makes a call by name. The answer is returned whatever its `result` is.
    ///
    /// # Errors
    /// What went wrong with sending or receiving.
    pub async fn call_raw(&mut self, name: &str, params: &Params) -> Result<Tree, Error> {
        self.send(name, params).await?;
        self.receive().await
    }

    /// Makes a call that carries data. The answer is returned whatever its `result` is.
    ///
    /// # Errors
    /// As [`Connection::send_with_data`] and [`Connection::receive`].
    pub async fn call_raw_with_data(
        &mut self,
        name: &str,
        params: &Params,
        data: Body,
    ) -> Result<Tree, Error> {
        self.send_with_data(name, params, data).await?;
        self.receive().await
    }

    /// Sends a call. Its answer comes after those of all calls sent before.
    ///
    /// # Errors
    /// [`Error::Protocol`] if the call cannot be expressed, [`Error::Transport`] if the connection
    /// stalls. A connection that the server has closed shows when the answer is received.
    pub async fn send(&mut self, name: &str, params: &Params) -> Result<(), Error> {
        let request = self.request(name, params, None)?;
        self.awaited.push_back(Awaited::default());
        Ok(self.channel.send(&request).await?)
    }

    /// Sends a call with data, such as the content of a file.
    ///
    /// Over HTTP sending ends early if the server answers before it has all of the data.
    ///
    /// # Errors
    /// As [`Connection::send`], and [`Error::Source`] if the data cannot be read; the connection
    /// is of no use then.
    pub async fn send_with_data(
        &mut self,
        name: &str,
        params: &Params,
        mut data: Body,
    ) -> Result<(), Error> {
        let request = self.request(name, params, Some(data.length()))?;
        let nothing_awaited = self.awaited.is_empty()
            && self.rest == Incoming::Nothing
            && self.channel.inbox.is_empty();
        self.awaited.push_back(Awaited::default());
        self.channel.send(&request).await?;
        while let Some(piece) = data.next().await? {
            self.channel.send(&piece).await?;
            let answered = nothing_awaited && !self.channel.inbox.is_empty();
            if self.channel.is_broken() || (answered && self.address.protocol == Protocol::Http) {
                self.is_last = true;
                break;
            }
            data.report();
        }
        Ok(())
    }

    fn request(
        &self,
        name: &str,
        params: &Params,
        data_bytes: Option<u64>,
    ) -> Result<Vec<u8>, Error> {
        let params = self
            .credentials
            .add_to(params, self.address.protocol)
            .map_err(Error::protocol)?;
        let agent = &self.options.user_agent;
        let header = self.credentials.header();
        let header = header.as_ref();
        match (self.address.protocol, data_bytes) {
            (Protocol::Binary, _) => binary::request(name, &params, data_bytes),
            (Protocol::Http, None) => Ok(http1::call(&self.address, agent, header, name, &params)),
            (Protocol::Http, Some(data_bytes)) => Ok(http1::call_with_data(
                &self.address,
                agent,
                header,
                name,
                &params,
                data_bytes,
            )),
        }
    }

    /// Receives the next answer, whatever its `result` is. The server may take
    /// [`Options::answer_timeout`].
    ///
    /// If content comes with it, the answer has a field `data` with its length, on both protocols.
    ///
    /// # Errors
    /// [`Error::Http`] if the server answers below the API; the connection can be used further.
    /// After other errors it cannot.
    pub async fn receive(&mut self) -> Result<Tree, Error> {
        self.receive_within(self.options.answer_timeout).await
    }

    /// The same with another limit on how long the server may take to begin.
    ///
    /// # Errors
    /// As [`Connection::receive`].
    pub async fn receive_within(&mut self, limit: Duration) -> Result<Tree, Error> {
        self.skip_data().await?;
        let max = self.options.max_answer_bytes;
        let answer = match self.address.protocol {
            Protocol::Binary => {
                let answer = binary::receive(&mut self.channel, limit, max).await?;
                self.rest = answer
                    .data_len()
                    .map_or(Incoming::Nothing, Incoming::Length);
                answer
            }
            Protocol::Http => {
                let head = self.receive_head(limit).await?;
                if !head.status.is_success() {
                    self.skip_data().await?;
                    self.awaited.pop_front();
                    return Err(Error::Http {
                        status: head.status.as_u16(),
                    });
                }
                if head.is_json() {
                    let json = self.rest.all(&mut self.channel, max).await?;
                    Tree::from_json(&json).map_err(Error::protocol)?
                } else {
                    head.data_answer()
                        .ok_or_else(|| Error::protocol("content without a length"))?
                }
            }
        };
        self.awaited.pop_front();
        Ok(answer)
    }

    async fn receive_head(&mut self, limit: Duration) -> Result<http1::Head, Error> {
        let is_head = self.awaited.front().is_some_and(|awaited| awaited.is_head);
        let head = http1::receive(&mut self.channel, limit, is_head).await?;
        self.rest = head.body;
        self.is_last |= head.is_last;
        Ok(head)
    }

    /// Receives a piece of the content that came with the last answer; `None` at its end.
    ///
    /// # Errors
    /// [`Error::Transport`] or [`Error::Protocol`]; the connection is of no use then.
    pub async fn data_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.rest.next(&mut self.channel).await
    }

    /// Receives all of the content that came with the last answer, at most
    /// [`Options::max_answer_bytes`].
    ///
    /// # Errors
    /// As [`Connection::data_chunk`].
    pub async fn read_data(&mut self) -> Result<Bytes, Error> {
        let max = self.options.max_answer_bytes;
        self.rest.all(&mut self.channel, max).await
    }

    /// How many bytes of content are still to be received, if that is known.
    pub(crate) fn data_length(&self) -> Option<u64> {
        self.rest.length()
    }

    async fn skip_data(&mut self) -> Result<(), Error> {
        while self.data_chunk().await?.is_some() {}
        Ok(())
    }

    /// Sends an HTTP request as it is; only `Host`, `User-Agent` and `Content-Length` are added
    /// where they are missing.
    ///
    /// # Errors
    /// As [`Connection::send`].
    pub async fn send_http(&mut self, request: &Request<Bytes>) -> Result<(), Error> {
        self.awaited.push_back(Awaited {
            is_head: request.method() == http::Method::HEAD,
        });
        let bytes = http1::request(&self.address, &self.options.user_agent, request);
        Ok(self.channel.send(&bytes).await?)
    }

    /// Receives an HTTP answer of any status with its body.
    ///
    /// # Errors
    /// [`Error::Transport`] or [`Error::Protocol`].
    pub async fn receive_http(&mut self) -> Result<Response<Bytes>, Error> {
        let head = self.receive_http_head().await?;
        let body = self.read_data().await?;
        let mut response = Response::new(body);
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;
        Ok(response)
    }

    /// Receives the head of an HTTP answer; its body is the content to receive next.
    pub(crate) async fn receive_http_head(&mut self) -> Result<http1::Head, Error> {
        self.skip_data().await?;
        let head = self.receive_head(self.options.answer_timeout).await?;
        self.awaited.pop_front();
        Ok(head)
    }

    /// Sends bytes that need not be a request. Meant for tests of a server.
    ///
    /// # Errors
    /// [`Error::Transport`] if the connection stalls.
    pub async fn send_raw(&mut self, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.channel.send(bytes).await?)
    }

    /// Receives what has arrived, at least one byte; `None` once the server has closed the
    /// connection.
    ///
    /// # Errors
    /// [`Error::Transport`] if nothing comes for [`Options::stall_timeout`].
    pub async fn receive_raw(&mut self) -> Result<Option<Bytes>, Error> {
        if self.channel.inbox.is_empty() {
            match self.channel.fill(RAW_BYTES).await {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        let count = self.channel.inbox.len().min(RAW_BYTES);
        Ok(Some(self.channel.inbox.split_to(count).freeze()))
    }

    /// Tells the server that no further request will come. Answers can still be received.
    ///
    /// # Errors
    /// [`Error::Transport`] if the connection stalls.
    pub async fn finish_sending(&mut self) -> Result<(), Error> {
        self.is_last = true;
        Ok(self.channel.finish().await?)
    }

    /// Whether nothing is under way and another call can be made.
    pub(crate) fn is_idle(&mut self) -> bool {
        // A body without bytes has ended, although nobody has asked it for more.
        self.awaited.is_empty()
            && self.rest.length() == Some(0)
            && !self.is_last
            && self.channel.is_quiet()
    }
}

/// Reads the reply of a call from its answer.
pub(crate) fn read_reply<M: Method>(answer: &Tree) -> Result<M::Reply, Error> {
    check(answer)?;
    <M::Reply as Reply>::read(answer).ok_or_else(|| {
        Error::Protocol(format!("the reply to {} has an unknown form", M::SPEC.name))
    })
}
