//! Calls and answers of the binary protocol.

use std::time::Duration;

use pileus_wire::{Params, Tree, decode_answer, write_request};

use crate::channel::Channel;
use crate::error::Error;
use crate::incoming::too_long;

/// Bytes of the length in front of an answer.
const LENGTH_BYTES: usize = 4;

/// The request of a call, to be followed by its data.
pub(crate) fn request(
    name: &str,
    params: &Params,
    data_bytes: Option<u64>,
) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    write_request(&mut out, name, params, data_bytes).map_err(Error::protocol)?;
    Ok(out)
}

/// Receives an answer, without the data that may follow it.
pub(crate) async fn receive(
    channel: &mut Channel,
    first_byte: Duration,
    max: usize,
) -> Result<Tree, Error> {
    if channel.inbox.is_empty() {
        channel.fill_within(0, first_byte).await?;
    }
    let length = channel.take(LENGTH_BYTES).await?;
    let length = length
        .iter()
        .rev()
        .fold(0, |length, &byte| length << 8 | usize::from(byte));
    if length > max {
        return Err(too_long(max));
    }
    let body = channel.take(length).await?;
    decode_answer(&body).map_err(Error::protocol)
}
