//! The OpenAPI 3.1 document of the API's HTTP face.

use pileus_api::Spec;
use pileus_api::method::{Access, Caller};
use pileus_api::reply::FieldSpec;
use serde_json::{Map, Value, json};

use super::kind::{Kind, param_schema, reference};
use super::structures::STRUCTURES;
use super::text::{paragraphs, summary, title};

/// Methods that take content. Other methods that move content answer it.
const TAKE_CONTENT: &[&str] = &["uploadfile"];

/// The document, as JSON text.
pub fn document(specs: &[&Spec]) -> Result<String, String> {
    let mut paths = Map::new();
    let mut responses = Map::new();
    let mut families: Vec<&str> = Vec::new();
    for spec in specs {
        let item = path_item(spec).map_err(|error| format!("{}: {error}", spec.name))?;
        paths.insert(format!("/{}", spec.name), item);
        responses.insert(identifier(spec), response(spec)?);
        if !families.contains(&spec.family) {
            families.push(spec.family);
        }
    }
    let mut schemas = Map::new();
    for structure in STRUCTURES {
        let mut schema = object(&structure.fields())?;
        schema["description"] = structure.doc.into();
        schemas.insert(structure.title.into(), schema);
    }
    schemas.insert("datetime".into(), datetime());
    schemas.insert("result".into(), result());
    let tags: Vec<Value> = families
        .iter()
        .map(|family| json!({"name": family, "description": title(family)}))
        .collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Pileus",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A cloud-storage server that speaks the pCloud API. Every method also \
                            takes the global parameters that the reference lists.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses,
            "headers": {"X-Error": {
                "description": "The code of a failure; missing after a success.",
                "schema": {"type": "integer"},
            }},
            "securitySchemes": {
                "auth": {"type": "apiKey", "in": "query", "name": "auth"},
                "access_token": {"type": "apiKey", "in": "query", "name": "access_token"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    });
    // Whether maps keep their order depends on what else is compiled; sorted they are the same.
    document.sort_all_objects();
    serde_json::to_string_pretty(&document)
        .map(|text| text + "\n")
        .map_err(|error| error.to_string())
}

fn path_item(spec: &Spec) -> Result<Value, String> {
    let takes_content = TAKE_CONTENT.contains(&spec.name);
    let mut item = Map::new();
    if !takes_content {
        item.insert("get".into(), operation(spec, "get", None)?);
    }
    let body = match takes_content {
        true => json!({"multipart/form-data": {"schema": {
            "type": "object",
            "additionalProperties": {"type": "string", "format": "binary"},
        }}}),
        false => json!({"application/x-www-form-urlencoded": {"schema": form(spec)?}}),
    };
    item.insert("post".into(), operation(spec, "post", Some(body))?);
    if takes_content {
        let body = json!({"application/octet-stream": {}});
        item.insert("put".into(), operation(spec, "put", Some(body))?);
    }
    Ok(Value::Object(item))
}

fn operation(spec: &Spec, verb: &str, body: Option<Value>) -> Result<Value, String> {
    let mut operation = json!({
        "operationId": format!("{}_{verb}", identifier(spec)),
        "tags": [spec.family],
        "summary": summary(spec.doc),
        "security": security(spec.caller),
        "responses": {"200": {"$ref": format!("#/components/responses/{}", identifier(spec))}},
    });
    let description = paragraphs(spec.doc);
    if description != summary(spec.doc) {
        operation["description"] = description.into();
    }
    // A form carries the parameters itself.
    let has_form = verb == "post" && !TAKE_CONTENT.contains(&spec.name);
    if !has_form {
        operation["parameters"] = params(spec)?.into();
    }
    if let Some(body) = body {
        operation["requestBody"] = json!({"content": body});
    }
    Ok(operation)
}

/// A method's name where a slash may not stand.
fn identifier(spec: &Spec) -> String {
    spec.name.replace('/', "_")
}

fn params(spec: &Spec) -> Result<Vec<Value>, String> {
    let mut params = Vec::new();
    for param in spec.params() {
        let (description, schema) = describe(&param)?;
        params.push(json!({
            "name": param.name,
            "in": "query",
            "description": description,
            "schema": schema,
        }));
    }
    Ok(params)
}

/// The parameters as the fields of a form.
fn form(spec: &Spec) -> Result<Value, String> {
    let mut properties = Map::new();
    for param in spec.params() {
        let (description, mut schema) = describe(&param)?;
        schema["description"] = description.into();
        properties.insert(param.name.into(), schema);
    }
    Ok(json!({"type": "object", "properties": properties}))
}

/// A parameter's description and schema.
///
/// None is marked as required: most that are can be given in one of several ways, which OpenAPI
/// cannot say, and a missing one is answered like any other failure.
fn describe(param: &pileus_api::method::ParamSpec) -> Result<(String, Value), String> {
    let unknown = || format!("{}: unknown kind {:?}", param.name, param.kind);
    let schema = param_schema(param.kind).ok_or_else(unknown)?;
    let mut description = paragraphs(&param.doc);
    if let Some(code) = param.missing {
        description += &format!(" Without it, or what may stand for it: {}.", code.number());
    }
    Ok((description, schema))
}

fn security(caller: Caller) -> Value {
    match caller {
        Caller::Anyone => json!([{}]),
        Caller::User | Caller::Account => {
            json!([{"auth": []}, {"access_token": []}, {"bearer": []}])
        }
        Caller::Owner => json!([{"auth": []}]),
    }
}

fn response(spec: &Spec) -> Result<Value, String> {
    let fields = spec.reply();
    let mut content = Map::new();
    let answer = json!({"allOf": [reference("result"), object_of_success(&fields)?]});
    content.insert("application/json".into(), json!({"schema": answer}));
    if spec.access == Access::Streams && fields.is_empty() {
        content.insert("application/octet-stream".into(), json!({}));
    }
    let missing = spec.params().into_iter().filter_map(|param| param.missing);
    let mut codes: Vec<u16> = spec
        .fails
        .iter()
        .copied()
        .chain(missing)
        .map(|code| code.number())
        .collect();
    codes.sort_unstable();
    codes.dedup();
    let codes: Vec<String> = codes.iter().map(u16::to_string).collect();
    let description = match codes.is_empty() {
        true => "The answer.".into(),
        false => format!("The answer. `result` may be {}.", codes.join(", ")),
    };
    Ok(json!({
        "description": description,
        "headers": {"X-Error": {"$ref": "#/components/headers/X-Error"}},
        "content": content,
    }))
}

/// The fields of a reply. None is required, because a failure has none of them.
fn object_of_success(fields: &[FieldSpec]) -> Result<Value, String> {
    let mut schema = object(fields)?;
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("required");
    }
    Ok(schema)
}

fn object(fields: &[FieldSpec]) -> Result<Value, String> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in fields {
        let mut schema = Kind::parse(&field.kind)?.schema();
        schema["description"] = paragraphs(field.doc).into();
        properties.insert(field.name.into(), schema);
        if !field.optional {
            required.push(field.name);
        }
    }
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    Ok(schema)
}

fn datetime() -> Value {
    json!({
        "description": "Text in the form of RFC 2822; with `timeformat=timestamp` unix seconds.",
        "oneOf": [{"type": "string"}, {"type": "integer", "format": "int64"}],
    })
}

fn result() -> Value {
    json!({
        "type": "object",
        "required": ["result"],
        "properties": {
            "result": {"type": "integer", "description": "0, or the code of a failure."},
            "error": {"type": "string", "description": "What failed, for people."},
            "id": {"type": "string", "description": "The parameter `id` of the call."},
            "auth": {"type": "string", "description": "A session token, if one was asked for."},
        },
    })
}

#[cfg(test)]
mod tests {
    use pileus_api::every::SPECS;

    use super::*;

    #[test]
    fn every_reference_is_defined() {
        let document: Value = serde_json::from_str(&document(SPECS).unwrap()).unwrap();
        let mut open = vec![&document];
        let mut references = 0;
        while let Some(value) = open.pop() {
            match value {
                Value::Array(items) => open.extend(items),
                Value::Object(fields) => {
                    if let Some(Value::String(target)) = fields.get("$ref") {
                        let pointer = target.trim_start_matches('#');
                        assert!(document.pointer(pointer).is_some(), "{target}");
                        references += 1;
                    }
                    open.extend(fields.values());
                }
                _ => {}
            }
        }
        assert!(references > 0);
    }

    #[test]
    fn operations_have_names_of_their_own() {
        let document: Value = serde_json::from_str(&document(SPECS).unwrap()).unwrap();
        let mut names = std::collections::HashSet::new();
        let paths = document["paths"].as_object().unwrap();
        assert_eq!(paths.len(), SPECS.len());
        for operation in paths
            .values()
            .flat_map(|item| item.as_object().unwrap().values())
        {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name}");
        }
    }

    #[test]
    fn methods_that_move_content_are_known() {
        for name in TAKE_CONTENT {
            assert!(SPECS.iter().any(|spec| spec.name == *name), "{name}");
        }
    }
}
