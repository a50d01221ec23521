//! What a method declares about itself.

use crate::codes::Code;
use crate::reply::{FieldSpec, Reply};
pub use pileus_wire::Params;

/// Who may call a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Anybody; credentials are still checked if they are sent.
    Anyone,
    /// A logged-in account, also by the token of an app.
    User,
    /// A logged-in account, also by the token of an app; of an app that sees one folder only it answers 1000.
    Account,
    /// A logged-in account itself; the token of an app answers 1000.
    Owner,
}

/// What a method does with the server's state, and so which context it runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads, in one snapshot.
    Read,
    /// Writes, in one transaction.
    Write,
    /// Works without a login; opens its own short transactions if it needs any.
    Public,
    /// Moves content bytes, with short transactions of its own.
    Streams,
    /// May wait for something to happen, holding no database connection.
    Waits,
    /// Nothing: it always answers the same refusal.
    Refused,
}

/// Access kinds as types, so that the server can demand the right kind of implementation at compile time.
pub mod access {
    /// See [`super::Access::Read`].
    pub enum Read {}
    /// See [`super::Access::Write`].
    pub enum Write {}
    /// See [`super::Access::Public`].
    pub enum Public {}
    /// See [`super::Access::Streams`].
    pub enum Streams {}
    /// See [`super::Access::Waits`].
    pub enum Waits {}
    /// See [`super::Access::Refused`].
    pub enum Refused {}
}

/// One parameter, for documents and tests.
#[derive(Clone, Debug)]
pub struct ParamSpec {
    /// Name on the wire.
    pub name: &'static str,
    /// What it holds: `int`, `flag`, `string`, `datetime`, …
    pub kind: &'static str,
    /// What it means; may be empty for the members of a group, which the group's text covers.
    pub doc: String,
    /// The code that answers a call without it, if it is required.
    pub missing: Option<Code>,
}

/// Everything a declaration says about a method.
#[derive(Debug)]
pub struct Spec {
    /// Name on the wire, verbatim.
    pub name: &'static str,
    /// Family as the API's documentation groups it; also the name of the declaring file.
    pub family: &'static str,
    /// The declaration's doc comment.
    pub doc: &'static str,
    /// Who may call it.
    pub caller: Caller,
    /// What it does.
    pub access: Access,
    /// Whether it answers a token also if the call does not ask for one by `getauth`.
    pub answers_token: bool,
    /// The codes it may answer beside those any method may answer (see [`GENERAL_FAILURES`]) and those that its
    /// parameters give when they are missing.
    pub fails: &'static [Code],
    /// Appends its parameters.
    pub params: fn(&mut Vec<ParamSpec>),
    /// Appends the fields of its reply.
    pub reply: fn(&mut Vec<FieldSpec>),
}

/// Codes that any method may answer: they come from the credentials, from text that is not UTF-8, or from trouble in the
/// server.
pub const GENERAL_FAILURES: &[Code] = &[
    Code::LOGIN_REQUIRED,
    Code::WRONG_FORM,
    Code::LOGIN_FAILED,
    Code::BEARER_INVALID,
    Code::DIGEST_IMPOSSIBLE,
    Code::SECOND_FACTOR_NEEDED,
    Code::MAIL_CHECK_NEEDED,
    Code::LOGINS_LIMITED,
    Code::REQUESTS_LIMITED,
    Code::INTERNAL,
];

impl Spec {
    /// All parameters, in the order of the declaration.
    pub fn params(&self) -> Vec<ParamSpec> {
        let mut list = Vec::new();
        (self.params)(&mut list);
        list
    }

    /// All reply fields, in the order they are written.
    pub fn reply(&self) -> Vec<FieldSpec> {
        let mut list = Vec::new();
        (self.reply)(&mut list);
        list
    }

    /// Whether the declaration covers this code.
    pub fn may_answer(&self, code: Code) -> bool {
        GENERAL_FAILURES.contains(&code)
            || self.fails.contains(&code)
            || self
                .params()
                .iter()
                .any(|param| param.missing == Some(code))
    }
}

/// A group of parameters that can be read from a call and written into one. Derived.
pub trait Decode: Sized {
    /// Reads the parameters. Pure: it looks at nothing but the call, so errors of form never depend on stored data.
    fn decode(params: &Params) -> Result<Self, Code>;
    /// Writes the parameters, for clients.
    fn encode(&self, params: &mut Params);
    /// Describes the parameters.
    fn describe(out: &mut Vec<ParamSpec>);
}

/// A method of the API: its parameters as a struct. Derived.
pub trait Method: Decode + Send + 'static {
    /// What the declaration says.
    const SPEC: &'static Spec;
    /// The kind of [`access`] as a type.
    type Access;
    /// What a successful call answers beside `result`.
    type Reply: Reply;
}

/// The family that a module path stands for: its last part, which is the file's name.
pub const fn family(module_path: &'static str) -> &'static str {
    let bytes = module_path.as_bytes();
    let mut at = bytes.len();
    while at > 0 && bytes[at - 1] != b':' {
        at -= 1;
    }
    let (_, last) = module_path.split_at(at);
    last
}

/// Asserts limits of the binary protocol at compile time: method names have at most 127 bytes.
pub const fn check_method_name(name: &str) {
    assert!(
        !name.is_empty() && name.len() <= 127,
        "a method name has 1 to 127 bytes"
    );
}

/// Asserts limits of the binary protocol at compile time: parameter names have at most 63 bytes.
pub const fn check_param_name(name: &str) {
    assert!(
        !name.is_empty() && name.len() <= 63,
        "a parameter name has 1 to 63 bytes"
    );
}
