//! What is run: scenarios on protocols and databases, and what the registry alone demands.

use crate::folder;
use crate::servers::{Database, Servers};
use crate::together;
use pileus_scenarios::Result;
use pileus_scenarios::connection::{Call, Protocol};
use pileus_scenarios::coverage::{Coverage, closed_to_apps, closed_to_strangers};
use pileus_scenarios::matrix::{self, Extent};
use pileus_scenarios::model;
use pileus_scenarios::play::{Failure, Played, Stage, first_difference, play};
use pileus_scenarios::script::{Demands, Script};
use pileus_scenarios::server::{PASSWORD, Server};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Calls of the model test if the environment does not tell.
const MODEL_CALLS: u64 = 3_000;
/// The same of the model test with accounts that share: each of its calls is compared in three accounts.
const SHARING_CALLS: u64 = 800;
/// What fixes those calls if the environment does not tell.
const MODEL_SEED: u64 = 1;

/// What all trials share.
pub struct Context {
    /// The servers.
    pub servers: Servers,
    /// What was answered.
    pub coverage: Coverage,
    /// The transcript of the first run of each scenario, and the name of that run.
    pub transcripts: Mutex<HashMap<String, (String, Vec<String>)>>,
    /// Correct the files instead of failing.
    pub collect: bool,
}

/// One thing to be run.
#[derive(Clone, Copy)]
pub struct Trial<'a> {
    database: Database,
    protocol: Protocol,
    what: What<'a>,
}

#[derive(Clone, Copy)]
enum What<'a> {
    /// A scenario file.
    Script(&'a Script),
    /// Every method that needs a login refuses those who have none.
    Strangers,
    /// Every method that is closed to apps refuses them.
    Apps,
    /// Every method in the name of everybody, compared with a table of rights.
    Rights,
    /// What does not exist for a caller takes him no longer than what does not exist.
    Times,
    /// Random calls, compared with a model.
    Model,
    /// The same of accounts that share folders.
    Sharing,
    /// Many people at work in shared folders.
    Together(&'static together::Case),
}

/// Everything.
pub fn all<'a>(scripts: &'a [Script], databases: &[Database]) -> Vec<Trial<'a>> {
    let mut trials = Vec::new();
    for &database in databases {
        for protocol in Protocol::ALL {
            let scripts = scripts
                .iter()
                .filter(|script| script.demands.only.is_none_or(|only| only == protocol));
            let what = [
                What::Model,
                What::Sharing,
                What::Rights,
                What::Strangers,
                What::Apps,
                What::Times,
            ]
            .into_iter()
            .chain(scripts.map(What::Script));
            // What people do to each other is the same over both; the binary protocol costs less.
            let together = together::CASES
                .iter()
                .filter(|_| protocol == Protocol::Binary);
            let what = what.chain(together.map(What::Together));
            trials.extend(what.map(|what| Trial {
                database,
                protocol,
                what,
            }));
        }
    }
    trials
}

/// Each scenario once.
pub fn for_update(scripts: &[Script]) -> Vec<Trial<'_>> {
    scripts
        .iter()
        .map(|script| Trial {
            database: Database::Sqlite,
            protocol: script.demands.only.unwrap_or(Protocol::Http),
            what: What::Script(script),
        })
        .collect()
}

impl Trial<'_> {
    /// Its name in reports.
    pub fn name(&self) -> String {
        let what = match self.what {
            What::Script(script) => script.name.as_str(),
            What::Strangers => "registry/strangers",
            What::Apps => "registry/apps",
            What::Rights => "registry/rights",
            What::Times => "registry/times",
            What::Model => "model",
            What::Sharing => "model/sharing",
            What::Together(case) => case.name,
        };
        format!("{}/{}/{what}", self.database.name(), self.protocol)
    }

    /// Runs it.
    pub fn run(&self, context: &Context) -> Result<()> {
        let common = Demands::default();
        let demands = if let What::Script(script) = self.what {
            &script.demands
        } else {
            &common
        };
        let server = context.servers.server(self.database, demands)?;
        let run = context.servers.next();
        match self.what {
            What::Script(script) => self.play(script, &server, run, context),
            What::Strangers => self.strangers(&server),
            What::Apps => self.apps(&server, run),
            What::Times => matrix::times::run(&server, self.protocol, run),
            What::Rights => {
                let is_first = self.database == Database::Sqlite && self.protocol == Protocol::Http;
                let extent = if is_first { Extent::Full } else { Extent::Part };
                matrix::run(&server, self.protocol, run, extent)
            }
            What::Model => model::run(&server, &self.settings(MODEL_CALLS)?, run),
            What::Sharing => {
                model::sharing::run(&server, &self.settings(SHARING_CALLS)?, run)?;
                server.admin(&["check"]).map(drop)
            }
            What::Together(case) => {
                drop(server);
                (case.run)(&context.servers, self.database, self.protocol)
            }
        }
    }

    /// What a model test does: what the environment tells, or else so many calls.
    fn settings(&self, calls: u64) -> Result<model::Settings> {
        let number = |name| {
            std::env::var(name)
                .ok()
                .map(|number| number.parse())
                .transpose()
        };
        Ok(model::Settings {
            protocol: self.protocol,
            calls: number("PILEUS_MODEL_CALLS")?.unwrap_or(calls),
            seed: number("PILEUS_MODEL_SEED")?.unwrap_or(MODEL_SEED),
        })
    }

    fn play(&self, script: &Script, server: &Server, run: usize, context: &Context) -> Result<()> {
        let stage = Stage {
            server,
            protocol: self.protocol,
            run,
            collect: context.collect,
        };
        let Played {
            transcript,
            corrections,
            failure,
        } = play(script, stage, &context.coverage);
        if !corrections.is_empty() {
            let mut source = script.source.clone();
            // From the end, so that the earlier places stay where they are.
            let mut corrections = corrections;
            corrections.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
            corrections
                .into_iter()
                .for_each(|(span, text)| source.replace_range(span, &text));
            std::fs::write(folder().join(format!("{}.scn", script.name)), source)?;
        }
        if let Some(failure) = failure {
            return Err(self.told(script, &failure, server).into());
        }
        if context.collect {
            return Ok(());
        }
        let mut transcripts = context
            .transcripts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some((first, lines)) = transcripts.get(&script.name) else {
            transcripts.insert(
                script.name.clone(),
                (self.name(), transcript.lines().to_vec()),
            );
            return Ok(());
        };
        match first_difference(lines, transcript.lines()) {
            Some((one, other)) => {
                Err(format!("the answers differ\nin {first}:\n{one}\nhere:\n{other}").into())
            }
            None => Ok(()),
        }
    }

    fn told(&self, script: &Script, failure: &Failure, server: &Server) -> String {
        let Failure { line, told, answer } = failure;
        let step = script.steps.iter().find(|step| step.line == *line);
        let statement = step.map_or("", |step| &script.source[step.span.clone()]);
        let answer = answer.as_deref().unwrap_or("none");
        let folder = server.folder().display();
        format!(
            "scenarios/{}.scn:{line}\n{statement}\n{told}\nanswer: {answer}\nserver: {folder}",
            script.name
        )
    }

    fn strangers(&self, server: &Server) -> Result<()> {
        for spec in closed_to_strangers() {
            let answer = server.connect(self.protocol)?.call(&Call::new(spec.name))?;
            if answer.result()? != 1000 {
                return Err(
                    format!("{} answers {} to a stranger", spec.name, answer.result()?).into(),
                );
            }
        }
        Ok(())
    }

    fn apps(&self, server: &Server, run: usize) -> Result<()> {
        let mail = format!("apps+{run}@example.com");
        server.add_user(&mail, PASSWORD, None)?;
        let token = server.admin(&["token", "create", &mail, "--oauth"])?;
        for spec in closed_to_apps() {
            let call = Call::new(spec.name).with("access_token", token.trim());
            let answer = server.connect(self.protocol)?.call(&call)?;
            if answer.result()? != 1000 {
                return Err(format!("{} answers {} to an app", spec.name, answer.result()?).into());
            }
        }
        Ok(())
    }
}
