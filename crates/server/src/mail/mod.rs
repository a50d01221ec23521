//! Mails: what they say ([`letters`]), how they look ([`Letter`]), and how they get away ([`worker`]).
//!
//! A mail is a row that is written in the transaction of the call, so that it is sent exactly if the call has done
//! its work. A worker delivers it afterwards, again and again if it has to; the answer of the call knows nothing of
//! that.

mod letter;
pub mod letters;
mod post;
pub mod transfer_letters;
pub mod worker;

pub use letter::{Letter, Mail, Part};

use crate::app::App;
use crate::call::{Answer, Fail};
use pileus_api::UnixTime;
use pileus_store::Tx;
use pileus_store::accounts::email_key;
use pileus_store::mail::NewMail;
use std::sync::Arc;
use tokio::sync::Notify;

/// Mails that one address gets within [`WINDOW_SECONDS`], whoever asks for them.
const MAILS_MAX: i64 = 5;

/// Those of them that may be mere notices. Strangers can cause them, and must not use up what a lost password needs.
const NOTICES_MAX: i64 = 2;

/// How long mails count, and so how long their rows are kept at least.
pub const WINDOW_SECONDS: i64 = 3600;

/// Mails that may wait for delivery. When a mail server is away for long, no more pile up than this.
const WAITING_MAX: i64 = 10_000;

/// Tells the worker of this process that there are new mails.
#[derive(Debug, Default)]
pub struct Mailroom {
    pub(crate) arrived: Notify,
}

/// Whether another mail may go to an address now. One that may not is left out silently: that is no business of
/// whoever asked for it.
pub fn may_send(tx: &mut Tx<'_>, to: &str, now: UnixTime) -> Answer<bool> {
    has_had_less_than(MAILS_MAX, tx, to, now)
}

/// Whether a mere notice may go to an address now. One that may not is left out.
pub fn may_notify(tx: &mut Tx<'_>, to: &str, now: UnixTime) -> Answer<bool> {
    has_had_less_than(NOTICES_MAX, tx, to, now)
}

fn has_had_less_than(most: i64, tx: &mut Tx<'_>, to: &str, now: UnixTime) -> Answer<bool> {
    let since = now.0.saturating_sub(WINDOW_SECONDS);
    if tx.count_mails_since(&email_key(to), since)? >= most {
        return Ok(false);
    }
    if tx.has_more_mails_than(WAITING_MAX)? {
        tracing::error!("a mail was left out, because too many wait for delivery");
        return Ok(false);
    }
    Ok(true)
}

/// Writes a mail in this transaction, to be delivered once it is committed. The caller has asked [`may_send`].
///
/// With `is_sent` false everything is done but the delivery. That is for addresses which belong to nobody, so that the
/// time of an answer does not tell them from others.
pub fn send(
    tx: &mut Tx<'_>,
    app: &Arc<App>,
    to: &str,
    letter: &Letter,
    is_sent: bool,
    now: UnixTime,
) -> Answer<()> {
    let mail = letter.to(to)?;
    let clear = serde_json::to_vec(&mail).map_err(Fail::internal)?;
    let sealed = app.secrets.seal(&clear).map_err(Fail::internal)?;
    let id = tx.id()?;
    tx.insert_mail(&NewMail {
        id,
        recipient: &email_key(to),
        sealed: &sealed,
        is_sent,
        created: now.0,
    })?;
    let app = app.clone();
    tx.after_commit(move || app.mailroom.arrived.notify_one());
    Ok(())
}
