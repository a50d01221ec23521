//! The newsletter's list.

use crate::call::Answer;
use crate::cx::{Cx, View};
use crate::dispatch::{Public, Reads};
use crate::rules::newsletter;
use pileus_api::newsletter::{
    NewsletterCheck, NewsletterSubscribe, NewsletterUnsibscribeMail, NewsletterUnsubscribe,
    NewsletterUnsubscribeMail, NewsletterVerifiedReply, NewsletterVerifyEmail, SubscribeReply,
    SubscribedReply,
};
use pileus_api::reply::Done;

impl Public for NewsletterSubscribe {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<SubscribeReply> {
        let caller = cx.user.as_ref().map(|user| &user.account);
        let verifymail = newsletter::subscribe(cx.app, cx.call.client, caller, &self.mail).await?;
        Ok(SubscribeReply { verifymail })
    }
}

impl Reads for NewsletterCheck {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<SubscribedReply> {
        let email = cx.user.account.email.clone();
        let known = cx.tx.subscriber(&email)?;
        Ok(SubscribedReply {
            subscribed: known.is_some(),
            verified: known.is_some_and(|known| known.verified),
        })
    }
}

impl Public for NewsletterVerifyEmail {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<NewsletterVerifiedReply> {
        let email = newsletter::verify(cx.app, cx.call.client, &self.code).await?;
        Ok(NewsletterVerifiedReply { email })
    }
}

impl Public for NewsletterUnsubscribe {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Done> {
        newsletter::unsubscribe(cx.app, cx.call.client, &self.code).await?;
        Ok(Done)
    }
}

impl Public for NewsletterUnsubscribeMail {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Done> {
        newsletter::send_unsubscribe(cx.app, cx.call.client, &self.mail).await?;
        Ok(Done)
    }
}

impl Public for NewsletterUnsibscribeMail {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Done> {
        newsletter::send_unsubscribe(cx.app, cx.call.client, &self.mail).await?;
        Ok(Done)
    }
}
