//! The languages of mails and pages. Texts stand in the code beside each other, so that neither is forgotten.

/// Languages with their codes and their names in themselves.
pub const LANGUAGES: [(&str, &str); 2] = [("en", "English"), ("de", "Deutsch")];

/// A language that mails and pages are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

impl Language {
    /// The language with this code; English for one that is not known.
    pub fn of(code: &str) -> Self {
        match code {
            "de" => Self::De,
            _ => Self::En,
        }
    }

    /// The language that a browser's `Accept-Language` likes best among ours; `None` if it names none of them.
    pub fn accepted(header: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for choice in header.split(',') {
            let (tag, parameters) = choice.split_once(';').unwrap_or((choice, ""));
            let weight = parameters
                .trim()
                .strip_prefix("q=")
                .and_then(|weight| weight.parse::<f32>().ok())
                .unwrap_or(1.0);
            let language = match tag.trim().get(..2).map(str::to_ascii_lowercase).as_deref() {
                Some("en") => Self::En,
                Some("de") => Self::De,
                _ => continue,
            };
            // Of equal weights the first one counts.
            if weight > 0.0 && best.is_none_or(|(most, _)| weight > most) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }

    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }

    /// A number of bytes as people read it.
    pub fn size(self, bytes: u64) -> String {
        const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
        let (mut tenths, mut unit) = (u128::from(bytes) * 10, 0);
        while tenths >= 10_000 && unit < UNITS.len() - 1 {
            tenths /= 1000;
            unit += 1;
        }
        let (whole, rest) = (tenths / 10, tenths % 10);
        if rest == 0 || whole >= 100 {
            format!("{whole} {}", UNITS[unit])
        } else {
            format!("{whole}{}{rest} {}", self.say('.', ','), UNITS[unit])
        }
    }

    /// Chooses between the same text in all languages.
    pub fn say<T>(self, english: T, german: T) -> T {
        match self {
            Self::En => english,
            Self::De => german,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_its_code() {
        for (code, _) in LANGUAGES {
            assert_eq!(Language::of(code).code(), code);
        }
        assert_eq!(Language::of("xx"), Language::En);
    }

    #[test]
    fn sizes_read_well() {
        for (bytes, english, german) in [
            (0, "0 B", "0 B"),
            (999, "999 B", "999 B"),
            (1000, "1 KB", "1 KB"),
            (1550, "1.5 KB", "1,5 KB"),
            (123_456_789, "123 MB", "123 MB"),
            (u64::MAX, "18446744 TB", "18446744 TB"),
        ] {
            assert_eq!(Language::En.size(bytes), english);
            assert_eq!(Language::De.size(bytes), german);
        }
    }

    #[test]
    fn browsers_choose() {
        for (header, expected) in [
            ("de", Some(Language::De)),
            ("de-AT,de;q=0.9,en;q=0.8", Some(Language::De)),
            ("fr, en;q=0.3, de;q=0.7", Some(Language::De)),
            ("en, de", Some(Language::En)),
            ("de;q=0, en;q=0.1", Some(Language::En)),
            ("fr", None),
            ("", None),
            ("de;q=much", Some(Language::De)),
        ] {
            assert_eq!(Language::accepted(header), expected, "{header}");
        }
    }
}
