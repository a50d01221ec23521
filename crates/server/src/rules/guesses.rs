//! Slowing down those who guess codes.

use crate::app::App;
use crate::call::Answer;
use crate::limits::Subject;
use pileus_api::Code;
use std::net::IpAddr;

/// Does something with a code that was sent to somebody: by a mail, or by way of a browser to an app. One that does not
/// work counts against the network it came from, like a wrong password.
pub async fn with_code<T>(
    app: &App,
    client: IpAddr,
    trying: impl Future<Output = Answer<T>>,
) -> Answer<T> {
    let wrong = [Code::CODE_INVALID, Code::REQUEST_MISSING];
    app.limits
        .tries
        .watch(Subject::Nobody, client, &wrong, trying)
        .await
}

/// Refuses a network that has guessed too many codes of links: 4000.
pub fn check_guesses(app: &App, client: IpAddr) -> Answer<()> {
    if app.limits.allows_link(client) {
        Ok(())
    } else {
        Err(Code::LOGINS_LIMITED.into())
    }
}

/// Counts an answer that a link is unknown against the network it came from.
pub fn noting_guesses<T>(app: &App, client: IpAddr, answer: Answer<T>) -> Answer<T> {
    answer.inspect_err(|fail| {
        if fail.code == Code::LINK_UNKNOWN {
            app.limits.failed_link(client);
        }
    })
}
