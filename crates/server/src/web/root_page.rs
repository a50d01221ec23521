//! The page at the root. Links of pCloud's kind lead there and name their page behind the `#`, which browsers tell no
//! server: a script goes on from there.

use super::answer::{self, scripted_page};
use crate::http::Answer;
use http::{Response, StatusCode};

/// Where the page is.
pub const PATH: &str = "/";
/// Where its script is.
pub const SCRIPT_PATH: &str = "/web/root.js";

const PAGE: &str = include_str!("../../templates/web/root.html");
const SCRIPT: &str = include_str!("../../templates/web/root.js");

/// The page.
pub fn serve() -> Response<Answer> {
    scripted_page(StatusCode::OK, PAGE)
}

/// Its script.
pub fn script() -> Response<Answer> {
    answer::script(SCRIPT)
}
