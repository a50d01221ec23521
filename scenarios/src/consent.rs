//! Plays a person before a browser who lets an app in, or does not.

use crate::Result;
use crate::connection::{Connection, Protocol};
use crate::http::HttpAnswer;
use crate::server::Server;

/// A person with a page before them.
pub struct Person<'a> {
    /// The server.
    pub server: &'a Server,
    /// Mail address.
    pub mail: &'a str,
    /// Password.
    pub password: &'a str,
}

/// How it ended.
#[derive(Debug, Default)]
pub struct Decided {
    /// Where the browser was led to; empty if it stayed.
    pub location: String,
    /// The code or the token that was given.
    pub code: String,
}

impl Person<'_> {
    /// Logs in to the page with this query, and answers its question: `allow` or `deny`. An app that was let in before
    /// may be answered without one.
    pub fn decide(&self, query: &str, answer: &str) -> Result<Decided> {
        let target = format!("/oauth2/authorize?{query}");
        let (mail, password) = (form_value(self.mail), form_value(self.password));
        let login = format!("do=login&email={mail}&password={password}");
        let logged_in = self.post(&target, "", &login)?;
        let Some(cookie) = logged_in.head.header("set-cookie") else {
            return Err(format!("the login did not work: {}", text(&logged_in)).into());
        };
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let asked = self.send(&format!(
            "GET {target} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\n\r\n",
            self.server.address()
        ))?;
        if asked.head.status == 303 {
            return Ok(decided(&asked));
        }
        let page = text(&asked);
        let seal = between(&page, "name=\"seal\" value=\"", "\"").ok_or("there is no question")?;
        let answered = self.post(&target, &cookie, &format!("do={answer}&seal={seal}"))?;
        Ok(decided(&answered))
    }

    fn post(&self, target: &str, cookie: &str, form: &str) -> Result<HttpAnswer> {
        let address = self.server.address();
        self.send(&format!(
            "POST {target} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nCookie: {cookie}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        ))
    }

    fn send(&self, request: &str) -> Result<HttpAnswer> {
        let mut connection = Connection::open(self.server.address(), Protocol::Http)?;
        connection.send_http(request.as_bytes(), false)?;
        let answer = connection.receive_http()?;
        answer.ok_or_else(|| "the server closed the connection".into())
    }
}

fn text(answer: &HttpAnswer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

fn decided(answer: &HttpAnswer) -> Decided {
    let location = answer.head.header("location").unwrap_or_default();
    let pairs = location.split(['?', '#', '&']);
    let given = pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| ["code", "access_token"].contains(name));
    let code = match given {
        Some((_, value)) => value.to_owned(),
        None => between(&text(answer), "<code>", "</code>").unwrap_or_default(),
    };
    Decided {
        location: location.to_owned(),
        code,
    }
}

fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    let (found, _) = rest.split_once(after)?;
    Some(found.to_owned())
}

/// A value as forms send it.
fn form_value(text: &str) -> String {
    let mut value = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            value.push(char::from(byte));
        } else {
            value.push_str(&format!("%{byte:02X}"));
        }
    }
    value
}
