//! Apps: programs that accounts let in by OAuth, what each account has granted them, and the folders that some have.

use crate::record::record;
use crate::{Stored, Tx, args, sql};

/// `app.access` of an app that sees everything its user sees.
pub const FULL: i64 = 0;
/// `app.access` of an app that sees nothing but a folder of its own.
pub const FOLDER: i64 = 1;

/// `app.state` of an app that works.
pub const ACTIVE: i64 = 0;
/// `app.state` of an app whose tokens do not work for now.
pub const DISABLED: i64 = 1;

/// Bit of `permissions`: the app may offer, accept and end shares.
pub const MANAGE_SHARES: i64 = 1;

record! {
    /// An app.
    pub struct App {
        /// Id.
        pub id: i64,
        /// Public name on the wire. Differs from all others also in lower case.
        pub client_id: String,
        /// Fingerprint of its secret.
        pub secret_hash: Vec<u8>,
        /// Name that people are shown.
        pub name: String,
        /// What people are told about it; may be empty.
        pub description: String,
        /// Address of the page of its makers; may be empty.
        pub home_page: String,
        /// Addresses it may be answered at, one a line.
        pub redirects: String,
        /// [`FULL`] or [`FOLDER`].
        pub access: i64,
        /// Whether it may get tokens without its secret.
        pub implicit: bool,
        /// Permissions beyond its access that it may ask for.
        pub permissions: i64,
        /// [`ACTIVE`] or [`DISABLED`].
        pub state: i64,
        /// When it was made.
        pub created: i64,
    }
}

record! {
    /// What an account has let an app do.
    pub struct Grant {
        /// The account.
        pub account: i64,
        /// The app.
        pub app: i64,
        /// The folder that the app sees, if it sees only one and has been here.
        pub folder: Option<i64>,
        /// Permissions beyond the app's access.
        pub permissions: i64,
        /// When it was first let in.
        pub created: i64,
        /// When a token of it was last used, to about a minute.
        pub last_used: i64,
    }
}

macro_rules! app_columns {
    () => {
        "id, client_id, secret_hash, name, description, home_page, redirects, access, implicit, permissions, state, \
         created"
    };
}

/// The folder has a row of its own: it stays the app's when the grant ends, for when the app is let in again.
macro_rules! grant_columns {
    () => {
        "g.account, g.app, f.folder, g.permissions, g.created, g.last_used FROM app_grant g \
         LEFT JOIN app_folder f ON f.account = g.account AND f.app = g.app"
    };
}

sql! {
    BY_ID = concat!("SELECT ", app_columns!(), " FROM app WHERE id = $1");
    BY_CLIENT_ID = concat!("SELECT ", app_columns!(), " FROM app WHERE client_key = $1");
    LIST = concat!("SELECT ", app_columns!(), " FROM app ORDER BY id"), scans = "administrators list all apps";
    INSERT = "INSERT INTO app (id, client_id, client_key, secret_hash, name, description, home_page, redirects, access, \
              implicit, permissions, state, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
              ON CONFLICT (client_key) DO NOTHING";
    SET = "UPDATE app SET secret_hash = $1, name = $2, description = $3, home_page = $4, redirects = $5, \
           implicit = $6, permissions = $7, state = $8 WHERE id = $9";
    REMOVE = "DELETE FROM app WHERE id = $1";
    GRANT = concat!("SELECT ", grant_columns!(), " WHERE g.account = $1 AND g.app = $2");
    GRANTS = concat!("SELECT ", grant_columns!(), " WHERE g.account = $1 ORDER BY g.app");
    SOME_GRANTS_OF_APP = "SELECT account FROM app_grant WHERE app = $1 LIMIT 500";
    PUT_GRANT = "INSERT INTO app_grant (account, app, permissions, created, last_used) VALUES ($1, $2, $3, $4, $4) \
                 ON CONFLICT (account, app) DO UPDATE SET permissions = excluded.permissions";
    SET_FOLDER = "INSERT INTO app_folder (account, app, folder) VALUES ($1, $2, $3) \
                  ON CONFLICT (account, app) DO UPDATE SET folder = excluded.folder";
    FORGET_SOME_FOLDERS = "DELETE FROM app_folder WHERE app = $1 AND account IN \
                           (SELECT account FROM app_folder WHERE app = $1 LIMIT 500)";
    SET_GRANT_USED = "UPDATE app_grant SET last_used = $1 WHERE account = $2 AND app = $3";
    REMOVE_GRANT = "DELETE FROM app_grant WHERE account = $1 AND app = $2";
}

/// The form in which client ids are compared: the Swift SDK makes addresses of them that have no case.
pub fn client_key(client_id: &str) -> String {
    client_id.to_ascii_lowercase()
}

impl Tx<'_> {
    /// The app with this id.
    pub fn app(&mut self, id: i64) -> Stored<Option<App>> {
        self.opt(BY_ID, args![id])
    }

    /// The app with this client id, in any case of its letters.
    pub fn app_by_client_id(&mut self, client_id: &str) -> Stored<Option<App>> {
        self.opt(BY_CLIENT_ID, args![&client_key(client_id)])
    }

    /// All apps.
    pub fn apps(&mut self) -> Stored<Vec<App>> {
        self.all(LIST, args![])
    }

    /// Adds an app; false if there is one with such a client id.
    pub fn insert_app(&mut self, app: &App) -> Stored<bool> {
        let added = self.exec(
            INSERT,
            args![
                app.id,
                &app.client_id,
                &client_key(&app.client_id),
                &app.secret_hash,
                &app.name,
                &app.description,
                &app.home_page,
                &app.redirects,
                app.access,
                app.implicit,
                app.permissions,
                app.state,
                app.created
            ],
        )?;
        Ok(added == 1)
    }

    /// Writes what can change of an app.
    pub fn set_app(&mut self, app: &App) -> Stored<()> {
        self.exec(
            SET,
            args![
                &app.secret_hash,
                &app.name,
                &app.description,
                &app.home_page,
                &app.redirects,
                app.implicit,
                app.permissions,
                app.state,
                app.id
            ],
        )
        .map(drop)
    }

    /// Removes a piece of an app: what some accounts have granted it, and the tokens that came of it. True when the app
    /// itself is gone. To be called in one edit after the other, once the app is disabled.
    pub fn remove_app_piece(&mut self, id: i64) -> Stored<bool> {
        let accounts: Vec<(i64,)> = self.all(SOME_GRANTS_OF_APP, args![id])?;
        for &(account,) in &accounts {
            self.remove_grant(account, id)?;
        }
        if !accounts.is_empty() || self.exec(FORGET_SOME_FOLDERS, args![id])? > 0 {
            return Ok(false);
        }
        self.clear_app_codes(id)?;
        self.exec(REMOVE, args![id])?;
        Ok(true)
    }

    /// What an account has let an app do.
    pub fn grant(&mut self, account: i64, app: i64) -> Stored<Option<Grant>> {
        self.opt(GRANT, args![account, app])
    }

    /// The apps that an account has let in.
    pub fn grants(&mut self, account: i64) -> Stored<Vec<Grant>> {
        self.all(GRANTS, args![account])
    }

    /// Lets an app in, or changes its permissions if it was let in before.
    pub fn put_grant(&mut self, account: i64, app: i64, permissions: i64, now: i64) -> Stored<()> {
        self.exec(PUT_GRANT, args![account, app, permissions, now])
            .map(drop)
    }

    /// Sets the folder that an app sees, whenever it is let in.
    pub fn set_app_folder(&mut self, account: i64, app: i64, folder: i64) -> Stored<()> {
        self.exec(SET_FOLDER, args![account, app, folder]).map(drop)
    }

    /// Notes that an app is in use.
    pub fn set_grant_used(&mut self, account: i64, app: i64, now: i64) -> Stored<()> {
        self.exec(SET_GRANT_USED, args![now, account, app])
            .map(drop)
    }

    /// Shuts an app out: its tokens of this account are gone, and its codes. Its folder stays. False if it was not let in.
    pub fn remove_grant(&mut self, account: i64, app: i64) -> Stored<bool> {
        self.delete_tokens_of_app(account, app)?;
        self.clear_app_codes_of(account, app)?;
        Ok(self.exec(REMOVE_GRANT, args![account, app])? == 1)
    }
}
