//! Accounts, passwords and tokens.

use crate::general::UserInfoReply;
use pileus_api_derive::{Method, Params, Reply};
use pileus_wire::UnixTime;

/// Makes an account, and sends a mail that asks to verify its address. A server with closed sign-up refuses.
#[derive(Method, Params)]
#[method(name = "register", caller = Anyone, access = Public, reply = RegisterReply,
         fails = [WRONG_FORM, DENIED, EMAIL_INVALID, PASSWORD_SHORT, PASSWORD_BLANK, PASSWORD_REPEATS,
                  PASSWORD_SEQUENCE, TERMS_NOT_ACCEPTED, EMAIL_TAKEN])]
pub struct Register {
    /// Mail address; it becomes the user name.
    #[param(missing = NO_MAIL)]
    pub mail: String,
    /// Password.
    #[param(missing = NO_PASSWORD)]
    pub password: String,
    /// Must be `yes`.
    pub termsaccepted: Option<String>,
    /// Language of mails and pages; the server's own, if not given or not known.
    pub language: Option<String>,
    /// The account that has invited this one.
    pub referer: Option<u64>,
    /// The same; some clients say it so.
    pub r#ref: Option<u64>,
    /// The code of an invitation, as `invite` gives it. What leads to nobody is ignored.
    pub invite: Option<String>,
    /// Answer a token too, and log the connection in if nobody is. Not where a login needs a verified address.
    pub getauth: bool,
}

/// A new account.
#[derive(Reply)]
pub struct RegisterReply {
    /// Its id.
    pub userid: u64,
    /// A token, if one was asked for.
    pub auth: Option<String>,
}

/// Changes the password. All other tokens of the account stop working, and so do the codes of mails that are under way.
#[derive(Method, Params)]
#[method(name = "changepassword", caller = Owner, access = Public, reply = AuthReply,
         fails = [WRONG_FORM, PASSWORD_UNCHANGED, OLD_PASSWORD_WRONG, PASSWORD_SHORT, PASSWORD_BLANK,
                  PASSWORD_REPEATS, PASSWORD_SEQUENCE])]
pub struct ChangePassword {
    /// The present password.
    #[param(missing = NO_OLD_PASSWORD)]
    pub oldpassword: String,
    /// The new password.
    #[param(missing = NO_NEW_PASSWORD)]
    pub newpassword: String,
    /// Answer a new token.
    pub regetauth: bool,
}

/// A token, if one was asked for.
#[derive(Reply)]
pub struct AuthReply {
    /// The token.
    pub auth: Option<String>,
}

/// Deletes the token that this call is logged in with, and logs the connection out. What it has open is closed.
#[derive(Method, Params)]
#[method(name = "logout", caller = User, access = Waits, reply = LogoutReply)]
pub struct Logout {}

/// What became of the token.
#[derive(Reply)]
pub struct LogoutReply {
    /// Whether a token was deleted; a login by password has none.
    pub auth_deleted: bool,
}

/// Lists the live tokens of the account, newest first.
#[derive(Method, Params)]
#[method(name = "listtokens", caller = Owner, access = Read, reply = TokensReply)]
pub struct ListTokens {}

/// Tokens.
#[derive(Reply)]
pub struct TokensReply {
    /// The tokens.
    pub tokens: Vec<TokenInfo>,
}

/// One token, without its secret.
#[derive(Reply)]
pub struct TokenInfo {
    /// Its id.
    pub tokenid: u64,
    /// The device it was given to.
    pub device: String,
    /// When it was given.
    pub created: UnixTime,
    /// When it dies if it is not used.
    pub expires_inactive: UnixTime,
    /// When it dies in any case.
    pub expires: UnixTime,
    /// Whether this call is logged in with it.
    pub current: bool,
}

/// Deletes a token of the account.
#[derive(Method, Params)]
#[method(name = "deletetoken", caller = Owner, access = Write, fails = [TOKENID_MISSING])]
pub struct DeleteToken {
    /// The token.
    #[param(missing = NO_TOKENID)]
    pub tokenid: u64,
}

/// What a login that is not through yet answers beside 2297.
#[derive(Reply)]
pub struct SecondFactorNeeded {
    /// Names the login in the calls that end it. Works for 10 minutes and 5 wrong codes.
    pub token: String,
    /// Always false: no notices are sent to devices.
    pub hasdevices: bool,
    /// Always 2: codes come from an authenticator.
    pub tfatype: u64,
}

/// What a login before the address is verified answers beside 2306.
#[derive(Reply)]
pub struct MailCheckNeeded {
    /// Lets `sendverificationemail` be called without a login, for a day.
    pub verifytoken: String,
}

/// Sends a mail that asks to verify the account's address.
#[derive(Method, Params)]
#[method(name = "sendverificationemail", caller = Anyone, access = Public, fails = [ALREADY_VERIFIED])]
pub struct SendVerificationEmail {
    /// Stands for a login, if that was refused with 2306.
    pub verifytoken: Option<String>,
}

/// Verifies the address of the account that a code was sent to. That need not be the caller's.
#[derive(Method, Params)]
#[method(name = "verifyemail", caller = Anyone, access = Public, reply = VerifiedReply,
         fails = [CODE_INVALID, ALREADY_VERIFIED])]
pub struct VerifyEmail {
    /// The code of the mail.
    #[param(missing = NO_CODE)]
    pub code: String,
}

/// An account whose address is verified now.
#[derive(Reply)]
pub struct VerifiedReply {
    /// The address.
    pub email: String,
    /// Id of the account.
    pub userid: u64,
}

/// Sends a mail by which a new password can be set. Answers the same whether there is such an account or not.
#[derive(Method, Params)]
#[method(name = "lostpassword", caller = Anyone, access = Public)]
pub struct LostPassword {
    /// Mail address of the account.
    #[param(missing = NO_MAIL)]
    pub mail: String,
}

/// Sets a new password by the code of a mail. All session tokens of the account stop working, and its address counts
/// as verified; if it was not before, tokens of apps stop working too. A password that is refused does not use the code
/// up.
#[derive(Method, Params)]
#[method(name = "resetpassword", caller = Anyone, access = Public,
         fails = [WRONG_FORM, CODE_INVALID, RESET_CODE_EXPIRED, PASSWORD_SHORT, PASSWORD_BLANK,
                  PASSWORD_REPEATS, PASSWORD_SEQUENCE])]
pub struct ResetPassword {
    /// The code of the mail.
    #[param(missing = NO_CODE)]
    pub code: String,
    /// The new password.
    #[param(missing = NO_NEW_PASSWORD)]
    pub newpassword: String,
}

/// Changes the account's address, in steps: without parameters a code goes to the present address; with that code and
/// a new address another one goes there, which `changemail` takes.
#[derive(Method, Params)]
#[method(name = "sendchangemail", caller = Owner, access = Public,
         fails = [NO_CODE, NO_MAIL, CODE_INVALID, EMAIL_INVALID, EMAIL_TAKEN, CODE_EXPIRED, EMAIL_UNCHANGED])]
pub struct SendChangeMail {
    /// The new address.
    pub newmail: Option<String>,
    /// The code that came to the present address.
    pub code: Option<String>,
}

/// Makes the address that a code was sent to the account's.
#[derive(Method, Params)]
#[method(name = "changemail", caller = Owner, access = Public,
         fails = [WRONG_FORM, CODE_INVALID, EMAIL_TAKEN, CODE_EXPIRED, PASSWORD_WRONG])]
pub struct ChangeMail {
    /// The account's password.
    #[param(missing = NO_PASSWORD)]
    pub password: String,
    /// The code that came to the new address.
    #[param(missing = NO_CODE)]
    pub code: String,
}

/// Sends a mail by which the account can be given up.
#[derive(Method, Params)]
#[method(name = "senddeactivatemail", caller = Owner, access = Write)]
pub struct SendDeactivateMail {}

/// Gives the account up: all logins, apps and links end at once. Its data is erased after a time that the server's
/// administrator sets, who can bring the account back until then.
#[derive(Method, Params)]
#[method(name = "deactivateuser", caller = Owner, access = Public,
         fails = [WRONG_FORM, CODE_INVALID, CODE_EXPIRED, PASSWORD_WRONG])]
pub struct DeactivateUser {
    /// The account's password.
    #[param(missing = NO_PASSWORD)]
    pub password: String,
    /// The code of the mail.
    #[param(missing = NO_CODE)]
    pub code: String,
}

/// Gives an address at which others register as invited by this account. It stays the same.
#[derive(Method, Params)]
#[method(name = "invite", caller = Account, access = Write, reply = InviteReply)]
pub struct Invite {}

/// An invitation.
#[derive(Reply)]
pub struct InviteReply {
    /// The address.
    pub url: String,
    /// Always true: there is no space to be earned by invitations.
    pub spacelimitreached: bool,
}

/// Lists who has come by the account's invitations, oldest first, at most 1000.
#[derive(Method, Params)]
#[method(name = "userinvites", caller = Account, access = Read, reply = InvitesReply)]
pub struct UserInvites {}

/// Accounts that came by invitation.
#[derive(Reply)]
pub struct InvitesReply {
    /// The accounts.
    pub invites: Vec<InvitedUser>,
}

/// An account that came by invitation.
#[derive(Reply)]
pub struct InvitedUser {
    /// Its address with all letters hidden but the first and the host.
    pub email: String,
    /// Whether the address is still to be verified.
    pub is_pending: bool,
}

/// Ends a login that was answered 2297 by the code of an authenticator.
#[derive(Method, Params)]
#[method(name = "tfa_login", caller = Anyone, access = Public, reply = UserInfoReply, answers_token = true,
         fails = [CODE_INVALID])]
pub struct TfaLogin {
    /// The token of the answer 2297.
    #[param(missing = TFA_TOKEN_EXPIRED)]
    pub token: String,
    /// The six digits the authenticator shows. They work once.
    #[param(missing = NO_CODE)]
    pub code: String,
    /// Have later logins of the same `deviceid` go without a code, for 60 days. The id has 16 characters at least.
    pub trustdevice: bool,
    /// Add `apiserver`, the addresses the client should use from now on.
    pub getapiserver: bool,
}

/// Ends a login that was answered 2297 by a recovery code. Each works once.
#[derive(Method, Params)]
#[method(name = "tfa_loginwithrecoverycode", caller = Anyone, access = Public, reply = UserInfoReply,
         answers_token = true, fails = [CODE_INVALID])]
pub struct TfaLoginWithRecoveryCode {
    /// The token of the answer 2297.
    #[param(missing = TFA_TOKEN_EXPIRED)]
    pub token: String,
    /// The recovery code; case, blanks and hyphens do not matter.
    #[param(missing = NO_CODE)]
    pub code: String,
    /// Have later logins of the same `deviceid` go without a code, for 60 days. The id has 16 characters at least.
    pub trustdevice: bool,
    /// Add `apiserver`, the addresses the client should use from now on.
    pub getapiserver: bool,
}

/// Sends the code of a login by text message; not offered, so a pending login answers 2003.
#[derive(Method, Params)]
#[method(name = "tfa_sendcodeviasms", caller = Anyone, access = Public, fails = [DENIED])]
pub struct TfaSendCodeViaSms {
    /// The token of the answer 2297.
    #[param(missing = TFA_TOKEN_EXPIRED)]
    pub token: String,
}

/// Shows the code of a login on another device; not offered, so a pending login answers 2003.
#[derive(Method, Params)]
#[method(name = "tfa_sendcodeviasysnotification", caller = Anyone, access = Public, fails = [DENIED])]
pub struct TfaSendCodeViaSysNotification {
    /// The token of the answer 2297.
    #[param(missing = TFA_TOKEN_EXPIRED)]
    pub token: String,
}

/// Switches the second factor on, in two calls: the first answers a secret for an authenticator, the second confirms
/// by a code that it is there, and answers recovery codes. A method of Pileus; pCloud has no documented one.
#[derive(Method, Params)]
#[method(name = "tfa_enable", caller = Owner, access = Public, reply = TfaEnableReply,
         fails = [WRONG_FORM, DENIED, CODE_INVALID, CODE_EXPIRED, PASSWORD_WRONG])]
pub struct TfaEnable {
    /// The account's password, in both calls.
    #[param(missing = NO_PASSWORD)]
    pub password: String,
    /// The six digits the authenticator shows, in the second call.
    pub code: Option<String>,
}

/// A second factor on its way.
#[derive(Reply)]
pub struct TfaEnableReply {
    /// The secret, in base 32, for typing. Answered by the first call; it is good for 10 minutes.
    pub secret: Option<String>,
    /// The same as a URL for a QR code.
    pub url: Option<String>,
    /// Codes that each replace the authenticator once. Answered by the second call, and never again.
    pub recoverycodes: Option<Vec<String>>,
}

/// Switches the second factor off. A method of Pileus; pCloud has no documented one.
#[derive(Method, Params)]
#[method(name = "tfa_disable", caller = Owner, access = Public,
         fails = [WRONG_FORM, DENIED, CODE_INVALID, PASSWORD_WRONG])]
pub struct TfaDisable {
    /// The account's password.
    #[param(missing = NO_PASSWORD)]
    pub password: String,
    /// The six digits the authenticator shows, or a recovery code.
    #[param(missing = NO_CODE)]
    pub code: String,
}
