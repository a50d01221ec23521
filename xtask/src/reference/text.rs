//! Doc comments as Markdown.

use pileus_api::Code;

/// A doc comment as one paragraph each line; comments break lines wherever they are full.
pub fn paragraphs(doc: &str) -> String {
    doc.trim()
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// The first sentence of a doc comment.
pub fn summary(doc: &str) -> String {
    let text = paragraphs(doc);
    let first = text.split("\n\n").next().unwrap_or_default();
    match first.find(". ") {
        Some(end) => first[..=end].to_owned(),
        None => first.to_owned(),
    }
}

/// A text as the cell of a table.
pub fn cell(text: &str) -> String {
    paragraphs(text).replace("\n\n", " ").replace('|', "\\|")
}

/// The name under which a page can link to a heading of this text, as GitHub and mdBook make it.
pub fn anchor(heading: &str) -> String {
    heading
        .trim_matches('`')
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        })
        .collect()
}

/// A family's name as a heading.
pub fn title(family: &str) -> String {
    match family {
        "auth" => "Accounts, passwords and tokens".into(),
        "file" => "Files".into(),
        "folder" => "Folders".into(),
        "general" => "General methods and the change feed".into(),
        "streaming" => "Links to content".into(),
        "stubs" => "Answered for the sake of clients".into(),
        "fileops" => "File operations".into(),
        "oauth2" => "OAuth 2".into(),
        "public_links" => "Public links".into(),
        "upload_links" => "Upload links".into(),
        "transfer" => "Mail transfer".into(),
        other => {
            let mut letters = other.chars();
            let first = letters.next().map(|c| c.to_uppercase().to_string());
            first.unwrap_or_default() + letters.as_str()
        }
    }
}

/// Rows of codes with their texts, by number and each once.
pub fn code_rows(codes: impl IntoIterator<Item = Code>) -> String {
    let mut codes: Vec<Code> = codes.into_iter().collect();
    codes.sort_by_key(|code| code.number());
    codes.dedup();
    codes
        .iter()
        .map(|code| format!("| {} | {} |\n", code.number(), cell(code.text())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_become_paragraphs_and_sentences() {
        let doc = " Makes a.\n b. More\n of it.\n\n And `x|y`.";
        assert_eq!(paragraphs(doc), "Makes a. b. More of it.\n\nAnd `x|y`.");
        assert_eq!(summary(doc), "Makes a.");
        assert_eq!(summary("One only"), "One only");
        assert_eq!(cell(doc), "Makes a. b. More of it. And `x\\|y`.");
    }

    #[test]
    fn anchors() {
        assert_eq!(anchor("`publink/listpins`"), "publinklistpins");
        assert_eq!(anchor("For every method"), "for-every-method");
        assert_eq!(anchor("trash_list"), "trash_list");
    }

    #[test]
    fn codes_stand_in_order_and_once() {
        let rows = code_rows([Code::FILE_MISSING, Code::BAD_NAME, Code::FILE_MISSING]);
        let numbers: Vec<&str> = rows.lines().filter_map(|row| row.get(2..6)).collect();
        assert_eq!(numbers, ["2001", "2009"]);
    }
}
