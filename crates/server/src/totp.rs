//! The codes of authenticators: RFC 6238 with SHA-1, six digits and 30 seconds, which all of them know.

use crate::secrets::{Secrets, random};
use data_encoding::{BASE32, BASE32_NOPAD};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pileus_api::UnixTime;
use sha1::Sha1;
use std::io;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Length of a secret: that of the hash, as the RFC recommends.
const SECRET_BYTES: usize = 20;

/// How long a code is shown.
const STEP_SECONDS: i64 = 30;

/// The name that authenticators show beside the address.
const ISSUER: &str = "Pileus";

/// Random bytes of a recovery code: 80 bits, so that its fingerprint is no help in guessing it.
const RECOVERY_BYTES: usize = 10;

/// What an authenticator and the server share.
pub struct Factor {
    secret: Zeroizing<[u8; SECRET_BYTES]>,
    /// The step of the last code that was used. It and all before are used up, so nobody can repeat what they saw.
    last_step: i64,
}

impl Factor {
    /// A new secret.
    pub fn random() -> io::Result<Self> {
        Ok(Self {
            secret: Zeroizing::new(random()?),
            last_step: 0,
        })
    }

    /// Opens what [`Self::seal`] made; `None` if it is damaged or made with another key.
    pub fn open(secrets: &Secrets, sealed: &[u8]) -> Option<Self> {
        let clear = secrets.unseal(sealed)?;
        let (secret, last_step) = clear.split_at_checked(SECRET_BYTES)?;
        Some(Self {
            secret: Zeroizing::new(secret.try_into().ok()?),
            last_step: i64::from_be_bytes(last_step.try_into().ok()?),
        })
    }

    /// The form for the database.
    pub fn seal(&self, secrets: &Secrets) -> io::Result<Vec<u8>> {
        let mut clear = Zeroizing::new(self.secret.to_vec());
        clear.extend(self.last_step.to_be_bytes());
        secrets.seal(&clear)
    }

    /// Takes a code: that of this moment, or the one before or after, since clocks differ. Each works once.
    pub fn accept(&mut self, code: &str, now: UnixTime) -> bool {
        let code: String = code.chars().filter(|char| !char.is_whitespace()).collect();
        let present = now.0.div_euclid(STEP_SECONDS);
        let mut accepted = None;
        for step in [present - 1, present, present + 1] {
            let expected = self.code(step);
            let fits: bool = expected.as_bytes().ct_eq(code.as_bytes()).into();
            if fits && step > self.last_step {
                accepted = Some(step);
            }
        }
        if let Some(step) = accepted {
            self.last_step = step;
        }
        accepted.is_some()
    }

    /// The code of a step.
    fn code(&self, step: i64) -> String {
        let mac = <Hmac<Sha1> as KeyInit>::new_from_slice(self.secret.as_slice())
            .map(|mac| mac.chain_update(step.to_be_bytes()).finalize().into_bytes())
            // HMAC takes keys of any length, so this cannot fail.
            .unwrap_or_default();
        let at = usize::from(mac[mac.len() - 1] & 0x0f);
        let mut four = [0; 4];
        four.copy_from_slice(&mac[at..at + 4]);
        let number = u32::from_be_bytes(four) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }

    /// The secret as people type it.
    pub fn secret(&self) -> String {
        BASE32_NOPAD.encode(self.secret.as_slice())
    }

    /// The secret as authenticators read it from a QR code.
    pub fn url(&self, email: &str) -> String {
        let email = utf8_percent_encode(email, NON_ALPHANUMERIC);
        let secret = self.secret();
        format!(
            "otpauth://totp/{ISSUER}:{email}?secret={secret}&issuer={ISSUER}&algorithm=SHA1&digits=6&period=30"
        )
    }
}

/// A code that replaces the authenticator once, in groups that are easy to copy.
pub fn recovery_code() -> io::Result<String> {
    let letters = BASE32.encode(&random::<RECOVERY_BYTES>()?).to_lowercase();
    let groups: Vec<&str> = [0, 4, 8, 12]
        .into_iter()
        .filter_map(|at| letters.get(at..at + 4))
        .collect();
    Ok(groups.join("-"))
}

/// A recovery code as it is compared: without what people add or leave out.
pub fn plain_recovery_code(typed: &str) -> String {
    typed
        .chars()
        .filter(|char| !char.is_whitespace() && *char != '-')
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published() -> Factor {
        Factor {
            secret: Zeroizing::new(*b"12345678901234567890"),
            last_step: 0,
        }
    }

    #[test]
    fn the_published_vectors() {
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(published().code(time / STEP_SECONDS), code);
            assert!(published().accept(code, UnixTime(time)));
        }
    }

    #[test]
    fn a_code_works_once_and_near_its_time() {
        let now = UnixTime(1_234_567_890);
        let step = now.0 / STEP_SECONDS;
        let mut factor = published();
        assert!(!factor.accept(&factor.code(step - 2), now));
        assert!(!factor.accept(&factor.code(step + 2), now));
        assert!(!factor.accept("", now));
        assert!(factor.accept(&factor.code(step), now));
        assert!(!factor.accept(&factor.code(step), now), "again");
        assert!(!factor.accept(&factor.code(step - 1), now), "older");
        assert!(factor.accept(&format!(" {} ", factor.code(step + 1)), now));
    }

    #[test]
    fn what_is_sealed_keeps_the_last_code() {
        let place = tempfile::tempdir().unwrap();
        let secrets = Secrets::load(&place.path().join("key")).unwrap();
        let now = UnixTime(1_234_567_890);
        let mut factor = Factor::random().unwrap();
        let code = factor.code(now.0 / STEP_SECONDS);
        assert!(factor.accept(&code, now));
        let mut again = Factor::open(&secrets, &factor.seal(&secrets).unwrap()).unwrap();
        assert_eq!(again.secret(), factor.secret());
        assert!(!again.accept(&code, now));
        assert!(Factor::open(&secrets, b"nonsense").is_none());
    }

    #[test]
    fn forms_for_people() {
        assert_eq!(published().secret(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(
            published()
                .url("a&b@example.com")
                .starts_with("otpauth://totp/Pileus:a%26b%40example%2Ecom?secret=GEZD")
        );
        let code = recovery_code().unwrap();
        assert_eq!(code.len(), 19);
        let typed = code.to_uppercase().replace('-', " ");
        assert_eq!(plain_recovery_code(&typed), plain_recovery_code(&code));
        assert_eq!(plain_recovery_code(&code).len(), 16);
    }
}
