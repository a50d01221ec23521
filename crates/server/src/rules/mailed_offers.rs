//! Offers of folders as those find them who follow the link in a mail.

use crate::app::App;
use crate::call::Answer;
use crate::cx::edit_for;
use crate::login::check_password;
use crate::rules::guesses::with_code;
use crate::rules::offers::{End, open_owner};
use crate::secrets::fingerprint;
use pileus_api::Code;
use pileus_store::accounts::Account;
use pileus_store::share_requests::ShareRequest;
use std::net::IpAddr;
use std::sync::Arc;

/// An open offer that a mail was about.
#[derive(Debug)]
pub struct Mailed {
    /// The offer.
    pub request: ShareRequest,
    /// Mail address of who makes it.
    pub from: String,
    /// The account of the address that the mail went to, if it has one.
    pub recipient: Option<Account>,
}

/// The offer that a mail was about: 2021 if it is not open.
pub async fn find(app: &Arc<App>, client: IpAddr, code: &str) -> Answer<Mailed> {
    let (hash, now) = (fingerprint(code), app.clock.now());
    let found = app.db.view(move |tx| -> Answer<Mailed> {
        let request = tx.share_request_by_code(&hash)?;
        let request = request.ok_or(Code::REQUEST_MISSING)?;
        let owner = open_owner(tx, &request, now.0)?.ok_or(Code::REQUEST_MISSING)?;
        let recipient = tx.account_by_email(&request.email)?;
        Ok(Mailed {
            request,
            from: owner.email,
            recipient,
        })
    });
    with_code(app, client, found).await
}

/// Accepts an offer for the account of the address that its mail went to: 2021 if it is not open any more, 2022 if there is no
/// such account, 2272 if the password is not the account's.
pub async fn accept(
    app: &Arc<App>,
    client: IpAddr,
    secure: bool,
    mailed: &Mailed,
    password: &str,
) -> Answer<()> {
    let Mailed {
        request, recipient, ..
    } = mailed;
    let recipient = recipient.as_ref().ok_or(Code::NOT_FOR_CALLER)?;
    check_password(app, &recipient.email, password, client, secure)
        .await
        .map_err(|fail| {
            if fail.code == Code::LOGIN_FAILED {
                Code::PASSWORD_WRONG.into()
            } else {
                fail
            }
        })?;
    let id = request.id;
    edit_for(app, recipient.id, move |edit| {
        let request = edit.tx.share_request(id)?.ok_or(Code::REQUEST_MISSING)?;
        let now = edit.now.0;
        open_owner(edit.tx, &request, now)?.ok_or(Code::REQUEST_MISSING)?;
        let into = edit.share_root()?;
        edit.accept_offer(&request, into, &request.name).map(drop)
    })
    .await
}

/// Declines an offer: 2021 if it is not open any more. Whoever reads the mail may, with or without an account; the worst that
/// comes of it is another offer.
pub async fn decline(app: &Arc<App>, mailed: &Mailed) -> Answer<()> {
    let (id, owner) = (mailed.request.id, mailed.request.owner);
    edit_for(app, owner, move |edit| {
        let request = edit.tx.share_request(id)?.ok_or(Code::REQUEST_MISSING)?;
        let now = edit.now.0;
        open_owner(edit.tx, &request, now)?.ok_or(Code::REQUEST_MISSING)?;
        edit.end_offer(&request, End::Declined)
    })
    .await
}
