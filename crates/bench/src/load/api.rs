//! API calls that prepare a measurement: log in, make folders and files, ask for links.

use crate::error::{Context, Result};
use crate::limit::{self, within};
use crate::load::binary;
use crate::load::callers::Expect;
use crate::load::http::{self, Connection, Transport};
use pileus_wire::{Params, Tree, Value, write_query};
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// A logged-in HTTP connection for single calls, and the token with which more can be made.
pub struct Api {
    address: SocketAddr,
    connection: Connection<TcpStream>,
    token: String,
}

/// A call's parameters from names and values.
pub fn params(pairs: &[(&'static str, Value)]) -> Result<Params> {
    let mut params = Params::new();
    for (name, value) in pairs {
        params.set(*name, value.clone())?;
    }
    Ok(params)
}

/// The request target of a method call over HTTP.
pub fn target(method: &str, pairs: &[(&'static str, Value)]) -> Result<String> {
    let mut target = format!("/{method}?");
    write_query(&mut target, &params(pairs)?);
    Ok(target)
}

/// Calls a method on an HTTP connection and answers the reply, whose `result` is 0.
pub async fn call<S: Transport>(
    connection: &mut Connection<S>,
    authority: &str,
    method: &str,
    pairs: &[(&'static str, Value)],
) -> Result<Tree> {
    let request = http::get(authority, &target(method, pairs)?);
    let answer = within(limit::CALL, method, connection.exchange(&request)).await?;
    Expect::ResultZero.check(&answer).context(method)?;
    Tree::from_json(answer.body).context(method)
}

impl Api {
    /// Logs in with a password on a new connection.
    pub async fn login(address: SocketAddr, email: &str, password: &str) -> Result<Self> {
        let mut connection = http::connect(address).await?;
        let credentials = [
            ("getauth", true.into()),
            ("username", email.into()),
            ("password", password.into()),
        ];
        let authority = address.to_string();
        let answer = call(&mut connection, &authority, "userinfo", &credentials).await?;
        Ok(Self {
            address,
            connection,
            token: text(&answer, "auth")?.to_owned(),
        })
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The value of the `Host` header.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// The parameter that logs in another connection.
    pub fn auth(&self) -> (&'static str, Value) {
        ("auth", Value::from(&*self.token))
    }

    /// Calls a method and answers its reply, whose `result` is 0.
    pub async fn call(&mut self, method: &str, pairs: &[(&'static str, Value)]) -> Result<Tree> {
        let authority = self.authority();
        call(&mut self.connection, &authority, method, pairs).await
    }

    /// Makes a folder and answers its `folderid`.
    pub async fn create_folder(&mut self, parent: u64, name: &str) -> Result<u64> {
        let pairs = [("folderid", parent.into()), ("name", name.into())];
        let answer = self.call("createfolder", &pairs).await?;
        number(&answer, "metadata.folderid")
    }

    /// Copies a folder with all it contains into `parent` under a new name.
    pub async fn copy_folder(&mut self, source: u64, parent: u64, name: &str) -> Result<u64> {
        let pairs = [
            ("folderid", source.into()),
            ("tofolderid", parent.into()),
            ("toname", name.into()),
        ];
        let answer = self.call("copyfolder", &pairs).await?;
        number(&answer, "metadata.folderid")
    }

    /// The ids of all files of a folder.
    pub async fn file_ids(&mut self, folder: u64) -> Result<Vec<u64>> {
        let pairs = [("folderid", folder.into())];
        let answer = self.call("listfolder", &pairs).await?;
        list(&answer, "metadata.contents")?
            .iter()
            .map(|entry| number(entry, "fileid"))
            .collect()
    }

    /// The position in the change feed after all changes so far.
    pub async fn newest_diffid(&mut self) -> Result<u64> {
        let answer = self.call("diff", &[("last", 0_u64.into())]).await?;
        number(&answer, "diffid")
    }

    /// Opens another HTTP connection and logs it in; later calls on it need no credentials.
    pub async fn connect(&self) -> Result<Connection<TcpStream>> {
        let mut connection = http::connect(self.address).await?;
        let authority = self.authority();
        call(&mut connection, &authority, "userinfo", &[self.auth()]).await?;
        Ok(connection)
    }

    /// Opens a connection of the binary protocol and logs it in.
    pub async fn connect_binary(&self) -> Result<binary::Connection> {
        let mut connection = binary::Connection::connect(self.address).await?;
        let login = binary::request("userinfo", &[self.auth()])?;
        connection.send(&login).await?;
        binary::check(connection.receive().await?)?;
        Ok(connection)
    }
}

/// The number at a path of an answer.
pub fn number(answer: &Tree, path: &str) -> Result<u64> {
    let found = answer.get(path).and_then(Tree::as_u64);
    found.ok_or_else(|| format!("the answer has no number {path}").into())
}

/// The text at a path of an answer.
pub fn text<'a>(answer: &'a Tree, path: &str) -> Result<&'a str> {
    let found = answer.get(path).and_then(Tree::as_str);
    found.ok_or_else(|| format!("the answer has no text {path}").into())
}

/// The list at a path of an answer.
pub fn list<'a>(answer: &'a Tree, path: &str) -> Result<&'a [Tree]> {
    let found = answer.get(path).and_then(Tree::as_list);
    found.ok_or_else(|| format!("the answer has no list {path}").into())
}

#[cfg(test)]
mod tests {
    use super::{list, number, target, text};
    use crate::error::Result;
    use pileus_wire::Tree;

    #[test]
    fn targets_carry_encoded_parameters() -> Result<()> {
        let pairs = [("path", "/a b&c".into()), ("folderid", 7_u64.into())];
        assert_eq!(
            target("stat", &pairs)?,
            "/stat?path=%2Fa%20b%26c&folderid=7"
        );
        Ok(())
    }

    #[test]
    fn fields_are_found_or_missed_by_type() -> Result<()> {
        let answer = Tree::from_json(br#"{"a":{"n":1,"t":"x"},"l":[2]}"#)?;
        assert_eq!(number(&answer, "a.n")?, 1);
        assert_eq!(text(&answer, "a.t")?, "x");
        assert_eq!(list(&answer, "l")?.len(), 1);
        assert!(number(&answer, "a.t").is_err());
        assert!(text(&answer, "a.n").is_err());
        assert!(list(&answer, "a").is_err());
        Ok(())
    }
}
