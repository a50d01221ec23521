//! Methods that clients call although the server lacks what they are for.

use crate::call::Answer;
use crate::cx::{Cx, View};
use crate::dispatch::{Public, Reads};
use pileus_api::reply::Done;
use pileus_api::stubs::{
    GetLastVersion, GetOldUserIds, GetPromoUrl, LastVersionReply, LogAnalyticsEvent, OldIdsReply,
    PromoReply, SendDebug,
};

impl Public for LogAnalyticsEvent {
    async fn run(&self, _cx: &mut Cx<'_, '_>) -> Answer<Done> {
        Ok(Done)
    }
}

impl Public for SendDebug {
    async fn run(&self, _cx: &mut Cx<'_, '_>) -> Answer<Done> {
        Ok(Done)
    }
}

impl Public for GetLastVersion {
    async fn run(&self, _cx: &mut Cx<'_, '_>) -> Answer<LastVersionReply> {
        Ok(LastVersionReply { newversion: false })
    }
}

impl Public for GetPromoUrl {
    async fn run(&self, _cx: &mut Cx<'_, '_>) -> Answer<PromoReply> {
        Ok(PromoReply { haspromo: false })
    }
}

impl Reads for GetOldUserIds {
    fn run(&self, _cx: &mut View<'_, '_>) -> Answer<OldIdsReply> {
        Ok(OldIdsReply {
            userids: Vec::new(),
        })
    }
}
