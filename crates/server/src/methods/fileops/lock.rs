//! Locking through descriptors.

use super::{absolute, descriptor};
use crate::call::Answer;
use crate::cx::Cx;
use crate::dispatch::Waits;
use crate::working::access::check;
use crate::working::locks::{Asked, Kind, Refused, Wish};
use pileus_api::Code;
use pileus_api::fileops::{FileLock, LockReply};

fn refusal(refused: Refused) -> Code {
    match refused {
        Refused::Gone => Code::READ_FAILED,
        Refused::TooMany => Code::REQUESTS_LIMITED,
    }
}

impl Waits for FileLock {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<LockReply> {
        let descriptor = descriptor(cx, self.fd)?;
        let kind = match self.r#type {
            0 => None,
            1 => Some(Kind::Shared),
            2 => Some(Kind::Exclusive),
            _ => return Err(Code::BAD_LOCK_TYPE.into()),
        };
        check(cx, &descriptor).await?;
        let offset = self.offset.unwrap_or(0);
        let start = absolute(cx, &descriptor, offset, self.whence.0?).await?;
        let end = match self.length {
            None | Some(0) => u64::MAX,
            Some(length) => start.saturating_add(length),
        };
        let (locks, owner) = (&descriptor.file.locks, descriptor.owner);
        let region = start..end;
        if !self.get && kind != Some(Kind::Exclusive) && locks.is_exclusive(owner, &region) {
            // Who gets the lock next is to see what was written under it.
            descriptor.commit().await?;
        }
        let Some(kind) = kind else {
            if !self.get {
                locks.unlock(owner, &region);
            }
            return Ok(LockReply { locked: true });
        };
        let wish = Wish {
            owner,
            kind,
            region,
        };
        if self.get {
            let locked = locks.could_have(&wish);
            return Ok(LockReply { locked });
        }
        if self.noblock {
            let locked = locks.try_lock(wish).map_err(refusal)?;
            return Ok(LockReply { locked });
        }
        if let Asked::Waits(waiter) = locks.lock(wish).map_err(refusal)? {
            tokio::select! {
                granted = waiter.granted() => granted.map_err(refusal)?,
                () = cx.call.conn.interrupt.ended() => return Err(Code::READ_FAILED.into()),
                () = cx.app.stopped() => return Err(Code::READ_FAILED.into()),
            }
        }
        Ok(LockReply { locked: true })
    }
}
