//! What an app asks for: the address of the page, taken apart and checked.

use super::back::{Place, address};
use crate::app::App as Server;
use crate::call::Answer;
use crate::rules::oauth::{is_request_id, working_app};
use crate::rules::pkce;
use crate::rules::redirects::is_registered;
use pileus_store::apps::{self, App};
use pileus_wire::{Params, parse_query};
use std::borrow::Cow;

/// How the app is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// By a code, which it exchanges for a token with its secret.
    Code,
    /// By the token itself.
    Token,
    /// Not at all: it waits for the decision elsewhere.
    Request,
}

/// A question that can be put to the visitor.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// Who asks.
    pub(super) app: App,
    /// How it is to be answered.
    pub(super) kind: Kind,
    /// Where the browser goes with the answer.
    pub(super) redirect: Option<String>,
    /// What comes back unchanged.
    pub(super) state: Option<String>,
    /// Permissions beyond the app's access.
    pub(super) permissions: i64,
    /// What names the request that the app waits for.
    pub(super) request_id: String,
    /// What the app's proof will have to fit, when it shows the code; empty if it gives none.
    pub(super) challenge: String,
    /// How the challenge was made.
    challenge_method: String,
    /// Whether to ask even if the app was let in before.
    pub(super) is_asked_again: bool,
}

/// Why there is no question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// No app that works has this id.
    UnknownApp,
    /// The app is not answered at this address.
    ForeignAddress,
    /// The question makes no sense, and there is nobody to tell.
    Malformed,
    /// The app is told what is wrong, at this address.
    Told(String),
}

impl Question {
    /// Reads the query of the page's address. Nothing but the query counts: what a form sends must not change it.
    pub(super) async fn read(server: &Server, query: &str) -> Answer<Result<Self, Refused>> {
        let mut params = Params::new();
        if parse_query(&mut params, query).is_err() {
            return Ok(Err(Refused::Malformed));
        }
        let text = |name: &str| {
            let text = params.text(name)?.ok().map(Cow::into_owned);
            text.filter(|text| !text.is_empty())
        };
        let Some(client_id) = text("client_id") else {
            return Ok(Err(Refused::UnknownApp));
        };
        let found = server
            .db
            .view(move |tx| working_app(tx, &client_id))
            .await?;
        let Some(app) = found else {
            return Ok(Err(Refused::UnknownApp));
        };
        let redirect = text("redirect_uri");
        if redirect
            .as_ref()
            .is_some_and(|uri| !is_registered(&app.redirects, uri))
        {
            return Ok(Err(Refused::ForeignAddress));
        }
        let response_type = text("response_type").unwrap_or_default();
        let asked = Self {
            app,
            kind: match response_type.as_str() {
                "token" => Kind::Token,
                "poll_token" => Kind::Request,
                _ => Kind::Code,
            },
            redirect,
            state: text("state"),
            permissions: permissions(&text("permissions").unwrap_or_default()),
            request_id: text("request_id").unwrap_or_default(),
            challenge: text("code_challenge").unwrap_or_default(),
            challenge_method: text("code_challenge_method").unwrap_or_default(),
            is_asked_again: params.flag("force_reapprove"),
        };
        Ok(match asked.fault(&response_type) {
            Some(fault) => Err(asked.refusal(fault)),
            None => Ok(asked),
        })
    }

    /// What is wrong, in the words of RFC 6749.
    fn fault(&self, response_type: &str) -> Option<&'static str> {
        if response_type.is_empty() {
            return Some("invalid_request");
        }
        if !["code", "token", "poll_token"].contains(&response_type) {
            return Some("unsupported_response_type");
        }
        if self.kind != Kind::Code && !self.app.implicit {
            return Some("unauthorized_client");
        }
        let is_malformed = match self.kind {
            Kind::Code => !self.has_usable_challenge(),
            Kind::Token => self.redirect.is_none(),
            Kind::Request => !is_request_id(&self.request_id),
        };
        if is_malformed {
            return Some("invalid_request");
        }
        (self.permissions & !self.app.permissions != 0).then_some("invalid_scope")
    }

    /// Whether there is no challenge, or one that a proof can be held against. An app that means to prove itself must not
    /// be left to believe that it does.
    fn has_usable_challenge(&self) -> bool {
        let is_none = self.challenge.is_empty() && self.challenge_method.is_empty();
        is_none || self.challenge_method == pkce::METHOD && pkce::is_challenge(&self.challenge)
    }

    fn refusal(&self, fault: &'static str) -> Refused {
        match self.told(&[("error", fault)]) {
            Some(address) => Refused::Told(address),
            None => Refused::Malformed,
        }
    }

    /// The address that tells the app something, if the browser is to go anywhere.
    pub(super) fn told(&self, pairs: &[(&str, &str)]) -> Option<String> {
        let redirect = self
            .redirect
            .as_deref()
            .filter(|_| self.kind != Kind::Request)?;
        let place = match self.kind {
            Kind::Token => Place::Fragment,
            Kind::Code | Kind::Request => Place::Query,
        };
        let mut pairs = pairs.to_vec();
        pairs.extend(self.state.as_deref().map(|state| ("state", state)));
        Some(address(redirect, place, &pairs))
    }
}

/// The permissions of a list; those that nobody knows are left out.
fn permissions(list: &str) -> i64 {
    let known = |name: &str| match name.trim() {
        "manageshares" => apps::MANAGE_SHARES,
        _ => 0,
    };
    list.split(',')
        .fold(0, |permissions, name| permissions | known(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_permissions_are_left_out() {
        assert_eq!(permissions(""), 0);
        assert_eq!(permissions("everything, nothing"), 0);
        assert_eq!(permissions("x, manageshares"), apps::MANAGE_SHARES);
    }
}
