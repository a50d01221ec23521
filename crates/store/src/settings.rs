//! Settings that belong to the data and not to a machine.

use crate::{Stored, Tx, args, sql};

sql! {
    GET = "SELECT value FROM setting WHERE name = $1";
    PUT = "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
}

impl Tx<'_> {
    /// A setting.
    pub fn setting(&mut self, name: &str) -> Stored<Option<String>> {
        Ok(self.opt::<(String,)>(GET, args![name])?.map(|(value,)| value))
    }

    /// Sets a setting.
    pub fn set_setting(&mut self, name: &str, value: &str) -> Stored<()> {
        self.exec(PUT, args![name, value]).map(drop)
    }
}
