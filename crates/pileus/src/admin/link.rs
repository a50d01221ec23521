//! `pileus link`.

use super::error::{Error, Result};
use super::{open_existing, output};
use crate::cli::{DataArgs, LinkCommand};
use pileus_server::rules::public_links::set_closed;
use serde_json::json;

/// Runs one of the commands.
pub async fn run(command: LinkCommand, data: &DataArgs, as_json: bool) -> Result<()> {
    let app = open_existing(data).await?;
    let (code, is_closed) = match command {
        LinkCommand::Close { code } => (code, true),
        LinkCommand::Open { code } => (code, false),
    };
    let wanted = code.clone();
    let link = app
        .db
        .edit(move |tx| set_closed(tx, &wanted, is_closed))
        .await?
        .ok_or_else(|| Error::new(format!("there is no link {code}")))?;
    if as_json {
        output::json(&json!({"linkid": link.id, "userid": link.owner, "closed": is_closed}))
    } else {
        let done = if is_closed { "closed" } else { "opened" };
        output::lines([format!("{done} link {} of account {}", link.id, link.owner)])
    }
}
