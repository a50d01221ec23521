//! The accounts, folders and shares of a run, and the things that calls are about.

use super::caller::{Caller, Place};
use super::find::found;
use super::table::{Need, Row, Thing};
use crate::Result;
use crate::connection::{Answer, Call, Connection, Protocol};
use crate::consent::Person;
use crate::server::{PASSWORD, Server};
use pileus_wire::{Tree, Value};
use std::collections::HashMap;

/// A thing that calls are about.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// What the variables of the table stand for.
    pub variables: HashMap<&'static str, String>,
    /// What the owner sees of it.
    before: Option<Tree>,
}

/// The ids among the variables.
const IDS: [&str; 8] = [
    "file",
    "folder",
    "share",
    "request",
    "link",
    "uploadlink",
    "session",
    "collection",
];

impl Subject {
    /// The same with ids that nothing has.
    pub fn missing(&self) -> Self {
        // Far beyond what a test makes, and of no special form.
        let mut missing = 7_346_028_915_u64;
        let mut subject = self.clone();
        for (name, value) in &mut subject.variables {
            if IDS.contains(name) {
                missing += 1;
                *value = missing.to_string();
            }
        }
        subject
    }

    /// The id that a variable stands for.
    pub fn id(&self, name: &str) -> Result<u64> {
        let id = self
            .variables
            .get(name)
            .ok_or_else(|| format!("no {name}"))?;
        Ok(id.parse()?)
    }
}

/// The server with all accounts and folders of a run.
pub struct World<'a> {
    server: &'a Server,
    protocol: Protocol,
    run: usize,
    credentials: HashMap<Caller, (&'static str, String)>,
    owner: Connection,
    /// A folder that nobody else sees.
    pub private: String,
    /// A shared folder.
    pub shared: String,
    /// The folder that is shared inside of a shared one.
    pub nested: String,
    /// Another shared folder, which is never moved or deleted.
    pub mount: String,
    /// The code of a public link.
    pub code: String,
    /// The code of an upload link.
    pub upload_code: String,
    next: u64,
}

impl<'a> World<'a> {
    /// Makes the accounts, the folders and the shares.
    pub fn new(
        server: &'a Server,
        protocol: Protocol,
        run: usize,
        callers: &[Caller],
    ) -> Result<Self> {
        let mut world = Self {
            server,
            protocol,
            run,
            credentials: HashMap::new(),
            owner: server.connect(protocol)?,
            private: String::new(),
            shared: String::new(),
            nested: String::new(),
            mount: String::new(),
            code: String::new(),
            upload_code: String::new(),
            next: 0,
        };
        world.make_accounts(callers)?;
        world.private = world.folder_in("0")?;
        world.shared = world.folder_in("0")?;
        world.nested = world.folder_in(&world.shared.clone())?;
        world.mount = world.folder_in("0")?;
        for &caller in callers {
            if let Caller::Recipient(_) | Caller::Former | Caller::Pending | Caller::Disabled =
                caller
            {
                world.share(&world.shared.clone(), caller)?;
                world.share(&world.mount.clone(), caller)?;
            }
            if caller == Caller::Inner {
                world.share(&world.nested.clone(), caller)?;
            }
        }
        let file = world.subject_at(Place::Linked, Thing::File, Caller::Owner, false)?;
        world.code = file.variables["code"].clone();
        let link = world.thing(Place::Nowhere, Thing::UploadLink, Caller::Owner)?;
        world.upload_code = link.variables["uploadcode"].clone();
        if callers.contains(&Caller::LinkHolder) {
            let call = Call::new("getpublinkdownload").with("code", world.code.as_str());
            world.call(Caller::LinkHolder, &call)?;
        }
        if callers.contains(&Caller::Disabled) {
            world
                .server
                .admin(&["user", "set", &world.mail(Caller::Disabled), "--disable"])?;
        }
        Ok(world)
    }

    /// The mail address of a caller's account.
    pub fn mail(&self, caller: Caller) -> String {
        let account = caller.account().unwrap_or_default();
        format!("matrix.{account}+{}@example.com", self.run)
    }

    fn make_accounts(&mut self, callers: &[Caller]) -> Result<()> {
        let is_app = |caller: &Caller| matches!(caller, Caller::App | Caller::FolderApp);
        for &caller in callers.iter().filter(|caller| !is_app(caller)) {
            if caller == Caller::Anonymous {
                continue;
            }
            let mail = self.mail(caller);
            self.server
                .admin(&["user", "add", &mail, "--password", PASSWORD, "--verified"])?;
            let token = self.server.admin(&["token", "create", &mail])?;
            self.credentials
                .insert(caller, ("auth", token.trim().to_owned()));
        }
        let owner = self.mail(Caller::Owner);
        if callers.contains(&Caller::App) {
            let token = self.server.admin(&["token", "create", &owner, "--oauth"])?;
            let token = token.trim().to_owned();
            self.credentials
                .insert(Caller::App, ("access_token", token));
        }
        if callers.contains(&Caller::FolderApp) {
            let token = self.let_in(&owner)?;
            self.credentials
                .insert(Caller::FolderApp, ("access_token", token));
        }
        // Everybody has an event in his feed, so nobody waits for the first.
        for caller in self.credentials.keys().copied().collect::<Vec<_>>() {
            let call = Call::new("createfolder").with("folderid", 0u64);
            let name = self.fresh();
            self.call(caller, &call.with("name", name))?;
        }
        Ok(())
    }

    /// Has the owner let an app into one folder, and tells its token.
    fn let_in(&self, mail: &str) -> Result<String> {
        let name = format!("matrix{}", self.run);
        let redirect = "https://matrix.example/";
        let printed = self.server.admin(&[
            "app",
            "add",
            &name,
            "--json",
            "--folder",
            "--redirect",
            redirect,
        ])?;
        let app = Tree::from_json(printed.trim().as_bytes())?;
        let id = app
            .get("client_id")
            .and_then(Tree::as_str)
            .ok_or("an app without an id")?;
        let query = format!(
            "client_id={id}&response_type=token&redirect_uri=https%3A%2F%2Fmatrix.example%2F"
        );
        let person = Person {
            server: self.server,
            mail,
            password: PASSWORD,
        };
        Ok(person.decide(&query, "allow")?.code)
    }

    /// A word that was not used before.
    pub fn fresh(&mut self) -> String {
        self.next += 1;
        format!("matrix{}n{}", self.run, self.next)
    }

    /// The call with the credentials of its caller.
    pub fn signed(&self, caller: Caller, call: &Call) -> Call {
        match self.credentials.get(&caller) {
            Some((name, value)) => call.clone().with(name, value.as_str()),
            None => call.clone(),
        }
    }

    /// A connection of its own.
    pub fn connect(&self) -> Result<Connection> {
        self.server.connect(self.protocol)
    }

    /// A call that has to succeed.
    pub fn call(&self, caller: Caller, call: &Call) -> Result<Answer> {
        succeed(&mut self.connect()?, &self.signed(caller, call))
    }

    /// A call of the owner that has to succeed, with words for its parameters.
    pub fn own(
        &mut self,
        method: &str,
        params: &[(&'static str, &str)],
        data: Option<&str>,
    ) -> Result<Answer> {
        let mut call = Call::new(method);
        for (name, word) in params {
            call = call.with(name, value(word));
        }
        call.data = data.map(|data| data.as_bytes().to_vec());
        let call = self.signed(Caller::Owner, &call);
        succeed(&mut self.owner, &call)
    }

    /// What the calls of a line are about. `caller` matters for what is made for one caller only.
    pub fn subject(&mut self, row: &Row, place: Place, caller: Caller) -> Result<Subject> {
        let mut subject = match row.need {
            None => Subject::default(),
            Some((need, thing)) => {
                let mut subject = self.subject_at(place, thing, caller, need.changes())?;
                if row.mentions("$revision") {
                    self.add_revision(&mut subject, place)?;
                }
                subject.before = self.look(&subject, place, thing, need)?;
                subject
            }
        };
        for (name, code) in [("code", &self.code), ("uploadcode", &self.upload_code)] {
            subject.variables.entry(name).or_insert(code.clone());
        }
        Ok(subject)
    }

    /// A thing that no call is going to change.
    pub fn thing(&mut self, place: Place, thing: Thing, caller: Caller) -> Result<Subject> {
        self.subject_at(place, thing, caller, false)
    }

    /// Whether each caller gets a subject of his own.
    pub fn is_personal(need: Need, thing: Thing, place: Place) -> bool {
        (place == Place::Mount && need.changes()) || matches!(thing, Thing::Share | Thing::Request)
    }

    /// What the owner sees of a file or a folder that calls may change.
    fn look(
        &mut self,
        subject: &Subject,
        place: Place,
        thing: Thing,
        need: Need,
    ) -> Result<Option<Tree>> {
        if !need.changes() {
            return Ok(None);
        }
        let (method, name) = match (thing, place) {
            (Thing::File, Place::Trash) => ("trash_restorepath", "fileid"),
            (Thing::Folder, Place::Trash) => ("trash_restorepath", "folderid"),
            (Thing::File, _) => ("stat", "fileid"),
            (Thing::Folder, _) => ("listfolder", "folderid"),
            _ => return Ok(None),
        };
        let id = if thing == Thing::File {
            "file"
        } else {
            "folder"
        };
        let id = subject.id(id)?.to_string();
        Ok(Some(self.own(method, &[(name, &id)], None)?.tree))
    }

    /// Whether the owner sees a thing as it was made.
    pub fn is_untouched(&mut self, subject: &Subject, row: &Row, place: Place) -> Result<bool> {
        match row.need {
            Some((need, thing)) => Ok(self.look(subject, place, thing, need)? == subject.before),
            None => Ok(true),
        }
    }

    /// Makes the calls of a line and tells the last answer, or the first that is a refusal.
    pub fn attempt(&mut self, caller: Caller, row: &Row, subject: &Subject) -> Result<Answer> {
        let mut connection = self.connect()?;
        let mut answers: Vec<Answer> = Vec::new();
        for template in &row.calls {
            let mut call = Call::new(template.method);
            for (name, text) in &template.params {
                let text = self.filled(text, subject, &answers)?;
                call = call.with(name, value(&text));
            }
            call.data = template.data.map(|data| data.as_bytes().to_vec());
            let answer = connection.call(&self.signed(caller, &call))?;
            let is_refused = answer.result()? != 0;
            answers.push(answer);
            if is_refused {
                break;
            }
        }
        answers.pop().ok_or_else(|| "no calls".into())
    }

    /// A value with its variable put in.
    fn filled(&mut self, text: &str, subject: &Subject, answers: &[Answer]) -> Result<String> {
        let Some((before, rest)) = text.split_once('$') else {
            return Ok(text.to_owned());
        };
        let end = rest
            .find(|letter: char| !letter.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let known = subject.variables.get(name).cloned();
        let value = match known {
            Some(value) => value,
            None if name == "new" => self.fresh(),
            None => {
                let told = answers
                    .iter()
                    .rev()
                    .find_map(|answer| found(&answer.tree, name));
                told.ok_or_else(|| format!("nothing is known as ${name}"))?
            }
        };
        Ok(format!("{before}{value}{after}"))
    }
}

fn succeed(connection: &mut Connection, call: &Call) -> Result<Answer> {
    let answer = connection.call(call)?;
    if answer.result()? == 0 {
        return Ok(answer);
    }
    Err(format!(
        "setting up: {} {:?}: {:?}",
        call.method, call.params, answer.tree
    )
    .into())
}

/// A word as a parameter: digits are numbers.
pub fn value(word: &str) -> Value {
    word.parse::<u64>()
        .map_or_else(|_| word.into(), Value::from)
}
