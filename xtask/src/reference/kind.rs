//! What values can be, read from the names that declarations give them.

use serde_json::{Value, json};

use super::structures::{self, Structure};
use super::text::anchor;

/// What a field of a reply can be.
pub enum Kind {
    /// A non-negative integer of up to 64 bits.
    Int,
    /// A truth value.
    Bool,
    /// A text.
    Text,
    /// A point in time, as text or unix seconds.
    Datetime,
    /// A list of such values.
    List(Box<Kind>),
    /// Such values under names that are data themselves.
    Hash(Box<Kind>),
    /// One or the other.
    Either(Box<Kind>, Box<Kind>),
    /// An object with fields of its own.
    Structure(&'static Structure),
}

impl Kind {
    /// Reads a name; the error says that there is no such kind.
    pub fn parse(name: &str) -> Result<Kind, String> {
        if let Some((one, other)) = name.split_once(" or ") {
            let (one, other) = (Kind::parse(one)?, Kind::parse(other)?);
            return Ok(Kind::Either(Box::new(one), Box::new(other)));
        }
        if let Some(item) = name.strip_prefix("array of ") {
            return Ok(Kind::List(Box::new(Kind::parse(item)?)));
        }
        if let Some(value) = name.strip_prefix("hash of ") {
            return Ok(Kind::Hash(Box::new(Kind::parse(value)?)));
        }
        Ok(match name {
            "int" => Kind::Int,
            "bool" => Kind::Bool,
            "string" => Kind::Text,
            "datetime" => Kind::Datetime,
            name => Kind::Structure(structures::find(name).ok_or_else(|| {
                format!(
                    "no document knows what a {name} is; describe it in xtask/src/reference/structures.rs"
                )
            })?),
        })
    }

    /// The kind as Markdown, with links to the page of structures.
    pub fn markdown(&self) -> String {
        match self {
            Kind::Int => "int".into(),
            Kind::Bool => "bool".into(),
            Kind::Text => "string".into(),
            Kind::Datetime => "datetime".into(),
            Kind::List(item) => format!("array of {}", item.markdown()),
            Kind::Hash(value) => format!("hash of {}", value.markdown()),
            Kind::Either(one, other) => format!("{} or {}", one.markdown(), other.markdown()),
            Kind::Structure(structure) => {
                let name = structure.title;
                format!("[{name}](structures.md#{})", anchor(name))
            }
        }
    }

    /// The kind as a JSON schema.
    pub fn schema(&self) -> Value {
        match self {
            Kind::Int => unsigned(),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::Text => json!({"type": "string"}),
            Kind::Datetime => reference("datetime"),
            Kind::List(item) => json!({"type": "array", "items": item.schema()}),
            Kind::Hash(value) => {
                json!({"type": "object", "additionalProperties": value.schema()})
            }
            Kind::Either(one, other) => json!({"oneOf": [one.schema(), other.schema()]}),
            Kind::Structure(structure) => reference(structure.title),
        }
    }
}

/// The schema of a parameter of this kind; `None` if there is no such kind.
pub fn param_schema(kind: &str) -> Option<Value> {
    Some(match kind {
        "int" => unsigned(),
        "unix seconds" => json!({"type": "integer", "description": "Unix seconds."}),
        "flag" => json!({
            "type": "boolean",
            "description": "Set by anything but an empty value, `0` and `false`.",
        }),
        "string" => json!({"type": "string"}),
        "datetime" => json!({
            "type": "string",
            "description": "RFC 2822, ISO 8601, or unix seconds.",
        }),
        "int list" => json!({"type": "string", "description": "Integers, separated by commas."}),
        "int or \"new\"" => json!({"oneOf": [unsigned(), {"const": "new"}]}),
        _ => return None,
    })
}

fn unsigned() -> Value {
    json!({"type": "integer", "format": "uint64", "minimum": 0})
}

/// The schema that stands under this name in the document.
pub fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_nest() {
        let kind = Kind::parse("array of hash of metadata").unwrap();
        let link = "array of hash of [metadata](structures.md#metadata)";
        assert_eq!(kind.markdown(), link);
        assert!(Kind::parse("array of nonsense").is_err());
        assert!(param_schema("nonsense").is_none());
    }
}
