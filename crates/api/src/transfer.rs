//! Mail transfer: sending large files by mail, without an account.

use crate::progress::Uploading;
use pileus_api_derive::{Method, Params};

/// Sends files by mail: the receivers get a link to them, which works for seven days, and the sender a receipt. The data
/// comes as with `uploadfile`; if it breaks off, nothing is stored. Servers offer this only where their administrator
/// has switched it on; others answer 2098.
#[derive(Method, Params)]
#[method(name = "uploadtransfer", caller = Anyone, access = Streams,
         fails = [BAD_SENDER, BAD_RECEIVERS, BAD_NAME, UPLOAD_BROKEN, NO_FILES, TRANSFER_TOO_LARGE, SENDER_REFUSED,
                  TOO_MANY_RECEIVERS, RECEIVER_REFUSED, UPLOAD_FAILED])]
pub struct UploadTransfer {
    /// Address of the sender.
    #[param(missing = BAD_SENDER)]
    pub sendermail: String,
    /// Addresses of the receivers, separated by commas; at most 20.
    #[param(missing = BAD_RECEIVERS)]
    pub receivermails: String,
    /// What the sender wants to say; what is longer than 160 characters is cut.
    pub message: Option<String>,
    /// Name of the file, where the transport does not carry one.
    #[param(missing = BAD_NAME)]
    pub filename: Option<String>,
    /// Key for `uploadtransferprogress`.
    pub progresshash: Option<String>,
}

/// Tells how far a running mail transfer is.
#[derive(Method, Params)]
#[method(name = "uploadtransferprogress", caller = Anyone, access = Public, reply = Uploading, fails = [UPLOAD_UNKNOWN])]
pub struct UploadTransferProgress {
    /// The key that the upload was given.
    #[param(missing = NO_PROGRESSHASH)]
    pub progresshash: String,
}
