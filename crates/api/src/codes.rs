//! Every result code: number, text for people, and kind. The numbers are pCloud's, never ours.

use std::fmt;

/// What a failure says about its cause, and so about what a client should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The client program left out or mistyped a parameter (1xxx).
    Parameter,
    /// Credentials are missing or wrong.
    Login,
    /// The object is visible, the right is missing.
    Denied,
    /// What was named does not exist, or not for this caller.
    Missing,
    /// The wish collides with what is there.
    Conflict,
    /// A quota or a rate is used up.
    Limit,
    /// The server failed; trying again may help (5xxx).
    Internal,
    /// What was there when the client began is not any more, or is not offered; the server has not failed unless it
    /// names a cause (5xxx).
    Unavailable,
    /// An expected outcome of a conditional call (6xxx, 7xxx).
    Condition,
}

/// One row of the code table.
#[derive(Debug)]
pub struct CodeInfo {
    /// The constant's name.
    pub name: &'static str,
    /// The number on the wire.
    pub number: u16,
    /// The text that goes into `error`.
    pub text: &'static str,
    /// The family of causes it belongs to.
    pub kind: Kind,
}

/// A result code other than 0.
#[derive(Clone, Copy)]
pub struct Code(&'static CodeInfo);

impl Code {
    /// The number on the wire.
    pub fn number(self) -> u16 {
        self.0.number
    }

    /// The text that goes into `error`.
    pub fn text(self) -> &'static str {
        self.0.text
    }

    /// The family of causes the code belongs to.
    pub fn kind(self) -> Kind {
        self.0.kind
    }

    /// The constant's name, for logs and documents.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The code with this number, if it is in the table.
    pub fn from_number(number: u64) -> Option<Self> {
        ALL.iter()
            .find(|info| u64::from(info.number) == number)
            .map(Code)
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.0.number == other.0.number
    }
}

impl Eq for Code {}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.number, self.0.name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.number, self.0.text)
    }
}

macro_rules! codes {
    ($($name:ident = $number:literal, $kind:ident, $text:literal;)*) => {
        impl Code {
            $(#[doc = concat!(stringify!($number), ": ", $text)]
            pub const $name: Code = Code(&CodeInfo { name: stringify!($name), number: $number, text: $text, kind: Kind::$kind });)*
        }

        /// The whole table, by number.
        pub static ALL: &[CodeInfo] = &[
            $(CodeInfo { name: stringify!($name), number: $number, text: $text, kind: Kind::$kind },)*
        ];
    };
}

codes! {
    LOGIN_REQUIRED = 1000, Login, "Please log in.";
    NO_PATH_OR_NAME = 1001, Parameter, "Give a full path, or folderid and name.";
    NO_FOLDER = 1002, Parameter, "Give folderid or path.";
    NO_FILE = 1004, Parameter, "Give fileid or path.";
    BAD_CONTENT_TYPE = 1005, Parameter, "The content type asked for is not valid.";
    NO_FLAGS = 1006, Parameter, "Give flags.";
    BAD_DESCRIPTOR = 1007, Parameter, "This file descriptor is not open.";
    NO_LOCK_TYPE = 1008, Parameter, "Give type.";
    NO_OFFSET = 1009, Parameter, "Give offset.";
    NO_LENGTH = 1010, Parameter, "Give length.";
    NO_COUNT = 1011, Parameter, "Give count.";
    BAD_LOCK_TYPE = 1012, Parameter, "type is 0, 1 or 2.";
    BAD_DATETIME = 1013, Parameter, "The date or time was not understood.";
    NO_THUMB = 1014, Parameter, "There can be no thumbnail of this.";
    NO_TARGET = 1016, Parameter, "Give topath, or tofolderid and toname.";
    BAD_FOLDERID = 1017, Parameter, "folderid is not valid.";
    BAD_FILEID = 1018, Parameter, "fileid is not valid.";
    NO_CHECKSUM = 1019, Parameter, "Give a checksum.";
    NO_LANGUAGE = 1020, Parameter, "Give language.";
    BAD_LANGUAGE = 1021, Parameter, "This language is not supported.";
    NO_CODE = 1022, Parameter, "Give code.";
    NO_RECIPIENT = 1023, Parameter, "Give mail.";
    NO_PERMISSIONS = 1024, Parameter, "Give permissions.";
    NO_REQUEST = 1025, Parameter, "Give sharerequestid or code.";
    NO_REQUESTID = 1026, Parameter, "Give sharerequestid.";
    NO_SHAREID = 1027, Parameter, "Give shareid.";
    NO_LINK_CODE = 1028, Parameter, "Give code.";
    NO_FILEID = 1029, Parameter, "Give fileid.";
    NO_LINKID = 1030, Parameter, "Give linkid.";
    NO_OLD_PASSWORD = 1031, Parameter, "Give oldpassword.";
    NO_NEW_PASSWORD = 1032, Parameter, "Give newpassword.";
    NO_MAIL = 1033, Parameter, "Give mail.";
    NO_PASSWORD = 1034, Parameter, "Give password.";
    NO_COMMENT = 1035, Parameter, "Give comment.";
    NO_UPLOADLINKID = 1036, Parameter, "Give uploadlinkid.";
    NO_NEW_PLACE = 1037, Parameter, "Give at least one of topath, tofolderid and toname.";
    NO_FILEIDS = 1038, Parameter, "Give fileids.";
    NO_NAME = 1039, Parameter, "Give name.";
    NO_URL = 1040, Parameter, "Give url.";
    NO_MESSAGE = 1041, Parameter, "Give message.";
    NO_REASON = 1042, Parameter, "Give reason.";
    NO_PROGRESSHASH = 1052, Parameter, "Give progresshash.";
    NO_FILE_OR_FOLDER = 1053, Parameter, "Give fileid or folderid.";
    NO_COLLECTIONID = 1057, Parameter, "Give collectionid.";
    BAD_COLLECTION_TYPE = 1058, Parameter, "There is no such type of collection.";
    NO_ITEM = 1059, Parameter, "Give item.";
    NO_POSITION = 1060, Parameter, "Give position.";
    BAD_SENDER = 1074, Parameter, "sendermail is not a valid mail address.";
    BAD_RECEIVERS = 1075, Parameter, "receivermails is not a list of valid mail addresses.";
    NO_TOKENID = 1076, Parameter, "Give tokenid.";
    WRONG_FORM = 1101, Parameter, "This request is not possible in this form.";
    UPLOAD_UNKNOWN = 1900, Missing, "No such upload is known here, or it has not begun.";
    ZIP_UNKNOWN = 1901, Missing, "No such archive is being packed here.";
    LOGIN_FAILED = 2000, Login, "Log in failed.";
    BAD_NAME = 2001, Conflict, "This name is not allowed for a file or folder.";
    NO_PARENT = 2002, Missing, "A folder on the way does not exist.";
    DENIED = 2003, Denied, "Access denied.";
    NAME_TAKEN = 2004, Conflict, "A file or folder of this name is there already.";
    FOLDER_MISSING = 2005, Missing, "The folder does not exist.";
    FOLDER_NOT_EMPTY = 2006, Conflict, "The folder is not empty.";
    ROOT_UNDELETABLE = 2007, Conflict, "The root folder cannot be deleted.";
    OVER_QUOTA = 2008, Limit, "The account has no space left for this.";
    FILE_MISSING = 2009, Missing, "The file does not exist.";
    BAD_PATH = 2010, Missing, "The path is not valid.";
    SPEED_TOO_LOW = 2011, Parameter, "The speed limit asked for is too low.";
    CODE_INVALID = 2012, Missing, "This code is not valid.";
    ALREADY_VERIFIED = 2013, Conflict, "This mail address is verified already.";
    EMAIL_UNVERIFIED = 2014, Denied, "Verify your mail address first.";
    ROOT_UNSHAREABLE = 2015, Conflict, "The root folder cannot be shared or linked.";
    NOT_OWN_FOLDER = 2016, Denied, "Only the owner of a folder can share it.";
    OFFERS_UNWANTED = 2017, Denied, "This person does not want to be offered anything by you.";
    EMAIL_INVALID = 2018, Parameter, "This is not a valid mail address.";
    ALREADY_OFFERED = 2019, Conflict, "The folder is offered to this person already.";
    OWN_ADDRESS = 2020, Conflict, "A folder cannot be shared with its owner.";
    REQUEST_MISSING = 2021, Missing, "There is no such share request, or it is not open any more.";
    NOT_FOR_CALLER = 2022, Denied, "This share request is for somebody else.";
    SHARE_IN_SHARE = 2023, Conflict, "A shared folder cannot lie inside another shared folder.";
    ALREADY_SHARED = 2024, Conflict, "This person has access to the folder, or to one above or below it, already.";
    SHARE_MISSING = 2025, Missing, "There is no such share.";
    NOT_OWNED = 2026, Denied, "Only the owner can do this.";
    LINK_MISSING = 2027, Missing, "There is no such link.";
    SHARES_ACTIVE = 2028, Conflict, "The folder has active shares or share requests.";
    REVISION_MISSING = 2029, Missing, "There is no such revision.";
    PASSWORD_UNCHANGED = 2030, Conflict, "The new password is the old one.";
    OLD_PASSWORD_WRONG = 2031, Login, "The old password is wrong.";
    PASSWORD_SHORT = 2032, Parameter, "A password has at least 6 characters.";
    PASSWORD_BLANK = 2033, Parameter, "A password must not begin or end with a blank.";
    PASSWORD_REPEATS = 2034, Parameter, "A password has at least 4 different characters.";
    PASSWORD_SEQUENCE = 2035, Parameter, "A password must not be a plain run of neighbouring characters.";
    RESET_CODE_EXPIRED = 2036, Missing, "This code has expired, ask for a new one.";
    TERMS_NOT_ACCEPTED = 2037, Parameter, "The terms have to be accepted.";
    EMAIL_TAKEN = 2038, Conflict, "This mail address has an account already.";
    FOLDER_NOT_OWN = 2039, Denied, "This folder belongs to somebody else.";
    UPLOAD_LINK_MISSING = 2040, Missing, "There is no such upload link.";
    UPLOAD_BROKEN = 2041, Conflict, "The connection broke during the upload.";
    ROOT_UNMOVABLE = 2042, Conflict, "The root folder cannot be renamed.";
    INTO_ITSELF = 2043, Conflict, "A folder cannot go into itself or a folder below it.";
    SAME_FILE = 2049, Conflict, "Source and target are the same file.";
    NOTHING_THERE = 2055, Missing, "There is no such file or folder.";
    ARCHIVE_UNKNOWN = 2059, Conflict, "Archives of this format cannot be unpacked here.";
    TFA_TOKEN_EXPIRED = 2064, Login, "The second step of this log in has expired.";
    COLLECTION_MISSING = 2065, Missing, "There is no such collection.";
    ITEM_UNMOVABLE = 2066, Conflict, "The item cannot be moved like this.";
    UPLOADID_MISSING = 2067, Missing, "There is no such upload session.";
    UPLOAD_UNWRITABLE = 2068, Missing, "This upload session cannot be used any more.";
    COLLECTION_NAME_TAKEN = 2073, Conflict, "There is a collection of this name already.";
    CODE_EXPIRED = 2074, Missing, "This code has expired.";
    NO_BUSINESS_ACCOUNT = 2075, Denied, "You are not a member of a business account.";
    NO_FILES = 2088, Parameter, "There is no file in the request.";
    BEARER_INVALID = 2094, Login, "Invalid access_token.";
    TRANSFER_TOO_LARGE = 2097, Limit, "The files are too large to be sent.";
    SENDER_REFUSED = 2098, Denied, "Nothing can be sent from this address.";
    TOO_MANY_RECEIVERS = 2099, Parameter, "Files can be sent to at most 20 addresses.";
    RECEIVER_REFUSED = 2100, Denied, "Nothing can be sent to this address.";
    TOKENID_MISSING = 2102, Missing, "There is no such token.";
    ENCRYPTION_NOT_SET_UP = 2111, Conflict, "Encryption is not set up.";
    ENCRYPTION_MIX = 2119, Conflict, "Plain and encrypted entries do not mix.";
    COPY_ONTO_ITSELF = 2206, Conflict, "A folder cannot be copied onto itself.";
    COPY_INTO_ITSELF = 2207, Conflict, "A folder cannot be copied into a folder below it.";
    COPY_TARGET_MISSING = 2208, Missing, "The target folder does not exist.";
    DIGEST_IMPOSSIBLE = 2237, Login, "Log in by digest is not possible here, send the password.";
    LINK_PASSWORD_NEEDED = 2258, Denied, "Please provide link password.";
    EMAIL_UNCHANGED = 2271, Conflict, "This is the account's mail address already.";
    PASSWORD_WRONG = 2272, Login, "The password is wrong.";
    SECOND_FACTOR_NEEDED = 2297, Login, "A second factor is needed.";
    MAIL_CHECK_NEEDED = 2306, Login, "Verify your mail address to log in.";
    LOGINS_LIMITED = 4000, Limit, "Too many failed log ins, try again later.";
    REQUESTS_LIMITED = 4010, Limit, "Too many requests, try again later.";
    INTERNAL = 5000, Internal, "Internal error, try again later.";
    UPLOAD_FAILED = 5001, Internal, "The upload could not be stored, try again later.";
    NO_CONTENT_SERVER = 5002, Unavailable, "The content cannot be served now, try again later.";
    WRITE_FAILED = 5003, Unavailable, "The content could not be written, try reopening the file.";
    READ_FAILED = 5004, Unavailable, "The content could not be read, try again later.";
    NOT_MODIFIED = 6000, Condition, "Not modified.";
    WAIT_CANCELLED = 6002, Condition, "Further data ended the wait.";
    WAIT_TIMED_OUT = 6003, Condition, "Nothing happened within the time limit.";
    LINK_UNKNOWN = 7001, Condition, "This link is not valid.";
    LINK_DELETED = 7002, Condition, "The owner has deleted this link.";
    LINK_CLOSED = 7003, Condition, "This link was closed after a complaint.";
    LINK_EXPIRED = 7004, Condition, "This link has expired.";
    LINK_TRAFFIC_USED = 7005, Condition, "The traffic of this link is used up.";
    LINK_DOWNLOADS_USED = 7006, Condition, "The downloads of this link are used up.";
    LINK_SPACE_USED = 7007, Condition, "The space of this link is used up.";
    LINK_FILES_USED = 7008, Condition, "This link takes no more files.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_and_texts_are_there() {
        for pair in ALL.windows(2) {
            assert!(
                pair[0].number < pair[1].number,
                "{} before {}",
                pair[0].number,
                pair[1].number
            );
        }
        for info in ALL {
            assert!((1000..8000).contains(&info.number));
            assert!(info.text.ends_with('.'));
            assert_eq!(Code::from_number(u64::from(info.number)), Some(Code(info)));
        }
        assert_eq!(Code::from_number(0), None);
    }
}
