//! Archives, and the sets of files and folders they are made of.

use crate::codes::Code;
use crate::field::{Field, put, spec, text, text_value};
use crate::method::ParamSpec;
use crate::stubs::refused;
use pileus_api_derive::{Method, Params};
use pileus_wire::{Params as WireParams, Value};

/// A set of files and folders, put together from several parameters. pCloud's documentation calls it a tree. Without any
/// of them it is empty, which is no mistake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeArg {
    /// What is in this folder is on the top level; the folder itself does not appear.
    pub folderid: Option<u64>,
    /// These folders are on the top level.
    pub folderids: Vec<u64>,
    /// These files are on the top level.
    pub fileids: Vec<u64>,
    /// These folders are left out wherever they occur.
    pub excludefolderids: Vec<u64>,
    /// These files are left out wherever they occur.
    pub excludefileids: Vec<u64>,
}

fn read_list(params: &WireParams, name: &str, unreadable: Code) -> Result<Vec<u64>, Code> {
    if params.get(name).is_none() {
        return Ok(Vec::new());
    }
    params.uint_list(name).ok_or(unreadable)
}

fn put_list(params: &mut WireParams, name: &'static str, ids: &[u64]) {
    if !ids.is_empty() {
        let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
        put(params, name, text_value(&ids.join(",")));
    }
}

impl Field for TreeArg {
    fn take(
        _name: &'static str,
        _missing: Option<Code>,
        params: &WireParams,
    ) -> Result<Self, Code> {
        let folderid = params.uint("folderid");
        if folderid.is_none()
            && params.get("folderid").is_some()
            && text(params, "folderid").is_none_or(|text| !text.is_empty())
        {
            return Err(Code::BAD_FOLDERID);
        }
        Ok(Self {
            folderid,
            folderids: read_list(params, "folderids", Code::BAD_FOLDERID)?,
            fileids: read_list(params, "fileids", Code::BAD_FILEID)?,
            excludefolderids: read_list(params, "excludefolderids", Code::BAD_FOLDERID)?,
            excludefileids: read_list(params, "excludefileids", Code::BAD_FILEID)?,
        })
    }
    fn put(&self, _name: &'static str, params: &mut WireParams) {
        if let Some(id) = self.folderid {
            put(params, "folderid", Value::Num(id));
        }
        put_list(params, "folderids", &self.folderids);
        put_list(params, "fileids", &self.fileids);
        put_list(params, "excludefolderids", &self.excludefolderids);
        put_list(params, "excludefileids", &self.excludefileids);
    }
    fn describe(
        _name: &'static str,
        _doc: &'static str,
        _missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        for (name, kind, doc) in [
            (
                "folderid",
                "int",
                "What is in this folder is on the top level; the folder itself does not appear.",
            ),
            (
                "folderids",
                "int list",
                "Folders for the top level, separated by commas.",
            ),
            (
                "fileids",
                "int list",
                "Files for the top level, separated by commas.",
            ),
            (
                "excludefolderids",
                "int list",
                "Folders that are left out wherever they occur.",
            ),
            (
                "excludefileids",
                "int list",
                "Files that are left out wherever they occur.",
            ),
        ] {
            out.push(spec(name, kind, doc, None));
        }
    }
}

/// Packs files and folders into a zip archive. The answer is the archive itself.
#[derive(Method, Params)]
#[method(name = "getzip", caller = User, access = Streams, fails = [BAD_FOLDERID, BAD_FILEID, FILE_MISSING])]
pub struct GetZip {
    /// What to pack.
    pub tree: TreeArg,
    /// Label the answer as plain bytes instead of as a zip archive.
    pub forcedownload: bool,
    /// Name that browsers save it under.
    pub filename: Option<String>,
    /// Time zone of the times in the archive, which has none itself: `+0200`, `-05:30`, `EET`. Anything else is UTC.
    pub timeoffset: Option<String>,
}

// What packs an archive beside `getzip` does not exist yet. Links answer 5002, which the documents give to them for content
// that cannot be served; what would make a file is denied (2003), as all that this server does not offer; nobody has
// packed or unpacked anything whose progress could be asked for (1901, 1900); and no format of archives is known (2059).
refused! { User:
    GetZipLink "getziplink" NO_CONTENT_SERVER "Links to an archive of files and folders; not offered yet.";
    SaveZip "savezip" DENIED "Saves an archive of files and folders as a file; not offered yet.";
    SaveZipProgress "savezipprogress" ZIP_UNKNOWN "Tells how far `savezip` is; not offered yet.";
    ExtractArchive "extractarchive" ARCHIVE_UNKNOWN "Unpacks an archive; not offered yet.";
    ExtractArchiveProgress "extractarchiveprogress" UPLOAD_UNKNOWN "Tells how far `extractarchive` is; not offered yet.";
    SavePubZip "savepubzip" DENIED "Saves an archive of a public link as a file; not offered yet.";
}

refused! { Anyone:
    GetPubZip "getpubzip" NO_CONTENT_SERVER "Gives an archive of a public link; not offered yet.";
    GetPubZipLink "getpubziplink" NO_CONTENT_SERVER "Links to an archive of a public link; not offered yet.";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(params: &WireParams) -> Result<TreeArg, Code> {
        TreeArg::take("tree", None, params)
    }

    #[test]
    fn a_tree_reads_what_it_writes() {
        let tree = TreeArg {
            folderid: Some(0),
            folderids: vec![1, 2],
            fileids: vec![u64::MAX],
            excludefolderids: vec![3],
            excludefileids: vec![4, 5, 6],
        };
        let mut params = WireParams::new();
        tree.put("tree", &mut params);
        assert_eq!(take(&params), Ok(tree));
        assert_eq!(take(&WireParams::new()), Ok(TreeArg::default()));
    }

    #[test]
    fn ids_that_are_none_have_codes() {
        for (name, code) in [
            ("folderid", Code::BAD_FOLDERID),
            ("folderids", Code::BAD_FOLDERID),
            ("excludefolderids", Code::BAD_FOLDERID),
            ("fileids", Code::BAD_FILEID),
            ("excludefileids", Code::BAD_FILEID),
        ] {
            for (value, is_readable) in [("1x", false), ("-1", false), ("", true), ("7", true)] {
                let mut params = WireParams::new();
                params.set(name, text_value(value)).unwrap();
                let expected = if is_readable { None } else { Some(code) };
                assert_eq!(take(&params).err(), expected, "{name}={value}");
            }
        }
    }
}
