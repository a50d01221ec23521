//! Who calls, about things at which places, and what he is to them.

use super::table::Thing;

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// Whose things it is about.
    Owner,
    /// Somebody with whom they are shared, with these rights.
    Recipient(u8),
    /// Somebody with whom a folder inside is shared, with all rights.
    Inner,
    /// Somebody with whom they were shared.
    Former,
    /// Somebody to whom they are offered.
    Pending,
    /// Somebody.
    Stranger,
    /// Somebody who has followed a public link.
    LinkHolder,
    /// An app that the owner has let in.
    App,
    /// An app that the owner has let into a folder where nothing of this is.
    FolderApp,
    /// A recipient with all rights whose account is disabled.
    Disabled,
    /// Nobody.
    Anonymous,
}

impl Caller {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let mut all = vec![
            Self::Anonymous,
            Self::Disabled,
            Self::Stranger,
            Self::LinkHolder,
            Self::Former,
            Self::Pending,
            Self::FolderApp,
            Self::Inner,
        ];
        all.extend((0..=7).map(Self::Recipient));
        all.extend([Self::App, Self::Owner]);
        all
    }

    /// Enough of them to see that a method looks at rights at all.
    pub fn few() -> Vec<Self> {
        vec![
            Self::Anonymous,
            Self::Stranger,
            Self::Former,
            Self::Pending,
            Self::FolderApp,
            Self::Recipient(0),
            Self::Recipient(7),
            Self::Owner,
        ]
    }

    /// What he is to a thing at a place.
    pub fn relation(self, thing: Thing, place: Place) -> Relation {
        match (self, thing, place) {
            (Self::Owner | Self::App, _, _) => Relation::Owner,
            (
                Self::Recipient(rights),
                Thing::File | Thing::Folder,
                Place::Shared | Place::Nested | Place::Mount,
            )
            | (Self::Recipient(rights), Thing::Share, _) => Relation::Recipient(rights),
            (Self::Inner, _, Place::Nested) => Relation::Recipient(7),
            (Self::Pending, Thing::Request, _) => Relation::Recipient(0),
            _ => Relation::Stranger,
        }
    }

    /// The account behind him, by its name in this run; none if there is none.
    pub fn account(self) -> Option<String> {
        Some(match self {
            Self::Owner | Self::App | Self::FolderApp => "owner".to_owned(),
            Self::Recipient(rights) => format!("recipient{rights}"),
            Self::Anonymous => return None,
            other => format!("{other:?}").to_lowercase(),
        })
    }
}

/// What a caller is to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It is his.
    Owner,
    /// It is shared with him, with these rights, or offered to him.
    Recipient(u8),
    /// Nothing.
    Stranger,
}

/// Where a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the owner's tree, for nobody else.
    Own,
    /// In a shared folder.
    Shared,
    /// In a folder inside of that, which is shared with somebody else as well.
    Nested,
    /// The shared folder itself.
    Mount,
    /// In the owner's tree, with a public link.
    Linked,
    /// In the trash, deleted in the shared folder.
    Trash,
    /// It is no part of a tree.
    Nowhere,
}

impl Place {
    /// Where folders can be.
    pub const ALL: [Self; 6] = [
        Self::Own,
        Self::Shared,
        Self::Nested,
        Self::Mount,
        Self::Linked,
        Self::Trash,
    ];
    /// Where files can be.
    pub const OF_FILES: [Self; 5] = [
        Self::Own,
        Self::Shared,
        Self::Nested,
        Self::Linked,
        Self::Trash,
    ];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Shared => "shared",
            Self::Nested => "nested",
            Self::Mount => "mount",
            Self::Linked => "linked",
            Self::Trash => "trash",
            Self::Nowhere => "nowhere",
        }
    }
}
