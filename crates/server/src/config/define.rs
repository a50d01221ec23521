//! Declaring settings.

/// What is known about a setting beside its type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    /// Key in the file.
    pub name: &'static str,
    /// The lines of its doc comment.
    pub doc: &'static [&'static str],
}

/// Declares a struct of settings, each with its doc comment, type and default. Gives it `Default`, the way to and from
/// TOML, and a table of its fields. It gets no `Debug`, since settings hold secrets.
macro_rules! settings {
    (
        $(#[doc = $about:literal])*
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $(#[serde($($serde:tt)+)])?
                pub $field:ident: $type:ty = $default:expr,
            )+
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $(
                $(#[doc = $doc])+
                $(#[serde($($serde)+)])?
                pub $field: $type,
            )+
        }

        impl $name {
            const FIELDS: &[$crate::config::define::Field] = &[$(
                $crate::config::define::Field { name: stringify!($field), doc: &[$($doc),+] }
            ),+];
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default),+ }
            }
        }
    };
}
pub(super) use settings;
