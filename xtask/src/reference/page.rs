//! One page for each family of methods.

use pileus_api::Spec;
use pileus_api::method::{Access, Caller, ParamSpec};
use pileus_api::reply::FieldSpec;

use super::kind::{Kind, param_schema};
use super::text::{anchor, cell, code_rows, paragraphs, summary, title};

/// The page of a family.
pub fn page(family: &str, methods: &[&Spec]) -> Result<String, String> {
    let (refused, described): (Vec<&Spec>, Vec<&Spec>) = methods
        .iter()
        .partition(|spec| spec.access == Access::Refused);
    let mut page = format!("# {}\n", title(family));
    if !described.is_empty() {
        page += "\n| Method | What it does |\n|---|---|\n";
        for spec in &described {
            let link = format!("[`{}`](#{})", spec.name, anchor(spec.name));
            page += &format!("| {link} | {} |\n", cell(&summary(spec.doc)));
        }
    }
    for spec in &described {
        page += &method(spec)?;
    }
    if !refused.is_empty() {
        page += "\n## Always refused\n\nThese methods do nothing. Clients call them and go on when \
                 they get the code named here, but not when the method is unknown.\n\n\
                 | Method | Code | What it is for |\n|---|---|---|\n";
        for spec in refused {
            let codes: Vec<String> = spec.fails.iter().map(|c| c.number().to_string()).collect();
            let doc = cell(spec.doc);
            page += &format!("| `{}` | {} | {doc} |\n", spec.name, codes.join(", "));
        }
    }
    Ok(page)
}

fn method(spec: &Spec) -> Result<String, String> {
    let mut text = format!("\n## `{}`\n\n{}\n", spec.name, paragraphs(spec.doc));
    let caller = match spec.caller {
        Caller::Anyone => "Anybody may call it, without a login too.",
        Caller::User => "It needs a login, which may be the token of an app.",
        Caller::Account => {
            "It needs a login, which may be the token of an app, but not of one that sees one folder only."
        }
        Caller::Owner => "It needs a login of the account itself; the token of an app does not do.",
    };
    let access = match spec.access {
        Access::Read => " It changes nothing.",
        Access::Write => " It happens as a whole or not at all.",
        Access::Waits => " It may wait for something to happen.",
        Access::Streams | Access::Public | Access::Refused => "",
    };
    text += &format!("\n*{caller}{access}*\n");

    let params = spec.params();
    if !params.is_empty() {
        text += "\n### Parameters\n\n";
        text += &param_rows(spec, &params)?;
    }

    text += "\n### Reply\n\n";
    let reply = spec.reply();
    text += match (spec.access, reply.is_empty()) {
        (Access::Streams, true) => {
            "`result` alone; from a method that reads, the content itself.\n"
        }
        (_, true) => "`result` alone.\n",
        (_, false) => "",
    };
    if !reply.is_empty() {
        let describe = |error| format!("{}: {error}", spec.name);
        text += &field_rows(&reply).map_err(describe)?;
    }
    if spec.answers_token {
        text += "\nA session token comes as `auth`, without `getauth` too.\n";
    }

    let missing = params.iter().filter_map(|param| param.missing);
    let rows = code_rows(spec.fails.iter().copied().chain(missing));
    if !rows.is_empty() {
        text += &format!("\n### Failures\n\n| Code | Meaning |\n|---|---|\n{rows}");
    }
    Ok(text)
}

fn param_rows(spec: &Spec, params: &[ParamSpec]) -> Result<String, String> {
    let mut rows = String::from("| Name | Kind | Without it | Meaning |\n|---|---|---|---|\n");
    for param in params {
        if param_schema(param.kind).is_none() {
            return Err(format!(
                "{}.{}: no document knows what a parameter of kind {:?} is; add it to \
                 xtask/src/reference/kind.rs",
                spec.name, param.name, param.kind
            ));
        }
        let missing = param.missing.map(|code| code.number().to_string());
        rows += &format!(
            "| `{}` | {} | {} | {} |\n",
            param.name,
            cell(param.kind),
            missing.unwrap_or_default(),
            cell(&param.doc)
        );
    }
    Ok(rows)
}

/// A table of fields.
pub fn field_rows(fields: &[FieldSpec]) -> Result<String, String> {
    let mut rows = String::from("| Field | Kind | Meaning |\n|---|---|---|\n");
    for field in fields {
        let kind = Kind::parse(&field.kind).map_err(|error| format!("{}: {error}", field.name))?;
        let optional = if field.optional { ", optional" } else { "" };
        rows += &format!(
            "| `{}` | {}{optional} | {} |\n",
            field.name,
            kind.markdown(),
            cell(field.doc)
        );
    }
    Ok(rows)
}
