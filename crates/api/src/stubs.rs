//! Methods that clients call although the server lacks what they are for.
//!
//! Clients live with an error but not with a closed connection, so each has an answer that lets them go on.

use crate::codes::Code;
use crate::method::Method;
use pileus_api_derive::{Method, Params, Reply};

/// A method that always refuses.
pub trait Refused: Method {
    /// The answer.
    const CODE: Code;
}

/// Declares methods that always refuse those who may call them. Each is of the family whose file this stands in.
macro_rules! refused {
    ($caller:ident: $($ident:ident $name:literal $code:ident $doc:literal;)*) => {$(
        #[doc = $doc]
        #[derive(pileus_api_derive::Method, pileus_api_derive::Params)]
        #[method(name = $name, caller = $caller, access = Refused, fails = [$code])]
        pub struct $ident {}

        impl $crate::stubs::Refused for $ident {
            const CODE: $crate::codes::Code = $crate::codes::Code::$code;
        }
    )*};
}
pub(crate) use refused;

refused! { User:
    AccountInfo "account_info" NO_BUSINESS_ACCOUNT "Tells about a business account; there are none.";
    AccountUsers "account_users" NO_BUSINESS_ACCOUNT "Lists people of a business account; there are none.";
    AccountTeams "account_teams" NO_BUSINESS_ACCOUNT "Lists teams of a business account; there are none.";
    AccountTeamShare "account_teamshare" NO_BUSINESS_ACCOUNT "Shares with a team of a business account.";
    AccountModifyShare "account_modifyshare" NO_BUSINESS_ACCOUNT "Changes a share of a business account.";
    AccountStopShare "account_stopshare" NO_BUSINESS_ACCOUNT "Ends a share of a business account.";
    BackupCreateDevice "backup/createdevice" DENIED "Registers a device for backups; not offered.";
    BackupCreateBackup "backup/createbackup" DENIED "Starts a backup of a device; not offered.";
    BackupStopBackup "backup/stopbackup" DENIED "Ends a backup of a device; not offered.";
    BackupStopDevice "backup/stopdevice" DENIED "Ends all backups of a device; not offered.";
    PublinkCreateAndSend "publink/createfolderlinkandsend" DENIED "Links a folder and mails the link; not offered.";
    PublinkListEmails "publink/listemailswithaccess" DENIED "Lists who may use a link; not offered.";
    PublinkAddAccess "publink/addaccess" DENIED "Lets somebody use a link; not offered.";
    PublinkRemoveAccess "publink/removeaccess" DENIED "Stops somebody from using a link; not offered.";
    PublinkListPins "publink/listpins" DENIED "Lists remembered links of others; not offered.";
    PublinkUnpin "publink/unpin" DENIED "Forgets a remembered link; not offered.";
    PublinkChangePin "publink/changepin" DENIED "Changes a remembered link; not offered.";
    CryptoGetUserKeys "crypto_getuserkeys" ENCRYPTION_NOT_SET_UP "Gives the keys of client-side encryption.";
    CryptoSetUserKeys "crypto_setuserkeys" DENIED "Sets up client-side encryption; not offered.";
    CryptoGetUserHint "crypto_getuserhint" ENCRYPTION_NOT_SET_UP "Gives the hint to the encryption password.";
    CryptoReset "crypto_reset" ENCRYPTION_NOT_SET_UP "Ends client-side encryption.";
    CryptoGetFolderKey "crypto_getfolderkey" ENCRYPTION_NOT_SET_UP "Gives the key of an encrypted folder.";
    CryptoGetFileKey "crypto_getfilekey" ENCRYPTION_NOT_SET_UP "Gives the key of an encrypted file.";
    CryptoChangeUserPrivate "crypto_changeuserprivate" ENCRYPTION_NOT_SET_UP "Changes the encryption password.";
    CryptoSendChange "crypto_sendchangeuserprivate" ENCRYPTION_NOT_SET_UP "Mails a code for that change.";
    CryptoGetRoot "crypto_getroot" ENCRYPTION_NOT_SET_UP "Gives the encrypted top folder.";
    CryptoGetFoldersKey "crypto_getfolderskey" ENCRYPTION_NOT_SET_UP "Gives the keys of encrypted folders.";
    GetFileOwnershipToken "getfileownershiptoken" DENIED "Lets devices of a local network exchange files; not offered.";
    CheckFileOwnershipToken "checkfileownershiptoken" DENIED "Checks such an exchange; not offered.";
}

/// Records what people do with a client. Accepted and forgotten.
#[derive(Method, Params)]
#[method(name = "loganalyticsevent", caller = Anyone, access = Public)]
pub struct LogAnalyticsEvent {}

/// Takes a client's crash report. Accepted and forgotten.
#[derive(Method, Params)]
#[method(name = "senddebug", caller = Anyone, access = Public)]
pub struct SendDebug {}

/// Tells whether there is a newer client; never.
#[derive(Method, Params)]
#[method(name = "getlastversion", caller = Anyone, access = Public, reply = LastVersionReply)]
pub struct GetLastVersion {}

/// Whether there is a newer client.
#[derive(Reply)]
pub struct LastVersionReply {
    /// Always false.
    pub newversion: bool,
}

/// Gives an advertisement to show; there are none.
#[derive(Method, Params)]
#[method(name = "getpromourl", caller = Anyone, access = Public, reply = PromoReply)]
pub struct GetPromoUrl {}

/// Whether there is something to show.
#[derive(Reply)]
pub struct PromoReply {
    /// Always false.
    pub haspromo: bool,
}

/// Lists ids an account had on other sites; there is one site.
#[derive(Method, Params)]
#[method(name = "getolduserids", caller = Account, access = Read, reply = OldIdsReply)]
pub struct GetOldUserIds {}

/// Earlier ids of an account.
#[derive(Reply)]
pub struct OldIdsReply {
    /// Always empty.
    pub userids: Vec<u64>,
}
