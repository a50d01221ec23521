//! General methods: the account, the server, and the change feed.

use crate::event::FeedReply;
use crate::field::Datetime;
use crate::reply::{FieldSpec, Reply, Sink, Tree, Written};
use pileus_api_derive::{Method, Params, Reply};
use pileus_wire::UnixTime;

/// Gives a digest for one login by digest.
///
/// The client answers it with `passworddigest` = SHA-1 of password, SHA-1 of the lower-case user name, and digest,
/// the SHA-1 values as lower-case hex. It may be used any number of times until it expires.
#[derive(Method, Params)]
#[method(name = "getdigest", caller = Anyone, access = Public, reply = DigestReply)]
pub struct GetDigest {}

/// A fresh digest.
#[derive(Reply)]
pub struct DigestReply {
    /// Opaque text of at most 64 letters and digits.
    pub digest: String,
    /// When it stops working.
    pub expires: UnixTime,
}

/// Tells about the account. Usual place to log in when nothing else is wanted.
#[derive(Method, Params)]
#[method(name = "userinfo", caller = User, access = Read, reply = UserInfoReply)]
pub struct UserInfo {
    /// Add `apiserver`, the addresses the client should use from now on.
    pub getapiserver: bool,
}

/// Logs in with fresh credentials and tells about the account. A token alone does not do; `auth` is always answered.
#[derive(Method, Params)]
#[method(name = "login", caller = Owner, access = Read, reply = UserInfoReply, answers_token = true)]
pub struct Login {
    /// Add `apiserver`, the addresses the client should use from now on.
    pub getapiserver: bool,
}

/// The account.
#[derive(Reply)]
pub struct UserInfoReply {
    /// Id of the account; never changes.
    pub userid: u64,
    /// Mail address and user name.
    pub email: String,
    /// Whether the address has been verified.
    pub emailverified: bool,
    /// When the account was made.
    pub registered: UnixTime,
    /// Language of mails and pages.
    pub language: String,
    /// Always true: nothing is held back from anybody.
    pub premium: bool,
    /// Far in the future. The sync client looks for it where `premium` is true.
    pub premiumexpires: Option<UnixTime>,
    /// Bytes the account may use.
    pub quota: u64,
    /// Bytes the account's own files use. Revisions and trash do not count.
    pub usedquota: u64,
    /// Always 0.
    pub plan: u64,
    /// Always false.
    pub business: bool,
    /// Always true: nothing expires.
    pub premiumlifetime: bool,
    /// Whether client-side encryption is set up.
    pub cryptosetup: bool,
    /// Always false.
    pub cryptosubscription: bool,
    /// Days that deleted files and old revisions are kept.
    pub trashrevretentiondays: u64,
    /// Whether the account has a password.
    pub haspassword: bool,
    /// Addresses to use from now on, if asked for.
    pub apiserver: Option<ApiServers>,
}

/// When what nobody pays for expires: the end of 2099, which clients can hold that keep times in 32 bits without a sign.
pub const NEVER: UnixTime = UnixTime(4_102_444_799);

/// The account as an event of the feed shows it.
#[derive(Clone, Debug, PartialEq, Eq, Reply)]
pub struct AccountState {
    /// Id of the account.
    pub userid: u64,
    /// Mail address and user name.
    pub email: String,
    /// Whether the address has been verified.
    pub emailverified: bool,
    /// Always true.
    pub premium: bool,
    /// Far in the future.
    pub premiumexpires: Option<UnixTime>,
    /// Bytes the account may use.
    pub quota: u64,
    /// Bytes the account's own files use.
    pub usedquota: u64,
    /// Language of mails and pages.
    pub language: String,
    /// Always 0.
    pub plan: u64,
    /// Always false.
    pub business: bool,
    /// Always true.
    pub premiumlifetime: bool,
    /// Whether client-side encryption is set up.
    pub cryptosetup: bool,
    /// Always false.
    pub cryptosubscription: bool,
}

/// Host names of the server's two faces.
#[derive(Reply)]
pub struct ApiServers {
    /// Hosts of the binary protocol, without a port.
    pub binapi: Vec<String>,
    /// Hosts of HTTP, with a port if it is not the standard one.
    pub api: Vec<String>,
}

/// Lists the languages of mails and pages.
#[derive(Method, Params)]
#[method(name = "supportedlanguages", caller = Anyone, access = Public, reply = LanguagesReply)]
pub struct SupportedLanguages {}

/// Languages by code.
pub struct LanguagesReply {
    /// Pairs of code and name of the language in itself.
    pub languages: Vec<(String, String)>,
}

impl Reply for LanguagesReply {
    fn write(&mut self, out: &mut dyn Sink) -> Written {
        out.key("languages");
        out.begin_hash();
        for (code, name) in &self.languages {
            out.key(code);
            out.text(name);
        }
        out.end_hash();
        Written::All
    }

    fn read(answer: &Tree) -> Option<Self> {
        let Tree::Hash(pairs) = answer.get("languages")? else {
            return None;
        };
        let read = |(code, name): &(String, Tree)| Some((code.clone(), name.as_str()?.to_owned()));
        Some(Self {
            languages: pairs.iter().map(read).collect::<Option<_>>()?,
        })
    }

    fn describe(out: &mut Vec<FieldSpec>) {
        let doc = "Name of each language in itself, by its code.";
        out.push(FieldSpec {
            name: "languages",
            kind: "hash of string".into(),
            doc,
            optional: false,
        });
    }
}

/// Sets the language of the account.
#[derive(Method, Params)]
#[method(name = "setlanguage", caller = Account, access = Write, fails = [BAD_LANGUAGE])]
pub struct SetLanguage {
    /// One of the codes of `supportedlanguages`.
    #[param(missing = NO_LANGUAGE)]
    pub language: String,
}

/// Hands a message to the people who run the server.
#[derive(Method, Params)]
#[method(name = "feedback", caller = Anyone, access = Public, fails = [EMAIL_INVALID])]
pub struct Feedback {
    /// Address for an answer.
    #[param(missing = NO_MAIL)]
    pub mail: String,
    /// Subject.
    #[param(missing = NO_REASON)]
    pub reason: String,
    /// The message.
    #[param(missing = NO_MESSAGE)]
    pub message: String,
    /// Name of the sender.
    pub name: Option<String>,
}

/// Tells which process the client is talking to. Progress calls have to reach the process that does the work.
#[derive(Method, Params)]
#[method(name = "currentserver", caller = Anyone, access = Public, reply = ServerReply)]
pub struct CurrentServer {}

/// Addresses of one process. What is not known is left out.
#[derive(Reply)]
pub struct ServerReply {
    /// IPv4 address.
    pub ip: Option<String>,
    /// IPv4 address of the binary protocol.
    pub ipbin: Option<String>,
    /// IPv6 address.
    pub ipv6: Option<String>,
    /// Host name that leads to this process.
    pub hostname: String,
}

/// Tells the client's own address.
#[derive(Method, Params)]
#[method(name = "getip", caller = Anyone, access = Public, reply = IpReply)]
pub struct GetIp {}

/// The client's address.
#[derive(Reply)]
pub struct IpReply {
    /// Address as the server sees it.
    pub ip: String,
    /// Always false: the country is not looked up.
    pub country: bool,
}

/// Tells which hosts to talk to, nearest first.
#[derive(Method, Params)]
#[method(name = "getapiserver", caller = Anyone, access = Public, reply = ApiServers)]
pub struct GetApiServer {}

/// Does nothing. A sign of life on a connection, also on one that is waiting.
#[derive(Method, Params)]
#[method(name = "nop", caller = Anyone, access = Public)]
pub struct Nop {}

/// Lists the sites an account can live on.
#[derive(Method, Params)]
#[method(name = "getlocationapi", caller = Anyone, access = Public, reply = LocationsReply)]
pub struct GetLocationApi {}

/// The sites.
#[derive(Reply)]
pub struct LocationsReply {
    /// One entry for each site.
    pub locations: Vec<Location>,
}

/// A site.
#[derive(Reply)]
pub struct Location {
    /// Its number.
    pub id: u64,
    /// Its name for people.
    pub label: String,
    /// Host of HTTP.
    pub api: String,
    /// Host of the binary protocol.
    pub binapi: String,
}

/// Lists what has changed in everything the account can see.
///
/// `diffid` beats `last`, which beats `after`; without any of them the whole history is told, which ends in the
/// present state. With `block` the call waits for something newer than `diffid`; any further byte from the client ends
/// the wait with an empty list.
#[derive(Method, Params)]
#[method(name = "diff", caller = User, access = Waits, reply = FeedReply, fails = [BAD_DATETIME])]
pub struct Diff {
    /// Tell what came after this position.
    pub diffid: Option<u64>,
    /// Tell what came after this time.
    pub after: Option<Datetime>,
    /// Tell that many of the newest events; 0 tells just the present position.
    pub last: Option<u64>,
    /// Wait if there is nothing new.
    pub block: bool,
    /// At most this many events.
    pub limit: Option<u64>,
}

/// Waits for news from any of several sources, one of which is told in each answer.
#[derive(Method, Params)]
#[method(name = "subscribe", caller = User, access = Waits, reply = FeedReply, fails = [WAIT_CANCELLED, WAIT_TIMED_OUT])]
pub struct Subscribe {
    /// Comma list of sources: `diff`, `publinks`, `uploadlinks`, `contacts`, `notifications`, `teams`, `users`.
    pub subscribefor: Option<String>,
    /// Position in the change feed.
    pub diffid: Option<u64>,
    /// At most this many events.
    pub difflimit: Option<u64>,
    /// Known counter of public link changes.
    pub publinkid: Option<u64>,
    /// Known counter of upload link changes.
    pub uploadlinkid: Option<u64>,
    /// Newest known notification.
    pub notificationid: Option<u64>,
}

/// Tells everything that happened to one file, which may be deleted.
#[derive(Method, Params)]
#[method(name = "getfilehistory", caller = User, access = Waits, reply = FeedReply, fails = [FILE_MISSING])]
pub struct GetFileHistory {
    /// The file.
    #[param(missing = NO_FILEID)]
    pub fileid: u64,
}
