//! API calls that prepare a measurement: log in, make folders and files, ask for links.

use crate::error::{Context, Result};
use crate::load::binary;
use crate::load::callers::Expect;
use crate::load::http::{self, Connection};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::fmt::Write;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// A logged-in HTTP connection for single calls, and the token with which more can be made.
pub struct Api {
    address: SocketAddr,
    connection: Connection<TcpStream>,
    token: String,
}

/// The request target of a method call: its name and parameters, percent-encoded.
pub fn target(method: &str, params: &[(&str, &str)]) -> String {
    let mut target = format!("/{method}");
    for (at, (name, value)) in params.iter().enumerate() {
        let mark = if at == 0 { '?' } else { '&' };
        let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
        // Writing to a string cannot fail.
        let _ = write!(target, "{mark}{name}={value}");
    }
    target
}

/// Calls a method on an HTTP connection and answers the decoded reply, whose `result` is 0.
pub async fn call(
    connection: &mut Connection<TcpStream>,
    authority: &str,
    method: &str,
    params: &[(&str, &str)],
) -> Result<Value> {
    let request = http::get(authority, &target(method, params));
    let answer = connection.exchange(&request).await.context(method)?;
    Expect::ResultZero.check(&answer).context(method)?;
    serde_json::from_slice(answer.body).context(method)
}

impl Api {
    /// Logs in with a password on a new connection.
    pub async fn login(address: SocketAddr, email: &str, password: &str) -> Result<Self> {
        let mut connection = http::connect(address).await?;
        let credentials = [("getauth", "1"), ("username", email), ("password", password)];
        let answer = call(
            &mut connection,
            &address.to_string(),
            "userinfo",
            &credentials,
        )
        .await?;
        let token = text_field(&answer, "auth")?.to_owned();
        Ok(Self {
            address,
            connection,
            token,
        })
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The session token, for the parameter `auth`.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The value of the `Host` header.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// Calls a method and answers its reply, whose `result` is 0.
    pub async fn call(&mut self, method: &str, params: &[(&str, &str)]) -> Result<Value> {
        let authority = self.authority();
        call(&mut self.connection, &authority, method, params).await
    }

    /// Makes a folder and answers its `folderid`.
    pub async fn create_folder(&mut self, parent: u64, name: &str) -> Result<u64> {
        let parent = parent.to_string();
        let params = [("folderid", &*parent), ("name", name)];
        let answer = self.call("createfolder", &params).await?;
        number_field(&answer["metadata"], "folderid")
    }

    /// Copies a folder with all it contains into `parent` under a new name.
    pub async fn copy_folder(&mut self, source: u64, parent: u64, name: &str) -> Result<u64> {
        let (source, parent) = (source.to_string(), parent.to_string());
        let params = [
            ("folderid", &*source),
            ("tofolderid", &*parent),
            ("toname", name),
        ];
        let answer = self.call("copyfolder", &params).await?;
        number_field(&answer["metadata"], "folderid")
    }

    /// Lists a folder and answers its `contents`.
    pub async fn list(&mut self, folder: u64) -> Result<Vec<Value>> {
        let folder = folder.to_string();
        let mut answer = self.call("listfolder", &[("folderid", &folder)]).await?;
        match answer["metadata"]["contents"].take() {
            Value::Array(contents) => Ok(contents),
            _ => Err("listfolder answered no contents".into()),
        }
    }

    /// The ids of all files of a folder.
    pub async fn file_ids(&mut self, folder: u64) -> Result<Vec<u64>> {
        let contents = self.list(folder).await?;
        contents
            .iter()
            .filter(|entry| entry["isfolder"] == false)
            .map(|entry| number_field(entry, "fileid"))
            .collect()
    }

    /// Opens another HTTP connection and logs it in; later calls on it need no credentials.
    pub async fn connect(&self) -> Result<Connection<TcpStream>> {
        let mut connection = http::connect(self.address).await?;
        let params = [("auth", self.token())];
        call(&mut connection, &self.authority(), "userinfo", &params).await?;
        Ok(connection)
    }

    /// Opens a connection of the binary protocol and logs it in.
    pub async fn connect_binary(&self) -> Result<binary::Connection> {
        let mut connection = binary::Connection::connect(self.address).await?;
        let login = binary::request("userinfo", &[("auth", binary::text(&self.token))])?;
        connection.send(&login).await?;
        binary::check(connection.receive().await?)?;
        Ok(connection)
    }
}

/// A whole number of a decoded answer.
pub fn number_field(answer: &Value, name: &str) -> Result<u64> {
    answer[name]
        .as_u64()
        .ok_or_else(|| format!("the answer has no number {name}").into())
}

/// A text of a decoded answer.
pub fn text_field<'a>(answer: &'a Value, name: &str) -> Result<&'a str> {
    answer[name]
        .as_str()
        .ok_or_else(|| format!("the answer has no text {name}").into())
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn values_are_encoded() {
        assert_eq!(target("nop", &[]), "/nop");
        assert_eq!(
            target("stat", &[("path", "/a b&c"), ("x", "1")]),
            "/stat?path=%2Fa%20b%26c&x=1"
        );
    }
}
