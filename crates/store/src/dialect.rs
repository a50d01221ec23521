//! The two engines, and statements that read the same on both.

/// Which database engine is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// SQLite, inside this process.
    Sqlite,
    /// PostgreSQL, or another server that speaks its protocol and SQL.
    Postgres,
}

impl Engine {
    /// The engine's name in lower case, for logs and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// One statement, for both engines.
///
/// Almost all statements have a single text. Parameters are written `$1` to
/// `$n` and must first appear in ascending order: PostgreSQL counts them by
/// number, SQLite by first appearance. The `sql!` macro defines
/// statements and registers them with the tests that check this.
#[derive(Clone, Copy, Debug)]
pub struct Sql {
    text: &'static str,
    postgres: Option<&'static str>,
    locking: &'static str,
    scans: Option<&'static str>,
}

impl Sql {
    /// A statement with the same text on both engines.
    pub const fn new(text: &'static str) -> Self {
        Self {
            text,
            postgres: None,
            locking: "",
            scans: None,
        }
    }

    /// Sets another text for PostgreSQL, for the few cases where one text does
    /// not do.
    #[must_use]
    pub const fn postgres(self, text: &'static str) -> Self {
        Self {
            postgres: Some(text),
            ..self
        }
    }

    /// Sets the row lock that the statement takes on PostgreSQL, for example
    /// `FOR UPDATE`. It is appended there and left out on SQLite, whose only
    /// writer needs no row locks.
    #[must_use]
    pub const fn locking(self, clause: &'static str) -> Self {
        Self {
            locking: clause,
            ..self
        }
    }

    /// Permits the statement to read a whole table, and says why that is right.
    /// Without it, the test over all statements refuses full scans.
    #[must_use]
    pub const fn scans(self, reason: &'static str) -> Self {
        Self {
            scans: Some(reason),
            ..self
        }
    }

    /// The text for SQLite.
    pub const fn sqlite_text(&self) -> &'static str {
        self.text
    }

    /// The text for PostgreSQL, without the row lock.
    pub const fn postgres_text(&self) -> &'static str {
        match self.postgres {
            Some(text) => text,
            None => self.text,
        }
    }

    /// The row lock clause to append on PostgreSQL; empty for none.
    pub const fn locking_clause(&self) -> &'static str {
        self.locking
    }

    /// Why the statement may read a whole table, if it may.
    pub const fn scan_reason(&self) -> Option<&'static str> {
        self.scans
    }
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self::new(text)
    }
}

/// Defines the statements of a module as [`Sql`] constants and lists them, under
/// the name `STATEMENTS`, for the tests in `statements.rs`.
///
/// Used once per module. After the text follow the exceptions that a few
/// statements need: `postgres` (another text there), `locking` (a row lock there)
/// and `scans` (why it may read a whole table).
///
/// ```ignore
/// sql! {
///     /// The account's quota and use, locked for the rest of the edit.
///     LOCK = "SELECT quota, used FROM account WHERE id = $1", locking = "FOR UPDATE";
///     /// All accounts.
///     pub(crate) ALL = "SELECT id, mail FROM account", scans = "only for administrators";
/// }
/// ```
macro_rules! sql {
    ($(
        $(#[$doc:meta])*
        $vis:vis $name:ident = $text:expr $(, $key:ident = $value:expr)*;
    )+) => {
        $(
            $(#[$doc])*
            $vis const $name: $crate::Sql = $crate::Sql::new($text)$(.$key($value))*;
        )+
        /// Every statement of this module with its name.
        #[cfg(test)]
        pub(crate) const STATEMENTS: &[(&str, $crate::Sql)] = &[$((stringify!($name), $name)),+];
    };
}

pub(crate) use sql;
