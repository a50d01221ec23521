//! Settings from file, environment and flags, and the commands that tell about the program.

use crate::site::{PASSWORD, Site, USER, done, pileus, refused};
use serde_json::Value;
use std::fs;

/// The quota a new account gets.
fn quota(site: &Site, name: &str, environment: &[(&str, &str)], flags: &[&str]) -> Value {
    let mut command = site.command(&["user", "add", name, "--password", PASSWORD, "--json"]);
    command.envs(environment.iter().copied()).args(flags);
    let account: Value = serde_json::from_str(&done(command)).unwrap();
    account["quota"].clone()
}

#[test]
fn file_environment_and_flags_override_each_other() {
    let site = Site::new();
    assert_eq!(quota(&site, "a@example.com", &[], &[]), 1_u64 << 40);
    fs::write(
        site.data().join("pileus.toml"),
        "default_quota_bytes = 1000",
    )
    .unwrap();
    assert_eq!(quota(&site, "b@example.com", &[], &[]), 1000);
    let file = site.file("other.toml", b"default_quota_bytes = 2000");
    let config = ["--config", file.to_str().unwrap()];
    assert_eq!(quota(&site, "c@example.com", &[], &config), 2000);
    let environment = [
        ("PILEUS_DEFAULT_QUOTA_BYTES", "3000"),
        ("PILEUS_URL", "unused"),
    ];
    assert_eq!(quota(&site, "d@example.com", &environment, &config), 3000);
    let set = ["--set", "default_quota_bytes=4000"];
    assert_eq!(quota(&site, "e@example.com", &environment, &set), 4000);
}

#[test]
fn the_data_folder_may_come_from_the_environment() {
    let site = Site::with_user();
    fs::write(
        site.data().join("pileus.toml"),
        "default_quota_bytes = 1000",
    )
    .unwrap();
    let mut command = pileus();
    command.args([
        "user",
        "add",
        "b@example.com",
        "--password",
        PASSWORD,
        "--json",
    ]);
    command.env("PILEUS_DATA", site.data());
    let added: Value = serde_json::from_str(&done(command)).unwrap();
    assert_eq!(added["quota"], 1000);
    assert_eq!(site.json(&["user", "list"]).as_array().unwrap().len(), 2);
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let site = Site::with_user();
    let broken = site.file("broken.toml", b"retention_days = 'soon'");
    let broken = broken.to_str().unwrap();
    for (args, expected) in [
        (
            &["--set", "no_such_key=1"][..],
            "no_such_key: no such setting",
        ),
        (
            &["--set", "retention_day=1"],
            "did you mean retention_days?",
        ),
        (&["--set", "retention_days"], "KEY=VALUE is expected"),
        (
            &["--set", "retention_days=soon"],
            "retention_days: a whole number is expected",
        ),
        (&["--set", "link_seconds=60"], "link_seconds: "),
        (&["--config", broken], "retention_days"),
        (&["--config", "/no/such/file"], "/no/such/file"),
        (&["--set", "log=is=wrong="], "log: "),
    ] {
        for command in [
            &["serve", "--listen", "127.0.0.1:0", "--admin", "off"][..],
            &["user", "list"],
        ] {
            if command[0] == "user" && expected == "log: " {
                // What the server logs does not concern the other commands.
                continue;
            }
            let told = site.refused(&[command, args].concat());
            assert!(told.contains(expected), "{command:?} {args:?}: {told}");
            assert!(!told.ends_with("\n\n"), "an empty line after {told}");
        }
    }
    let mut command = site.command(&["user", "list"]);
    command.env("PILEUS_RETENTION_DAY", "1");
    let told = refused(command);
    assert!(
        told.contains("did you mean PILEUS_RETENTION_DAYS?"),
        "{told}"
    );
    fs::write(site.data().join("pileus.toml"), "data = '/elsewhere'").unwrap();
    let told = site.refused(&["user", "list"]);
    assert!(
        told.contains("the data folder cannot be set in the data folder"),
        "{told}"
    );
}

#[test]
fn the_template_can_be_used_as_it_is() {
    let mut command = pileus();
    command.arg("config");
    let template = done(command);
    assert!(template.contains(
        "\n# Days that deleted files and old revisions are kept.\n#retention_days = 30\n"
    ));
    let site = Site::new();
    let file = site.file("template.toml", template.as_bytes());
    site.done(&[
        "user",
        "add",
        USER,
        "--password",
        PASSWORD,
        "--config",
        file.to_str().unwrap(),
    ]);
    let switched_on = template.replace("\n#retention_days = 30", "\nretention_days = -1");
    let file = site.file("template.toml", switched_on.as_bytes());
    let told = site.refused(&["user", "list", "--config", file.to_str().unwrap()]);
    assert!(told.contains("retention_days"), "{told}");
}

#[test]
fn methods_are_listed() {
    let mut command = pileus();
    command.arg("methods");
    let lines = done(command);
    let names: Vec<&str> = lines
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(
        names.contains(&"uploadfile") && names.contains(&"backup/createdevice"),
        "{lines}"
    );
    let mut command = pileus();
    command.args(["methods", "--json"]);
    let methods: Value = serde_json::from_str(&done(command)).unwrap();
    assert_eq!(methods.as_array().unwrap().len(), names.len());
    let diff = methods
        .as_array()
        .unwrap()
        .iter()
        .find(|method| method["name"] == "diff")
        .unwrap();
    assert_eq!(
        (&diff["family"], &diff["caller"]),
        (&"general".into(), &"user".into())
    );
}
