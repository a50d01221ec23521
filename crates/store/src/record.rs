//! Structs that rows are read into.

use crate::error::Stored;
use crate::row::{Arg, Column, Row};

/// Defines a struct whose fields are the columns of a row, from the left.
macro_rules! record {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$field_doc:meta])* pub $field:ident: $type:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)+ }

        impl $crate::row::FromRow for $name {
            fn from_row(row: &$crate::row::Row<'_>) -> $crate::error::Stored<Self> {
                let mut index = 0;
                let mut next = || { index += 1; index - 1 };
                Ok(Self { $($field: <$type as $crate::row::Column>::column(row, next())?,)+ })
            }
        }
    };
}
pub(crate) use record;

/// A 64-bit content hash. Databases have no unsigned 64-bit integer, so it is stored bit for bit as a signed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentHash(pub u64);

impl Column for ContentHash {
    fn column(row: &Row<'_>, index: usize) -> Stored<Self> {
        Ok(Self(row.int(index)?.cast_unsigned()))
    }
}

impl Column for Option<ContentHash> {
    fn column(row: &Row<'_>, index: usize) -> Stored<Self> {
        Ok(row.opt_int(index)?.map(|bits| ContentHash(bits.cast_unsigned())))
    }
}

impl From<ContentHash> for Arg<'_> {
    fn from(hash: ContentHash) -> Self {
        Self::Int(hash.0.cast_signed())
    }
}
