//! Scalar parameters: how each Rust type is read from a call.

use crate::codes::Code;
use crate::method::ParamSpec;
use pileus_wire::{Params, UnixTime, Value};

/// A field of a method declaration: one parameter, or a group of several under names of its own.
pub trait Field: Sized {
    /// Reads it. `missing` is the code for a required parameter that is not there or not readable.
    fn take(name: &'static str, missing: Option<Code>, params: &Params) -> Result<Self, Code>;
    /// Writes it, for clients.
    fn put(&self, name: &'static str, params: &mut Params);
    /// Describes it.
    fn describe(
        name: &'static str,
        doc: &'static str,
        missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    );
}

/// A required parameter without a declared code is a mistake in the declaration; a test of the registry finds it, and
/// at run time it must not look like the caller's mistake.
fn required(missing: Option<Code>) -> Code {
    missing.unwrap_or(Code::INTERNAL)
}

pub(crate) fn spec(
    name: &'static str,
    kind: &'static str,
    doc: &str,
    missing: Option<Code>,
) -> ParamSpec {
    ParamSpec {
        name,
        kind,
        doc: doc.trim().to_owned(),
        missing,
    }
}

/// Adds a parameter to a call. A call of ours never comes near the limit of 255 parameters.
pub(crate) fn put(params: &mut Params, name: &'static str, value: Value) {
    let fits = params.set(name, value).is_ok();
    debug_assert!(fits, "more than 255 parameters in one declaration");
}

pub(crate) fn text_value(text: &str) -> Value {
    Value::Text(text.as_bytes().to_vec().into())
}

/// The text of a parameter; unreadable text counts as not given.
pub(crate) fn text(params: &Params, name: &str) -> Option<String> {
    params.text(name)?.ok().map(|text| text.into_owned())
}

/// Reads and writes one of Rust's whole numbers.
macro_rules! whole_number {
    ($type:ty, $read:ident, $value:expr) => {
        impl Field for $type {
            fn take(
                name: &'static str,
                missing: Option<Code>,
                params: &Params,
            ) -> Result<Self, Code> {
                params.$read(name).ok_or(required(missing))
            }
            fn put(&self, name: &'static str, params: &mut Params) {
                put(params, name, $value(*self));
            }
            fn describe(
                name: &'static str,
                doc: &'static str,
                missing: Option<Code>,
                out: &mut Vec<ParamSpec>,
            ) {
                out.push(spec(name, "int", doc, missing));
            }
        }

        impl Optional for $type {
            fn take_optional(name: &'static str, params: &Params) -> Result<Option<Self>, Code> {
                Ok(params.$read(name))
            }
        }
    };
}

whole_number!(u64, uint, Value::Num);
whole_number!(i64, int, signed_value);

/// The binary protocol has no negative numbers, so they go as text.
fn signed_value(number: i64) -> Value {
    u64::try_from(number).map_or_else(|_| text_value(&number.to_string()), Value::Num)
}

impl Field for String {
    fn take(name: &'static str, missing: Option<Code>, params: &Params) -> Result<Self, Code> {
        text(params, name)
            .filter(|text| !text.is_empty())
            .ok_or(required(missing))
    }
    fn put(&self, name: &'static str, params: &mut Params) {
        put(params, name, text_value(self));
    }
    fn describe(
        name: &'static str,
        doc: &'static str,
        missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        out.push(spec(name, "string", doc, missing));
    }
}

/// A flag: set when it is there and neither empty nor `0` nor `false`.
impl Field for bool {
    fn take(name: &'static str, _missing: Option<Code>, params: &Params) -> Result<Self, Code> {
        Ok(params.flag(name))
    }
    fn put(&self, name: &'static str, params: &mut Params) {
        if *self {
            put(params, name, Value::Bool(true));
        }
    }
    fn describe(
        name: &'static str,
        doc: &'static str,
        missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        out.push(spec(name, "flag", doc, missing));
    }
}

/// An optional parameter. A number that cannot be read counts as not given; what answers a text that cannot be read can be
/// declared as for a required one.
impl<T: Field + Optional> Field for Option<T> {
    fn take(name: &'static str, missing: Option<Code>, params: &Params) -> Result<Self, Code> {
        T::take_optional(name, params).map_err(|code| match missing {
            Some(missing) if code == Code::WRONG_FORM => missing,
            _ => code,
        })
    }
    fn put(&self, name: &'static str, params: &mut Params) {
        if let Some(value) = self {
            value.put(name, params);
        }
    }
    fn describe(
        name: &'static str,
        doc: &'static str,
        _missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        T::describe(name, doc, None, out);
    }
}

/// Scalars that may be left out.
pub trait Optional: Sized {
    /// Reads the parameter if it is there.
    fn take_optional(name: &'static str, params: &Params) -> Result<Option<Self>, Code>;
}

impl Optional for String {
    fn take_optional(name: &'static str, params: &Params) -> Result<Option<Self>, Code> {
        match params.text(name) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text.into_owned()).filter(|text| !text.is_empty())),
            Some(Err(_)) => Err(Code::WRONG_FORM),
        }
    }
}

/// A point in time in any of the accepted forms; what cannot be read answers 1013.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datetime(pub UnixTime);

impl Field for Datetime {
    fn take(name: &'static str, missing: Option<Code>, params: &Params) -> Result<Self, Code> {
        Self::take_optional(name, params)?.ok_or(required(missing))
    }
    fn put(&self, name: &'static str, params: &mut Params) {
        put(params, name, text_value(&self.0.0.to_string()));
    }
    fn describe(
        name: &'static str,
        doc: &'static str,
        missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        out.push(spec(name, "datetime", doc, missing));
    }
}

impl Optional for Datetime {
    fn take_optional(name: &'static str, params: &Params) -> Result<Option<Self>, Code> {
        match params.text(name) {
            None => Ok(None),
            Some(Ok(text)) if text.is_empty() => Ok(None),
            Some(Ok(text)) => UnixTime::parse(&text)
                .map(|time| Some(Self(time)))
                .ok_or(Code::BAD_DATETIME),
            Some(Err(_)) => Err(Code::BAD_DATETIME),
        }
    }
}

/// Unix seconds of a file time. Negative values, and those past the year 9999 which have no text form, count as not
/// given: clients send whatever their file system holds and must not lose the upload for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub u64);

/// The last second of the year 9999.
const SECONDS_MAX: u64 = 253_402_300_799;

impl Seconds {
    /// As a time.
    pub fn time(self) -> UnixTime {
        UnixTime(i64::try_from(self.0).unwrap_or(0))
    }
}

impl Field for Seconds {
    fn take(name: &'static str, missing: Option<Code>, params: &Params) -> Result<Self, Code> {
        Self::take_optional(name, params)?.ok_or(required(missing))
    }
    fn put(&self, name: &'static str, params: &mut Params) {
        put(params, name, Value::Num(self.0));
    }
    fn describe(
        name: &'static str,
        doc: &'static str,
        missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        out.push(spec(name, "unix seconds", doc, missing));
    }
}

/// What a client believes a file's time to be. Believing nonsense is not the same as saying nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownTime(pub Option<Seconds>);

impl Field for KnownTime {
    fn take(name: &'static str, missing: Option<Code>, params: &Params) -> Result<Self, Code> {
        Self::take_optional(name, params)?.ok_or(required(missing))
    }
    fn put(&self, name: &'static str, params: &mut Params) {
        if let Some(seconds) = self.0 {
            seconds.put(name, params);
        }
    }
    fn describe(
        name: &'static str,
        doc: &'static str,
        missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        Seconds::describe(name, doc, missing, out);
    }
}

impl Optional for KnownTime {
    fn take_optional(name: &'static str, params: &Params) -> Result<Option<Self>, Code> {
        if is_left_out(name, params) {
            return Ok(None);
        }
        Seconds::take_optional(name, params).map(|known| Some(Self(known)))
    }
}

/// Whether a parameter is not there, or empty.
pub(crate) fn is_left_out(name: &str, params: &Params) -> bool {
    match params.text(name) {
        None => true,
        Some(text) => text.is_ok_and(|text| text.is_empty()),
    }
}

impl Optional for Seconds {
    fn take_optional(name: &'static str, params: &Params) -> Result<Option<Self>, Code> {
        Ok(params
            .uint(name)
            .filter(|&seconds| seconds <= SECONDS_MAX)
            .map(Self))
    }
}
