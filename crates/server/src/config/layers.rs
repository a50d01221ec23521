//! Putting settings together from where they are written.

use super::template::defaults;
use super::{Config, ConfigError, ENVIRONMENT_PREFIX, SECTIONS};
use std::path::Path;
use toml::{Table, Value};

/// Settings collected one source after the other; later ones override earlier ones.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    set: Table,
}

impl Layers {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// If it cannot be read, is no TOML, has a key that is none, or a value of the wrong kind.
    pub fn file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let refused = |why: String| {
            let why = why.trim_end();
            ConfigError::new(format!("{}: {why}", path.display()))
        };
        let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
        let table: Table = toml::from_str(&text).map_err(|error| refused(error.to_string()))?;
        for key in keys_of(&table) {
            check_key(&key).map_err(|why| refused(why.to_string()))?;
        }
        // Read once more as what it is to become: these messages show the line.
        toml::from_str::<Config>(&text).map_err(|error| refused(error.to_string()))?;
        for (key, value) in table {
            match (self.set.get_mut(&key), value) {
                (Some(Value::Table(section)), Value::Table(new)) => section.extend(new),
                (_, value) => drop(self.set.insert(key, value)),
            }
        }
        Ok(())
    }

    /// Takes those of some environment variables that begin with [`ENVIRONMENT_PREFIX`]: `PILEUS_S3_BUCKET` is the key
    /// `s3.bucket`, and the members of a list stand behind each other with commas. `others` are names that belong to
    /// other parts of the program.
    ///
    /// # Errors
    /// If a name is neither a setting nor one of the others, or a value is of the wrong kind.
    pub fn environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
        others: &[&str],
    ) -> Result<(), ConfigError> {
        for (name, text) in variables {
            let Some(short) = name.strip_prefix(ENVIRONMENT_PREFIX) else {
                continue;
            };
            let is_other = others.iter().any(|other| match other.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == *other,
            });
            if is_other {
                continue;
            }
            let Some(key) = keys().find(|key| environment_name(key) == name) else {
                return Err(unknown_variable(short, others));
            };
            self.put(&name, &key, &text)?;
        }
        Ok(())
    }

    /// Sets one key, as `retention_days` or `s3.bucket`, from text.
    ///
    /// # Errors
    /// If there is no such key, or the value is of the wrong kind.
    pub fn set(&mut self, key: &str, text: &str) -> Result<(), ConfigError> {
        check_key(key)?;
        self.put(key, key, text)
    }

    /// The text a key has been set to so far.
    pub fn text(&self, key: &str) -> Option<&str> {
        lookup(&self.set, key).and_then(Value::as_str)
    }

    /// The settings: what was set, and defaults for the rest.
    ///
    /// # Errors
    /// If they contradict each other or cannot work.
    pub fn config(self) -> Result<Config, ConfigError> {
        let config: Config = self
            .set
            .try_into()
            .map_err(|error: toml::de::Error| ConfigError::new(error.to_string()))?;
        config.validate()?;
        Ok(config)
    }

    /// Sets a key that exists. `name` is what the person has written for it.
    fn put(&mut self, name: &str, key: &str, text: &str) -> Result<(), ConfigError> {
        let refused = |why: &dyn std::fmt::Display| {
            ConfigError::new(format!("{name}: {}", why.to_string().trim_end()))
        };
        let defaults = defaults();
        let default = lookup(&defaults, key).ok_or_else(|| refused(&"no such setting"))?;
        let value = parse(text, default).map_err(|why| refused(&why))?;
        let mut alone = Table::new();
        insert(&mut alone, key, value.clone());
        // Finds values that have the right form but no meaning, and can still name their source.
        alone
            .try_into::<Config>()
            .map_err(|error| refused(&error.message()))?;
        insert(&mut self.set, key, value);
        Ok(())
    }
}

/// Every key, sections and names joined by dots.
fn keys() -> impl Iterator<Item = String> {
    let is_section = |name: &str| SECTIONS.iter().any(|(section, _)| *section == name);
    SECTIONS.into_iter().flat_map(move |(section, fields)| {
        fields
            .iter()
            .filter(move |field| !is_section(field.name))
            .map(move |field| match section {
                "" => field.name.to_owned(),
                section => format!("{section}.{}", field.name),
            })
    })
}

/// The keys of a file.
fn keys_of(table: &Table) -> Vec<String> {
    let mut keys = Vec::new();
    for (name, value) in table {
        match value {
            Value::Table(section) => keys.extend(section.keys().map(|key| format!("{name}.{key}"))),
            _ => keys.push(name.clone()),
        }
    }
    keys
}

fn check_key(key: &str) -> Result<(), ConfigError> {
    if keys().any(|known| known == key) {
        return Ok(());
    }
    let hint = hint(key, keys()).map(|likely| format!("; did you mean {likely}?"));
    let hint = hint.unwrap_or_default();
    Err(ConfigError::new(format!("{key}: no such setting{hint}")))
}

/// The environment variable of a key.
fn environment_name(key: &str) -> String {
    format!(
        "{ENVIRONMENT_PREFIX}{}",
        key.replace('.', "_").to_uppercase()
    )
}

/// The refusal of a variable that is none. What all names begin with is left out of the comparison, since it would make
/// all of them alike.
fn unknown_variable(short: &str, others: &[&str]) -> ConfigError {
    let names = keys().map(|key| environment_name(&key));
    let names = names.chain(others.iter().map(|&other| other.to_owned()));
    let likely = hint(
        short,
        names.map(|mut name| name.split_off(ENVIRONMENT_PREFIX.len())),
    );
    let hint = likely.map(|likely| format!("; did you mean {ENVIRONMENT_PREFIX}{likely}?"));
    let hint = hint.unwrap_or_default();
    ConfigError::new(format!(
        "{ENVIRONMENT_PREFIX}{short}: no such setting{hint}"
    ))
}

/// What the writer of an unknown name may have meant.
fn hint(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let likeness = known.map(|known| (strsim::jaro_winkler(name, &known), known));
    let (likeness, nearest) = likeness.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (likeness > 0.85).then_some(nearest)
}

fn lookup<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        None => table.get(key),
        Some((section, name)) => table.get(section)?.as_table()?.get(name),
    }
}

fn insert(table: &mut Table, key: &str, value: Value) {
    let Some((section, name)) = key.split_once('.') else {
        table.insert(key.into(), value);
        return;
    };
    let section = table
        .entry(section)
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(section) = section {
        section.insert(name.into(), value);
    }
}

/// Reads a text as the kind of value that the default is.
fn parse(text: &str, default: &Value) -> Result<Value, &'static str> {
    let text = text.trim();
    match default {
        Value::Integer(_) => text
            .parse()
            .map(Value::Integer)
            .map_err(|_| "a whole number is expected"),
        Value::Boolean(_) => match text {
            "true" | "1" => Ok(Value::Boolean(true)),
            "false" | "0" => Ok(Value::Boolean(false)),
            _ => Err("true or false is expected"),
        },
        Value::Array(_) => {
            let members = text.split(',').map(str::trim);
            Ok(members
                .filter(|member| !member.is_empty())
                .map(Value::from)
                .collect::<Vec<_>>()
                .into())
        }
        _ => Ok(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let mut layers = Layers::default();
        let pairs = pairs
            .iter()
            .map(|(name, text)| ((*name).into(), (*text).into()));
        layers.environment(pairs, &["PILEUS_URL", "PILEUS_TEST_*"])?;
        layers.config()
    }

    fn refusal(result: Result<Config, ConfigError>) -> String {
        result
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    fn file(text: &str) -> Result<Layers, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, text).unwrap();
        let mut layers = Layers::default();
        layers.file(&path).map(|()| layers)
    }

    #[test]
    fn later_sources_override_earlier_ones() {
        let mut layers =
            file("retention_days = 7\nlink_seconds = 4000\n[s3]\nbucket = \"a\"\nprefix = \"p\"")
                .unwrap();
        let variables = [
            ("PILEUS_RETENTION_DAYS", "8"),
            ("PILEUS_S3_BUCKET", "b"),
            ("PILEUS_LISTEN", "127.0.0.1:1, [::1]:2"),
            ("PILEUS_TLS_SELF_SIGNED", "1"),
            ("PILEUS_PUBLIC_WEB", ""),
        ];
        let variables = variables.map(|(name, text)| (name.into(), text.into()));
        layers.environment(variables, &[]).unwrap();
        layers.set("retention_days", "9").unwrap();
        layers.set("public.api", "files.example.com").unwrap();
        assert_eq!(layers.text("s3.bucket"), Some("b"));
        let config = layers.config().unwrap();
        assert_eq!(config.retention_days, 9);
        assert_eq!(config.link_seconds, 4000);
        assert_eq!(
            (config.s3.bucket.as_str(), config.s3.prefix.as_str()),
            ("b", "p")
        );
        assert_eq!(config.listen.len(), 2);
        assert!(config.tls_self_signed);
        assert_eq!(config.public.web, None);
        assert_eq!(config.public.api, ["files.example.com"]);
        assert_eq!(config.inline_max_bytes, Config::default().inline_max_bytes);
    }

    #[test]
    fn every_setting_has_a_variable_of_its_own() {
        let mut names: Vec<String> = keys().map(|key| environment_name(&key)).collect();
        assert!(names.contains(&"PILEUS_S3_ACCESS_KEY".to_owned()));
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn unknown_names_are_refused_with_a_hint() {
        let told = refusal(environment(&[("PILEUS_RETENTION_DAY", "1")]));
        assert!(
            told.contains("did you mean PILEUS_RETENTION_DAYS?"),
            "{told}"
        );
        let told = refusal(environment(&[("PILEUS_XYZ", "1")]));
        assert_eq!(told, "PILEUS_XYZ: no such setting");
        assert!(
            environment(&[
                ("PILEUS_URL", "x"),
                ("PILEUS_TEST_CLOCK", "y"),
                ("PATH", "z")
            ])
            .is_ok()
        );
        let told = file("listn = []").unwrap_err().to_string();
        assert!(
            told.ends_with("listn: no such setting; did you mean listen?"),
            "{told}"
        );
        let told = file("[s3]\nbuket = \"a\"").unwrap_err().to_string();
        assert!(
            told.ends_with("s3.buket: no such setting; did you mean s3.bucket?"),
            "{told}"
        );
        let told = Layers::default().set("s3", "x").unwrap_err().to_string();
        assert!(told.starts_with("s3: no such setting"), "{told}");
    }

    #[test]
    fn values_of_the_wrong_kind_are_refused_by_name() {
        let told = refusal(environment(&[("PILEUS_RETENTION_DAYS", "soon")]));
        assert_eq!(told, "PILEUS_RETENTION_DAYS: a whole number is expected");
        let told = refusal(environment(&[("PILEUS_RETENTION_DAYS", "-1")]));
        assert!(told.starts_with("PILEUS_RETENTION_DAYS: "), "{told}");
        let told = refusal(environment(&[("PILEUS_SYNCHRONOUS", "sometimes")]));
        assert!(
            told.contains("PILEUS_SYNCHRONOUS") && told.contains("normal"),
            "{told}"
        );
        let told = refusal(environment(&[("PILEUS_LISTEN", "nowhere")]));
        assert!(told.starts_with("PILEUS_LISTEN: "), "{told}");
        let told = refusal(environment(&[("PILEUS_LOG_JSON", "perhaps")]));
        assert_eq!(told, "PILEUS_LOG_JSON: true or false is expected");
        let told = file("\nretention_days = \"soon\"").unwrap_err().to_string();
        assert!(
            told.contains("line 2") && told.contains("retention_days"),
            "{told}"
        );
    }

    #[test]
    fn files_that_are_none_are_refused() {
        let told = Layers::default()
            .file(Path::new("/no/such/file"))
            .unwrap_err()
            .to_string();
        assert!(told.starts_with("/no/such/file: "), "{told}");
        assert!(file("this is = = no TOML").is_err());
    }
}
