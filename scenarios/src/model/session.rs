//! Making the calls and comparing: two accounts, each with its model and its replica.

use super::account::Account;
use super::answer::{number, same};
use super::client::{Client, NO_REVISION, now};
use super::contents::Contents;
use super::effect::Scene;
use super::log::Log;
use super::step::{Choice, Kind, Step, Wish};
use crate::Result;
use crate::connection::Protocol;
use crate::server::Server;
use std::fmt;

/// Accounts of a session: with two, each can try what belongs to the other.
const ACCOUNTS: usize = 2;
/// The largest folder that is copied, so that copies of copies do not fill the server.
const MAX_COPIED: usize = 30;

/// A difference between model and server.
#[derive(Debug)]
pub(super) struct Failed {
    /// How many wishes had been played, with the one that failed.
    pub(super) wishes: usize,
    told: String,
    log: Log,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nafter these calls:\n{}", self.told, self.log)
    }
}

/// One run on accounts of its own.
#[derive(Debug)]
pub(super) struct Session {
    clients: Vec<Client>,
    contents: Contents,
    log: Log,
}

impl Session {
    /// Makes the accounts.
    pub(super) fn new(server: &Server, protocol: Protocol, name: &str) -> Result<Self> {
        let client = |index| {
            let mail = format!("{name}.{index}@example.com");
            Client::new(server, protocol, &mail, index)
        };
        Ok(Self {
            clients: (0..ACCOUNTS).map(client).collect::<Result<_>>()?,
            contents: Contents::default(),
            log: Log::default(),
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
                    log: self.log,
                }));
            }
        }
        Ok(None)
    }

    fn fulfil(&mut self, wish: &Wish, is_last: bool) -> Result<()> {
        for client in &mut self.clients {
            client.commit_old(&mut self.log)?;
        }
        let who = wish.account(self.clients.len());
        match wish.kind() {
            Kind::Tree => self.change_tree(wish, who)?,
            Kind::Descriptor => {
                if let Some((line, step)) = wish.line_step(self.choice(who), &self.contents) {
                    self.clients[who].on_line(line, &step, &self.contents, &mut self.log)?;
                }
            }
            Kind::Upload => {
                if let Some(step) = wish.upload_step(self.choice(who), &self.contents) {
                    self.clients[who].upload(&step, &self.contents, &mut self.log)?;
                }
            }
        }
        if is_last {
            for client in &mut self.clients {
                client.break_lines(&mut self.log)?;
                client.settle_times()?;
            }
        }
        self.clients[who].settle_times()?;
        if let Some(limit) = wish.feed_limit() {
            self.clients[who].follow(limit)?;
        }
        if wish.is_quiet() || is_last {
            for client in &mut self.clients {
                client.compare(is_last)?;
            }
        }
        Ok(())
    }

    /// What the calls of an account can be about.
    fn choice(&self, who: usize) -> Choice<'_> {
        let other = (who + 1) % self.clients.len();
        Choice {
            account: &self.clients[who].account,
            foreign: &self.clients[other].account,
        }
    }

    /// Makes a call to a method of the tree.
    fn change_tree(&mut self, wish: &Wish, who: usize) -> Result<()> {
        let step = wish.step(self.choice(who));
        let client = &mut self.clients[who];
        if client.account.is_left_out(&step) {
            return Ok(());
        }
        let revision = match &step {
            Step::Revert { file, number } => client.revision(*file, *number)?,
            _ => NO_REVISION,
        };
        let call = step.call(&self.contents, revision);
        self.log.call(who, &call);
        let answer = client.call(call)?;
        let code = number(&answer, "result")?;
        self.log.code(code);
        same("result", client.account.refusal(&step).unwrap_or(0), code)?;
        if code != 0 {
            client.account.refused(&step, now()?);
            return Ok(());
        }
        let copy = match &step {
            Step::CopyFolder { .. } => Some(client.list(number(&answer, "metadata.folderid")?)?),
            _ => None,
        };
        let scene = Scene {
            contents: &self.contents,
            answer: &answer,
            copy: copy.as_ref(),
            now: now()?,
        };
        client.account.take_effect(&step, &scene)
    }
}

impl Account {
    /// Takes the effect of a call that was refused.
    fn refused(&mut self, step: &Step, now: u64) {
        // What was written goes in before it is looked for the revision.
        if let Step::Revert { file, .. } = step
            && self.live_file(*file).is_some()
        {
            self.committed(*file, now);
        }
    }

    /// Copies that nothing is said about, or that grow too large: what lies in a folder is copied over the way to it.
    fn is_left_out(&self, step: &Step) -> bool {
        let Step::CopyFolder {
            folder,
            to,
            name,
            content_only,
            ..
        } = step
        else {
            return false;
        };
        let own = || {
            self.folders
                .get(folder)
                .map(|folder| folder.name.clone())
                .unwrap_or_default()
        };
        let name = name.clone().unwrap_or_else(own);
        let target = if *content_only {
            Some(*to)
        } else {
            self.folder_child(*to, &name)
        };
        let copied = self.within(*folder, |folder| folder.group == 0);
        let files = self
            .files
            .values()
            .filter(|file| file.group == 0 && copied.contains(&file.folder))
            .count();
        copied.len() + files > MAX_COPIED
            || target.is_some_and(|target| self.is_within(*folder, target) && target != *folder)
    }
}
