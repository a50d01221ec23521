//! Making the calls and comparing: accounts that share, one model of all of them, and a replica of each.

use super::super::answer::{below, is_folder, number, same, text};
use super::super::deals::Deals;
use super::super::log::show;
use super::super::replica::{Replica, Rows, same_rows};
use super::effect::Scene;
use super::policy::{Arrival, Policy};
use super::step::{Step, Wish};
use super::view::Person;
use super::world::{World, wire};
use crate::Result;
use crate::connection::{Call, Connection, Protocol};
use crate::server::{PASSWORD, Server};
use pileus_wire::Tree;
use std::collections::BTreeMap;
use std::fmt;

/// Accounts of a session: an owner, a recipient, and somebody that either of them shares a part with.
const ACCOUNTS: usize = 3;
/// The largest folder that is copied, so that copies of copies do not fill the server.
const MAX_COPIED: usize = 12;

/// A difference between model and server.
#[derive(Debug)]
pub(super) struct Failed {
    /// How many wishes had been played, with the one that failed.
    pub(super) wishes: usize,
    told: String,
    calls: Vec<String>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\nafter these calls:", self.told)?;
        let mut calls = self.calls.iter();
        calls.try_for_each(|call| writeln!(f, "  {call}"))
    }
}

/// An account as its client has it.
#[derive(Debug)]
struct Client {
    token: String,
    connection: Connection,
    replica: Replica,
}

/// One run on accounts of its own.
#[derive(Debug)]
pub(super) struct Session {
    clients: Vec<Client>,
    people: Vec<Person>,
    mails: Vec<String>,
    world: World,
    calls: Vec<String>,
}

impl Session {
    /// Makes the accounts.
    pub(super) fn new(server: &Server, protocol: Protocol, name: &str) -> Result<Self> {
        let (mut clients, mut people) = (Vec::new(), Vec::new());
        for index in 0..ACCOUNTS {
            let mail = format!("{name}.{index}@example.com");
            server.add_user(&mail, PASSWORD, None)?;
            server.admin(&["user", "set", &mail, "--verified"])?;
            let (token, id) = server.login(protocol, &mail, PASSWORD)?;
            people.push(Person { id, mail });
            clients.push(Client {
                token,
                connection: server.connect(protocol)?,
                replica: Replica::default(),
            });
        }
        Ok(Self {
            clients,
            mails: people.iter().map(|person| person.mail.clone()).collect(),
            people,
            world: World::new(ACCOUNTS),
            calls: Vec::new(),
        })
    }

    /// Plays wishes up to the first difference.
    pub(super) fn play(mut self, wishes: &[Wish]) -> Result<Option<Failed>> {
        for (index, wish) in wishes.iter().enumerate() {
            let is_last = index + 1 == wishes.len();
            if let Err(error) = self.fulfil(wish, is_last) {
                return Ok(Some(Failed {
                    wishes: index + 1,
                    told: error.to_string(),
                    calls: self.calls,
                }));
            }
        }
        Ok(None)
    }

    fn fulfil(&mut self, wish: &Wish, is_last: bool) -> Result<()> {
        let who = wish.account(ACCOUNTS);
        let step = wish.step(&self.world, who, ACCOUNTS);
        if !self.is_too_much(who, &step) {
            self.make(who, &step)?;
        }
        if let Some((who, limit)) = wish.follows(ACCOUNTS) {
            let client = &mut self.clients[who];
            client
                .replica
                .follow(&mut client.connection, &client.token, limit)?;
        }
        if wish.is_quiet() || is_last {
            for who in 0..ACCOUNTS {
                self.compare(who, is_last)
                    .map_err(|error| format!("account {who}: {error}"))?;
            }
        }
        Ok(())
    }

    fn is_too_much(&self, who: usize, step: &Step) -> bool {
        let Step::CopyFolder { folder, .. } = step else {
            return false;
        };
        let folders = self.world.seen_below(who, *folder);
        folders.len() + self.world.files_in(&folders).len() > MAX_COPIED
    }

    fn make(&mut self, who: usize, step: &Step) -> Result<()> {
        let call = step.call(&self.mails);
        self.calls.push(format!("{who}: {}", show(&call)));
        let client = &mut self.clients[who];
        let answer = client.call(call)?;
        let code = number(&answer, "result")?;
        if let Some(line) = self.calls.last_mut() {
            line.push_str(&format!(" -> {code}"));
        }
        let expected = self.world.refusal(who, step).unwrap_or(0);
        same("result", expected, code)?;
        if code != 0 {
            return Ok(());
        }
        let copy = match step {
            Step::CopyFolder { .. } => Some(client.list(number(&answer, "metadata.folderid")?)?),
            _ => None,
        };
        let arrival = match step {
            Step::Share {
                folder, recipient, ..
            } if self.world.policy(*recipient, who) == Some(Policy::Takes) => {
                Some(self.clients[*recipient].arrival(*folder)?)
            }
            _ => None,
        };
        let scene = Scene {
            who,
            answer: &answer,
            copy: copy.as_ref(),
            arrival: arrival.as_ref(),
        };
        self.world.take_effect(step, &scene)
    }

    /// Compares everything of an account: what it lists, what it was told, what it shares, what it has deleted, and the
    /// space it uses.
    fn compare(&mut self, who: usize, is_last: bool) -> Result<()> {
        let expected = self.world.rows(who, &self.people);
        let deals = self.world.deals(who, &self.people);
        let client = &mut self.clients[who];
        let mut listed = Rows::default();
        below(&client.list(0)?, &mut |entry| listed.put(entry))?;
        same_rows("the listing", &expected, &listed)?;
        same(
            "listshares",
            &deals,
            &Deals::listed(&client.call(Call::new("listshares"))?)?,
        )?;

        client
            .replica
            .catch_up(&mut client.connection, &client.token, 1000)?;
        same_rows(
            "the replica",
            &expected.as_told(),
            &client.replica.rows.as_told(),
        )?;
        same("shares of the replica", &deals, &client.replica.deals)?;
        for deal in deals.shares[1].values().chain(deals.offers[1].values()) {
            let seen = client.replica.rows.seen.get(&(true, deal.folder));
            if !seen.is_some_and(|seen| seen.isshared) {
                return Err(format!("nobody told that folder {} is shared", deal.folder).into());
            }
        }

        let account = client.call(Call::new("userinfo"))?;
        same(
            "usedquota",
            self.world.used(who),
            number(&account, "usedquota")?,
        )?;
        client.compare_trash(who, &self.world)?;
        if is_last {
            // Whoever comes late has to see the same: in small pages, and in one that leaves out what came and went.
            for limit in [7, 1_000_000] {
                let mut late = Replica::default();
                late.catch_up(&mut client.connection, &client.token, limit)?;
                let told = late.rows.as_told();
                same_rows("a replica from the beginning", &expected.as_told(), &told)?;
                same("its shares", &deals, &late.deals)?;
            }
        }
        Ok(())
    }
}

impl Client {
    fn call(&mut self, call: Call) -> Result<Tree> {
        let call = call.with("auth", self.token.as_str());
        Ok(self.connection.call(&call)?.tree)
    }

    /// The share of a folder that has just been taken.
    fn arrival(&mut self, folder: u64) -> Result<Arrival> {
        let deals = Deals::listed(&self.call(Call::new("listshares"))?)?;
        let mut incoming = deals.shares[0].iter();
        let (share, _) = incoming
            .find(|(_, deal)| deal.folder == folder)
            .ok_or("the offer was not taken")?;
        let answer = self.call(Call::new("listfolder").with("folderid", folder))?;
        let metadata = answer.get("metadata").ok_or("no metadata")?;
        Ok(Arrival {
            share: *share,
            metadata: metadata.clone(),
        })
    }

    fn list(&mut self, folder: u64) -> Result<Tree> {
        let call = Call::new("listfolder").with("folderid", folder);
        let call = call.with("recursive", 1u64);
        let answer = self.call(call.with("timeformat", "timestamp"))?;
        let listed = answer.get("metadata").cloned();
        listed.ok_or_else(|| "a listing without metadata".into())
    }

    /// Compares the trash: what is in it, and where it was.
    fn compare_trash(&mut self, who: usize, world: &World) -> Result<()> {
        let mut expected = BTreeMap::new();
        for (id, folder) in &world.folders {
            if folder.group != 0 && folder.owner == who {
                expected.insert((true, *id), (folder.name.clone(), wire(folder.parent)));
            }
        }
        for (id, file) in &world.files {
            if file.group != 0 && file.owner == who {
                expected.insert((false, *id), (file.name.clone(), wire(file.folder)));
            }
        }
        let answer = self.call(Call::new("trash_list").with("recursive", 1u64))?;
        let mut found = BTreeMap::new();
        let mut twice = 0;
        below(answer.get("metadata").ok_or("no trash")?, &mut |entry| {
            let kind = is_folder(entry)?;
            let id = number(entry, if kind { "folderid" } else { "fileid" })?;
            let place = number(entry, "origparentfolderid")?;
            let known = found.insert((kind, id), (text(entry, "name")?.to_owned(), place));
            twice += u64::from(known.is_some());
            Ok(())
        })?;
        same("the trash", expected, found)?;
        same("entries that are twice in the trash", 0, twice)
    }
}
