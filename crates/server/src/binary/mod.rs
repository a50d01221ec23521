//! The binary front end: frames become calls, outcomes become binary answers.
//!
//! One task serves one connection. Its calls run one after another in the order they come, and are answered in that order,
//! however many a client sends ahead. Some of those that are there already are carried out together, in the same order.

mod data;
mod handover;
mod wire;

use crate::app::App;
use crate::body::Body;
use crate::call::{Behind, Call, Content, Outcome, Raw};
use crate::conn::Conn;
use crate::dispatch::{self, Entry};
use crate::listen::patience;
use crate::listen::socket::Transport;
use crate::together::{self, Party};
use data::Data;
use futures_util::StreamExt;
use pileus_api::Code;
use pileus_api::method::Access;
use pileus_api::reply::Written;
use pileus_wire::{BinarySink, Options, Params, Request, Value, parse_request};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use wire::Wire;

/// The most bytes of data that a request may announce.
const MAX_DATA_BYTES: u64 = 1 << 40;
/// How much data is read for the sake of a method that does not exist.
const DROPPED_BYTES: u64 = 64 << 20;
/// The most bytes of an answer. The protocol would allow four times as much, but an answer has to be built in memory: its
/// length stands at its beginning.
const MAX_ANSWER_BYTES: u32 = 1 << 30;

/// Serves a connection of which `first` has been read already, until it ends.
pub async fn serve(app: &Arc<App>, io: impl Transport, first: &[u8], conn: Conn) {
    let mut session = Session {
        app,
        conn: Arc::new(conn),
        wire: Wire::new(io, first, &patience::BINARY),
    };
    let end = session.run().await.unwrap_or_else(|error| {
        tracing::debug!(peer = %session.conn.peer, %error, "connection ended");
        End::Refused
    });
    session.wire.close(end == End::Refused).await;
}

/// How a connection comes to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Between two requests.
    Clean,
    /// With something that cannot be read on from.
    Refused,
}

struct Session<'a, S> {
    app: &'a Arc<App>,
    conn: Arc<Conn>,
    wire: Wire<S>,
}

impl<S: Transport> Session<'_, S> {
    /// Answers requests until the client ends the connection, breaks the protocol, or the server is to stop.
    async fn run(&mut self) -> io::Result<End> {
        let mut stopped = pin!(self.app.stopped());
        loop {
            let frame = tokio::select! {
                biased;
                () = &mut stopped => return Ok(End::Clean),
                frame = self.wire.request(self.conn.is_logged_in()) => frame?,
            };
            let Some(frame) = frame else {
                return Ok(End::Clean);
            };
            let request = parse_request(&frame)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            drop(frame);
            if let Some(end) = self.answer(request).await? {
                return Ok(end);
            }
        }
    }

    /// Answers a request, and how the connection has to end if it cannot go on.
    async fn answer(&mut self, request: Request) -> io::Result<Option<End>> {
        let Request {
            method,
            params,
            data_len,
        } = request;
        if data_len.is_some_and(|length| length > MAX_DATA_BYTES) {
            let outcome = failure(Code::OVER_QUOTA, params.get("id").cloned());
            self.send(outcome).await?;
            return Ok(Some(End::Refused));
        }
        let Some(entry) = dispatch::find(&method) else {
            tracing::debug!(peer = %self.conn.peer, "a client calls a method that does not exist");
            self.drop_data(data_len.unwrap_or(0).min(DROPPED_BYTES))
                .await?;
            return Ok(Some(End::Refused));
        };
        let call = new_call(&self.conn, entry, params);
        // If the client breaks off in the middle of the data, what has come of it is for the call to judge.
        if let Some(length) = short(data_len)
            && let Some(party) = Party::of(self.app, &call)
            && self.wire.gather(length).await
        {
            return self.call_together(party, call, length).await;
        }
        match data_len {
            Some(length) if takes_data(entry) => self.call_with_data(call, length).await,
            length => {
                self.drop_data(length.unwrap_or(0)).await?;
                self.call(call).await
            }
        }
    }

    /// Makes a call together with those behind it that have arrived and belong to it.
    async fn call_together(
        &mut self,
        mut party: Party,
        call: Call,
        length: usize,
    ) -> io::Result<Option<End>> {
        party.add(call, self.wire.take(length));
        while let Some((call, data)) = self.wire.next_held(|head| {
            let next = parse_request(head).ok()?;
            let call = new_call(&self.conn, dispatch::find(&next.method)?, next.params);
            let length = short(next.data_len)?;
            party.takes(&call).then_some((call, length))
        }) {
            party.add(call, data);
        }
        let outcomes = tokio::select! {
            biased;
            outcomes = party.dispatch(self.app) => outcomes,
            never = self.wire.meanwhile(&self.conn) => match never {},
        };
        for outcome in outcomes {
            if let Some(end) = self.send(outcome).await? {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    /// Makes a call without data. Meanwhile it is watched whether the client sends more, which is what some calls wait
    /// for.
    async fn call(&mut self, call: Call) -> io::Result<Option<End>> {
        self.conn.interrupt.reset();
        if self.wire.is_followed() {
            self.conn.interrupt.raise();
        }
        let mut body = Body::none_or_empty();
        let outcome = tokio::select! {
            // The call goes first, so that answers wait for it if it is answered at once.
            biased;
            outcome = dispatch::dispatch(self.app, call, &mut body) => outcome,
            never = self.wire.meanwhile(&self.conn) => match never {},
        };
        self.send(outcome).await
    }

    async fn call_with_data(&mut self, call: Call, length: u64) -> io::Result<Option<End>> {
        // Receiving data may take long.
        self.wire.flush().await?;
        self.conn.interrupt.reset();
        let received = Arc::new(AtomicU64::new(0));
        let data = Data::new(&mut self.wire, length, received.clone());
        let mut body = Body::new(data, Some(length), received);
        let outcome = dispatch::dispatch(self.app, call, &mut body).await;
        // The next request stands behind the data, whatever came of this one.
        let is_complete = !body.is_broken() && body.drain(u64::MAX).await;
        drop(body);
        let end = self.send(outcome).await?;
        Ok(if is_complete { end } else { Some(End::Refused) })
    }

    /// Reads data that nobody wants.
    async fn drop_data(&mut self, length: u64) -> io::Result<()> {
        let mut left = length;
        while left > 0 {
            left -= self.wire.data(left).await?.len() as u64;
        }
        Ok(())
    }

    /// Sends what a call came to. Answers how the connection has to end, if that was the last answer.
    async fn send(&mut self, outcome: Outcome) -> io::Result<Option<End>> {
        let id = outcome.id.clone();
        let (answer, behind) = match encode(outcome).await {
            Some(encoded) => encoded,
            None => {
                tracing::error!(peer = %self.conn.peer, "an answer is too large for the binary protocol");
                encode(failure(Code::INTERNAL, id))
                    .await
                    .unwrap_or((Vec::new(), Behind::Nothing))
            }
        };
        self.wire.answer(answer).await?;
        match behind {
            Behind::Nothing => Ok(None),
            Behind::Content(content) => self.send_content(content).await.map(|()| None),
            Behind::Takeover(takeover) => {
                self.wire.flush().await?;
                takeover.run(&mut self.wire).await?;
                Ok(Some(End::Clean))
            }
        }
    }

    async fn send_content(&mut self, content: Content) -> io::Result<()> {
        let mut left = content.length;
        let mut stream = match content.bytes {
            Raw::Piece(piece) => {
                self.app
                    .metrics
                    .bytes_sent
                    .fetch_add(left, Ordering::Relaxed);
                return self.wire.send_piece(piece).await;
            }
            Raw::Stream(stream) => stream,
        };
        while left > 0 {
            // The client counts on the length, so there is no way back but to break off.
            let bytes = match stream.next().await {
                Some(bytes) => bytes.map_err(io::Error::other)?,
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            };
            let count = bytes.len() as u64;
            left = left.checked_sub(count).ok_or(io::ErrorKind::InvalidData)?;
            self.wire.send(bytes).await?;
            self.app
                .metrics
                .bytes_sent
                .fetch_add(count, Ordering::Relaxed);
        }
        Ok(())
    }
}

fn new_call(conn: &Arc<Conn>, entry: &'static Entry, params: Params) -> Call {
    Call {
        entry,
        params,
        bearer: None,
        basic: None,
        user_agent: None,
        client: conn.peer.ip(),
        via_proxy: false,
        conn: conn.clone(),
    }
}

/// The length of data that is short enough to be waited for as a whole.
fn short(data_len: Option<u64>) -> Option<usize> {
    let length = usize::try_from(data_len.unwrap_or(0)).ok()?;
    (length <= together::DATA_BYTES).then_some(length)
}

fn takes_data(entry: &Entry) -> bool {
    entry.spec.access == Access::Streams
}

fn failure(code: Code, id: Option<Value>) -> Outcome {
    Outcome {
        options: Options::default(),
        id,
        auth: None,
        result: Err(code.into()),
    }
}

/// The bytes of an answer, and what follows them; `None` if they are too many.
async fn encode(outcome: Outcome) -> Option<(Vec<u8>, Behind)> {
    let mut sink = BinarySink::with_limit(outcome.options.clone(), MAX_ANSWER_BYTES);
    let (mut answering, behind) = outcome.into_answering();
    while answering.write(&mut sink) != Written::All {
        // A long answer must not keep other connections waiting.
        tokio::task::yield_now().await;
    }
    Some((sink.finish().ok()?, behind))
}
