//! The newsletter's list of addresses. It works without an account.

use pileus_api_derive::{Method, Params, Reply};

/// Puts an address on the list. Unless its owner is known to agree, a mail asks for that first.
#[derive(Method, Params)]
#[method(name = "newsletter_subscribe", caller = Anyone, access = Public, reply = SubscribeReply,
         fails = [EMAIL_INVALID])]
pub struct NewsletterSubscribe {
    /// The address.
    #[param(missing = NO_MAIL)]
    pub mail: String,
}

/// What is left to do.
#[derive(Reply)]
pub struct SubscribeReply {
    /// Whether a mail asks for consent. It does not if the address is on the list already, if it is the verified one of
    /// the caller, or if the server has no newsletter.
    pub verifymail: bool,
}

/// Tells whether the account's address is on the list.
#[derive(Method, Params)]
#[method(name = "newsletter_check", caller = User, access = Read, reply = SubscribedReply)]
pub struct NewsletterCheck {}

/// Where an address stands.
#[derive(Reply)]
pub struct SubscribedReply {
    /// Whether it is on the list.
    pub subscribed: bool,
    /// Whether its owner has agreed to that.
    pub verified: bool,
}

/// Agrees to the newsletter by the code of a mail.
#[derive(Method, Params)]
#[method(name = "newsletter_verifyemail", caller = Anyone, access = Public, reply = NewsletterVerifiedReply,
         fails = [CODE_INVALID, ALREADY_VERIFIED])]
pub struct NewsletterVerifyEmail {
    /// The code of the mail; it works for 30 days.
    #[param(missing = NO_CODE)]
    pub code: String,
}

/// An address whose owner has agreed.
#[derive(Reply)]
pub struct NewsletterVerifiedReply {
    /// The address.
    pub email: String,
}

/// Takes an address off the list by its code. Succeeds too if it is not there.
#[derive(Method, Params)]
#[method(name = "newsletter_unsubscribe", caller = Anyone, access = Public, fails = [CODE_INVALID])]
pub struct NewsletterUnsubscribe {
    /// The code of the mail; it never expires.
    #[param(missing = NO_CODE)]
    pub code: String,
}

/// Sends a mail by which an address can be taken off the list, if it is there. Always succeeds.
#[derive(Method, Params)]
#[method(name = "newsletter_unsubscribemail", caller = Anyone, access = Public, fails = [EMAIL_INVALID])]
pub struct NewsletterUnsubscribeMail {
    /// The address.
    #[param(missing = NO_MAIL)]
    pub mail: String,
}

/// The same as `newsletter_unsubscribemail`, as pCloud's documentation spells it.
#[derive(Method, Params)]
#[method(name = "newsletter_unsibscribemail", caller = Anyone, access = Public, fails = [EMAIL_INVALID])]
pub struct NewsletterUnsibscribeMail {
    /// The address.
    #[param(missing = NO_MAIL)]
    pub mail: String,
}
