//! The proof that who exchanges a code is who has asked for it (RFC 7636): the app sends a challenge with its question, and
//! what the challenge was made of with the code.
//!
//! Of the two methods there is only S256. With `plain` the challenge is the proof itself, so whoever sees the question go
//! through the browser, which is where codes are stolen, could exchange the code as well.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::ops::RangeInclusive;
use subtle::ConstantTimeEq;

/// Name of the method, as apps send it.
pub const METHOD: &str = "S256";

/// Characters of a SHA-256 in the alphabet of Base64 for addresses.
const CHALLENGE_CHARS: usize = 43;

/// Characters of what a challenge is made of.
const VERIFIER_CHARS: RangeInclusive<usize> = 43..=128;

/// Whether a text can be a challenge.
pub fn is_challenge(text: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    text.len() == CHALLENGE_CHARS && text.bytes().all(is_known)
}

/// Whether an app may exchange a code that was asked for with this challenge, which is empty if there was none. A proof
/// without a challenge does not fit either: somebody may have taken the challenge out of the question.
pub fn fits(challenge: &str, verifier: Option<&str>) -> bool {
    let Some(verifier) = verifier else {
        return challenge.is_empty();
    };
    let made = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    VERIFIER_CHARS.contains(&verifier.len()) && made.as_bytes().ct_eq(challenge.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn only_the_proof_of_the_challenge_fits() {
        assert!(fits(CHALLENGE, Some(VERIFIER)));
        assert!(fits("", None));
        for (challenge, verifier) in [
            (CHALLENGE, None),
            (CHALLENGE, Some("")),
            (CHALLENGE, Some(CHALLENGE)),
            (CHALLENGE, Some(&VERIFIER[..42])),
            ("", Some(VERIFIER)),
            ("", Some("")),
        ] {
            assert!(!fits(challenge, verifier), "{challenge} {verifier:?}");
        }
        // Too short to be beyond guessing, although it is what the challenge was made of.
        let short = URL_SAFE_NO_PAD.encode(Sha256::digest("short"));
        assert!(!fits(&short, Some("short")));
    }

    #[test]
    fn challenges_have_a_form() {
        assert!(is_challenge(CHALLENGE));
        assert!(!is_challenge(""));
        assert!(!is_challenge(&CHALLENGE[1..]));
        assert!(!is_challenge(&CHALLENGE.replace('-', "+")));
        assert!(!is_challenge(&format!("{}=", &CHALLENGE[1..])));
    }
}
