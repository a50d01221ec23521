//! What all methods have in common, and lists of methods and codes.

use std::collections::BTreeMap;

use pileus_api::Spec;
use pileus_api::codes::{self, Kind};
use pileus_api::method::GENERAL_FAILURES;

use super::text::{anchor, cell, code_rows, summary, title};

const INTRODUCTION: &str = "\
# Reference of the API

Every method has a name, parameters by name, and an answer that is one object. `result` in it is 0 \
after a success; any other number is one of the [codes](#codes), and `error` says the same for \
people. Over HTTP the code also comes in the header `X-Error`, and the status is 200 all the same.

Each method can be called in both ways:

- Over HTTP its name is the path. Parameters go in the query, in a form in the body (url-encoded or \
multipart) or in cookies; the answer is JSON. A later source beats an earlier one in this order. \
Content is sent as the body of a PUT or POST or as multipart parts, and comes as the body of the \
answer.
- Over the binary protocol name, parameters and answer are the same in another encoding, and \
content follows the request or the answer.

[`openapi.json`](openapi.json) describes the HTTP way for programs. The objects that replies are \
made of have [a page of their own](structures.md).

## Kinds of values

| Kind | As a parameter | In a reply |
|---|---|---|
| int | Decimal digits, or hexadecimal ones after `0x` | A non-negative integer of up to 64 bits |
| flag, bool | Set by anything but an empty value, `0` and `false` | A truth value |
| string | UTF-8 | UTF-8 |
| datetime | RFC 2822, ISO 8601, or unix seconds | Text such as `Thu, 21 Mar 2013 18:31:45 +0000`; \
with `timeformat=timestamp` unix seconds |
| unix seconds | Decimal digits | |

What is not known is left out of a reply: nothing is ever null.

In a table of parameters *Without it* is the code that answers a call without the parameter. Where \
several have the same code they are ways to say the same thing, and one of them is enough. Unknown \
parameters are ignored.
";

/// The parameters that every method takes. They are read by the server's front, not by methods, so
/// no declaration has them.
const GLOBAL_PARAMS: &[(&str, &str)] = &[
    ("id", "Comes back in the answer as it was sent."),
    (
        "timeformat",
        "`timestamp`: datetimes in the answer are unix seconds.",
    ),
    ("iconformat", "`id`: icons in the answer are numbers."),
    (
        "filtermeta",
        "Comma list of the metadata fields to answer; empty or `0` is all. It holds for the rest of \
         the connection.",
    ),
    ("filterfilemeta", "The same for files only."),
    ("filterfoldermeta", "The same for folders only."),
    (
        "auth",
        "Session token. Once logged in, a connection stays so.",
    ),
    (
        "access_token",
        "Token of an app; over HTTP also in the header `Authorization: Bearer`.",
    ),
    (
        "username",
        "Mail address of the account, together with the following.",
    ),
    ("password", "Its password."),
    (
        "digest",
        "What `getdigest` answered, instead of a password.",
    ),
    (
        "passworddigest",
        "SHA-1 of the password, the SHA-1 of the lower-case user name, and `digest`; all in \
         lower-case hex.",
    ),
    ("getauth", "Answer a session token as `auth`."),
    ("authexpire", "Seconds until that token dies in any case."),
    ("authinactiveexpire", "Seconds without use until it dies."),
    ("device", "Name of the device that the token is for."),
    (
        "logout",
        "Forget the connection's login before looking at new credentials.",
    ),
];

/// The page.
pub fn page(families: &BTreeMap<&str, Vec<&Spec>>) -> String {
    let mut page = INTRODUCTION.to_owned();
    page += "\n## Parameters of every method\n\n| Name | Meaning |\n|---|---|\n";
    for (name, meaning) in GLOBAL_PARAMS {
        page += &format!("| `{name}` | {} |\n", cell(meaning));
    }
    page += "\n## Methods\n";
    for (family, methods) in families {
        page += &format!("\n### [{}]({family}.md)\n\n", title(family));
        page += "| Method | What it does |\n|---|---|\n";
        for spec in methods {
            page += &format!(
                "| [`{}`]({family}.md#{}) | {} |\n",
                spec.name,
                target(spec),
                cell(&summary(spec.doc))
            );
        }
    }
    page += "\n## Failures of every method\n\nThey come from the credentials, from text that is \
             not UTF-8, or from trouble in the server, and are not repeated with each method.\n\n| Code | Meaning |\n|---|---|\n";
    page += &code_rows(GENERAL_FAILURES.iter().copied());
    page += "\n## Codes\n\n| Code | Kind | Meaning |\n|---|---|---|\n";
    for code in codes::ALL {
        let kind = match code.kind {
            Kind::Parameter => "parameter",
            Kind::Login => "login",
            Kind::Denied => "denied",
            Kind::Missing => "missing",
            Kind::Conflict => "conflict",
            Kind::Limit => "limit",
            Kind::Unavailable => "unavailable",
            Kind::Internal => "internal",
            Kind::Condition => "condition",
        };
        page += &format!("| {} | {kind} | {} |\n", code.number, cell(code.text));
    }
    page += "\nA *parameter* is left out or mistyped; a *login* is missing or wrong; something is \
             *denied* although it can be seen, or *missing* for this caller; a wish is in *conflict* \
             with what is there; a *limit* is reached; something is *unavailable* that was there before, \
             or is not offered; the server has *internal* trouble, and trying again may help; a \
             *condition* is an expected outcome.\n";
    page
}

/// Where a method is described on its family's page.
fn target(spec: &Spec) -> String {
    match spec.access {
        pileus_api::method::Access::Refused => anchor("Always refused"),
        _ => anchor(spec.name),
    }
}
