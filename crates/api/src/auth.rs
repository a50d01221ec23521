//! Accounts, passwords and tokens.

use pileus_api_derive::{Method, Params, Reply};
use pileus_wire::UnixTime;

/// Makes an account. A server with closed sign-up refuses.
#[derive(Method, Params)]
#[method(name = "register", caller = Anyone, access = Public, reply = RegisterReply,
         fails = [DENIED, EMAIL_INVALID, PASSWORD_SHORT, PASSWORD_BLANK, PASSWORD_REPEATS, PASSWORD_SEQUENCE,
                  TERMS_NOT_ACCEPTED, EMAIL_TAKEN])]
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
    /// Answer a token too, and log the connection in.
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

/// Changes the password. All other tokens of the account stop working.
#[derive(Method, Params)]
#[method(name = "changepassword", caller = Owner, access = Public, reply = AuthReply,
         fails = [PASSWORD_UNCHANGED, OLD_PASSWORD_WRONG, PASSWORD_SHORT, PASSWORD_BLANK, PASSWORD_REPEATS,
                  PASSWORD_SEQUENCE])]
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

/// Deletes the token that this call is logged in with, and logs the connection out.
#[derive(Method, Params)]
#[method(name = "logout", caller = User, access = Write, reply = LogoutReply)]
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
