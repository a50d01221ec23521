//! Where an answer writes itself, and the options of the call it answers.

use std::sync::Arc;

use crate::time::UnixTime;

/// How datetimes appear in an answer (`timeformat`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeFormat {
    /// The text of [`UnixTime::format_rfc2822`].
    #[default]
    Text,
    /// A number of unix seconds. Times before 1970 show as 0, because the binary protocol has no
    /// negative numbers and both protocols shall answer alike.
    Timestamp,
}

/// How icons appear in metadata (`iconformat`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IconFormat {
    /// The icon's name.
    #[default]
    Name,
    /// The icon's number; the official Swift SDK accepts nothing else.
    Id,
}

/// An icon under both its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icon {
    /// The name, such as `document`.
    pub name: &'static str,
    /// The number that stands for it with [`IconFormat::Id`].
    pub id: u64,
}

/// What the global parameters of a call, or the filters of its connection, ask of its answer.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The form of datetimes.
    pub time: TimeFormat,
    /// The form of icons.
    pub icon: IconFormat,
    /// The metadata fields wanted of files; all, if `None`.
    pub file_filter: Option<Arc<Filter>>,
    /// The metadata fields wanted of folders; all, if `None`.
    pub folder_filter: Option<Arc<Filter>>,
}

/// The metadata fields a client wants to see (`filtermeta` and its kin).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Sorted, without repetitions.
    names: Vec<Box<str>>,
}

impl Filter {
    /// A filter outlives its call on the connection that sent it, so it is kept small. Metadata
    /// has some fifty fields, none of which comes near this length.
    const MAX_NAMES: usize = 128;
    const MAX_NAME_BYTES: usize = 64;

    /// Reads a comma-separated list of field names; blanks around a name are ignored.
    ///
    /// `None`, which stands for all fields, if the list is empty or `0`. Names beyond the first
    /// 128, and names of over 64 bytes, are dropped: no metadata field is named so.
    pub fn parse(list: &str) -> Option<Filter> {
        let list = list.trim_ascii();
        if list.is_empty() || list == "0" {
            return None;
        }
        let mut names: Vec<Box<str>> = list
            .split(',')
            .map(str::trim_ascii)
            .filter(|name| (1..=Filter::MAX_NAME_BYTES).contains(&name.len()))
            .take(Filter::MAX_NAMES)
            .map(Box::from)
            .collect();
        names.sort_unstable();
        names.dedup();
        Some(Filter { names })
    }

    /// Whether a field is to be shown. `contents` always is: a listing would be empty without it.
    pub fn keeps(&self, field: &str) -> bool {
        field == "contents"
            || self
                .names
                .binary_search_by(|name| (**name).cmp(field))
                .is_ok()
    }
}

/// Where an answer writes itself.
///
/// An answer is one hash. Inside a hash a [`Sink::key`] stands before each value; inside a list
/// the values stand alone. Each `begin_` needs its `end_`. There is no null, no fraction and no
/// negative number, because the binary protocol has none: a field without a value is left out.
///
/// The `field_` methods write a key and a value in one call.
pub trait Sink {
    /// Opens a hash.
    fn begin_hash(&mut self);
    /// Closes the hash opened last.
    fn end_hash(&mut self);
    /// Opens a list.
    fn begin_list(&mut self);
    /// Closes the list opened last.
    fn end_list(&mut self);
    /// Writes the key of the value that comes next.
    fn key(&mut self, key: &str);
    /// Writes a number.
    fn num(&mut self, value: u64);
    /// Writes a text.
    fn text(&mut self, value: &str);
    /// Writes a truth value.
    fn bool(&mut self, value: bool);
    /// Writes a datetime, in the form that [`Options::time`] asks for.
    fn time(&mut self, value: UnixTime);
    /// Announces that `length` raw bytes follow the answer.
    ///
    /// This is a whole field of the top hash, the key (`data`) included. Only the binary protocol
    /// has it: over HTTP the raw bytes are the body, and this writes nothing.
    fn data(&mut self, length: u64);
    /// What the call asks of its answer.
    fn options(&self) -> &Options;

    /// Writes an icon, in the form that [`Options::icon`] asks for.
    fn icon(&mut self, icon: &Icon) {
        match self.options().icon {
            IconFormat::Name => self.text(icon.name),
            IconFormat::Id => self.num(icon.id),
        }
    }

    /// Writes a key and a number.
    fn field_num(&mut self, key: &str, value: u64) {
        self.key(key);
        self.num(value);
    }

    /// Writes a key and a text.
    fn field_text(&mut self, key: &str, value: &str) {
        self.key(key);
        self.text(value);
    }

    /// Writes a key and a truth value.
    fn field_bool(&mut self, key: &str, value: bool) {
        self.key(key);
        self.bool(value);
    }

    /// Writes a key and a datetime.
    fn field_time(&mut self, key: &str, value: UnixTime) {
        self.key(key);
        self.time(value);
    }

    /// Writes a key and an icon.
    fn field_icon(&mut self, key: &str, icon: &Icon) {
        self.key(key);
        self.icon(icon);
    }

    /// Writes a key and opens a hash as its value.
    fn field_hash(&mut self, key: &str) {
        self.key(key);
        self.begin_hash();
    }

    /// Writes a key and opens a list as its value.
    fn field_list(&mut self, key: &str) {
        self.key(key);
        self.begin_list();
    }
}
