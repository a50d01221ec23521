//! People who share, and their connections.

use pileus_scenarios::Result;
use pileus_scenarios::connection::{Call, Connection, Protocol};
use pileus_scenarios::model::agree::agree;
use pileus_scenarios::model::answer::{list, number};
use pileus_scenarios::model::replica::Rows;
use pileus_scenarios::random::content;
use pileus_scenarios::server::{PASSWORD, Server};
use pileus_wire::Tree;

/// All rights of a recipient.
pub const ALL_RIGHTS: u64 = 7;

/// An account.
pub struct Person {
    /// Its mail address.
    pub mail: String,
    /// A token of it.
    pub token: String,
    protocol: Protocol,
}

impl Person {
    /// Makes an account whose address is verified.
    pub fn new(
        server: &Server,
        protocol: Protocol,
        name: &str,
        quota: Option<u64>,
    ) -> Result<Self> {
        let mail = format!("{name}@example.com");
        server.add_user(&mail, PASSWORD, quota)?;
        server.admin(&["user", "set", &mail, "--verified"])?;
        let (token, _) = server.login(protocol, &mail, PASSWORD)?;
        Ok(Self {
            mail,
            token,
            protocol,
        })
    }

    /// A connection of this person.
    pub fn connect(&self, server: &Server) -> Result<Line> {
        Ok(Line {
            token: self.token.clone(),
            connection: server.connect(self.protocol)?,
        })
    }
}

/// A connection of a person.
pub struct Line {
    /// The token.
    pub token: String,
    /// The connection.
    pub connection: Connection,
}

impl Line {
    /// Calls a method; tells the code and the answer.
    pub fn call(&mut self, call: Call) -> Result<(u64, Tree)> {
        let call = call.with("auth", self.token.as_str());
        let answer = self.connection.call(&call)?.tree;
        Ok((number(&answer, "result")?, answer))
    }

    /// Calls a method that has to succeed.
    pub fn make(&mut self, call: Call) -> Result<Tree> {
        let method = call.method.clone();
        match self.call(call)? {
            (0, answer) => Ok(answer),
            (code, _) => Err(format!("{method} answers {code}").into()),
        }
    }

    /// Makes a folder and tells its id.
    pub fn folder(&mut self, parent: u64, name: &str) -> Result<u64> {
        let call = Call::new("createfolder").with("folderid", parent);
        number(&self.make(call.with("name", name))?, "metadata.folderid")
    }

    /// Uploads a file and tells its id.
    pub fn file(&mut self, folder: u64, name: &str, size: usize) -> Result<u64> {
        let answer = self.make(upload(folder, name, size))?;
        number(&list(&answer, "metadata")?[0], "fileid")
    }

    /// Offers a folder and tells the id of the offer.
    pub fn offer(&mut self, folder: u64, to: &Person, permissions: u64) -> Result<u64> {
        let call = Call::new("sharefolder").with("folderid", folder);
        let call = call.with("mail", to.mail.as_str());
        let answer = self.make(call.with("permissions", permissions))?;
        number(&answer, "share.sharerequestid")
    }

    /// Accepts an offer into the root and tells the id of the share.
    pub fn accept(&mut self, offer: u64) -> Result<u64> {
        number(&self.make(accept(offer))?, "share.shareid")
    }

    /// Compares what the person lists with what the feed has told; tells what is listed.
    pub fn agree(&mut self) -> Result<Rows> {
        agree(&mut self.connection, &self.token)
    }
}

/// A call that uploads a file.
pub fn upload(folder: u64, name: &str, size: usize) -> Call {
    Call::new("uploadfile")
        .with("folderid", folder)
        .with("filename", name)
        .with_data(content(size, 1))
}

/// A call that accepts an offer into the root.
pub fn accept(offer: u64) -> Call {
    Call::new("acceptshare")
        .with("sharerequestid", offer)
        .with("folderid", 0u64)
}

/// A call that moves a file.
pub fn move_file(file: u64, to: u64) -> Call {
    Call::new("renamefile")
        .with("fileid", file)
        .with("tofolderid", to)
}

/// A call that moves a folder.
pub fn move_folder(folder: u64, to: u64) -> Call {
    Call::new("renamefolder")
        .with("folderid", folder)
        .with("tofolderid", to)
}
