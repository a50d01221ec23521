//! OAuth 2: from the decision of an account about an app to a token. The page that asks for the decision is no method.

use pileus_api_derive::{Method, Params, Reply};

/// Gives an app its token.
///
/// With `code` the app shows a code that came to it through a browser, and its secret. With `request_id` it waits,
/// without a secret, for the decision on a page that names the same id. Id and secret of the app may also come as HTTP
/// Basic credentials.
#[derive(Method, Params)]
#[method(name = "oauth2_token", caller = Anyone, access = Waits, reply = TokenReply,
         fails = [NO_CODE, CODE_INVALID, CODE_EXPIRED])]
pub struct OAuth2Token {
    /// Public id of the app.
    pub client_id: Option<String>,
    /// Secret of the app; needed with `code`.
    pub client_secret: Option<String>,
    /// The code. It works once; a second use ends the token that it was exchanged for.
    pub code: Option<String>,
    /// The random text of 12 to 128 characters that the page was opened with, for apps that no browser can answer.
    /// It works once.
    pub request_id: Option<String>,
    /// The address that the code came to. It may be left out, but must not be another one; a code that was shown to be
    /// copied came to none.
    pub redirect_uri: Option<String>,
    /// What the `code_challenge` of the page's address was made of (RFC 7636, method S256). Needed if the page was opened
    /// with one.
    pub code_verifier: Option<String>,
}

/// A token of an app. It works until it is revoked.
#[derive(Reply)]
pub struct TokenReply {
    /// The token, for `Authorization: Bearer` or the parameter `access_token`.
    pub access_token: String,
    /// Always `bearer`.
    pub token_type: String,
    /// Id of the account.
    pub uid: u64,
    /// The same; some clients say it so.
    pub userid: u64,
    /// The site that the account lives on, as the server's setting names it.
    pub locationid: u64,
    /// Host of the API for this account, with a port if it is not 443.
    pub hostname: String,
}
