//! The second step of a login, by a method or on a page.

use crate::app::App;
use crate::call::{Answer, Fail};
use crate::limits::Subject;
use crate::rules::second_factor::{self, Proof};
use pileus_api::Code;
use pileus_store::accounts::Account;
use std::net::IpAddr;
use std::sync::Arc;

/// What somebody says stands for the second factor.
#[derive(Clone)]
pub enum Said {
    /// The code of an authenticator.
    Authenticator(String),
    /// A recovery code.
    Recovery(String),
}

impl Said {
    /// The same, to be proven.
    pub fn proof(&self) -> Proof<'_> {
        match self {
            Self::Authenticator(code) => Proof::Authenticator(code),
            Self::Recovery(code) => Proof::Recovery(code),
        }
    }
}

/// The account whose login waits under a token: 2064 if there is none.
pub async fn waiting(app: &App, client: IpAddr, token: &str) -> Answer<Account> {
    let (token, now) = (token.to_owned(), app.clock.now());
    let finding = app
        .db
        .view(move |tx| second_factor::waiting(tx, &token, now));
    // Tokens are not to be guessed either.
    let wrong = [Code::TFA_TOKEN_EXPIRED];
    app.limits
        .tries
        .watch(Subject::Nobody, client, &wrong, finding)
        .await
}

/// Ends a login that waits under a token: 2012 for a wrong code, 2064 if there is no such login, 4000 after too many
/// wrong codes. A device that is named goes without a code from then on.
pub async fn second_step(
    app: &Arc<App>,
    client: IpAddr,
    token: &str,
    said: Said,
    device: Option<String>,
) -> Answer<Account> {
    let id = waiting(app, client, token).await?.id;
    let (server, now, token) = (app.clone(), app.clock.now(), token.to_owned());
    let device = device.and_then(|named| second_factor::device_fingerprint(app, id, &named));
    let ending = async {
        let ended = app
            .db
            .edit(move |tx| {
                let ended = second_factor::end_wait(tx, &server, &token, &said.proof(), now)?;
                if let (Some(account), Some(device)) = (&ended, &device) {
                    second_factor::trust(tx, account.id, device, now)?;
                }
                Ok::<_, Fail>(ended)
            })
            .await?;
        ended.ok_or_else(|| Code::CODE_INVALID.into())
    };
    let wrong = [Code::CODE_INVALID, Code::TFA_TOKEN_EXPIRED];
    let account = app
        .limits
        .tries
        .watch(Subject::SecondFactor(id), client, &wrong, ending)
        .await?;
    app.limits.proven(id);
    app.limits.succeeded(&account.email);
    Ok(account)
}
