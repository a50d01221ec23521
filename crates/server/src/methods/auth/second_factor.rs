//! Logins with a second factor, and switching it on and off.

use crate::call::Answer;
use crate::cx::Cx;
use crate::dispatch::Public;
use crate::limits::Subject;
use crate::login::{self, Identity, User, device_id};
use crate::methods::general::user_info;
use crate::rules::second_factor::{self, Proof};
use crate::second_step::{Said, second_step, waiting};
use pileus_api::Code;
use pileus_api::auth::{
    TfaDisable, TfaEnable, TfaEnableReply, TfaLogin, TfaLoginWithRecoveryCode, TfaSendCodeViaSms,
    TfaSendCodeViaSysNotification,
};
use pileus_api::general::UserInfoReply;
use pileus_api::reply::Done;
use pileus_store::accounts::Account;

/// Ends a login that waits. The dispatcher makes the token, as it does after any login.
async fn log_in(cx: &mut Cx<'_, '_>, token: &str, said: Said, trusts: bool) -> Answer<Account> {
    let device = trusts.then(|| device_id(cx.call));
    let account = second_step(cx.app, cx.call.client, token, said, device).await?;
    cx.call.conn.log_in(Identity::proven(&account));
    cx.user = Some(User::new(account.clone(), None));
    Ok(account)
}

impl Public for TfaLogin {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<UserInfoReply> {
        let said = Said::Authenticator(self.code.clone());
        let account = log_in(cx, &self.token, said, self.trustdevice).await?;
        Ok(user_info(cx.app, &account, self.getapiserver))
    }
}

impl Public for TfaLoginWithRecoveryCode {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<UserInfoReply> {
        let said = Said::Recovery(self.code.clone());
        let account = log_in(cx, &self.token, said, self.trustdevice).await?;
        Ok(user_info(cx.app, &account, self.getapiserver))
    }
}

impl Public for TfaSendCodeViaSms {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Done> {
        waiting(cx.app, cx.call.client, &self.token).await?;
        Err(Code::DENIED.into())
    }
}

impl Public for TfaSendCodeViaSysNotification {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Done> {
        waiting(cx.app, cx.call.client, &self.token).await?;
        Err(Code::DENIED.into())
    }
}

/// Checks the password of the caller: whoever has stolen a token shall neither lock the owner out nor take away what
/// guards him.
async fn check_password(cx: &Cx<'_, '_>, password: &str) -> Answer<()> {
    login::protected(cx.app, cx.call.conn.secure)?;
    let (account, wrong) = (&cx.user()?.account, Code::PASSWORD_WRONG);
    login::check_own_password(cx.app, cx.call.client, account, password, wrong).await
}

/// Whether the caller's account has a second factor.
async fn has_factor(cx: &Cx<'_, '_>, account: i64) -> Answer<bool> {
    let secrets = cx
        .app
        .db
        .view(move |tx| tx.account_secrets(account))
        .await?;
    Ok(secrets.is_some_and(|secrets| secrets.tfa_sealed.is_some()))
}

impl Public for TfaEnable {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<TfaEnableReply> {
        let account = cx.user()?.account.clone();
        let id = account.id;
        check_password(cx, &self.password).await?;
        if has_factor(cx, id).await? {
            return Err(Code::DENIED.into());
        }
        let Some(code) = self.code.clone() else {
            let factor = cx
                .edit(move |edit| {
                    let (app, now) = (edit.app.clone(), edit.now);
                    second_factor::prepare(edit.tx, &app, id, now)
                })
                .await?;
            return Ok(TfaEnableReply {
                secret: Some(factor.secret()),
                url: Some(factor.url(&account.email)),
                recoverycodes: None,
            });
        };
        let confirming = cx.edit(move |edit| {
            let (app, now) = (edit.app.clone(), edit.now);
            second_factor::confirm(edit.tx, &app, id, &code, now)
        });
        let (subject, wrong) = (Subject::SecondFactor(id), [Code::CODE_INVALID]);
        let tries = &cx.app.limits.tries;
        let codes = tries
            .watch(subject, cx.call.client, &wrong, confirming)
            .await?;
        Ok(TfaEnableReply {
            secret: None,
            url: None,
            recoverycodes: Some(codes),
        })
    }
}

impl Public for TfaDisable {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Done> {
        let id = cx.user()?.account.id;
        check_password(cx, &self.password).await?;
        if !has_factor(cx, id).await? {
            return Err(Code::DENIED.into());
        }
        let typed = self.code.clone();
        let disabling = cx.edit(move |edit| {
            let (app, now) = (edit.app.clone(), edit.now);
            for proof in [Proof::Authenticator(&typed), Proof::Recovery(&typed)] {
                if second_factor::prove(edit.tx, &app, id, &proof, now)? {
                    return second_factor::switch_off(edit.tx, id);
                }
            }
            Err(Code::CODE_INVALID.into())
        });
        let (subject, wrong) = (Subject::SecondFactor(id), [Code::CODE_INVALID]);
        let tries = &cx.app.limits.tries;
        tries
            .watch(subject, cx.call.client, &wrong, disabling)
            .await?;
        cx.app.limits.proven(id);
        Ok(Done)
    }
}
