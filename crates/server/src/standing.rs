//! What a method keeps of its call if it goes on after the answer.

use crate::app::App;
use crate::call::{Answer, Call};
use crate::cx::{Cx, View, required};
use crate::login::Claim;
use pileus_api::method::Spec;
use std::sync::Arc;

/// The standing of a caller: who it was, by which proof. Each use proves it again, so what is revoked ends it.
#[derive(Clone)]
pub struct Standing {
    /// The server.
    pub app: Arc<App>,
    call: Arc<Call>,
    claim: Claim,
    spec: &'static Spec,
}

impl Cx<'_, '_> {
    /// The caller's standing.
    pub fn standing(&self) -> Standing {
        Standing {
            app: self.app.clone(),
            call: self.call.clone(),
            claim: self.claim.clone(),
            spec: self.spec,
        }
    }
}

impl Standing {
    /// Reads, in the name of the caller.
    pub async fn view<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut View<'_, '_>) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let Self {
            app,
            call,
            claim,
            spec,
        } = self.clone();
        let now = app.clock.now();
        let db = app.db.clone();
        db.view(move |tx| {
            let user = required(tx, &claim, spec, &call, now)?;
            job(&mut View::new(tx, &app, Some(&call), user, now))
        })
        .await
    }
}
