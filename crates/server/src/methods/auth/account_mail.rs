//! What goes by mail: verifying and changing the address, a lost password, giving the account up.

use crate::call::Answer;
use crate::cx::{Cx, Edit};
use crate::dispatch::{Public, Writes};
use crate::login;
use crate::rules::account_mail::{self, Own};
use crate::rules::metadata::wire_id;
use crate::verify_token;
use pileus_api::Code;
use pileus_api::auth::{
    ChangeMail, DeactivateUser, LostPassword, ResetPassword, SendChangeMail, SendDeactivateMail,
    SendVerificationEmail, VerifiedReply, VerifyEmail,
};
use pileus_api::reply::Done;
use pileus_store::accounts;

impl Public for SendVerificationEmail {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Done> {
        let by_token = self
            .verifytoken
            .as_ref()
            .and_then(|token| verify_token::read(cx.app, token, cx.now));
        let id = match by_token {
            Some(id) => id,
            None => {
                let user = cx.user()?;
                // An app that sees a folder has no business with the account, however this method lets others in.
                if user.app_folder.is_some() {
                    return Err(Code::LOGIN_REQUIRED.into());
                }
                user.account.id
            }
        };
        let (app, now) = (cx.app.clone(), cx.now);
        cx.app
            .db
            .edit(move |tx| {
                let account = tx
                    .account_locked(id)?
                    .filter(|account| account.state == accounts::ACTIVE)
                    .ok_or(Code::LOGIN_REQUIRED)?;
                if account.email_verified {
                    return Err(Code::ALREADY_VERIFIED.into());
                }
                account_mail::send_own(tx, &app, &account, Own::Verification, now)
            })
            .await?;
        Ok(Done)
    }
}

impl Public for VerifyEmail {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<VerifiedReply> {
        let account = account_mail::verify_email(cx.app, cx.call.client, &self.code).await?;
        Ok(VerifiedReply {
            email: account.email,
            userid: wire_id(account.id),
        })
    }
}

impl Public for LostPassword {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Done> {
        account_mail::send_reset(cx.app, cx.call.client, &self.mail).await?;
        Ok(Done)
    }
}

impl Public for ResetPassword {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Done> {
        login::protected(cx.app, cx.call.conn.secure)?;
        account_mail::reset_password(cx.app, cx.call.client, &self.code, &self.newpassword, false)
            .await?;
        Ok(Done)
    }
}

impl Public for SendChangeMail {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Done> {
        match (&self.code, &self.newmail) {
            (Some(code), Some(email)) => {
                let account = Some(cx.user()?.account.id);
                account_mail::name_new_address(cx.app, cx.call.client, account, code, email)
                    .await?;
            }
            (None, Some(_)) => return Err(Code::NO_CODE.into()),
            (Some(_), None) => return Err(Code::NO_MAIL.into()),
            (None, None) => {
                cx.edit(|edit| {
                    let (app, account, now) =
                        (edit.app.clone(), edit.user.account.clone(), edit.now);
                    account_mail::send_own(edit.tx, &app, &account, Own::Change, now)
                })
                .await?;
            }
        }
        Ok(Done)
    }
}

impl Public for ChangeMail {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Done> {
        let account = Some(cx.user()?.account.id);
        login::protected(cx.app, cx.call.conn.secure)?;
        let (code, password) = (&self.code, &self.password);
        account_mail::change_address(cx.app, cx.call.client, account, code, password).await?;
        Ok(Done)
    }
}

impl Writes for SendDeactivateMail {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<Done> {
        let (app, account, now) = (cx.app.clone(), cx.user.account.clone(), cx.now);
        account_mail::send_own(cx.tx, &app, &account, Own::Deactivation, now)?;
        Ok(Done)
    }
}

impl Public for DeactivateUser {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Done> {
        let account = Some(cx.user()?.account.id);
        login::protected(cx.app, cx.call.conn.secure)?;
        let (code, password) = (&self.code, &self.password);
        account_mail::deactivate(cx.app, cx.call.client, account, code, password).await?;
        // The login of this call is gone: it can be answered no token.
        cx.call.conn.log_out();
        cx.user = None;
        Ok(Done)
    }
}
