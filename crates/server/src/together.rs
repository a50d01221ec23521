//! Calls that a client has sent one behind the other, carried out in one go.
//!
//! Programs that work on a descriptor read and write it in small pieces, and do not wait for one answer before the next
//! call. Each call needs the database, to see whether the caller still may, and the disk: two hops to other threads,
//! which take many times as long as what is done there. So calls of one method that are there already share the hops.
//! Each is still answered for itself, and in order.
//!
//! They also share the login that the connection remembers, so none may bring anything along but the parameters of the
//! method itself.

use crate::app::App;
use crate::body::Body;
use crate::call::{Answer, Call, Fail, Outcome, Success};
use crate::cx::Cx;
use crate::dispatch::{self, Entry, Streamed, Streams};
use crate::login::{self, Claim};
use bytes::Bytes;
use futures_util::FutureExt;
use pileus_api::Code;
use pileus_api::fileops::{FilePread, FilePwrite};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

/// Calls that are carried out together at most.
pub const MOST: usize = 16;

/// The most data of one of them.
pub const DATA_BYTES: usize = 64 * 1024;

/// A method whose calls can be carried out together.
pub trait Together: Streams {
    /// Does for each call, in their order, what [`Streams::run`] does for one whose data is this.
    fn run_all(
        calls: Vec<(Self, Bytes)>,
        cx: &mut Cx<'_, '_>,
    ) -> impl Future<Output = Vec<Answer<Streamed<Self::Reply>>>> + Send;
}

type Running<'a> = Pin<Box<dyn Future<Output = Vec<Answer<Success>>> + Send + 'a>>;

/// How calls of one method are carried out together.
type RunAll = for<'a> fn(&'a Arc<App>, &'a [(Arc<Call>, Bytes)], Claim) -> Running<'a>;

/// A [`Together`] without its type.
struct Kind {
    name: &'static str,
    params: Vec<&'static str>,
    run_all: RunAll,
}

static KINDS: LazyLock<[Kind; 2]> = LazyLock::new(|| [kind::<FilePread>(), kind::<FilePwrite>()]);

fn kind<M: Together + Sync>() -> Kind {
    Kind {
        name: M::SPEC.name,
        params: M::SPEC.params().iter().map(|param| param.name).collect(),
        run_all: |app, calls, claim| Box::pin(run_all::<M>(app, calls, claim)),
    }
}

/// Calls that are carried out together.
pub struct Party {
    kind: &'static Kind,
    entry: &'static Entry,
    claim: Claim,
    calls: Vec<(Arc<Call>, Bytes)>,
}

impl Party {
    /// A party that a call may begin, if it may.
    pub fn of(app: &App, call: &Call) -> Option<Self> {
        let kind = KINDS
            .iter()
            .find(|kind| kind.name == call.entry.spec.name)?;
        let party = Self {
            kind,
            entry: call.entry,
            claim: Claim::Known(login::remembered(app, call)?),
            calls: Vec::new(),
        };
        party.takes(call).then_some(party)
    }

    /// Whether one more call belongs to it.
    pub fn takes(&self, call: &Call) -> bool {
        let is_own = |name: &[u8]| {
            name == b"id"
                || self
                    .kind
                    .params
                    .iter()
                    .any(|param| param.as_bytes() == name)
        };
        self.calls.len() < MOST
            && std::ptr::eq(self.entry, call.entry)
            && call.params.iter().all(|(name, _)| is_own(name))
    }

    /// Adds a call that belongs to it, with its data.
    pub fn add(&mut self, call: Call, data: Bytes) {
        self.calls.push((Arc::new(call), data));
    }

    /// Carries the calls out and answers what they came to.
    pub async fn dispatch(self, app: &Arc<App>) -> Vec<Outcome> {
        let began = Instant::now();
        let running = AssertUnwindSafe((self.kind.run_all)(app, &self.calls, self.claim));
        let ran = running.catch_unwind().await;
        let ran = ran.map_err(|_| Fail::internal("the method panicked"));
        let answers = each(self.calls.len(), ran);
        let outcomes = self.calls.iter().zip(answers).map(|((call, _), result)| {
            let outcome = Outcome {
                options: dispatch::options(call),
                id: call.params.get("id").cloned(),
                auth: None,
                result,
            };
            dispatch::log(app, call, &outcome, None, began);
            outcome
        });
        outcomes.collect()
    }
}

async fn run_all<M: Together + Sync>(
    app: &Arc<App>,
    calls: &[(Arc<Call>, Bytes)],
    claim: Claim,
) -> Vec<Answer<Success>> {
    let Some((first, _)) = calls.first() else {
        return Vec::new();
    };
    let mut cx = Cx {
        app,
        call: first,
        body: &mut Body::none(),
        user: None,
        now: app.clock.now(),
        claim,
        spec: M::SPEC,
    };
    let mut refused = Vec::with_capacity(calls.len());
    let mut decoded = Vec::with_capacity(calls.len());
    for (call, data) in calls {
        match M::decode(&call.params) {
            Ok(method) => {
                decoded.push((method, data.clone()));
                refused.push(None);
            }
            Err(code) => refused.push(Some(code)),
        }
    }
    let mut answers = M::run_all(decoded, &mut cx).await.into_iter();
    let answers = refused.into_iter().map(|refused| match refused {
        Some(code) => Err(code.into()),
        None => answers
            .next()
            .unwrap_or_else(|| Err(Code::INTERNAL.into()))
            .map(Success::from),
    });
    answers.collect()
}

/// What each of several calls came to, if what they have in common may have failed.
pub fn each<T>(count: usize, common: Answer<Vec<Answer<T>>>) -> Vec<Answer<T>> {
    match common {
        Ok(answers) => answers,
        Err(fail) => (0..count)
            .map(|_| {
                Err(Fail {
                    cause: fail.cause.clone(),
                    ..fail.code.into()
                })
            })
            .collect(),
    }
}
