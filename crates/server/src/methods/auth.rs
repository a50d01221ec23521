//! Accounts, passwords and tokens.

mod account_mail;
mod invites;
mod second_factor;

use crate::call::{Answer, Fail};
use crate::cx::{Cx, Edit, View};
use crate::dispatch::{Public, Reads, Waits, Writes};
use crate::language::LANGUAGES;
use crate::login::{self, Claim};
use crate::methods::general::is_email;
use crate::rules::account_mail::{Own, send_own};
use crate::rules::accounts::{NewUser, add_user, sealed};
use crate::rules::metadata::wire_id;
use crate::{config::Registration, password};
use pileus_api::auth::{
    AuthReply, ChangePassword, DeleteToken, ListTokens, Logout, LogoutReply, Register,
    RegisterReply, TokenInfo, TokensReply,
};
use pileus_api::reply::Done;
use pileus_api::{Code, UnixTime};
use pileus_store::tokens::Token;
use pileus_store::{StoreError, Tx};

impl Public for Register {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<RegisterReply> {
        if cx.app.config.registration == Registration::Closed {
            return Err(Code::DENIED.into());
        }
        login::protected(cx.app, cx.call.conn.secure)?;
        if !is_email(&self.mail) {
            return Err(Code::EMAIL_INVALID.into());
        }
        password::check_rules(&self.password)?;
        if self.termsaccepted.as_deref() != Some("yes") {
            return Err(Code::TERMS_NOT_ACCEPTED.into());
        }
        // What goes out may go to anybody, so it is limited like all mails that strangers cause; before the password is
        // hashed, so that they cannot keep the server busy with that either.
        if !cx.app.limits.allows_mail(cx.call.client) {
            return Err(Code::REQUESTS_LIMITED.into());
        }
        let hash = cx.app.hashing.hash(self.password.clone()).await?;
        let known = self
            .language
            .as_ref()
            .filter(|language| LANGUAGES.iter().any(|(code, _)| code == language));
        let new = NewUser {
            email: self.mail.clone(),
            email_verified: false,
            password_hash: hash,
            password_sealed: sealed(cx.app, &self.password)?,
            language: known.unwrap_or(&cx.app.config.default_language).clone(),
            quota: cx.app.config.default_quota_bytes,
        };
        let (app, now) = (cx.app.clone(), cx.app.clock.now());
        let invite = self.invite.clone();
        let referer = self.referer.or(self.r#ref);
        let account = cx
            .app
            .db
            .edit(move |tx| {
                let id = add_user(tx, &new, now)?;
                if let Some(inviter) = inviter(tx, invite.as_deref(), referer)? {
                    tx.set_inviter(id, inviter)?;
                }
                let account = tx.account(id)?.ok_or(StoreError::Missing)?;
                send_own(tx, &app, &account, Own::Verification, now)?;
                Ok::<_, Fail>(id)
            })
            .await?;
        let auth = if !self.getauth || cx.app.config.require_verified_mail {
            None
        } else if cx.user.take().is_some() {
            // The first login of a connection counts; and whoever is logged in does not want a token of his own here.
            Some(login::new_token(cx.app, cx.call, account).await?)
        } else {
            Some(log_in_anew(cx, account).await?)
        };
        Ok(RegisterReply {
            userid: wire_id(account),
            auth,
        })
    }
}

/// Who has brought a new account, by the code of an invitation or by an id; nobody, if that leads nowhere.
fn inviter(tx: &mut Tx<'_>, code: Option<&str>, id: Option<u64>) -> Answer<Option<i64>> {
    if let Some(code) = code
        && let Some(found) = tx.account_by_invite(code)?
    {
        return Ok(Some(found));
    }
    let Some(id) = id.and_then(|id| i64::try_from(id).ok()) else {
        return Ok(None);
    };
    Ok(tx.account(id)?.map(|account| account.id))
}

/// Makes a token for an account that has just proven itself, and logs the connection in with it.
async fn log_in_anew(cx: &Cx<'_, '_>, account: i64) -> Answer<String> {
    let token = login::new_token(cx.app, cx.call, account).await?;
    let (claim, call, spec, now) = (
        Claim::Token(token.clone()),
        cx.call.clone(),
        cx.spec,
        cx.app.clock.now(),
    );
    cx.app
        .db
        .view(move |tx| login::establish(tx, &claim, spec, &call.conn, now))
        .await?;
    Ok(token)
}

impl Public for ChangePassword {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<AuthReply> {
        let user = cx.user()?.clone();
        let account = user.account.id;
        login::protected(cx.app, cx.call.conn.secure)?;
        let (client, wrong) = (cx.call.client, Code::OLD_PASSWORD_WRONG);
        login::check_own_password(cx.app, client, &user.account, &self.oldpassword, wrong).await?;
        if self.oldpassword == self.newpassword {
            return Err(Code::PASSWORD_UNCHANGED.into());
        }
        password::check_rules(&self.newpassword)?;
        let hash = cx.app.hashing.hash(self.newpassword.clone()).await?;
        let sealed = sealed(cx.app, &self.newpassword)?;
        let keep = user.token.as_ref().map_or(0, |token| token.id);
        cx.edit(move |edit| {
            edit.tx.delete_other_sessions(account, keep)?;
            edit.tx.clear_trusted_devices(account)?;
            // Whoever has got hold of a mail shall not undo the change.
            edit.tx.void_all_mail_codes(account)?;
            Ok(edit
                .tx
                .set_account_password(account, &hash, sealed.as_deref())?)
        })
        .await?;
        // A connection that logged in with the old password would be cut off by the change it has just made.
        let needs_login = user.token.is_none();
        let auth = if self.regetauth || needs_login {
            Some(log_in_anew(cx, account).await?)
        } else {
            None
        };
        // With `getauth` the dispatcher answers it, as it does with every method.
        let is_answered = cx.call.params.flag("getauth");
        Ok(AuthReply {
            auth: auth.filter(|_| self.regetauth && !is_answered),
        })
    }
}

impl Waits for Logout {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<LogoutReply> {
        let deleted = cx.edit(|edit| {
            let account = edit.user.account.id;
            match edit.user.token {
                Some(Token { id, .. }) => Ok(edit.tx.delete_token(id, account)?),
                None => Ok(false),
            }
        });
        let auth_deleted = deleted.await?;
        cx.call.conn.log_out();
        cx.call.conn.files.close_all().await;
        Ok(LogoutReply { auth_deleted })
    }
}

impl Reads for ListTokens {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<TokensReply> {
        let current = cx.user.token.as_ref().map(|token| token.id);
        let tokens = cx.tx.session_tokens(cx.user.account.id)?;
        let live = tokens
            .into_iter()
            .filter(|token| login::is_live(token, cx.now));
        let tokens = live.map(|token| TokenInfo {
            tokenid: wire_id(token.id),
            created: UnixTime(token.created),
            expires_inactive: UnixTime(
                token
                    .expires
                    .min(token.last_used.saturating_add(token.idle_seconds)),
            ),
            expires: UnixTime(token.expires),
            current: current == Some(token.id),
            device: token.device,
        });
        Ok(TokensReply {
            tokens: tokens.collect(),
        })
    }
}

impl Writes for DeleteToken {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<Done> {
        let id = i64::try_from(self.tokenid).map_err(|_| Code::TOKENID_MISSING)?;
        let is_own = cx.user.token.as_ref().is_some_and(|token| token.id == id);
        let account = cx.user.account.id;
        let is_session = cx
            .tx
            .token(id)?
            .is_some_and(|token| token.account == account && token.app.is_none());
        if !is_session || !cx.tx.delete_token(id, account)? {
            return Err(Code::TOKENID_MISSING.into());
        }
        if let Some(call) = cx.call.filter(|_| is_own) {
            call.conn.log_out();
        }
        Ok(Done)
    }
}
