//! Where a connection stands between two requests: what the byte stream under hyper and the handlers of requests tell
//! each other.

use crate::conn::Conn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

/// What hyper may be given next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The head of a request, up to the blank line that ends it.
    Head,
    /// The rest of a body whose length was announced: so many bytes.
    Body(u64),
    /// A body in chunks.
    Chunks(Pause),
    /// Nothing: the request has been read, and the handler makes the answer.
    Call,
    /// Nothing: hyper takes the answer, which may be long.
    Answer,
    /// Nothing: hyper has the whole answer, and has yet to send the rest of it.
    Answered,
}

/// Whether a body in chunks goes on. Only hyper can tell where it ends. But it ends with a blank line, so what follows
/// one is held back until hyper and the handler both turn out to wait for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// It goes on.
    No,
    /// The bytes given so far end with a blank line.
    AtBlankLine,
    /// Besides, hyper has used them up and asks for more: either for the rest of the body, or to look for a next request.
    HyperAsks,
}

/// How long a request's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// So many bytes, or none at all.
    Known(u64),
    /// It comes in chunks.
    Chunked,
}

/// One connection, as its byte stream, the handler of the present request and the body of the answer share it.
///
/// All of them run in the task of the connection, so nobody ever waits for the lock.
#[derive(Debug)]
pub(super) struct Line {
    /// What the API remembers of the connection.
    pub(super) conn: Arc<Conn>,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) phase: Phase,
    /// Wakes hyper when it may read on.
    pub(super) reader: Option<Waker>,
    /// Wakes the handler when it is to ask for its body again.
    handler: Option<Waker>,
    /// Whether the handler has asked for its body at all.
    body_wanted: bool,
    /// Whether the present answer was made before the request had been read, and so is the last one.
    is_body_left: bool,
    /// Whether the client makes a pause between two requests.
    pub(super) is_paused: bool,
}

impl Line {
    pub(super) fn new(conn: Arc<Conn>) -> Self {
        let state = State {
            phase: Phase::Head,
            reader: None,
            handler: None,
            body_wanted: false,
            is_body_left: false,
            is_paused: false,
        };
        Self {
            conn,
            state: Mutex::new(state),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// hyper has read a head. To be called before it reads on.
    pub(super) fn begin(&self, length: Length) {
        self.conn.interrupt.reset();
        let mut state = self.state();
        state.body_wanted = false;
        state.phase = match length {
            Length::Known(0) => Phase::Call,
            Length::Known(length) => Phase::Body(length),
            Length::Chunked => Phase::Chunks(Pause::No),
        };
    }

    /// The handler wants bytes of the body, and there are none yet.
    pub(super) fn body_awaited(&self, cx: &Context<'_>) {
        let mut state = self.state();
        state.body_wanted = true;
        match state.phase {
            Phase::Chunks(Pause::HyperAsks) => {
                state.phase = Phase::Chunks(Pause::No);
                state.wake_reader();
            }
            Phase::Chunks(_) => state.handler = Some(cx.waker().clone()),
            Phase::Head | Phase::Body(_) | Phase::Call | Phase::Answer | Phase::Answered => {}
        }
    }

    /// The handler has seen the end of the body.
    pub(super) fn body_ended(&self) {
        let mut state = self.state();
        if let Phase::Chunks(_) | Phase::Body(0) = state.phase {
            state.phase = Phase::Call;
            state.wake_reader();
        }
    }

    /// Whether the client makes a pause between two requests.
    pub(super) fn is_paused(&self) -> bool {
        self.state().is_paused
    }

    /// Whether the last answer left some of its request unread.
    pub(super) fn is_body_left(&self) -> bool {
        self.state().is_body_left
    }

    /// Whether the handler has asked for the body. If not, a client that waits for `100 Continue` still does.
    pub(super) fn is_body_wanted(&self) -> bool {
        self.state().body_wanted
    }

    /// The handler is done: its answer goes to hyper.
    pub(super) fn answer(&self) {
        let mut state = self.state();
        state.is_body_left = matches!(state.phase, Phase::Body(_) | Phase::Chunks(_));
        state.phase = Phase::Answer;
    }

    /// hyper has taken the whole answer.
    pub(super) fn answered(&self) {
        self.state().phase = Phase::Answered;
    }
}

impl Phase {
    /// Whether a call may be running, which nothing that happens to the connection may cut off.
    pub(super) fn is_call(self) -> bool {
        matches!(self, Self::Body(_) | Self::Chunks(_) | Self::Call)
    }
}

impl State {
    /// Has hyper read again.
    pub(super) fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// hyper asks for bytes behind a blank line in a body. The handler knows whether there are any: it is asked next.
    pub(super) fn hyper_asks(&mut self, cx: &Context<'_>) {
        self.phase = Phase::Chunks(Pause::HyperAsks);
        self.reader = Some(cx.waker().clone());
        if let Some(handler) = self.handler.take() {
            handler.wake();
        }
    }
}
