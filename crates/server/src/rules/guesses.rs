//! Slowing down those who guess the codes of links and offers.

use crate::app::App;
use crate::call::Answer;
use pileus_api::Code;
use std::net::IpAddr;

/// Refuses a network that has guessed too many codes: 4000.
pub fn check_guesses(app: &App, client: IpAddr) -> Answer<()> {
    if app.limits.allows_link(client) {
        Ok(())
    } else {
        Err(Code::LOGINS_LIMITED.into())
    }
}

/// Counts an answer that a code is unknown against the network it came from.
pub fn noting_guesses<T>(app: &App, client: IpAddr, answer: Answer<T>) -> Answer<T> {
    answer.inspect_err(|fail| {
        if [Code::LINK_UNKNOWN, Code::REQUEST_MISSING].contains(&fail.code) {
            app.limits.failed_link(client);
        }
    })
}
