//! The player: goes through the steps of a scenario.

use super::check::{Mismatch, check, show};
use super::compute::Kept;
use super::request::{encode, fields, lasting_fields, method};
use super::transcript::Transcript;
use crate::Result;
use crate::connection::{Answer, Call, Connection, Protocol};
use crate::consent::Person;
use crate::coverage::Coverage;
use crate::script::{Action, Expect, Outcome, Request, Script, Span, Step, Template};
use crate::server::{PASSWORD, Server};
use pileus_wire::{Tree, UnixTime};
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant, SystemTime};

/// Where a scenario is played.
#[derive(Clone, Copy, Debug)]
pub struct Stage<'a> {
    /// The server.
    pub server: &'a Server,
    /// The protocol of all calls.
    pub protocol: Protocol,
    /// Tells the accounts of this run from those of others on the same server.
    pub run: usize,
    /// Go on after a wrong value, to collect all corrections.
    pub collect: bool,
}

/// How a run went.
#[derive(Debug)]
pub struct Played {
    /// What the answers said.
    pub transcript: Transcript,
    /// What would make wrong values of the file right.
    pub corrections: Vec<(Span, String)>,
    /// The first thing that went wrong and is not among the corrections.
    pub failure: Option<Failure>,
}

/// Something that went wrong at a step.
#[derive(Debug)]
pub struct Failure {
    /// Line of the file.
    pub line: usize,
    /// What was wrong.
    pub told: String,
    /// The answer, if there was one.
    pub answer: Option<String>,
}

/// Parameters by which a call says who makes it. A call that has one of them gets no others.
const CREDENTIALS: [&str; 5] = [
    "auth",
    "access_token",
    "username",
    "passworddigest",
    "logout",
];

/// How long a mail may take.
const MAIL_LIMIT: Duration = Duration::from_secs(20);
/// How often is looked for it.
const MAIL_PAUSE: Duration = Duration::from_millis(20);
/// How long is waited for a mail that must not come. A mail takes some milliseconds.
const MAIL_SILENCE: Duration = Duration::from_millis(500);

/// How long something that happens in the background may take.
const EVENTUALLY_LIMIT: Duration = Duration::from_secs(30);
/// How long to wait before looking again.
const EVENTUALLY_PAUSE: Duration = Duration::from_millis(20);

/// Who makes calls: a connection, and the credentials to send along.
#[derive(Debug)]
struct Actor {
    connection: Connection,
    credentials: Option<(&'static str, String)>,
}

/// A connection that the scenario handles itself.
#[derive(Debug)]
struct Held {
    connection: Connection,
    /// Methods of the calls that are not answered yet.
    methods: VecDeque<String>,
}

struct Player<'a> {
    stage: Stage<'a>,
    coverage: &'a Coverage,
    kept: Kept,
    actors: HashMap<String, Actor>,
    held: HashMap<String, Held>,
    ahead_s: u64,
    played: Played,
    /// Mails that were looked at.
    read_mails: HashSet<(u64, u64)>,
    /// The answer of the present step, for the report.
    last_answer: Option<String>,
}

/// Plays a scenario from its first step to its last, or to the first that goes wrong.
pub fn play(script: &Script, stage: Stage<'_>, coverage: &Coverage) -> Played {
    let mut transcript = Transcript::default();
    transcript.hide(stage.server.address().to_string(), "<server>");
    transcript.hide(mail_suffix(stage.run), "@<run>");
    let mut player = Player {
        stage,
        coverage,
        kept: Kept::default(),
        actors: HashMap::new(),
        held: HashMap::new(),
        read_mails: HashSet::new(),
        ahead_s: 0,
        played: Played {
            transcript,
            corrections: Vec::new(),
            failure: None,
        },
        last_answer: None,
    };
    player.kept.keep(
        "server".to_owned(),
        Tree::Text(stage.server.address().to_string()),
    );
    for step in &script.steps {
        player.last_answer = None;
        if let Err(error) = player.step(step) {
            let answer = player.last_answer.take();
            player.played.failure = Some(Failure {
                line: step.line,
                told: error.to_string(),
                answer,
            });
            break;
        }
    }
    player.played
}

fn mail_suffix(run: usize) -> String {
    format!("+{run}@example.com")
}

impl Player<'_> {
    fn step(&mut self, step: &Step) -> Result<()> {
        match &step.action {
            Action::User { name, quota } => {
                let quota = quota
                    .as_ref()
                    .map(|quota| self.kept.compute(quota)?.into_text())
                    .transpose()?;
                self.user(name, quota.map(|quota| quota.parse()).transpose()?)
            }
            Action::Oauth { user, name } => self.oauth(user, name),
            Action::App { name, arguments } => {
                let arguments = arguments
                    .iter()
                    .map(|argument| self.kept.compute(argument)?.into_text());
                let arguments = arguments.collect::<Result<Vec<_>>>()?;
                self.app(name, &arguments)
            }
            Action::Consent {
                user,
                query,
                denies,
                name,
            } => {
                let query = self.kept.compute(query)?.into_text()?;
                self.consent(user, &query, *denies, name)
            }
            Action::Connect { actor, name } => self.connect(actor.as_deref(), name),
            Action::Close(name) => match self.held.remove(name) {
                Some(_) => Ok(()),
                None => Err(format!("no connection `{name}`").into()),
            },
            Action::End(name) => self.held(name)?.connection.half_close(),
            Action::At(ahead_s) => {
                self.ahead_s = *ahead_s;
                self.stage.server.set_clock(*ahead_s)
            }
            Action::Admin(arguments) => {
                let arguments = arguments
                    .iter()
                    .map(|argument| self.kept.compute(argument)?.into_text());
                let arguments = arguments.collect::<Result<Vec<_>>>()?;
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                self.stage.server.admin(&arguments).map(drop)
            }
            Action::Mail { to, expect } => {
                let to = self.kept.compute(to)?.into_text()?;
                match expect {
                    Some(expect) => self.mail(step, &to, expect),
                    None => self.no_mail(&to),
                }
            }
            Action::Call {
                actor,
                call,
                expect,
            } if expect.eventually => {
                let deadline = Instant::now() + EVENTUALLY_LIMIT;
                loop {
                    match self.call(step, actor, call, expect) {
                        Err(_) if Instant::now() < deadline => {
                            // Only the last try belongs into the transcript.
                            self.played.transcript.take_back(step.line);
                            std::thread::sleep(EVENTUALLY_PAUSE);
                        }
                        result => return result,
                    }
                }
            }
            Action::Call {
                actor,
                call,
                expect,
            } => self.call(step, actor, call, expect),
            Action::Send { connection, calls } => {
                let calls = calls
                    .iter()
                    .map(|call| self.fill(call))
                    .collect::<Result<Vec<_>>>()?;
                let held = self.held(connection)?;
                held.methods
                    .extend(calls.iter().map(|call| call.method.clone()));
                held.connection.send(&calls)
            }
            Action::Receive { connection, expect } => {
                let held = self.held(connection)?;
                let answer = held.connection.receive()?;
                let method = held.methods.pop_front();
                self.answered(step, method.as_deref(), answer, expect)
            }
            Action::Waits(name) => {
                if self.held(name)?.connection.stays_silent()? {
                    Ok(())
                } else {
                    Err("it does not wait".into())
                }
            }
            Action::Write { connection, bytes } => {
                let bytes = self.kept.compute(bytes)?.into_bytes()?;
                self.held(connection)?.connection.write(&bytes)
            }
            Action::Http {
                connection,
                request,
                expect,
            } => self.http(step, connection, request, expect),
            Action::Fetch { request, expect } => self.fetch(step, request, expect),
        }
    }

    fn user(&mut self, name: &str, quota_bytes: Option<u64>) -> Result<()> {
        let mail = format!("{name}{}", mail_suffix(self.stage.run));
        let Stage {
            server, protocol, ..
        } = self.stage;
        server.add_user(&mail, PASSWORD, quota_bytes)?;
        let (token, userid) = if server.takes_passwords() {
            server.login(protocol, &mail, PASSWORD)?
        } else {
            let token = server.make_token(&mail, &[])?;
            let userid = server.account_of(protocol, &token)?;
            (token, userid)
        };
        let facts = [
            ("mail", mail.as_str()),
            ("password", PASSWORD),
            ("token", token.as_str()),
        ];
        for (fact, value) in facts {
            self.kept
                .keep(format!("{name}.{fact}"), Tree::Text(value.to_owned()));
        }
        self.kept.keep(format!("{name}.userid"), Tree::Num(userid));
        self.actor(name, Some(("auth", token)))
    }

    fn oauth(&mut self, user: &str, name: &str) -> Result<()> {
        let mail = format!("{user}{}", mail_suffix(self.stage.run));
        let token = self.stage.server.make_token(&mail, &["--oauth"])?;
        self.kept
            .keep(format!("{name}.token"), Tree::Text(token.clone()));
        self.actor(name, Some(("access_token", token)))
    }

    fn app(&mut self, name: &str, arguments: &[String]) -> Result<()> {
        let mut command = vec!["app", "add", name, "--json"];
        command.extend(arguments.iter().map(String::as_str));
        let printed = self.stage.server.admin(&command)?;
        let told = Tree::from_json(printed.trim().as_bytes())?;
        for (fact, field) in [("id", "client_id"), ("secret", "client_secret")] {
            let value = told.get(field).cloned().ok_or("an app without an id")?;
            self.kept.keep(format!("{name}.{fact}"), value);
        }
        Ok(())
    }

    fn consent(&mut self, user: &str, query: &str, denies: bool, name: &str) -> Result<()> {
        let person = Person {
            server: self.stage.server,
            mail: &format!("{user}{}", mail_suffix(self.stage.run)),
            password: PASSWORD,
        };
        let decided = person.decide(query, if denies { "deny" } else { "allow" })?;
        for (fact, value) in [("location", decided.location), ("code", decided.code)] {
            self.kept.keep(format!("{name}.{fact}"), Tree::Text(value));
        }
        Ok(())
    }

    fn actor(&mut self, name: &str, credentials: Option<(&'static str, String)>) -> Result<()> {
        let connection = self.stage.server.connect(self.stage.protocol)?;
        self.actors.insert(
            name.to_owned(),
            Actor {
                connection,
                credentials,
            },
        );
        Ok(())
    }

    fn connect(&mut self, actor: Option<&str>, name: &str) -> Result<()> {
        let mut connection = self.stage.server.connect(self.stage.protocol)?;
        if let Some(actor) = actor {
            let token = self
                .kept
                .compute(&crate::script::Value::Variable(format!("{actor}.token")))?
                .into_text()?;
            let answer = connection.call(&Call::new("userinfo").with("auth", token))?;
            if answer.result()? != 0 {
                return Err(format!("login of {actor}: {}", show(&answer.tree)).into());
            }
        }
        self.held.insert(
            name.to_owned(),
            Held {
                connection,
                methods: VecDeque::new(),
            },
        );
        Ok(())
    }

    /// The first mail to an address that was not looked at yet.
    fn next_mail(&mut self, to: &str) -> Result<Option<Tree>> {
        let mails = self.stage.server.mails()?;
        let next = mails
            .into_iter()
            .find(|(name, mail)| mail.to == to && !self.read_mails.contains(name));
        Ok(next.map(|(name, mail)| {
            self.read_mails.insert(name);
            mail.fields
        }))
    }

    fn mail(&mut self, step: &Step, to: &str, expect: &Expect) -> Result<()> {
        let deadline = Instant::now() + MAIL_LIMIT;
        let fields = loop {
            if let Some(fields) = self.next_mail(to)? {
                break fields;
            }
            if Instant::now() > deadline {
                return Err(format!("there is no further mail to {to}").into());
            }
            std::thread::sleep(MAIL_PAUSE);
        };
        self.last_answer = Some(show(&fields));
        // The texts hold codes and addresses, which differ from run to run.
        let lasting = fields.get("subject").cloned();
        let lasting = Tree::Hash(vec![(
            "subject".to_owned(),
            lasting.unwrap_or(Tree::Bool(false)),
        )]);
        self.played.transcript.add(step.line, &lasting, None);
        self.check(0, &fields, None, expect)
    }

    fn no_mail(&mut self, to: &str) -> Result<()> {
        std::thread::sleep(MAIL_SILENCE);
        match self.next_mail(to)? {
            None => Ok(()),
            Some(mail) => Err(format!("there is a mail to {to}: {}", show(&mail)).into()),
        }
    }

    fn held(&mut self, name: &str) -> Result<&mut Held> {
        self.held
            .get_mut(name)
            .ok_or_else(|| format!("no connection `{name}`").into())
    }

    /// Computes the parameters of a call.
    fn fill(&self, template: &Template) -> Result<Call> {
        let mut call = Call::new(template.method.clone());
        for (name, value) in &template.params {
            call.params
                .set(name.clone(), self.kept.compute(value)?.into_parameter()?)?;
        }
        call.data = template
            .data
            .as_ref()
            .map(|data| self.kept.compute(data)?.into_bytes())
            .transpose()?;
        Ok(call)
    }

    fn call(
        &mut self,
        step: &Step,
        actor: &str,
        template: &Template,
        expect: &Expect,
    ) -> Result<()> {
        let mut call = self.fill(template)?;
        let method = call.method.clone();
        let answer = if let Some(held) = self.held.get_mut(actor) {
            held.connection.send(&[call])?;
            held.connection.receive()?
        } else if actor == "nobody" {
            // A login would stick to a connection, so a stranger has a new one each time.
            let mut connection = self.stage.server.connect(self.stage.protocol)?;
            connection.send(&[call])?;
            connection.receive()?
        } else {
            let actor = self
                .actors
                .get_mut(actor)
                .ok_or_else(|| format!("nobody is called `{actor}`"))?;
            if let Some((name, token)) = &actor.credentials
                && CREDENTIALS
                    .iter()
                    .all(|name| call.params.get(name).is_none())
            {
                call.params.set(*name, token.as_str())?;
            }
            actor.connection.send(&[call])?;
            actor.connection.receive()?
        };
        self.answered(step, Some(&method), answer, expect)
    }

    /// Takes note of a method's answer and checks it.
    fn answered(
        &mut self,
        step: &Step,
        method: Option<&str>,
        answer: Option<Answer>,
        expect: &Expect,
    ) -> Result<()> {
        let Some(answer) = answer else {
            return self.ended(step, expect);
        };
        self.last_answer = Some(show(&answer.tree));
        self.played
            .transcript
            .add(step.line, &answer.tree, answer.data.as_deref());
        let code = answer.result()?;
        if let Some(method) = method {
            self.coverage.answered(method, &answer.tree)?;
        }
        self.check(code, &answer.tree, answer.data.as_deref(), expect)
    }

    fn ended(&mut self, step: &Step, expect: &Expect) -> Result<()> {
        self.played
            .transcript
            .add(step.line, &Tree::Text("closed".into()), None);
        match expect.outcome {
            Some(Outcome::Closed) => Ok(()),
            _ => Err("the server closed the connection".into()),
        }
    }

    fn check(
        &mut self,
        code: u64,
        answer: &Tree,
        data: Option<&[u8]>,
        expect: &Expect,
    ) -> Result<()> {
        match &expect.outcome {
            Some(Outcome::Code(expected, span)) if *expected != code => {
                let told = format!("expected {expected}, answered {code}");
                self.mismatch(Mismatch {
                    told,
                    correction: Some((span.clone(), code.to_string())),
                })?;
                // What else was expected of another outcome is beside the point now.
                return Ok(());
            }
            Some(Outcome::Closed) => {
                return Err("the server answered instead of closing the connection".into());
            }
            _ => {}
        }
        if let Some(expected) = &expect.data {
            let expected = self.kept.compute(expected)?.into_bytes()?;
            let found = data.unwrap_or_default();
            if found != expected {
                let (found, expected) = (show_bytes(found), show_bytes(&expected));
                return Err(format!("data: expected {expected}, found {found}").into());
            }
        }
        let now = self.now()?;
        for clause in &expect.clauses {
            if let Some(mismatch) = check(clause, answer, &mut self.kept, now)? {
                self.mismatch(mismatch)?;
            }
        }
        Ok(())
    }

    fn mismatch(&mut self, mismatch: Mismatch) -> Result<()> {
        match mismatch.correction {
            Some(correction) if self.stage.collect => {
                self.played.corrections.push(correction);
                Ok(())
            }
            _ => Err(mismatch.told.into()),
        }
    }

    /// The time by the server's clock.
    fn now(&self) -> Result<UnixTime> {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)?
            .as_secs();
        Ok(UnixTime(i64::try_from(since.saturating_add(self.ahead_s))?))
    }

    fn http(
        &mut self,
        step: &Step,
        connection: &str,
        request: &Request,
        expect: &Expect,
    ) -> Result<()> {
        let bytes = encode(request, &self.kept, self.stage.server.address())?;
        let target = self.kept.compute(&request.target)?.into_text()?;
        let held = self.held(connection)?;
        held.connection.send_http(&bytes, request.verb == "HEAD")?;
        // Without an expectation the answer is left for `receive`.
        let Some(_) = expect.outcome else {
            held.methods.push_back(method(&target).to_owned());
            return Ok(());
        };
        let Some(answer) = held.connection.receive_http()? else {
            return self.ended(step, expect);
        };
        let fields = fields(&answer)?;
        if let Some(json) = fields.get("json") {
            self.coverage.answered(method(&target), json)?;
        }
        self.check_http(step, &answer, &fields, expect)
    }

    fn fetch(&mut self, step: &Step, request: &Request, expect: &Expect) -> Result<()> {
        let bytes = encode(request, &self.kept, self.stage.server.address())?;
        let mut connection = self.stage.server.connect(Protocol::Http)?;
        connection.send_http(&bytes, request.verb == "HEAD")?;
        match connection.receive_http()? {
            Some(answer) => self.check_http(step, &answer, &fields(&answer)?, expect),
            None => self.ended(step, expect),
        }
    }

    fn check_http(
        &mut self,
        step: &Step,
        answer: &crate::http::HttpAnswer,
        fields: &Tree,
        expect: &Expect,
    ) -> Result<()> {
        self.last_answer = Some(show(fields));
        self.played
            .transcript
            .add(step.line, &lasting_fields(fields), None);
        self.check(
            u64::from(answer.head.status),
            fields,
            Some(&answer.body),
            expect,
        )
    }
}

/// Bytes for a report: as text if they are one and short.
fn show_bytes(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.len() <= 200 => show(&Tree::Text(text.to_owned())),
        _ => format!("{} bytes", bytes.len()),
    }
}
