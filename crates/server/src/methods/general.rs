//! General methods, but for the feed.

use crate::app::App;
use crate::call::{Answer, Call, Fail};
use crate::cx::{Cx, Edit, View};
use crate::dispatch::{Public, Reads, Writes};
use crate::language::LANGUAGES;
use crate::login::{DIGEST_SECONDS, new_digest};
use crate::rules::metadata::wire_id;
use pileus_api::general::{
    ApiServers, CurrentServer, DigestReply, Feedback, GetApiServer, GetDigest, GetIp,
    GetLocationApi, IpReply, LanguagesReply, Location, LocationsReply, Login, NEVER, Nop,
    ServerReply, SetLanguage, SupportedLanguages, UserInfo, UserInfoReply,
};
use pileus_api::name::is_invisible;
use pileus_api::reply::Done;
use pileus_api::{Code, UnixTime};
use pileus_store::accounts::Account;
use std::io::Write;
use std::net::IpAddr;

/// Longest text of a feedback message; what is beyond is cut off.
const FEEDBACK_MAX_BYTES: usize = 64 * 1024;

impl Public for GetDigest {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<DigestReply> {
        Ok(DigestReply {
            digest: new_digest(cx.app, cx.now)?,
            expires: UnixTime(cx.now.0 + DIGEST_SECONDS),
        })
    }
}

/// What is told about an account.
pub(super) fn user_info(app: &App, account: &Account, getapiserver: bool) -> UserInfoReply {
    UserInfoReply {
        userid: wire_id(account.id),
        email: account.email.clone(),
        emailverified: account.email_verified,
        registered: UnixTime(account.created),
        language: account.language.clone(),
        premium: true,
        premiumexpires: Some(NEVER),
        quota: wire_id(account.quota),
        usedquota: wire_id(account.used),
        plan: 0,
        business: false,
        premiumlifetime: true,
        cryptosetup: false,
        cryptosubscription: false,
        trashrevretentiondays: app.config.retention_days,
        haspassword: true,
        apiserver: getapiserver.then(|| api_servers(app)),
    }
}

fn api_servers(app: &App) -> ApiServers {
    ApiServers {
        binapi: app.binapi_hosts(),
        api: app.api_hosts(),
    }
}

impl Reads for UserInfo {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<UserInfoReply> {
        Ok(user_info(cx.app, &cx.user.account, self.getapiserver))
    }
}

impl Reads for Login {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<UserInfoReply> {
        // A token is proof of an earlier login, not a login.
        let names_somebody = |call: &Call| call.params.get("username").is_some();
        if !cx.call.is_some_and(names_somebody) {
            return Err(Code::LOGIN_FAILED.into());
        }
        Ok(user_info(cx.app, &cx.user.account, self.getapiserver))
    }
}

impl Public for SupportedLanguages {
    async fn run(&self, _cx: &mut Cx<'_, '_>) -> Answer<LanguagesReply> {
        let languages = LANGUAGES
            .iter()
            .map(|&(code, name)| (code.to_owned(), name.to_owned()))
            .collect();
        Ok(LanguagesReply { languages })
    }
}

impl Writes for SetLanguage {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<Done> {
        if !LANGUAGES.iter().any(|(code, _)| *code == self.language) {
            return Err(Code::BAD_LANGUAGE.into());
        }
        let mut account = cx.user.account.clone();
        if account.language != self.language {
            cx.tx.set_account_language(account.id, &self.language)?;
            account.language.clone_from(&self.language);
            cx.record_account(&account)?;
        }
        Ok(Done)
    }
}

/// Whether a text looks like a mail address that mails can be sent to: one at-sign, something on both sides, nothing
/// that could break a header, nothing that could look like another address.
pub fn is_email(text: &str) -> bool {
    let is_clean = text.len() <= 254
        && text
            .chars()
            .all(|char| !is_invisible(char) && !char.is_whitespace());
    let parts = text.split_once('@');
    is_clean
        && !text.contains(['<', '>', ',', ';', '"', '(', ')'])
        && parts.is_some_and(|(name, host)| {
            !name.is_empty()
                && !host.is_empty()
                && !host.contains('@')
                && !host.starts_with('.')
                && !host.ends_with('.')
        })
        && text.parse::<lettre::Address>().is_ok()
}

impl Public for Feedback {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Done> {
        if !is_email(&self.mail) {
            return Err(Code::EMAIL_INVALID.into());
        }
        if !cx.app.limits.allows_feedback(cx.call.client) {
            return Err(Code::REQUESTS_LIMITED.into());
        }
        let cut = |text: &str| text[..text.floor_char_boundary(FEEDBACK_MAX_BYTES)].to_owned();
        let line = serde_json::json!({
            "time": cx.now.0,
            "mail": self.mail,
            "name": self.name.as_deref().map(cut),
            "reason": cut(&self.reason),
            "message": cut(&self.message),
        });
        let file = cx.app.config.data.join("feedback.jsonl");
        let write = move || {
            let mut file = std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(file)?;
            writeln!(file, "{line}")
        };
        let written = tokio::task::spawn_blocking(write)
            .await
            .map_err(Fail::internal)?;
        written.map_err(Fail::internal)?;
        Ok(Done)
    }
}

impl Public for CurrentServer {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<ServerReply> {
        let bound = cx
            .app
            .bound
            .get()
            .map(std::net::SocketAddr::ip)
            .filter(|ip| !ip.is_unspecified());
        let ip = bound.filter(IpAddr::is_ipv4).map(|ip| ip.to_string());
        let ipv6 = bound.filter(IpAddr::is_ipv6).map(|ip| ip.to_string());
        Ok(ServerReply {
            ipbin: ip.clone(),
            ip,
            ipv6,
            hostname: cx.app.api_hosts().swap_remove(0),
        })
    }
}

impl Public for GetIp {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<IpReply> {
        Ok(IpReply {
            ip: cx.call.client.to_canonical().to_string(),
            country: false,
        })
    }
}

impl Public for GetApiServer {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<ApiServers> {
        Ok(api_servers(cx.app))
    }
}

impl Public for Nop {
    async fn run(&self, _cx: &mut Cx<'_, '_>) -> Answer<Done> {
        Ok(Done)
    }
}

impl Public for GetLocationApi {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<LocationsReply> {
        let ApiServers {
            mut binapi,
            mut api,
        } = api_servers(cx.app);
        let location = Location {
            id: cx.app.config.public.location,
            label: "Pileus".into(),
            api: api.swap_remove(0),
            binapi: binapi.swap_remove(0),
        };
        Ok(LocationsReply {
            locations: vec![location],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::is_email;

    #[test]
    fn addresses() {
        for good in ["ann@example.com", "a+b@x", "ä@exämple.de"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "ann",
            "@x",
            "a@",
            "a@b@c",
            "a b@c",
            "a@b\r\nBcc: x",
            "<a@b>",
            "a@.b",
            "ann\u{200b}@b.test",
            "\u{202e}ann@b.test",
            "ann@b\u{ad}.test",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
