//! What `uploadprogress` answers: an upload and a download from URLs have different things to tell.

use crate::metadata::Metadata;
use crate::reply::{FieldSpec, Reply, Sink, Tree, Value, Written};
use pileus_api_derive::Reply;

/// How far an upload is.
#[derive(Reply)]
pub struct Uploading {
    /// Bytes of the whole request; 0 if it did not tell.
    pub total: u64,
    /// Bytes of it that have arrived.
    pub uploaded: u64,
    /// Name of the file that is arriving.
    pub currentfile: Option<String>,
    /// Bytes of that file that have arrived.
    pub currentfileuploaded: Option<u64>,
    /// Number of the file that is arriving, from 1.
    pub filenumber: u64,
    /// Files that are complete.
    pub files: Vec<Metadata>,
    /// Whether the upload has ended.
    pub finished: bool,
}

/// How far a download from URLs is.
#[derive(Reply)]
pub struct Downloading {
    /// Number of URLs.
    pub urlcount: u64,
    /// How many of them are in the folder.
    pub urlready: u64,
    /// How many are being fetched.
    pub urlworking: u64,
    /// Whether there is nothing more to do.
    pub finished: bool,
    /// One entry for each URL.
    pub files: Vec<UrlProgress>,
}

/// How far one URL is.
#[derive(Reply)]
pub struct UrlProgress {
    /// The URL.
    pub url: String,
    /// `waiting`, `downloading`, `ready`, or `error`.
    pub status: String,
    /// Bytes, if the other side has told.
    pub size: Option<u64>,
    /// Bytes that have arrived, once it has begun.
    pub downloaded: Option<u64>,
    /// The file, when it is ready.
    pub metadata: Option<Metadata>,
}

/// How far an upload or a download from URLs is.
pub enum ProgressReply {
    /// An upload.
    Upload(Uploading),
    /// A download, which has `urlcount`.
    Download(Downloading),
}

impl Reply for ProgressReply {
    fn write(&mut self, out: &mut dyn Sink) -> Written {
        match self {
            Self::Upload(upload) => Reply::write(upload, out),
            Self::Download(download) => Reply::write(download, out),
        }
    }

    fn read(answer: &Tree) -> Option<Self> {
        if answer.get("urlcount").is_some() {
            <Downloading as Value>::read(answer).map(Self::Download)
        } else {
            <Uploading as Value>::read(answer).map(Self::Upload)
        }
    }

    fn describe(out: &mut Vec<FieldSpec>) {
        let (mut upload, mut download) = (Vec::new(), Vec::new());
        Uploading::describe(&mut upload);
        Downloading::describe(&mut download);
        for field in &mut upload {
            let other = download.iter().position(|other| other.name == field.name);
            match other.map(|at| download.remove(at)) {
                None => field.optional = true,
                Some(other) if other.kind != field.kind => {
                    field.kind = format!("{} or {}", field.kind, other.kind);
                }
                Some(_) => {}
            }
        }
        for field in &mut download {
            field.optional = true;
        }
        out.append(&mut upload);
        out.append(&mut download);
    }
}
