//! Texts that this server gives out and later believes again, because it has signed them.

use crate::app::App;

/// Appends the signature of a text.
pub fn sealed(app: &App, purpose: &str, text: &str) -> String {
    let signature = hex::encode(app.secrets.sign(purpose, text.as_bytes()));
    format!("{text}.{signature}")
}

/// The text, if the signature behind it is ours.
pub fn opened<'a>(app: &App, purpose: &str, sealed: &'a str) -> Option<&'a str> {
    let (text, signature) = sealed.rsplit_once('.')?;
    let signature = hex::decode(signature).ok()?;
    app.secrets
        .verify(purpose, text.as_bytes(), &signature)
        .then_some(text)
}
