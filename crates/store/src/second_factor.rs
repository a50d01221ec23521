//! The second factor of an account: its sealed secret, the recovery codes, and devices that need none.

use crate::{Stored, Tx, args, sql};

sql! {
    SET = "UPDATE account SET tfa_sealed = $1 WHERE id = $2";
    INSERT_RECOVERY = "INSERT INTO recovery_code (account, secret_hash) VALUES ($1, $2)";
    TAKE_RECOVERY = "DELETE FROM recovery_code WHERE account = $1 AND secret_hash = $2";
    CLEAR_RECOVERY = "DELETE FROM recovery_code WHERE account = $1";
    TRUSTED = "SELECT created FROM trusted_device WHERE account = $1 AND device_hash = $2";
    COUNT_TRUSTED = "SELECT CAST(COUNT(*) AS BIGINT) FROM trusted_device WHERE account = $1";
    TRUST = "INSERT INTO trusted_device (account, device_hash, created) VALUES ($1, $2, $3) \
             ON CONFLICT (account, device_hash) DO UPDATE SET created = excluded.created";
    DROP_OLDEST = "DELETE FROM trusted_device WHERE account = $1 AND device_hash = \
                   (SELECT device_hash FROM trusted_device WHERE account = $1 ORDER BY created, device_hash LIMIT 1)";
    CLEAR_OLD = "DELETE FROM trusted_device WHERE created <= $1";
    CLEAR_TRUSTED = "DELETE FROM trusted_device WHERE account = $1";
}

impl Tx<'_> {
    /// Sets the sealed secret; `None` switches the second factor off.
    pub fn set_second_factor(&mut self, account: i64, sealed: Option<&[u8]>) -> Stored<()> {
        self.exec(SET, args![sealed, account]).map(drop)
    }

    /// Adds a recovery code.
    pub fn insert_recovery_code(&mut self, account: i64, secret_hash: &[u8]) -> Stored<()> {
        self.exec(INSERT_RECOVERY, args![account, secret_hash])
            .map(drop)
    }

    /// Uses a recovery code up; false if the account has no such code.
    pub fn take_recovery_code(&mut self, account: i64, secret_hash: &[u8]) -> Stored<bool> {
        Ok(self.exec(TAKE_RECOVERY, args![account, secret_hash])? == 1)
    }

    /// Voids all recovery codes of an account.
    pub fn clear_recovery_codes(&mut self, account: i64) -> Stored<()> {
        self.exec(CLEAR_RECOVERY, args![account]).map(drop)
    }

    /// When a device of an account was trusted, if it was.
    pub fn device_trusted(&mut self, account: i64, device_hash: &[u8]) -> Stored<Option<i64>> {
        let found = self.opt::<(i64,)>(TRUSTED, args![account, device_hash])?;
        Ok(found.map(|(created,)| created))
    }

    /// How many devices of an account are trusted.
    pub fn count_trusted_devices(&mut self, account: i64) -> Stored<i64> {
        let (count,) = self.one::<(i64,)>(COUNT_TRUSTED, args![account])?;
        Ok(count)
    }

    /// Trusts a device from now on.
    pub fn trust_device(&mut self, account: i64, device_hash: &[u8], now: i64) -> Stored<()> {
        self.exec(TRUST, args![account, device_hash, now]).map(drop)
    }

    /// Trusts the device of an account no more that was trusted the longest time ago.
    pub fn drop_oldest_trusted_device(&mut self, account: i64) -> Stored<()> {
        self.exec(DROP_OLDEST, args![account]).map(drop)
    }

    /// Forgets devices that were trusted at a time or before.
    pub fn clear_old_trusted_devices(&mut self, until: i64) -> Stored<()> {
        self.exec(CLEAR_OLD, args![until]).map(drop)
    }

    /// Trusts no device of an account any more.
    pub fn clear_trusted_devices(&mut self, account: i64) -> Stored<()> {
        self.exec(CLEAR_TRUSTED, args![account]).map(drop)
    }
}
