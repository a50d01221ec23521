//! `pileus share`.

use std::fs;

use crate::server::{PASSWORD, Server, USER, pileus, text};

const BOB: &str = "bob@example.com";

/// Runs a command as somebody; answers whether it succeeded, and both outputs.
fn run(server: &Server, user: &str, args: &[&str]) -> (bool, String) {
    let output = pileus()
        .args(args)
        .env("PILEUS_URL", format!("http://{}", server.address))
        .env("PILEUS_USER", user)
        .env("PILEUS_PASSWORD", PASSWORD)
        .output()
        .unwrap();
    (
        output.status.success(),
        text(&output.stdout) + &text(&output.stderr),
    )
}

/// Runs a command that succeeds.
fn done(server: &Server, user: &str, args: &[&str]) -> String {
    let (is_done, told) = run(server, user, args);
    assert!(is_done, "{args:?}: {told}");
    told
}

fn administer(server: &Server, args: &[&str]) {
    let output = pileus()
        .args(args)
        .arg("--data")
        .arg(server.data())
        .output();
    let output = output.unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
}

/// The number in a line like `offer 1005  from …`.
fn number(line: &str) -> &str {
    line.split_whitespace().nth(1).unwrap()
}

#[test]
fn a_folder_is_offered_accepted_and_taken_back() {
    let server = Server::start();
    administer(&server, &["user", "add", BOB, "--password", PASSWORD]);
    for user in [USER, BOB] {
        administer(&server, &["user", "set", user, "--verified"]);
    }
    let here = server.folder("here");
    fs::create_dir(here.join("plans")).unwrap();
    fs::write(here.join("plans/a"), b"a").unwrap();
    let plans = here.join("plans");
    done(&server, USER, &["put", plans.to_str().unwrap(), "/"]);

    let offer = ["share", "offer", "--create", "--delete", "/plans", BOB];
    assert_eq!(done(&server, USER, &offer), "");
    let (is_done, told) = run(&server, USER, &offer);
    assert!(!is_done && told.contains("(2019)"), "{told}");
    let listed = done(&server, BOB, &["share", "list"]);
    assert!(listed.starts_with("offer "), "{listed}");
    assert!(
        listed.contains("  from ann@example.com  read,create,delete  plans"),
        "{listed}"
    );
    let offer = number(&listed).to_owned();
    let accepted = done(
        &server,
        BOB,
        &["share", "accept", "--name", "theirs", &offer],
    );
    assert_eq!(accepted, "/theirs\n");
    assert_eq!(done(&server, BOB, &["ls", "/theirs"]), "a\n");

    let listed = done(&server, USER, &["share", "list"]);
    assert!(
        listed.starts_with("share ") && listed.contains("  to bob@example.com  "),
        "{listed}"
    );
    done(&server, USER, &["share", "end", number(&listed)]);
    assert_eq!(done(&server, BOB, &["ls", "/"]), "");
    assert_eq!(done(&server, USER, &["share", "list"]), "");

    done(&server, USER, &["share", "offer", "/plans", BOB]);
    let listed = done(&server, USER, &["share", "list"]);
    done(&server, USER, &["share", "decline", number(&listed)]);
    done(&server, USER, &["share", "offer", "/plans", BOB]);
    let listed = done(&server, BOB, &["share", "list"]);
    done(&server, BOB, &["share", "decline", number(&listed)]);
    let (is_done, told) = run(&server, BOB, &["share", "decline", number(&listed)]);
    assert!(!is_done && told.contains("(2021)"), "{told}");
}
