//! What a file name says about the content: MIME type, category and icon.
//!
//! Clients show these and choose by them, so they depend on the name alone and never on the bytes.

use pileus_wire::Icon;

/// `category` of metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// Anything else.
    Other = 0,
    /// Pictures.
    Image = 1,
    /// Videos.
    Video = 2,
    /// Sound.
    Audio = 3,
    /// Texts, sheets, slides, books.
    Document = 4,
    /// Archives.
    Archive = 5,
}

/// What an extension stands for.
#[derive(Debug)]
pub struct FileType {
    /// MIME type.
    pub content_type: &'static str,
    /// Category.
    pub category: Category,
    /// Icon, as a name and as the number that the Swift SDK reads.
    pub icon: Icon,
}

const fn icon(name: &'static str, id: u64) -> Icon {
    Icon { name, id }
}

/// The icon of folders. No client reads its number.
pub const FOLDER_ICON: Icon = icon("folder", 20);

const IMAGE: Icon = icon("image", 1);
const VIDEO: Icon = icon("video", 2);
const AUDIO: Icon = icon("audio", 3);
const DOCUMENT: Icon = icon("document", 4);
const ARCHIVE: Icon = icon("archive", 5);
const WORD: Icon = icon("document", 6);
const SLIDES: Icon = icon("presentation", 7);
const SHEET: Icon = icon("spreadsheet", 8);
const PDF: Icon = icon("document", 17);
const WEB: Icon = icon("web", 18);
const BOOK: Icon = icon("document", 21);
const DISK: Icon = icon("diskimage", 23);

/// What names without a known extension are.
static UNKNOWN: FileType = FileType {
    content_type: "application/octet-stream",
    category: Category::Other,
    icon: icon("file", 0),
};

macro_rules! types {
    ($($extensions:literal: $content_type:literal, $category:ident, $icon:expr;)*) => {
        &[$(($extensions, FileType { content_type: $content_type, category: Category::$category, icon: $icon })),*]
    };
}

/// Extensions in lower case, separated by blanks, with what they stand for.
static TYPES: &[(&str, FileType)] = types! {
    "jpg jpeg jpe jfif": "image/jpeg", Image, IMAGE;
    "png": "image/png", Image, IMAGE;
    "gif": "image/gif", Image, IMAGE;
    "bmp": "image/bmp", Image, IMAGE;
    "tif tiff": "image/tiff", Image, IMAGE;
    "webp": "image/webp", Image, IMAGE;
    "heic heif": "image/heic", Image, IMAGE;
    "avif": "image/avif", Image, IMAGE;
    "svg": "image/svg+xml", Image, IMAGE;
    "ico": "image/x-icon", Image, IMAGE;
    "psd": "image/vnd.adobe.photoshop", Image, IMAGE;
    "raw cr2 cr3 nef arw dng orf rw2 raf": "image/x-raw", Image, IMAGE;
    "mp4 m4v": "video/mp4", Video, VIDEO;
    "mov": "video/quicktime", Video, VIDEO;
    "avi": "video/x-msvideo", Video, VIDEO;
    "mkv": "video/x-matroska", Video, VIDEO;
    "webm": "video/webm", Video, VIDEO;
    "wmv": "video/x-ms-wmv", Video, VIDEO;
    "flv": "video/x-flv", Video, VIDEO;
    "mpg mpeg": "video/mpeg", Video, VIDEO;
    "3gp": "video/3gpp", Video, VIDEO;
    "ts mts m2ts": "video/mp2t", Video, VIDEO;
    "ogv": "video/ogg", Video, VIDEO;
    "mp3": "audio/mpeg", Audio, AUDIO;
    "flac": "audio/flac", Audio, AUDIO;
    "wav": "audio/wav", Audio, AUDIO;
    "ogg oga": "audio/ogg", Audio, AUDIO;
    "opus": "audio/opus", Audio, AUDIO;
    "m4a": "audio/mp4", Audio, AUDIO;
    "aac": "audio/aac", Audio, AUDIO;
    "wma": "audio/x-ms-wma", Audio, AUDIO;
    "aif aiff": "audio/aiff", Audio, AUDIO;
    "ape": "audio/x-ape", Audio, AUDIO;
    "mid midi": "audio/midi", Audio, AUDIO;
    "txt text log": "text/plain", Document, DOCUMENT;
    "md markdown": "text/markdown", Document, DOCUMENT;
    "rtf": "application/rtf", Document, WORD;
    "doc": "application/msword", Document, WORD;
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document", Document, WORD;
    "odt": "application/vnd.oasis.opendocument.text", Document, icon("document", 13);
    "pages": "application/vnd.apple.pages", Document, icon("document", 10);
    "pdf": "application/pdf", Document, PDF;
    "tex": "application/x-tex", Document, DOCUMENT;
    "csv": "text/csv", Document, SHEET;
    "xls": "application/vnd.ms-excel", Document, SHEET;
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Document, SHEET;
    "ods": "application/vnd.oasis.opendocument.spreadsheet", Document, icon("spreadsheet", 14);
    "numbers": "application/vnd.apple.numbers", Document, icon("spreadsheet", 12);
    "ppt": "application/vnd.ms-powerpoint", Document, SLIDES;
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation", Document, SLIDES;
    "odp": "application/vnd.oasis.opendocument.presentation", Document, icon("presentation", 15);
    "key": "application/vnd.apple.keynote", Document, icon("presentation", 11);
    "epub": "application/epub+zip", Document, BOOK;
    "mobi": "application/x-mobipocket-ebook", Document, BOOK;
    "html htm": "text/html", Document, WEB;
    "zip": "application/zip", Archive, ARCHIVE;
    "rar": "application/vnd.rar", Archive, ARCHIVE;
    "7z": "application/x-7z-compressed", Archive, ARCHIVE;
    "tar": "application/x-tar", Archive, ARCHIVE;
    "gz tgz": "application/gzip", Archive, ARCHIVE;
    "bz2": "application/x-bzip2", Archive, ARCHIVE;
    "xz": "application/x-xz", Archive, ARCHIVE;
    "zst": "application/zstd", Archive, ARCHIVE;
    "cab": "application/vnd.ms-cab-compressed", Archive, ARCHIVE;
    "css": "text/css", Other, WEB;
    "js mjs": "text/javascript", Other, WEB;
    "json": "application/json", Other, icon("file", 0);
    "xml": "application/xml", Other, icon("file", 0);
    "wasm": "application/wasm", Other, icon("executable", 16);
    "ttf": "font/ttf", Other, icon("font", 0);
    "otf": "font/otf", Other, icon("font", 0);
    "woff": "font/woff", Other, icon("font", 0);
    "woff2": "font/woff2", Other, icon("font", 0);
    "sqlite db mdb": "application/octet-stream", Other, icon("database", 0);
    "kml": "application/vnd.google-earth.kml+xml", Other, icon("gis", 0);
    "kmz": "application/vnd.google-earth.kmz", Other, icon("gis", 0);
    "gpx": "application/gpx+xml", Other, icon("gis", 0);
    "iso img dmg": "application/x-iso9660-image", Other, DISK;
    "exe msi": "application/vnd.microsoft.portable-executable", Other, icon("executable", 16);
    "app pkg": "application/octet-stream", Other, icon("executable", 22);
    "deb rpm apk": "application/octet-stream", Other, icon("package", 0);
};

/// The longest extension of the table.
const EXTENSION_MAX_BYTES: usize = 8;

/// What a name stands for.
pub fn of(name: &str) -> &'static FileType {
    let Some((_, extension)) = name.rsplit_once('.') else {
        return &UNKNOWN;
    };
    if extension.is_empty() || extension.len() > EXTENSION_MAX_BYTES {
        return &UNKNOWN;
    }
    index()
        .get(extension.to_ascii_lowercase().as_str())
        .copied()
        .unwrap_or(&UNKNOWN)
}

fn index() -> &'static std::collections::HashMap<&'static str, &'static FileType> {
    static INDEX: std::sync::OnceLock<std::collections::HashMap<&'static str, &'static FileType>> =
        std::sync::OnceLock::new();
    INDEX.get_or_init(|| {
        TYPES
            .iter()
            .flat_map(|(list, kind)| list.split(' ').map(move |extension| (extension, kind)))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_extension_decides() {
        assert_eq!(of("a.tar.GZ").content_type, "application/gzip");
        assert_eq!(of("Photo.JPeg").category, Category::Image);
        assert_eq!(of("README").content_type, "application/octet-stream");
        assert_eq!(of("x.unknownextension").category, Category::Other);
        assert_eq!(of("trailing.").category, Category::Other);
    }

    #[test]
    fn no_extension_twice() {
        let listed: usize = TYPES.iter().map(|(list, _)| list.split(' ').count()).sum();
        assert_eq!(index().len(), listed);
        assert!(
            index()
                .keys()
                .all(|extension| extension.len() <= EXTENSION_MAX_BYTES)
        );
    }
}
