//! Visits of links: codes, passwords, and how many of them may be wrong.

use super::{Usable, usable};
use crate::app::App;
use crate::call::{Answer, Fail};
use crate::content::Pass;
use crate::limits::Subject;
use crate::rules::guesses::{check_guesses, noting_guesses};
use crate::seal::{opened, sealed};
use crate::secrets::{fingerprint, random};
use pileus_api::{Code, UnixTime};
use pileus_store::Tx;
use pileus_store::public_links::PublicLink;
use std::net::IpAddr;

/// How long a pass stands for the password of a link.
pub const PASS_SECONDS: i64 = 86_400;

/// What the signature of a pass is for.
const PASS_PURPOSE: &str = "link pass";

/// What a visitor shows for a link that has a password.
#[derive(Clone, Debug, Default)]
pub struct Key {
    /// The password.
    pub password: Option<String>,
    /// A [`pass`], given for the password earlier.
    pub pass: Option<String>,
}

/// The number by which a password of a link is known: another password has another one, and 0 stands for none.
pub fn lock(password_hash: Option<&str>) -> u64 {
    password_hash.map_or(0, |hash| {
        let [a, b, c, d, e, f, g, h, ..] = fingerprint(hash);
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    })
}

/// What stands for the password of a link from now on, until that is changed.
pub fn pass(app: &App, lock: u64, now: UnixTime) -> String {
    let expires = now.0.saturating_add(PASS_SECONDS);
    sealed(app, PASS_PURPOSE, &format!("{lock:x}-{expires}"))
}

/// The lock that a pass opens, if it is one of ours and its time is not over.
fn lock_of_pass(app: &App, pass: &str, now: UnixTime) -> Option<u64> {
    let (lock, expires) = opened(app, PASS_PURPOSE, pass)?.split_once('-')?;
    let is_good = now.0 < expires.parse().ok()?;
    u64::from_str_radix(lock, 16).ok().filter(|_| is_good)
}

/// What a path to content says about a link that its visitor has opened.
pub fn content_pass(link: &PublicLink) -> Answer<Pass> {
    Ok(Pass {
        link: link.id,
        lock: lock(link.password_hash.as_deref()),
        path: i64::from_be_bytes(random().map_err(Fail::internal)?),
    })
}

/// A visitor with a code, whose password has been checked.
#[derive(Clone, Debug)]
pub struct Visit {
    code: String,
    /// The lock that the visitor can open.
    opens: Option<u64>,
    /// Whether that was proved by the password itself.
    pub has_password: bool,
}

impl Visit {
    /// Begins a visit: checks the password, and refuses who has guessed too often.
    pub async fn begin(app: &App, client: IpAddr, code: &str, key: &Key) -> Answer<Self> {
        check_guesses(app, client)?;
        let now = app.clock.now();
        let pass = key.pass.as_deref();
        let mut visit = Self {
            code: code.to_owned(),
            opens: pass.and_then(|pass| lock_of_pass(app, pass, now)),
            has_password: false,
        };
        let Some(password) = &key.password else {
            return Ok(visit);
        };
        let code = visit.code.clone();
        let found = app
            .db
            .view(move |tx| usable(tx, &code, now).map(|found| found.link.password_hash))
            .await;
        let Some(hash) = noting_guesses(app, client, found)? else {
            return Ok(visit);
        };
        let checking = async {
            let hash = Some(hash.clone());
            if app.hashing.verify(password.clone(), hash).await? {
                Ok(())
            } else {
                Err(Code::LINK_PASSWORD_NEEDED.into())
            }
        };
        let wrong = [Code::LINK_PASSWORD_NEEDED];
        app.limits
            .tries
            .watch(Subject::Nobody, client, &wrong, checking)
            .await?;
        visit.opens = Some(lock(Some(&hash)));
        visit.has_password = true;
        Ok(visit)
    }

    /// The link, after all checks but those of its limits.
    pub fn open(&self, tx: &mut Tx<'_>, now: UnixTime) -> Answer<Usable> {
        let found = usable(tx, &self.code, now)?;
        let hash = found.link.password_hash.as_deref();
        if hash.is_some() && self.opens != Some(lock(hash)) {
            return Err(Code::LINK_PASSWORD_NEEDED.into());
        }
        Ok(found)
    }
}
