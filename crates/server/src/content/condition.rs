//! Conditional requests (RFC 9110, section 13).

use http::header::{HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a content can be recognized by.
pub(super) struct Validators {
    /// `ETag`, in quotes.
    pub(super) etag: String,
    /// `Last-Modified`.
    pub(super) modified: SystemTime,
}

impl Validators {
    /// Of a content with this hash, in a file last modified at this unix time.
    pub(super) fn new(hash: u64, modified: i64) -> Self {
        // Headers have no years before 1970 or of five digits.
        let seconds = u64::try_from(modified).unwrap_or(0).min(253_402_300_799);
        Self {
            etag: format!("\"{hash}\""),
            modified: UNIX_EPOCH + Duration::from_secs(seconds),
        }
    }

    /// Whether the client has this content already.
    pub(super) fn is_known(&self, headers: &HeaderMap) -> bool {
        let mut lists = headers.get_all(IF_NONE_MATCH).iter().peekable();
        if lists.peek().is_some() {
            let mut tags = lists.flat_map(|list| list.to_str().unwrap_or_default().split(','));
            return tags
                .any(|tag| matches!(tag.trim(), tag if tag == "*" || weak(tag) == self.etag));
        }
        let since = headers
            .get(IF_MODIFIED_SINCE)
            .and_then(|value| date(value.to_str().ok()?));
        since.is_some_and(|since| self.modified <= since)
    }

    /// Whether a part may be sent: the client has the rest of the same content, or makes no condition.
    pub(super) fn allow_part(&self, headers: &HeaderMap) -> bool {
        let Some(value) = headers.get(IF_RANGE) else {
            return true;
        };
        let Ok(value) = value.to_str() else {
            return false;
        };
        value == self.etag || date(value) == Some(self.modified)
    }
}

/// A tag without the mark that it is weak, which makes no difference where bytes are not put together.
fn weak(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

fn date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::HeaderName;

    const TIME: &str = "Sat, 29 Oct 1994 19:43:31 GMT";

    fn validators() -> Validators {
        Validators::new(u64::MAX, 783_459_811)
    }

    fn headers(list: &[(HeaderName, &str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_known_content_is_not_sent_again() {
        let known = |list: &[(HeaderName, &str)]| validators().is_known(&headers(list));
        assert!(!known(&[]));
        assert!(known(&[(IF_NONE_MATCH, "\"18446744073709551615\"")]));
        assert!(known(&[(
            IF_NONE_MATCH,
            "\"1\", W/\"18446744073709551615\""
        )]));
        assert!(known(&[(IF_NONE_MATCH, "*")]));
        assert!(!known(&[(IF_NONE_MATCH, "\"1\"")]));
        assert!(!known(&[(IF_NONE_MATCH, "18446744073709551615")]));
        assert!(known(&[(IF_MODIFIED_SINCE, TIME)]));
        assert!(!known(&[(
            IF_MODIFIED_SINCE,
            "Sat, 29 Oct 1994 19:43:30 GMT"
        )]));
        assert!(!known(&[(IF_MODIFIED_SINCE, "yesterday")]));
        assert!(
            !known(&[(IF_NONE_MATCH, "\"1\""), (IF_MODIFIED_SINCE, TIME)]),
            "the tag decides"
        );
    }

    #[test]
    fn a_part_goes_only_with_the_rest_of_the_same_content() {
        let allows = |value: &str| validators().allow_part(&headers(&[(IF_RANGE, value)]));
        assert!(validators().allow_part(&HeaderMap::new()));
        assert!(allows("\"18446744073709551615\""));
        assert!(allows(TIME));
        assert!(!allows("W/\"18446744073709551615\""));
        assert!(!allows("\"1\""));
        assert!(!allows("Sat, 29 Oct 1994 19:43:32 GMT"));
    }

    #[test]
    fn times_that_no_header_can_hold_are_cut() {
        for modified in [i64::MIN, -1, 0, i64::MAX] {
            assert!(!httpdate::fmt_http_date(Validators::new(0, modified).modified).is_empty());
        }
    }
}
