//! Scenario files: who does what, and what has to come of it. `README.md` beside the files describes the language.

mod clause;
mod cursor;
mod parse;
mod value;

pub use clause::{Clause, Operator, Path, Segment, Shape, Subject};
pub use parse::parse;
pub use value::{Function, Piece, Value};

use crate::connection::Protocol;
use std::ops::Range;

/// A place in the source of a scenario file, in bytes.
pub type Span = Range<usize>;

/// A scenario file.
#[derive(Debug)]
pub struct Script {
    /// Family and name, such as `folder/createfolder`.
    pub name: String,
    /// The text.
    pub source: String,
    /// What it demands of the server.
    pub demands: Demands,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// What a scenario demands of the server and the connection.
#[derive(Clone, Debug, Default)]
pub struct Demands {
    /// A server that no other scenario uses.
    pub own_server: bool,
    /// Settings of that server, as TOML.
    pub config: Vec<(String, Value)>,
    /// The only protocol it can be played on.
    pub only: Option<Protocol>,
}

/// One statement.
#[derive(Debug)]
pub struct Step {
    /// Line of its first word, from 1.
    pub line: usize,
    /// Where it stands.
    pub span: Span,
    /// What it says.
    pub action: Action,
}

/// What a statement says.
#[derive(Debug)]
pub enum Action {
    /// `user NAME`: an account, and an actor that is logged in to it.
    User {
        /// The actor.
        name: String,
        /// Bytes the account may use, if said.
        quota: Option<Value>,
    },
    /// `oauth USER as NAME`: an actor that uses a user's account as an app does.
    Oauth {
        /// The account's actor.
        user: String,
        /// The new actor.
        name: String,
    },
    /// `app NAME ARGUMENTS`: registers an app.
    App {
        /// Its name.
        name: String,
        /// Further arguments of the command.
        arguments: Vec<Value>,
    },
    /// `consent USER QUERY [deny] as NAME`: a user decides about an app on the page.
    Consent {
        /// The user.
        user: String,
        /// Query of the page's address.
        query: Value,
        /// Whether the app is not let in.
        denies: bool,
        /// What the outcome is kept as.
        name: String,
    },
    /// `connect [ACTOR] as NAME`: a connection, logged in if an actor is named.
    Connect {
        /// Whose login it gets.
        actor: Option<String>,
        /// The connection.
        name: String,
    },
    /// `close NAME`: ends a connection.
    Close(String),
    /// `NAME ends`: sends nothing more on a connection but goes on receiving.
    End(String),
    /// `at +TIME`: sets the server's clock ahead, by seconds.
    At(u64),
    /// `pileus ARGUMENTS`: a command of the administrator.
    Admin(Vec<Value>),
    /// `mail ADDRESS …`: the next mail to an address.
    Mail {
        /// The address.
        to: Value,
        /// What it has to say; `None` if none may come.
        expect: Option<Expect>,
    },
    /// `ACTOR: METHOD …`: a call with its answer.
    Call {
        /// Who calls.
        actor: String,
        /// The call.
        call: Template,
        /// What has to come of it.
        expect: Expect,
    },
    /// `NAME send METHOD … then METHOD …`: calls in one piece, without waiting.
    Send {
        /// The connection.
        connection: String,
        /// The calls.
        calls: Vec<Template>,
    },
    /// `NAME receive`: the next answer.
    Receive {
        /// The connection.
        connection: String,
        /// What it has to be.
        expect: Expect,
    },
    /// `NAME waits`: no answer comes for now.
    Waits(String),
    /// `NAME write TEXT`: bytes as they stand.
    Write {
        /// The connection.
        connection: String,
        /// The bytes.
        bytes: Value,
    },
    /// `NAME http …`: a request of HTTP with everything in it said by the scenario.
    Http {
        /// The connection.
        connection: String,
        /// The request.
        request: Request,
        /// What has to come of it.
        expect: Expect,
    },
    /// `fetch LINK …`: gets content by a link.
    Fetch {
        /// The request, of which the target is the link's path.
        request: Request,
        /// What has to come of it.
        expect: Expect,
    },
}

/// A call whose parameters are still to be computed.
#[derive(Debug)]
pub struct Template {
    /// Name of the method.
    pub method: String,
    /// Names and values of the parameters.
    pub params: Vec<(String, Value)>,
    /// Data sent along.
    pub data: Option<Value>,
}

/// A request of HTTP whose parts are still to be computed.
#[derive(Debug)]
pub struct Request {
    /// `GET`, `PUT` and so on.
    pub verb: String,
    /// Path and query.
    pub target: Value,
    /// Whole header lines, without their ends.
    pub headers: Vec<Value>,
    /// The body.
    pub body: Body,
}

/// The body of a request.
#[derive(Debug)]
pub enum Body {
    /// None, nor a header that announces one.
    None,
    /// Bytes behind a `Content-Length`.
    Whole(Value),
    /// Bytes in chunks.
    Chunked(Vec<Value>),
    /// Parts of `multipart/form-data`: their headers and their content.
    Parts(Vec<(Value, Value)>),
}

/// What an answer has to be.
#[derive(Debug, Default)]
pub struct Expect {
    /// Whether the call is to be repeated until the rest holds, as for what happens in the background.
    pub eventually: bool,
    /// How it ends; anything will do if it is not said.
    pub outcome: Option<Outcome>,
    /// The bytes that come with it.
    pub data: Option<Value>,
    /// What else holds for it.
    pub clauses: Vec<Clause>,
}

/// How a call ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With this `result`, or this status of HTTP.
    Code(u64, Span),
    /// With the end of the connection instead of an answer.
    Closed,
}
