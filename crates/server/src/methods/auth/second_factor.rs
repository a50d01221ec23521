//! Logins with a second factor, and switching it on and off.

use crate::call::Answer;
use crate::cx::Cx;
use crate::dispatch::Public;
use crate::login::{User, device_id};
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

/// Refuses an account, or a network, from which too many wrong codes came: 4000.
fn check_limit(cx: &Cx<'_, '_>, account: i64) -> Answer<()> {
    let name = second_factor::limit_name(account);
    if cx.app.limits.allows(&name, cx.call.client) {
        Ok(())
    } else {
        Err(Code::LOGINS_LIMITED.into())
    }
}

/// Ends a login that waits. The dispatcher makes the token, as it does after any login.
async fn log_in(cx: &mut Cx<'_, '_>, token: &str, said: Said, trusts: bool) -> Answer<Account> {
    let device = trusts.then(|| device_id(cx.call));
    let account = second_step(cx.app, cx.call.client, token, said, device).await?;
    cx.call.conn.log_out();
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
        check_limit(cx, id)?;
        let confirmed = cx
            .edit(move |edit| {
                let (app, now) = (edit.app.clone(), edit.now);
                second_factor::confirm(edit.tx, &app, id, &code, now)
            })
            .await;
        let name = second_factor::limit_name(id);
        let codes = confirmed.inspect_err(|fail| {
            if fail.code == Code::CODE_INVALID {
                cx.app.limits.failed(&name, cx.call.client);
            }
        })?;
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
        if !has_factor(cx, id).await? {
            return Err(Code::DENIED.into());
        }
        check_limit(cx, id)?;
        let typed = self.code.clone();
        let is_proven = cx
            .edit(move |edit| {
                let (app, now) = (edit.app.clone(), edit.now);
                let mut is_proven = false;
                for proof in [Proof::Authenticator(&typed), Proof::Recovery(&typed)] {
                    is_proven = is_proven || second_factor::prove(edit.tx, &app, id, &proof, now)?;
                }
                if is_proven {
                    second_factor::switch_off(edit.tx, id)?;
                }
                Ok(is_proven)
            })
            .await?;
        let name = second_factor::limit_name(id);
        if !is_proven {
            cx.app.limits.failed(&name, cx.call.client);
            return Err(Code::CODE_INVALID.into());
        }
        cx.app.limits.succeeded(&name);
        Ok(Done)
    }
}
