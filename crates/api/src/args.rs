//! Groups of parameters that many methods share: how an entry, a target, a new name is given.

use crate::codes::Code;
use crate::field::{Field, put, spec, text, text_value};
use crate::method::ParamSpec;
use crate::name::{Path, check_name};
use pileus_wire::{Params, Value};

/// A folder, by id or by path. Folder 0 is the caller's root. If both are given the id wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderRef {
    /// By `folderid`.
    Id(u64),
    /// By full path.
    Path(Path),
}

impl FolderRef {
    pub(crate) fn read(params: &Params, id: &str, path: &str) -> Result<Option<Self>, Code> {
        if let Some(id) = params.uint(id) {
            return Ok(Some(Self::Id(id)));
        }
        match params.text(path) {
            None => Ok(None),
            Some(Err(_)) => Err(Code::BAD_NAME),
            Some(Ok(text)) => Path::parse(&text)
                .map(|path| Some(Self::Path(path)))
                .ok_or(Code::FOLDER_MISSING),
        }
    }

    /// Describes `folderid` and `path`; with a code, one of them is required.
    pub(crate) fn describe(
        doc: &'static str,
        doc_of_path: &'static str,
        missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        out.push(spec("folderid", "int", doc, missing));
        out.push(spec("path", "string", doc_of_path, missing));
    }

    pub(crate) fn write(&self, params: &mut Params, id: &'static str, path: &'static str) {
        match self {
            Self::Id(number) => put(params, id, Value::Num(*number)),
            Self::Path(to) => put(params, path, text_value(&to.to_text())),
        }
    }
}

/// A folder the method works on: `folderid` or `path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderArg(pub FolderRef);

impl Field for FolderArg {
    fn take(_name: &'static str, missing: Option<Code>, params: &Params) -> Result<Self, Code> {
        FolderRef::read(params, "folderid", "path")?
            .map(Self)
            .ok_or(missing.unwrap_or(Code::NO_FOLDER))
    }
    fn put(&self, _name: &'static str, params: &mut Params) {
        self.0.write(params, "folderid", "path");
    }
    fn describe(
        _name: &'static str,
        doc: &'static str,
        missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        let missing = missing.unwrap_or(Code::NO_FOLDER);
        FolderRef::describe(doc, "Full path, instead of `folderid`.", Some(missing), out);
    }
}

/// The folder that takes uploaded files: `folderid`, else `path`, else the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntoFolderArg(pub FolderRef);

impl Field for IntoFolderArg {
    fn take(_name: &'static str, _missing: Option<Code>, params: &Params) -> Result<Self, Code> {
        Ok(Self(
            FolderRef::read(params, "folderid", "path")?.unwrap_or(FolderRef::Id(0)),
        ))
    }
    fn put(&self, _name: &'static str, params: &mut Params) {
        self.0.write(params, "folderid", "path");
    }
    fn describe(
        _name: &'static str,
        doc: &'static str,
        _missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        let doc_of_path = "Full path, instead of `folderid`. Without both: the root.";
        FolderRef::describe(doc, doc_of_path, None, out);
    }
}

/// A file by id or by path. If both are given the id wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileRef {
    /// By `fileid`.
    Id(u64),
    /// By full path.
    Path(Path),
}

/// A file the method works on: `fileid` or `path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileArg(pub FileRef);

impl Field for FileArg {
    fn take(_name: &'static str, missing: Option<Code>, params: &Params) -> Result<Self, Code> {
        if let Some(id) = params.uint("fileid") {
            return Ok(Self(FileRef::Id(id)));
        }
        match params.text("path") {
            None => Err(missing.unwrap_or(Code::NO_FILE)),
            Some(Err(_)) => Err(Code::BAD_NAME),
            Some(Ok(text)) => Path::parse(&text)
                .map(|path| Self(FileRef::Path(path)))
                .ok_or(Code::BAD_PATH),
        }
    }
    fn put(&self, _name: &'static str, params: &mut Params) {
        match &self.0 {
            FileRef::Id(id) => put(params, "fileid", Value::Num(*id)),
            FileRef::Path(path) => put(params, "path", text_value(&path.to_text())),
        }
    }
    fn describe(
        _name: &'static str,
        doc: &'static str,
        missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        let missing = missing.unwrap_or(Code::NO_FILE);
        out.push(spec("fileid", "int", doc, Some(missing)));
        out.push(spec(
            "path",
            "string",
            "Full path, instead of `fileid`.",
            Some(missing),
        ));
    }
}

/// A version of a file to read: the file, and perhaps one of its revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionArg {
    /// The file.
    pub file: FileRef,
    /// One of its revisions; the current content, if not given.
    pub revisionid: Option<u64>,
}

impl Field for VersionArg {
    fn take(name: &'static str, missing: Option<Code>, params: &Params) -> Result<Self, Code> {
        let FileArg(file) = FileArg::take(name, missing, params)?;
        Ok(Self {
            file,
            revisionid: params.uint("revisionid"),
        })
    }
    fn put(&self, name: &'static str, params: &mut Params) {
        FileArg(self.file.clone()).put(name, params);
        self.revisionid
            .iter()
            .for_each(|id| put(params, "revisionid", Value::Num(*id)));
    }
    fn describe(
        name: &'static str,
        doc: &'static str,
        missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        FileArg::describe(name, doc, missing, out);
        out.push(spec(
            "revisionid",
            "int",
            "An earlier revision of the file instead of its current content.",
            None,
        ));
    }
}

/// Parent and name of a folder to make: one full path, or `folderid` and `name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntryArg {
    /// The folder it goes into.
    pub parent: FolderRef,
    /// Its name; `None` for the path `/`, which names the root.
    pub name: Option<String>,
}

impl Field for NewEntryArg {
    fn take(_name: &'static str, missing: Option<Code>, params: &Params) -> Result<Self, Code> {
        let missing = missing.unwrap_or(Code::NO_PATH_OR_NAME);
        if let Some(folder) = params.uint("folderid") {
            let name = params
                .text("name")
                .ok_or(missing)?
                .map_err(|_| Code::BAD_NAME)?;
            check_name(&name)?;
            return Ok(Self {
                parent: FolderRef::Id(folder),
                name: Some(name.into_owned()),
            });
        }
        let path = params
            .text("path")
            .ok_or(missing)?
            .map_err(|_| Code::BAD_NAME)?;
        let path = Path::parse(&path).ok_or(Code::BAD_NAME)?;
        Ok(match path.split_last() {
            None => Self {
                parent: FolderRef::Id(0),
                name: None,
            },
            Some((parent, name)) => {
                check_name(&name)?;
                Self {
                    parent: FolderRef::Path(parent),
                    name: Some(name),
                }
            }
        })
    }
    fn put(&self, _name: &'static str, params: &mut Params) {
        match (&self.parent, &self.name) {
            (FolderRef::Id(id), Some(name)) => {
                put(params, "folderid", Value::Num(*id));
                put(params, "name", text_value(name));
            }
            (FolderRef::Path(path), Some(name)) => {
                let mut path = path.clone();
                path.parts.push(name.clone());
                put(params, "path", text_value(&path.to_text()));
            }
            (_, None) => put(params, "path", text_value("/")),
        }
    }
    fn describe(
        _name: &'static str,
        doc: &'static str,
        missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        let missing = Some(missing.unwrap_or(Code::NO_PATH_OR_NAME));
        out.push(spec("path", "string", doc, missing));
        out.push(spec(
            "folderid",
            "int",
            "Parent folder, together with `name`, instead of `path`.",
            missing,
        ));
        out.push(spec(
            "name",
            "string",
            "Name in the parent folder.",
            missing,
        ));
    }
}

/// Where something goes: `topath`, or `tofolderid` and/or `toname`. Missing parts keep what the source has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetArg {
    /// The folder it goes into; the source's own, if not given.
    pub parent: Option<FolderRef>,
    /// Its new name; the source's own, if not given.
    pub name: Option<String>,
    /// Whether folder and name came as one path without a final slash. `copyfolder` then looks whether the path
    /// names a folder that exists.
    pub whole_path: bool,
}

impl Field for TargetArg {
    fn take(_name: &'static str, missing: Option<Code>, params: &Params) -> Result<Self, Code> {
        let missing = missing.unwrap_or(Code::NO_NEW_PLACE);
        let name = match params.text("toname") {
            Some(Err(_)) => return Err(Code::BAD_NAME),
            Some(Ok(name)) if !name.is_empty() => {
                check_name(&name)?;
                Some(name.into_owned())
            }
            _ => None,
        };
        if let Some(folder) = params.uint("tofolderid") {
            return Ok(Self {
                parent: Some(FolderRef::Id(folder)),
                name,
                whole_path: false,
            });
        }
        if params.get("tofolderid").is_some()
            && text(params, "tofolderid").is_some_and(|text| !text.is_empty())
        {
            return Err(Code::BAD_FOLDERID);
        }
        match params.text("topath") {
            Some(Err(_)) => Err(Code::BAD_NAME),
            Some(Ok(path)) if !path.is_empty() => {
                let path = Path::parse(&path).ok_or(Code::FOLDER_MISSING)?;
                if path.ends_in_slash || name.is_some() {
                    return Ok(Self {
                        parent: Some(FolderRef::Path(path)),
                        name,
                        whole_path: false,
                    });
                }
                let (parent, name) = path.split_last().ok_or(Code::FOLDER_MISSING)?;
                check_name(&name)?;
                Ok(Self {
                    parent: Some(FolderRef::Path(parent)),
                    name: Some(name),
                    whole_path: true,
                })
            }
            // A target for a copy needs a folder; its `missing` code is 1016 and a bare name does not satisfy it.
            _ if name.is_some() && missing == Code::NO_NEW_PLACE => Ok(Self {
                parent: None,
                name,
                whole_path: false,
            }),
            _ => Err(missing),
        }
    }
    fn put(&self, _name: &'static str, params: &mut Params) {
        match &self.parent {
            Some(FolderRef::Id(id)) => put(params, "tofolderid", Value::Num(*id)),
            Some(FolderRef::Path(path)) => {
                let folder = path.to_text();
                let slash = if folder.ends_with('/') { "" } else { "/" };
                let name = self.name.as_deref().unwrap_or("");
                put(
                    params,
                    "topath",
                    text_value(&format!("{folder}{slash}{name}")),
                );
                return;
            }
            None => {}
        }
        self.name
            .iter()
            .for_each(|name| put(params, "toname", text_value(name)));
    }
    fn describe(
        _name: &'static str,
        doc: &'static str,
        missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        let missing = Some(missing.unwrap_or(Code::NO_NEW_PLACE));
        out.push(spec("topath", "string", doc, missing));
        out.push(spec(
            "tofolderid",
            "int",
            "Target folder, instead of `topath`.",
            missing,
        ));
        out.push(spec(
            "toname",
            "string",
            "Name in the target folder; the source's name, if not given.",
            missing,
        ));
    }
}

/// An entry of the trash: `fileid` or `folderid`, where folder 0 is everything in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrashArg {
    /// A deleted file.
    File(u64),
    /// A deleted folder, or 0.
    Folder(u64),
}

impl Field for TrashArg {
    fn take(_name: &'static str, missing: Option<Code>, params: &Params) -> Result<Self, Code> {
        let given = |name: &str| text(params, name).is_some_and(|text| !text.is_empty());
        match (params.uint("fileid"), params.uint("folderid")) {
            (Some(id), _) => Ok(Self::File(id)),
            (None, Some(id)) => Ok(Self::Folder(id)),
            (None, None) if given("fileid") => Err(Code::BAD_FILEID),
            (None, None) if given("folderid") => Err(Code::BAD_FOLDERID),
            (None, None) => Err(missing.unwrap_or(Code::NO_FILE_OR_FOLDER)),
        }
    }
    fn put(&self, _name: &'static str, params: &mut Params) {
        match self {
            Self::File(id) => put(params, "fileid", Value::Num(*id)),
            Self::Folder(id) => put(params, "folderid", Value::Num(*id)),
        }
    }
    fn describe(
        _name: &'static str,
        doc: &'static str,
        missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        let missing = Some(missing.unwrap_or(Code::NO_FILE_OR_FOLDER));
        out.push(spec("fileid", "int", doc, missing));
        out.push(spec(
            "folderid",
            "int",
            "A deleted folder instead; 0 is everything in the trash.",
            missing,
        ));
    }
}
