//! The page that most steps are: a few sentences and a form with one button.

use super::answer::page;
use crate::http::Answer;
use crate::language::Language;
use askama::Template;
use http::{Response, StatusCode};

/// An input of a form.
pub struct Field {
    /// Name of the parameter.
    pub name: &'static str,
    /// What it is for, to the reader.
    pub label: &'static str,
    /// Type of the input: `email`, `password`, `text`.
    pub kind: &'static str,
    /// What browsers may fill in, as `autocomplete` says it.
    pub autocomplete: &'static str,
}

/// A page of sentences with an optional form. A template of its own is only needed for what is more than that.
#[derive(Template)]
#[template(path = "web/form.html")]
pub struct FormPage {
    /// Language of the page.
    pub language: Language,
    /// Heading and title.
    pub title: &'static str,
    /// What went wrong with the form that was sent.
    pub problem: Option<&'static str>,
    /// What the page says.
    pub paragraphs: Vec<String>,
    /// Parameters that the form sends along unseen.
    pub hidden: Vec<(&'static str, String)>,
    /// What is to be filled in.
    pub fields: Vec<Field>,
    /// What may be ticked: name of the parameter, and what it is for.
    pub tick: Option<(&'static str, &'static str)>,
    /// What the button says; without it there is no form.
    pub button: Option<&'static str>,
    /// Where else one may go: what is there, and its address on this server.
    pub links: Vec<(&'static str, String)>,
}

impl FormPage {
    /// A page that only says something.
    pub fn message(language: Language, title: &'static str, text: impl Into<String>) -> Self {
        Self {
            language,
            title,
            problem: None,
            paragraphs: vec![text.into()],
            hidden: Vec::new(),
            fields: Vec::new(),
            tick: None,
            button: None,
            links: Vec::new(),
        }
    }

    /// The response. The form goes back to the address of the page itself.
    pub fn respond(&self, status: StatusCode) -> Response<Answer> {
        match self.render() {
            Ok(html) => page(status, html),
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                page(StatusCode::INTERNAL_SERVER_ERROR, "")
            }
        }
    }
}
