//! `pileus app`.

use crate::site::{Site, refused};

#[test]
fn apps_come_change_and_go() {
    let site = Site::with_user();
    let added = site.json(&[
        "app",
        "add",
        "My app",
        "--redirect",
        "https://app.example/cb",
        "--redirect",
        "http://localhost/",
        "--folder",
    ]);
    let id = added["client_id"].as_str().unwrap();
    let secret = added["client_secret"].as_str().unwrap();
    assert_eq!(id.len(), 11);
    assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert!(secret.len() >= 27);
    assert_eq!(
        (&added["access"], &added["state"]),
        (&"folder".into(), &"active".into())
    );

    let listed = site.done(&["app", "list"]);
    assert!(listed.contains(id) && listed.contains("My app"), "{listed}");
    assert!(!listed.contains(secret), "{listed}");
    assert!(
        site.json(&["app", "list"])[0]
            .get("client_secret")
            .is_none()
    );

    assert_eq!(added["homepage"], "");
    let page = "https://app.example/about?x=1#us";
    let changed = site.json(&["app", "set", id, "--home-page", page]);
    assert_eq!(changed["homepage"], page);
    let changed = site.json(&["app", "set", id, "--disable", "--implicit", "false"]);
    assert_eq!(changed["homepage"], page);
    assert_eq!(
        (&changed["state"], &changed["implicit"]),
        (&"disabled".into(), &false.into())
    );
    assert!(changed.get("client_secret").is_none());
    assert_eq!(changed["redirects"][1], "http://localhost/");
    let renewed = site.json(&[
        "app",
        "set",
        id,
        "--enable",
        "--new-secret",
        "--name",
        "Other",
    ]);
    assert_eq!(renewed["name"], "Other");
    assert_ne!(renewed["client_secret"], secret);
    assert_eq!(
        site.done(&["app", "remove", id]),
        format!("removed Other ({id})\n")
    );
    assert_eq!(site.json(&["app", "list"]), serde_json::json!([]));
}

#[test]
fn apps_that_could_do_harm_are_refused() {
    let site = Site::with_user();
    for uri in [
        "javascript:alert(1)",
        "https://app.example/#x",
        "app.example",
        "https://a b/",
    ] {
        refused(site.command(&["app", "add", "x", "--redirect", uri]));
    }
    for name in ["", "a/b", &"x".repeat(101)] {
        refused(site.command(&["app", "add", name]));
    }
    for page in [
        "javascript:alert(1)",
        "app.example",
        "https://",
        "ftp://app.example/",
    ] {
        refused(site.command(&["app", "add", "x", "--home-page", page]));
    }
    refused(site.command(&["app", "set", "nobody", "--disable"]));
    refused(site.command(&["app", "remove", "nobody"]));
    refused(site.command(&["app", "set", "nobody"]));
}
