//! From a call to its outcome: one readable way for all methods.

use crate::app::App;
use crate::body::Body;
use crate::call::{Answer, Call, Content, Fail, Outcome, Success};
use crate::conn::{Conn, Filters};
use crate::cx::{Cx, Edit, View, provided, required};
use crate::handover::Takeover;
use crate::login::{self, Claim, User};
use crate::rules::app_folder;
use futures_util::FutureExt;
use pileus_api::method::{Access, Caller, Method, Spec, access};
use pileus_api::reply::Reply;
use pileus_api::stubs::Refused;
use pileus_api::{Code, UnixTime, every_method};
use pileus_wire::{Filter, IconFormat, Options, Params, TimeFormat};
use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// A method that reads.
pub trait Reads: Method<Access = access::Read> {
    /// Does what the method promises.
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<Self::Reply>;
}

/// A method that writes.
pub trait Writes: Method<Access = access::Write> {
    /// Does what the method promises. May run several times, of which only the last counts.
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<Self::Reply>;
}

/// A method that needs no login.
pub trait Public: Method<Access = access::Public> {
    /// Does what the method promises.
    fn run(&self, cx: &mut Cx<'_, '_>) -> impl Future<Output = Answer<Self::Reply>> + Send;
}

/// A method that moves content.
pub trait Streams: Method<Access = access::Streams> {
    /// Does what the method promises.
    fn run(
        &self,
        cx: &mut Cx<'_, '_>,
    ) -> impl Future<Output = Answer<Streamed<Self::Reply>>> + Send;
}

/// A method that may wait.
pub trait Waits: Method<Access = access::Waits> {
    /// What a call does to its connection even if it is refused for whatever reason.
    fn arrives(_conn: &Conn) {}
    /// Does what the method promises.
    fn run(&self, cx: &mut Cx<'_, '_>) -> impl Future<Output = Answer<Self::Reply>> + Send;
}

/// What a method that moves content answers.
pub enum Streamed<R> {
    /// An ordinary reply.
    Reply(R),
    /// The bytes themselves.
    Content(Content),
    /// A reply, and behind it bytes that it does not announce.
    Followed(R, Content),
    /// A reply, after which the connection changes hands; see [`Success::Takeover`].
    Takeover(R, Box<dyn Takeover>),
}

impl<R: Reply + 'static> From<Streamed<R>> for Success {
    fn from(streamed: Streamed<R>) -> Self {
        match streamed {
            Streamed::Reply(reply) => Self::Reply(Box::new(reply)),
            Streamed::Content(content) => Self::Content(content),
            Streamed::Followed(reply, content) => Self::Followed(Box::new(reply), content),
            Streamed::Takeover(reply, takeover) => Self::Takeover(Box::new(reply), takeover),
        }
    }
}

/// A method in the table.
pub struct Entry {
    /// Its declaration.
    pub spec: &'static Spec,
    arrives: fn(&Conn),
    run: Run,
}

/// What a method came to, and who called it.
type Ran = (Answer<Success>, Option<User>);
type Running<'a> = Pin<Box<dyn Future<Output = Ran> + Send + 'a>>;
type Run = for<'a, 'b> fn(&'a Arc<App>, &'a Arc<Call>, Claim, &'a mut Body<'b>) -> Running<'a>;

/// How methods of one kind of access are run.
trait Kind<M: Method> {
    /// See [`Waits::arrives`].
    fn arrives(_conn: &Conn) {}

    fn run<'a>(
        app: &'a Arc<App>,
        call: &'a Arc<Call>,
        claim: Claim,
        body: &'a mut Body<'_>,
    ) -> Running<'a>;
}

const fn entry<M: Method>() -> Entry
where
    M::Access: Kind<M>,
{
    Entry {
        spec: M::SPEC,
        arrives: <M::Access as Kind<M>>::arrives,
        run: <M::Access as Kind<M>>::run,
    }
}

macro_rules! table {
    ($($family:ident::$method:ident),* $(,)?) => {
        /// All methods. One that is declared but not implemented does not compile.
        static METHODS: &[Entry] = &[$(entry::<pileus_api::$family::$method>()),*];
    };
}

every_method!(table);

/// The method with this name.
pub fn find(name: &str) -> Option<&'static Entry> {
    static INDEX: OnceLock<HashMap<&'static str, &'static Entry>> = OnceLock::new();
    INDEX
        .get_or_init(|| {
            METHODS
                .iter()
                .map(|entry| (entry.spec.name, entry))
                .collect()
        })
        .get(name)
        .copied()
}

/// Carries out a call. What few calls come to is boxed here: all that wait would hold room for it.
pub async fn dispatch(app: &Arc<App>, call: Call, body: &mut Body<'_>) -> Outcome {
    let began = Instant::now();
    let options = options(&call);
    let id = call.params.get("id").cloned();
    let call = Arc::new(call);
    let (result, auth, account) = run(app, &call, body).await;
    let outcome = Outcome {
        options,
        id,
        auth,
        result,
    };
    log(app, &call, &outcome, account, began);
    outcome
}

async fn run(
    app: &Arc<App>,
    call: &Arc<Call>,
    body: &mut Body<'_>,
) -> (Answer<Success>, Option<String>, Option<i64>) {
    (call.entry.arrives)(&call.conn);
    let claim = match login::claim(app, call).await {
        Ok(claim) => claim,
        Err(fail) => return (Err(fail), None, None),
    };
    let received = body.received();
    let (mut result, mut user) = attempt(app, call, claim.clone(), body).await;
    // A token that is refused may lack nothing but the folder of its app. Data that is taken already does not come again.
    if let (Err(fail), Claim::Bearer(secret)) = (&result, &claim)
        && fail.code == Code::BEARER_INVALID
        && body.received() == received
    {
        match Box::pin(app_folder::make(app, call, secret)).await {
            Ok(true) => (result, user) = attempt(app, call, claim, body).await,
            Ok(false) => {}
            Err(fail) => result = Err(fail),
        }
    }
    let account = user.as_ref().map(|user| user.account.id);
    let mut auth = None;
    if let (Ok(_), Some(user)) = (&result, &user) {
        if let Some(token) = &user.token {
            login::note_use(app, token, app.clock.now());
        }
        if call.params.flag("getauth") || call.entry.spec.answers_token {
            match Box::pin(login::token_to_answer(app, call, user)).await {
                Ok(token) => auth = token,
                Err(fail) => result = Err(fail),
            }
        }
    }
    (result, auth, account)
}

async fn attempt(app: &Arc<App>, call: &Arc<Call>, claim: Claim, body: &mut Body<'_>) -> Ran {
    let running = AssertUnwindSafe((call.entry.run)(app, call, claim, body));
    match running.catch_unwind().await {
        Ok(ran) => ran,
        Err(_) => (Err(Fail::internal("the method panicked")), None),
    }
}

/// How the answer is to be written. Filters stay on the connection until they are replaced.
pub(crate) fn options(call: &Call) -> Options {
    let is =
        |name: &str, value: &str| matches!(call.params.text(name), Some(Ok(text)) if text == value);
    let filters = filters(&call.params, call);
    Options {
        time: if is("timeformat", "timestamp") {
            TimeFormat::Timestamp
        } else {
            TimeFormat::Text
        },
        icon: if is("iconformat", "id") {
            IconFormat::Id
        } else {
            IconFormat::Name
        },
        file_filter: filters.file.or_else(|| filters.both.clone()),
        folder_filter: filters.folder.or(filters.both),
    }
}

fn filters(params: &Params, call: &Call) -> Filters {
    let mut filters = call.conn.filters();
    let mut is_changed = false;
    let mut read = |name: &str, filter: &mut Option<Arc<Filter>>| {
        if let Some(Ok(list)) = params.text(name) {
            *filter = Filter::parse(&list).map(Arc::new);
            is_changed = true;
        }
    };
    read("filtermeta", &mut filters.both);
    read("filterfilemeta", &mut filters.file);
    // Older documents of the API misspell the name, and clients followed them.
    read("filderfoldermeta", &mut filters.folder);
    read("filterfoldermeta", &mut filters.folder);
    if is_changed && !call.via_proxy {
        call.conn.set_filters(filters.clone());
    }
    filters
}

/// One line per call. Parameters are never logged: they hold names and secrets.
pub(crate) fn log(app: &App, call: &Call, outcome: &Outcome, account: Option<i64>, began: Instant) {
    let code = outcome.number();
    let counter = if code == 0 {
        &app.metrics.calls_succeeded
    } else {
        &app.metrics.calls_failed
    };
    counter.fetch_add(1, Ordering::Relaxed);
    let method = call.entry.spec.name;
    let protocol = call.conn.protocol.name();
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let fail = outcome.result.as_ref().err();
    let cause = fail
        .and_then(|fail| fail.cause.as_deref())
        .unwrap_or_default();
    if fail.is_some_and(Fail::is_trouble) {
        app.metrics.calls_broken.fetch_add(1, Ordering::Relaxed);
        tracing::error!(
            method,
            protocol,
            user.id = account,
            code,
            duration_ms,
            cause,
            "call failed"
        );
    } else if cause.is_empty() {
        tracing::debug!(
            method,
            protocol,
            user.id = account,
            code,
            duration_ms,
            "call"
        );
    } else {
        tracing::warn!(
            method,
            protocol,
            user.id = account,
            code,
            duration_ms,
            cause,
            "call refused"
        );
    }
}

/// Bad parameters count only after bad credentials, so they travel into the transaction that checks those.
fn decode<M: Method>(call: &Call) -> Result<M, Code> {
    M::decode(&call.params)
}

impl<M: Reads + Sync> Kind<M> for access::Read {
    fn run<'a>(
        app: &'a Arc<App>,
        call: &'a Arc<Call>,
        claim: Claim,
        _body: &'a mut Body<'_>,
    ) -> Running<'a> {
        Box::pin(async move {
            let ran = provided(app, || async {
                let (shared, call, claim) = (app.clone(), call.clone(), claim.clone());
                let now = app.clock.now();
                let ran = app.db.view(move |tx| -> Answer<(Answer<M::Reply>, User)> {
                    let user = required(tx, &claim, M::SPEC, &call, now)?;
                    let mut view = View::new(tx, &shared, Some(&call), user, now);
                    let answer = decode::<M>(&call)
                        .map_err(Fail::from)
                        .and_then(|method| method.run(&mut view));
                    match answer {
                        // Only an attempt that succeeds or finally fails tells who was calling.
                        Err(fail) if fail.need.is_some() => Err(fail),
                        answer => Ok((answer, view.user)),
                    }
                });
                ran.await
            });
            match ran.await {
                Ok((answer, user)) => (
                    answer.map(|reply| Success::Reply(Box::new(reply))),
                    Some(user),
                ),
                Err(fail) => (Err(fail), None),
            }
        })
    }
}

impl<M: Writes + Sync> Kind<M> for access::Write {
    fn run<'a>(
        app: &'a Arc<App>,
        call: &'a Arc<Call>,
        claim: Claim,
        _body: &'a mut Body<'_>,
    ) -> Running<'a> {
        Box::pin(async move {
            let ran = provided(app, || async {
                let (shared, call, claim) = (app.clone(), call.clone(), claim.clone());
                let now = app.clock.now();
                let method = decode::<M>(&call);
                let mut owners = BTreeSet::new();
                let ran = app.db.edit(move |tx| -> Answer<(M::Reply, User)> {
                    let user = required(tx, &claim, M::SPEC, &call, now)?;
                    let method = method.as_ref().map_err(|code| Fail::from(*code))?;
                    let view = View::new(tx, &shared, Some(&call), user, now);
                    Edit::attempt(view, &mut owners, |edit| {
                        let reply = method.run(edit)?;
                        Ok((reply, edit.user.clone()))
                    })
                });
                ran.await
            });
            match ran.await {
                Ok((reply, user)) => (Ok(Success::Reply(Box::new(reply))), Some(user)),
                Err(fail) => (Err(fail), None),
            }
        })
    }
}

/// A decoded method with what it runs in.
struct Begun<'a, 'b, M> {
    method: M,
    cx: Cx<'a, 'b>,
}

/// Establishes the caller of an async method and decodes its parameters.
async fn begin<'a, 'b, M: Method>(
    app: &'a Arc<App>,
    call: &'a Arc<Call>,
    claim: Claim,
    body: &'a mut Body<'b>,
) -> Result<Begun<'a, 'b, M>, Ran> {
    let now = app.clock.now();
    let user = if is_checked_later(call, &claim, M::SPEC) {
        None
    } else {
        match establish(app, call, claim.clone(), M::SPEC, now).await {
            Ok(user) => user,
            Err(fail) => return Err((Err(fail), None)),
        }
    };
    match decode::<M>(call) {
        Ok(method) => Ok(Begun {
            method,
            cx: Cx {
                app,
                call,
                body,
                user,
                now,
                claim,
                spec: M::SPEC,
            },
        }),
        Err(code) => Err((Err(code.into()), user)),
    }
}

/// Whether the caller need not be established before the method runs: each transaction of a method that moves content
/// does it again, and a login that the connection has proven before is worth no transaction of its own.
fn is_checked_later(call: &Call, claim: &Claim, spec: &Spec) -> bool {
    spec.access == Access::Streams
        && matches!(claim, Claim::Known(_))
        && !call.params.flag("getauth")
}

async fn establish(
    app: &Arc<App>,
    call: &Arc<Call>,
    claim: Claim,
    spec: &'static Spec,
    now: UnixTime,
) -> Answer<Option<User>> {
    if matches!(claim, Claim::Nobody) {
        let is_open = spec.caller == Caller::Anyone;
        return if is_open {
            Ok(None)
        } else {
            Err(Code::LOGIN_REQUIRED.into())
        };
    }
    let call = call.clone();
    app.db
        .view(move |tx| login::establish(tx, &claim, spec, &call.conn, now))
        .await
}

impl<M: Public + Sync> Kind<M> for access::Public {
    fn run<'a>(
        app: &'a Arc<App>,
        call: &'a Arc<Call>,
        claim: Claim,
        body: &'a mut Body<'_>,
    ) -> Running<'a> {
        Box::pin(async move {
            let mut begun = match begin::<M>(app, call, claim, body).await {
                Ok(begun) => begun,
                Err(ran) => return ran,
            };
            let answer = begun.method.run(&mut begun.cx).await;
            (
                answer.map(|reply| Success::Reply(Box::new(reply))),
                begun.cx.user,
            )
        })
    }
}

impl<M: Waits + Sync> Kind<M> for access::Waits {
    fn arrives(conn: &Conn) {
        M::arrives(conn);
    }

    fn run<'a>(
        app: &'a Arc<App>,
        call: &'a Arc<Call>,
        claim: Claim,
        body: &'a mut Body<'_>,
    ) -> Running<'a> {
        Box::pin(async move {
            let mut begun = match begin::<M>(app, call, claim, body).await {
                Ok(begun) => begun,
                Err(ran) => return ran,
            };
            let answer = begun.method.run(&mut begun.cx).await;
            (
                answer.map(|reply| Success::Reply(Box::new(reply))),
                begun.cx.user,
            )
        })
    }
}

impl<M: Streams + Sync> Kind<M> for access::Streams {
    fn run<'a>(
        app: &'a Arc<App>,
        call: &'a Arc<Call>,
        claim: Claim,
        body: &'a mut Body<'_>,
    ) -> Running<'a> {
        Box::pin(async move {
            let mut begun = match begin::<M>(app, call, claim, body).await {
                Ok(begun) => begun,
                Err(ran) => return ran,
            };
            let answer = begun.method.run(&mut begun.cx).await;
            (answer.map(Success::from), begun.cx.user)
        })
    }
}

impl<M: Refused> Kind<M> for access::Refused {
    fn run<'a>(
        app: &'a Arc<App>,
        call: &'a Arc<Call>,
        claim: Claim,
        _body: &'a mut Body<'_>,
    ) -> Running<'a> {
        Box::pin(async move {
            match establish(app, call, claim, M::SPEC, app.clock.now()).await {
                Ok(user) => (Err(M::CODE.into()), user),
                Err(fail) => (Err(fail), None),
            }
        })
    }
}
