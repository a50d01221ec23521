//! The one list of all methods.

use crate::method::{Method, Spec};

/// Hands the list of all method declarations to a macro: `call!(family::Type, …;)`. The list of specifications here
/// and the server's table are made of it, so a method that is listed but not implemented does not compile.
#[macro_export]
macro_rules! every_method {
    ($call:ident) => {
        $call! {
            general::GetDigest, general::UserInfo, general::Login, general::SupportedLanguages, general::SetLanguage,
            general::Feedback, general::CurrentServer, general::GetIp, general::GetApiServer, general::Nop,
            general::GetLocationApi, general::Diff, general::Subscribe, general::GetFileHistory,
            folder::CreateFolder, folder::CreateFolderIfNotExists, folder::ListFolder, folder::RenameFolder,
            folder::DeleteFolder, folder::DeleteFolderRecursive, folder::CopyFolder,
            file::UploadFile, file::UploadProgress, file::DownloadFile, file::DownloadFileAsync,
            file::CopyFile, file::ChecksumFile, file::DeleteFile,
            file::RenameFile, file::Stat, file::GetFilesByChecksum, file::SetFileMtime, file::ReadFile,
            fileops::FileOpen, fileops::FileWrite, fileops::FilePwrite, fileops::FileRead, fileops::FilePread,
            fileops::FilePreadIfmod, fileops::FileChecksum, fileops::FileSize, fileops::FileTruncate,
            fileops::FileSeek, fileops::FileClose, fileops::FileLock,
            auth::Register, auth::ChangePassword, auth::Logout, auth::ListTokens, auth::DeleteToken,
            auth::SendVerificationEmail, auth::VerifyEmail, auth::LostPassword, auth::ResetPassword,
            auth::SendChangeMail, auth::ChangeMail, auth::SendDeactivateMail, auth::DeactivateUser, auth::Invite,
            auth::UserInvites, auth::TfaLogin, auth::TfaLoginWithRecoveryCode, auth::TfaSendCodeViaSms,
            auth::TfaSendCodeViaSysNotification, auth::TfaEnable, auth::TfaDisable,
            newsletter::NewsletterSubscribe, newsletter::NewsletterCheck, newsletter::NewsletterVerifyEmail,
            newsletter::NewsletterUnsubscribe, newsletter::NewsletterUnsubscribeMail,
            newsletter::NewsletterUnsibscribeMail,
            oauth2::OAuth2Token,
            streaming::GetFileLink, streaming::GetChecksumLink, streaming::AsyncTransfer,
            streaming::GetTextFile, streaming::GetVideoLink, streaming::GetVideoLinks, streaming::GetAudioLink,
            streaming::GetHlsLink, streaming::GetPubTextFile, streaming::GetPubVideoLinks, streaming::GetPubAudioLink,
            archiving::GetZip, archiving::GetZipLink, archiving::SaveZip, archiving::SaveZipProgress,
            archiving::ExtractArchive, archiving::ExtractArchiveProgress, archiving::SavePubZip,
            archiving::GetPubZip, archiving::GetPubZipLink,
            thumbnails::GetThumb, thumbnails::GetThumbLink, thumbnails::GetThumbsLinks, thumbnails::GetThumbs,
            thumbnails::SaveThumb, thumbnails::GetPubThumb, thumbnails::GetPubThumbLink,
            thumbnails::GetPubThumbsLinks, thumbnails::SavePubThumb,
            revisions::ListRevisions, revisions::RevertRevision,
            transfer::UploadTransfer, transfer::UploadTransferProgress,
            trash::TrashList, trash::TrashRestorePath, trash::TrashGetRestorePath, trash::TrashRestore, trash::TrashClear,
            sharing::ShareFolder, sharing::ListShares, sharing::ShareRequestInfo, sharing::CancelShareRequest,
            sharing::AcceptShare, sharing::DeclineShare, sharing::RemoveShare, sharing::ChangeShare,
            public_links::GetFilePublink, public_links::GetFolderPublink, public_links::GetTreePublink,
            public_links::GetCollectionPublink, public_links::ShowPublink, public_links::GetPublinkDownload,
            public_links::CopyPubFile, public_links::ListPublinks, public_links::ListPlShort,
            public_links::ChangePublink, public_links::DeletePublink, public_links::SendPublink,
            upload_links::CreateUploadLink, upload_links::ListUploadLinks, upload_links::DeleteUploadLink,
            upload_links::ChangeUploadLink, upload_links::ShowUploadLink, upload_links::UploadToLink,
            upload_links::UploadLinkProgress, upload_links::CopyToLink, upload_links::NotifyUploadLink,
            upload_sessions::UploadCreate, upload_sessions::UploadWrite, upload_sessions::UploadWriteFromFile,
            upload_sessions::UploadWriteFromUpload, upload_sessions::UploadInfo,
            upload_sessions::UploadBlockChecksums, upload_sessions::UploadDelete, upload_sessions::UploadSave,
            collections::CollectionList, collections::CollectionDetails, collections::CollectionCreate,
            collections::CollectionRename, collections::CollectionDelete, collections::CollectionLinkFiles,
            collections::CollectionUnlinkFiles, collections::CollectionMove,
            search::Search,
            notifications::ListNotifications, notifications::ReadNotifications, notifications::ContactList,
            stubs::AccountInfo, stubs::AccountUsers, stubs::AccountTeams, stubs::AccountTeamShare,
            stubs::AccountModifyShare, stubs::AccountStopShare, stubs::BackupCreateDevice, stubs::BackupCreateBackup,
            stubs::BackupStopBackup, stubs::BackupStopDevice, stubs::PublinkCreateAndSend, stubs::PublinkListEmails,
            stubs::PublinkAddAccess, stubs::PublinkRemoveAccess, stubs::PublinkListPins, stubs::PublinkUnpin,
            stubs::PublinkChangePin, stubs::CryptoGetUserKeys, stubs::CryptoSetUserKeys,
            stubs::CryptoGetUserHint, stubs::CryptoReset, stubs::CryptoGetFolderKey, stubs::CryptoGetFileKey,
            stubs::CryptoChangeUserPrivate, stubs::CryptoSendChange, stubs::CryptoGetRoot, stubs::CryptoGetFoldersKey,
            stubs::GetFileOwnershipToken, stubs::CheckFileOwnershipToken,
            stubs::LogAnalyticsEvent, stubs::SendDebug, stubs::GetLastVersion, stubs::GetPromoUrl,
            stubs::GetOldUserIds,
        }
    };
}

macro_rules! specs {
    ($($family:ident::$method:ident),* $(,)?) => {
        /// What every method declares, in the order of the families.
        pub static SPECS: &[&Spec] = &[$(<$crate::$family::$method as Method>::SPEC),*];
    };
}

every_method!(specs);

#[cfg(test)]
mod tests {
    use super::SPECS;
    use crate::codes::Code;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_every_required_parameter_has_a_code() {
        let mut names = HashSet::new();
        for spec in SPECS {
            assert!(names.insert(spec.name), "{} twice", spec.name);
            assert!(
                spec.doc.trim().ends_with('.'),
                "{}: the doc text is a sentence",
                spec.name
            );
            assert!(spec.params().len() <= 200, "{}", spec.name);
            for param in spec.params() {
                assert_ne!(
                    param.missing,
                    Some(Code::INTERNAL),
                    "{}.{}",
                    spec.name,
                    param.name
                );
                assert!(
                    !param.doc.is_empty(),
                    "{}.{} has no text",
                    spec.name,
                    param.name
                );
            }
        }
    }
}
