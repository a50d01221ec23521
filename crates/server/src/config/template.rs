//! The settings file as a person would like to find it: every key with its meaning and its default.

use super::{Config, SECTIONS};

/// All settings with their descriptions and defaults as a TOML file. Every setting is commented out, so that a file
/// made of it says only what its owner has changed.
pub fn template() -> String {
    let mut text = String::from(
        "# Settings of a Pileus server. What is commented out shows the default.\n\
         # Environment variables override this file: PILEUS_RETENTION_DAYS, PILEUS_S3_BUCKET, …\n\
         # Flags override both.\n",
    );
    let defaults = defaults();
    for (section, fields) in SECTIONS {
        let values = match section {
            "" => Some(&defaults),
            name => defaults.get(name).and_then(toml::Value::as_table),
        };
        if !section.is_empty() {
            text.push('\n');
            let about = SECTIONS[0].1.iter().find(|field| field.name == section);
            push_doc(&mut text, about.map_or(&[], |field| field.doc));
            text.push_str(&format!("[{section}]\n"));
        }
        for field in fields {
            let value = values.and_then(|values| values.get(field.name));
            let Some(value) = value.filter(|value| !value.is_table()) else {
                continue;
            };
            text.push('\n');
            push_doc(&mut text, field.doc);
            text.push_str(&format!("#{} = {value}\n", field.name));
        }
    }
    text
}

/// The defaults as TOML values.
pub(super) fn defaults() -> toml::Table {
    // Settings are texts, numbers, flags and lists of them, which TOML can always hold.
    toml::Table::try_from(Config::default()).unwrap_or_default()
}

fn push_doc(text: &mut String, doc: &[&str]) {
    for line in doc {
        text.push_str(&format!("# {}\n", line.trim()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_there_with_its_default() {
        let template = template();
        let switched_on: String = template
            .lines()
            .filter_map(|line| match line.strip_prefix('#') {
                Some(rest) if !rest.starts_with(' ') => Some(format!("{rest}\n")),
                Some(_) => None,
                None => Some(format!("{line}\n")),
            })
            .collect();
        let table: toml::Table = toml::from_str(&switched_on).unwrap();
        assert_eq!(table, defaults());
        assert!(table.len() > 20);
    }

    #[test]
    fn as_printed_it_changes_nothing() {
        let table: toml::Table = toml::from_str(&template()).unwrap();
        let config: Config = table.try_into().unwrap();
        assert_eq!(toml::Table::try_from(config).unwrap(), defaults());
    }

    #[test]
    fn the_documented_file_is_the_present_one() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/operating/pileus.toml"
        );
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(file, template()).unwrap();
        }
        let written = std::fs::read_to_string(file).unwrap_or_default();
        assert!(written == template(), "UPDATE=1 writes {file} again");
    }

    #[test]
    fn sections_are_the_tables() {
        let tables: Vec<String> = defaults()
            .into_iter()
            .filter_map(|(name, value)| value.is_table().then_some(name))
            .collect();
        let sections: Vec<&str> = SECTIONS[1..].iter().map(|(name, _)| *name).collect();
        assert_eq!(tables, sections);
    }
}
