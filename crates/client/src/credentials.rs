//! How calls prove who makes them.

use std::fmt;

use http::HeaderValue;
use pileus_wire::{Params, TooMany};

use crate::address::Protocol;

/// Parameters with which a call brings credentials of its own.
const OWN_CREDENTIALS: [&str; 3] = ["auth", "access_token", "username"];

/// What is sent with each call to identify the caller. `Debug` does not show the secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing. A connection that has logged in stays logged in all the same.
    #[default]
    None,
    /// A session token, which a login answers as `auth`.
    Token(String),
    /// The access token of an OAuth 2 app.
    Bearer(String),
}

impl Credentials {
    /// The header that carries them over HTTP; `None` if parameters do, or if the token is not fit
    /// for a header.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        match self {
            Credentials::Bearer(token) => HeaderValue::from_str(&format!("Bearer {token}")).ok(),
            Credentials::None | Credentials::Token(_) => None,
        }
    }

    /// The parameters of a call with the credentials added, where parameters carry them. A call
    /// that brings its own goes out unchanged.
    pub(crate) fn add_to(&self, params: &Params, protocol: Protocol) -> Result<Params, TooMany> {
        let mut params = params.clone();
        if has_own(&params) {
            return Ok(params);
        }
        match self {
            Credentials::None => {}
            Credentials::Token(token) => params.set("auth", token.as_str())?,
            Credentials::Bearer(_) if self.header().is_some() && protocol == Protocol::Http => {}
            Credentials::Bearer(token) => params.set("access_token", token.as_str())?,
        }
        Ok(params)
    }
}

/// Whether a call brings credentials of its own.
pub(crate) fn has_own(params: &Params) -> bool {
    OWN_CREDENTIALS
        .iter()
        .any(|name| params.get(name).is_some())
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Credentials::None => "None",
            Credentials::Token(_) => "Token(***)",
            Credentials::Bearer(_) => "Bearer(***)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_gets_credentials_unless_it_has_some() -> Result<(), TooMany> {
        let token = Credentials::Token("t".into());
        let bearer = Credentials::Bearer("b".into());
        let none = Params::new();
        let text =
            |params: &Params, name: &str| params.text(name).map(|t| t.map(|t| t.into_owned()));
        for protocol in [Protocol::Http, Protocol::Binary] {
            assert_eq!(
                text(&token.add_to(&none, protocol)?, "auth"),
                Some(Ok("t".into()))
            );
            let mut own = Params::new();
            own.set("username", "u")?;
            assert_eq!(bearer.add_to(&own, protocol)?, own);
        }
        assert!(bearer.add_to(&none, Protocol::Http)?.is_empty());
        assert_eq!(bearer.header(), Some(HeaderValue::from_static("Bearer b")));
        let sent = bearer.add_to(&none, Protocol::Binary)?;
        assert_eq!(text(&sent, "access_token"), Some(Ok("b".into())));
        Ok(())
    }

    #[test]
    fn secrets_are_not_shown() {
        assert!(!format!("{:?}", Credentials::Token("s3cret".into())).contains("s3cret"));
        assert!(!format!("{:?}", Credentials::Bearer("s3cret".into())).contains("s3cret"));
    }
}
