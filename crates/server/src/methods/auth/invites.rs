//! Invitations.

use crate::call::{Answer, Fail};
use crate::cx::{Edit, View};
use crate::dispatch::{Reads, Writes};
use crate::secrets::random_token;
use pileus_api::auth::{Invite, InviteReply, InvitedUser, InvitesReply, UserInvites};

/// Letters and digits of a code. It opens nothing, so it may be short.
const CODE_LENGTH: usize = 12;

/// Accounts that one answer lists.
const LISTED_MAX: i64 = 1000;

impl Writes for Invite {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<InviteReply> {
        let account = cx.user.account.id;
        let code = match cx.tx.invite_code(account)? {
            Some(code) => code,
            None => {
                let mut code = random_token().map_err(Fail::internal)?;
                code.truncate(CODE_LENGTH);
                cx.tx.set_invite_code(account, &code)?;
                code
            }
        };
        Ok(InviteReply {
            url: format!("{}/#page=register&invite={code}", cx.app.web_base()),
            spacelimitreached: true,
        })
    }
}

impl Reads for UserInvites {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<InvitesReply> {
        let invited = cx
            .tx
            .invited_accounts(cx.user.account.id, LISTED_MAX)?
            .into_iter()
            .map(|invited| InvitedUser {
                email: masked(&invited.email),
                is_pending: !invited.email_verified,
            });
        Ok(InvitesReply {
            invites: invited.collect(),
        })
    }
}

/// An address with all letters hidden but the first and the host.
fn masked(email: &str) -> String {
    let (name, host) = email.split_once('@').unwrap_or((email, ""));
    let first: String = name.chars().take(1).collect();
    let hidden = "*".repeat(name.chars().count().saturating_sub(1));
    format!("{first}{hidden}@{host}")
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn addresses_are_masked() {
        assert_eq!(masked("xyz@xyz.com"), "x**@xyz.com");
        assert_eq!(masked("ä@xyz.com"), "ä@xyz.com");
        assert_eq!(masked("äöü@xyz.com"), "ä**@xyz.com");
    }
}
