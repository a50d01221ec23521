//! Logging in.

use pileus_wire::{Params, TooMany};
use sha1::{Digest, Sha1};

/// The `passworddigest` that answers a `digest` of `getdigest`, so that the password itself does
/// not travel.
pub fn password_digest(username: &str, password: &str, digest: &str) -> String {
    let user = hex::encode(Sha1::digest(username.to_ascii_lowercase()));
    let mut hash = Sha1::new();
    hash.update(password);
    hash.update(user);
    hash.update(digest);
    hex::encode(hash.finalize())
}

/// The parameters of a login with a digest.
pub(crate) fn by_digest(username: &str, password: &str, digest: &str) -> Result<Params, TooMany> {
    let mut params = Params::new();
    params.set("username", username)?;
    params.set("digest", digest)?;
    params.set(
        "passworddigest",
        password_digest(username, password, digest),
    )?;
    params.set("getauth", true)?;
    Ok(params)
}

/// The parameters of a login with the password itself.
pub(crate) fn by_password(username: &str, password: &str) -> Result<Params, TooMany> {
    let mut params = Params::new();
    params.set("username", username)?;
    params.set("password", password)?;
    params.set("getauth", true)?;
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::password_digest;

    /// The expected value was computed with another program's SHA-1.
    #[test]
    fn the_user_name_counts_in_lower_case() {
        let digest = "YGtAxbUpI85Zvs7lC7Z62rBwv907TBXhV2L867Hkh";
        let expected = "eeba5a43d8d3212f05e42cfa938200c8fdab6156";
        for user in ["User@Example.com", "user@example.com"] {
            assert_eq!(password_digest(user, "Secret1", digest), expected);
        }
    }
}
