//! A client: calls from any number of tasks over a few connections.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use pileus_api::Code;
use pileus_api::Method;
use pileus_api::every::SPECS;
use pileus_api::file::{UploadFile, UploadReply};
use pileus_api::general::{GetDigest, Login, UserInfoReply};
use pileus_api::method::{Access, Decode};
use pileus_wire::{Params, Tree};

use crate::address::Address;
use crate::answer::{check, text};
use crate::body::Body;
use crate::connect::Connector;
use crate::connection::{Connection, read_reply};
use crate::credentials::Credentials;
use crate::data::Data;
use crate::error::Error;
use crate::login;
use crate::options::Options;
use crate::pool::{Lease, Pool};

/// A client of one server. Cloning it gives another handle to the same client.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    address: Address,
    pool: Arc<Pool>,
    credentials: RwLock<Credentials>,
}

impl Client {
    /// Connects to the server at a URL, see [`Address::parse`]. Nobody is logged in yet.
    ///
    /// # Errors
    /// [`Error::Setup`] if the URL or the options are not usable, [`Error::Transport`] if there is
    /// no connection.
    pub async fn connect(url: &str, options: Options) -> Result<Client, Error> {
        let address = Address::parse(url)?;
        let connector = Connector::new(options, address.tls)?;
        let pool = Arc::new(Pool::new(connector));
        pool.lease(&address, true).await?.release();
        Ok(Client {
            shared: Arc::new(Shared {
                address,
                pool,
                credentials: RwLock::default(),
            }),
        })
    }

    /// Whom it talks to.
    pub fn address(&self) -> &Address {
        &self.shared.address
    }

    /// Logs in and keeps the token that the server gives for further calls.
    ///
    /// The password itself is sent only if the server cannot do without it.
    ///
    /// # Errors
    /// [`Error::Api`] if the server refuses.
    pub async fn login(&self, username: &str, password: &str) -> Result<UserInfoReply, Error> {
        // A connection of its own: one that is logged in would ignore what it is sent.
        let mut lease = self.lease(&self.shared.address, true).await?;
        let connection = &mut lease.connection;
        connection.set_credentials(Credentials::None);
        let digest = connection.call(&GetDigest {}).await?.digest;
        let params = login::by_digest(username, password, &digest).map_err(Error::protocol)?;
        let mut answer = connection.call_raw(Login::SPEC.name, &params).await?;
        if check(&answer).is_err_and(|error| error.is(Code::DIGEST_IMPOSSIBLE)) {
            let params = login::by_password(username, password).map_err(Error::protocol)?;
            answer = connection.call_raw(Login::SPEC.name, &params).await?;
        }
        let account = read_reply::<Login>(&answer)?;
        let token = text(&answer, "auth").ok_or_else(|| Error::protocol("no token came"))?;
        self.set_credentials(Credentials::Token(token));
        lease.adopt();
        lease.release();
        Ok(account)
    }

    /// Uses a session token from an earlier login.
    pub fn with_token(self, auth: impl Into<String>) -> Client {
        self.set_credentials(Credentials::Token(auth.into()));
        self
    }

    /// Uses the access token of an OAuth 2 app.
    pub fn with_bearer(self, token: impl Into<String>) -> Client {
        self.set_credentials(Credentials::Bearer(token.into()));
        self
    }

    /// Sends these credentials with each further call of this client and all its clones.
    pub fn set_credentials(&self, credentials: Credentials) {
        *self
            .shared
            .credentials
            .write()
            .unwrap_or_else(PoisonError::into_inner) = credentials;
        self.shared.pool.forget();
    }

    /// What is sent with each call; after [`Client::login`] the token, which may be kept for later.
    pub fn credentials(&self) -> Credentials {
        self.shared
            .credentials
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Makes a call and reads its reply.
    ///
    /// A call that only reads is made again if a connection kept from earlier turns out to be dead.
    ///
    /// # Errors
    /// [`Error::Api`] if the server refuses, otherwise what went wrong.
    pub async fn call<M: Method>(&self, call: &M) -> Result<M::Reply, Error> {
        let answer = self.call_raw(M::SPEC.name, &encoded(call)).await?;
        read_reply::<M>(&answer)
    }

    /// Makes a call by name. The answer is returned whatever its `result` is; [`check`] tells.
    /// Content that comes with the answer is dropped.
    ///
    /// # Errors
    /// What went wrong with sending or receiving.
    pub async fn call_raw(&self, name: &str, params: &Params) -> Result<Tree, Error> {
        let (answer, lease) = self.exchange(name, params).await?;
        lease.release();
        Ok(answer)
    }

    /// Makes a call whose answer is content.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn call_for_data<M: Method>(&self, call: &M) -> Result<Data, Error> {
        let (answer, lease) = self.exchange(M::SPEC.name, &encoded(call)).await?;
        if let Err(error) = check(&answer) {
            lease.release();
            return Err(error);
        }
        if answer.data_len().is_none() {
            return Err(Error::protocol("the answer has no content"));
        }
        Ok(Data::new(lease, self.max_answer_bytes()))
    }

    /// Makes a call that carries data. It is never repeated, since the data has gone.
    ///
    /// # Errors
    /// As [`Client::call`], and [`Error::Source`] if the data cannot be read.
    pub async fn call_with_data<M: Method>(&self, call: &M, data: Body) -> Result<M::Reply, Error> {
        let answer = self.send_data(M::SPEC.name, &encoded(call), data).await?;
        read_reply::<M>(&answer)
    }

    /// Uploads one file under the given name.
    ///
    /// # Errors
    /// As [`Client::call_with_data`].
    pub async fn upload(
        &self,
        call: &UploadFile,
        filename: &str,
        content: Body,
    ) -> Result<UploadReply, Error> {
        let mut params = encoded(call);
        params.set("filename", filename).map_err(Error::protocol)?;
        let name = UploadFile::SPEC.name;
        let answer = self.send_data(name, &params, content).await?;
        read_reply::<UploadFile>(&answer)
    }

    /// A connection of its own with this client's credentials, apart from the others.
    ///
    /// # Errors
    /// [`Error::Transport`] if there is no connection.
    pub async fn connection(&self) -> Result<Connection, Error> {
        let Shared { address, pool, .. } = &*self.shared;
        let mut connection = Connection::to(&pool.connector, address).await?;
        connection.set_credentials(self.credentials());
        Ok(connection)
    }

    async fn send_data(&self, name: &str, params: &Params, data: Body) -> Result<Tree, Error> {
        let mut lease = self.lease(&self.shared.address, false).await?;
        let connection = &mut lease.connection;
        let answer = connection.call_raw_with_data(name, params, data).await?;
        lease.release();
        Ok(answer)
    }

    /// Makes a call and answers with the connection, on which content may follow.
    async fn exchange(&self, name: &str, params: &Params) -> Result<(Tree, Lease), Error> {
        let access = SPECS
            .iter()
            .find(|spec| spec.name == name)
            .map(|spec| spec.access);
        let limit = self.answer_limit(access);
        let lease = self.lease(&self.shared.address, false).await?;
        let may_repeat = lease.reused && access == Some(Access::Read);
        match exchange_on(lease, name, params, limit).await {
            Err(Error::Transport(error)) if may_repeat && is_disconnect(&error) => {
                let lease = self.lease(&self.shared.address, true).await?;
                exchange_on(lease, name, params, limit).await
            }
            done => done,
        }
    }

    pub(crate) async fn lease(&self, address: &Address, fresh: bool) -> Result<Lease, Error> {
        let mut lease = self.shared.pool.lease(address, fresh).await?;
        lease.connection.set_credentials(self.credentials());
        Ok(lease)
    }

    pub(crate) fn max_answer_bytes(&self) -> usize {
        self.shared.pool.connector.options.max_answer_bytes
    }

    fn answer_limit(&self, access: Option<Access>) -> Duration {
        let options = &self.shared.pool.connector.options;
        match access {
            Some(Access::Waits) => options.wait_timeout,
            _ => options.answer_timeout,
        }
    }
}

async fn exchange_on(
    mut lease: Lease,
    name: &str,
    params: &Params,
    limit: Duration,
) -> Result<(Tree, Lease), Error> {
    lease.connection.send(name, params).await?;
    match lease.connection.receive_within(limit).await {
        Ok(answer) => Ok((answer, lease)),
        Err(error) => {
            // After an HTTP error the connection is still good; after others release drops it.
            lease.release();
            Err(error)
        }
    }
}

fn encoded(call: &impl Decode) -> Params {
    let mut params = Params::new();
    call.encode(&mut params);
    params
}

/// Whether the connection ended, as opposed to a server that is slow.
fn is_disconnect(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::WriteZero
    )
}
