//! Signed links to content.
pub struct Link {
    pub account: i64,
    pub file: i64,
    pub blob: i64,
    pub expires: i64,
    pub forcedownload: bool,
    pub maxspeed: u64,
    pub contenttype: Option<String>,
}
pub fn path(_: &crate::app::App, _: &Link, _: Option<&str>) -> String {
    String::new()
}
pub fn dwltag(_: &crate::app::App, _: &Link) -> String {
    String::new()
}
