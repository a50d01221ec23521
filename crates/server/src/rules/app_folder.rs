//! What an app sees that was let into one folder only: that folder is its root, and nothing else exists.
//!
//! The root of a caller is the root of [`crate::login::User`], so names, paths and ids on the wire follow from it by
//! themselves. What is reached by its id is held against the folder here.

use crate::app::App;
use crate::call::{Answer, Call};
use crate::cx::{Edit, View};
use crate::login::{self, User};
use crate::secrets::fingerprint;
use pileus_api::UnixTime;
use pileus_store::Tx;
use pileus_store::accounts::{self, Account};
use pileus_store::apps;
use pileus_store::tokens::Token;
use std::sync::Arc;

/// Name of the folder in the root of an account that has the folders of its apps.
const PARENT: &str = "Applications";

/// What a token of an app lets its bearer see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Everything of the account.
    All,
    /// This folder, which is there.
    Folder(i64),
    /// The folder of the app, which is still to be made, or was deleted.
    Unmade,
}

/// What the bearer of a token sees; `None` if the token does not work, because the app was removed or disabled, or is
/// not let in any more.
pub fn sight(tx: &mut Tx<'_>, token: &Token, app: i64) -> Answer<Option<Sight>> {
    // Tokens made by an administrator belong to no app.
    if app == 0 {
        return Ok(Some(Sight::All));
    }
    let app = tx.app(app)?.filter(|app| app.state == apps::ACTIVE);
    let Some(app) = app else { return Ok(None) };
    let Some(grant) = tx.grant(token.account, app.id)? else {
        return Ok(None);
    };
    if app.access == apps::FULL {
        return Ok(Some(Sight::All));
    }
    let folder = match grant.folder {
        Some(id) => tx.folder(id)?,
        None => None,
    };
    let live = folder.filter(|folder| folder.deleted == 0 && folder.owner == token.account);
    Ok(Some(
        live.map_or(Sight::Unmade, |folder| Sight::Folder(folder.id)),
    ))
}

/// Makes the folder of the app that a token belongs to, if that is all the token lacks. Answers whether it was made.
pub async fn make(app: &Arc<App>, call: &Arc<Call>, secret: &str) -> Answer<bool> {
    let (hash, now) = (fingerprint(secret), app.clock.now());
    // Most refused tokens are just wrong, which is found out without a writing transaction.
    let found = app.db.view(move |tx| lacking(tx, &hash, now));
    if found.await?.is_none() {
        return Ok(false);
    }
    let (shared, call) = (app.clone(), call.clone());
    app.db
        .edit(move |tx| -> Answer<bool> {
            let Some((account, id)) = lacking(tx, &hash, now)? else {
                // Another call was faster.
                return Ok(true);
            };
            let user = User::new(account, None);
            let mut edit = Edit::begin(View::new(tx, &shared, Some(&call), user, now))?;
            make_for(&mut edit, id)?;
            edit.finish()?;
            Ok(true)
        })
        .await
}

/// The account and the app of a token that lacks nothing but the folder of the app.
fn lacking(tx: &mut Tx<'_>, hash: &[u8], now: UnixTime) -> Answer<Option<(Account, i64)>> {
    let token = tx.token_by_secret(hash)?;
    let Some(token) = token.filter(|token| login::is_live(token, now)) else {
        return Ok(None);
    };
    let Some(app) = token.app else {
        return Ok(None);
    };
    let account = tx.account(token.account)?;
    let Some(account) = account.filter(|account| account.state == accounts::ACTIVE) else {
        return Ok(None);
    };
    let is_lacking = sight(tx, &token, app)? == Some(Sight::Unmade);
    Ok(is_lacking.then_some((account, app)))
}

/// Makes `/Applications/<name of the app>`, or the next free name.
fn make_for(edit: &mut Edit<'_, '_>, id: i64) -> Answer<()> {
    let Some(app) = edit.tx.app(id)? else {
        return Ok(());
    };
    let mut root = edit.root()?;
    let mut parent = match edit.tx.folder_child(root.id, PARENT)? {
        Some(parent) => parent,
        None => edit.make_folder(&mut root, PARENT, None)?,
    };
    let name = match edit.tx.folder_child(parent.id, &app.name)? {
        Some(_) => edit.free_folder_name(parent.id, &app.name)?,
        None => app.name,
    };
    let folder = edit.make_folder(&mut parent, &name, None)?;
    let account = edit.user.account.id;
    edit.tx.set_app_folder(account, id, folder.id)?;
    Ok(())
}
