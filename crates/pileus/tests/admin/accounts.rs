//! `pileus user` and `pileus token`.

use crate::site::{PASSWORD, Site, USER, blobs, done, noise, refused};
use std::io::Write;
use std::process::Stdio;

#[test]
fn accounts_come_change_and_go_beside_a_running_server() {
    let site = Site::with_user();
    let server = site.serve();
    done(server.client("ls", &[]));

    let bob = "Bob@example.com";
    let added = site.json(&[
        "user",
        "add",
        bob,
        "--password",
        "battery staple",
        "--quota",
        "5GB",
        "--verified",
    ]);
    assert_eq!(added["email"], bob);
    assert_eq!(added["quota"], 5_000_000_000_u64);
    assert_eq!(added["emailverified"], true);
    let listed = site.json(&["user", "list"]);
    let emails: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|user| &user["email"])
        .collect();
    assert_eq!(emails, [USER, bob]);
    assert_eq!(listed[0]["emailverified"], false);
    let table = site.done(&["user", "list"]);
    assert_eq!(table.lines().count(), 3);
    assert!(
        table.contains("4.6 GiB") && table.contains("1.0 TiB"),
        "{table}"
    );

    let login = |password| ["--user", "bob@EXAMPLE.com", "--password", password];
    done(server.client_as(&login("battery staple"), "ls", &[]));
    let changed = site.json(&[
        "user",
        "set",
        bob,
        "--password",
        "another one",
        "--quota",
        "1MiB",
        "--language",
        "de",
    ]);
    assert_eq!(
        (&changed["quota"], &changed["language"]),
        (&1_048_576.into(), &"de".into())
    );
    refused(server.client_as(&login("battery staple"), "ls", &[]));
    done(server.client_as(&login("another one"), "ls", &[]));
    // The quota counts at once.
    let file = site.file("large", &noise(1, 2_000_000));
    let file = file.to_str().unwrap();
    let told = refused(server.client_as(&login("another one"), "put", &[file]));
    assert!(told.contains("2008"), "{told}");

    assert_eq!(
        site.json(&["user", "set", bob, "--disable"])["state"],
        "disabled"
    );
    refused(server.client_as(&login("another one"), "ls", &[]));
    assert_eq!(
        site.json(&["user", "set", bob, "--enable"])["state"],
        "active"
    );
    done(server.client_as(&login("another one"), "ls", &[]));

    site.done(&["user", "remove", bob]);
    refused(server.client_as(&login("another one"), "ls", &[]));
    assert_eq!(site.json(&["user", "list"]).as_array().unwrap().len(), 1);
    // The other account is as it was, and everything still fits.
    done(server.client("ls", &[]));
    site.done(&["check", "--hash"]);
}

#[test]
fn a_removed_account_leaves_nothing_behind() {
    let site = Site::with_user();
    {
        let server = site.serve();
        let folder = site.beside("tree");
        for number in 0..60 {
            let folder = folder.join(format!("{}/{}", number % 7, number % 3));
            std::fs::create_dir_all(&folder).unwrap();
            let size = if number == 0 { 100_000 } else { 10 };
            std::fs::write(folder.join(number.to_string()), noise(number, size)).unwrap();
        }
        server.put(&folder, "/");
        server.remove("/tree/3");
        server.remove("/tree/1/1");
        std::fs::write(folder.join("0/0/0"), noise(100, 100)).unwrap();
        server.put(&folder, "/");
    }
    assert_eq!(blobs(site.data()).len(), 1);
    let before = site.json(&["check"]);
    assert!(
        before["files"].as_u64() > Some(50) && before["revisions"] == 1,
        "{before}"
    );
    site.done(&["user", "remove", USER]);
    let after = site.json(&["check", "--hash"]);
    for what in ["accounts", "folders", "files", "revisions", "events"] {
        assert_eq!(after[what], 0, "{what}");
    }
    // The contents wait for the janitor, who removes what nobody has held for an hour.
    assert_eq!(after["contents"], before["contents"]);
}

#[test]
fn wrong_wishes_are_refused() {
    let site = Site::new();
    let told = site.refused(&["user", "list"]);
    assert!(told.contains("there is no server's data in"), "{told}");
    assert!(!site.data().exists(), "looking made a data folder");
    for args in [
        &["token", "create", USER][..],
        &["check"],
        &["backup", "somewhere"],
        &["convert-db", "--to", "sqlite:x"],
    ] {
        let told = site.refused(args);
        assert!(
            told.contains("there is no server's data in"),
            "{args:?}: {told}"
        );
    }
    site.add_user();
    for (args, expected) in [
        (
            &["user", "add", USER, "--password", PASSWORD][..],
            "has an account already",
        ),
        (
            &["user", "add", "ANN@example.com", "--password", PASSWORD],
            "has an account already",
        ),
        (
            &["user", "add", "nobody", "--password", PASSWORD],
            "not a valid mail address",
        ),
        (
            &["user", "add", "bob@example.com", "--password", "abc"],
            "at least 6 characters",
        ),
        (
            &[
                "user",
                "add",
                "bob@example.com",
                "--password",
                PASSWORD,
                "--quota",
                "5 apples",
            ],
            "bytes",
        ),
        (
            &["user", "set", USER, "--password", "abc"],
            "at least 6 characters",
        ),
        (&["user", "set", USER, "--language", "xx"], "not supported"),
        (
            &["user", "set", "bob@example.com", "--quota", "1"],
            "there is no account bob@example.com",
        ),
        (
            &["user", "remove", "bob@example.com"],
            "there is no account bob@example.com",
        ),
        (
            &["token", "create", "bob@example.com"],
            "there is no account bob@example.com",
        ),
        (&["token", "revoke", "1"], "there is no token 1"),
    ] {
        let told = site.refused(args);
        assert!(told.contains(expected), "{args:?}: {told}");
    }
    assert_eq!(site.json(&["user", "list"]).as_array().unwrap().len(), 1);
}

#[test]
fn passwords_come_from_standard_input() {
    let site = Site::new();
    let run = |args: &[&str], line: &str| {
        let mut child = site.command(args).stdin(Stdio::piped()).spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(line.as_bytes())
            .unwrap();
        assert!(child.wait().unwrap().success());
    };
    run(&["user", "add", USER, "--password", "-"], "first secret\n");
    let server = site.serve();
    let login = |password| ["--user", USER, "--password", password];
    done(server.client_as(&login("first secret"), "ls", &[]));
    run(
        &["user", "set", USER, "--password", "-"],
        "second secret\r\n",
    );
    refused(server.client_as(&login("first secret"), "ls", &[]));
    done(server.client_as(&login("second secret"), "ls", &[]));
}

#[test]
fn tokens_log_in_until_they_are_revoked() {
    let site = Site::with_user();
    let server = site.serve();
    let session = site.done(&["token", "create", USER, "--device", "phone"]);
    let access = site.json(&["token", "create", USER, "--oauth"]);
    // A session token is printed alone, so that a script can take it as it is.
    let session = session.strip_suffix('\n').unwrap();
    assert!(session.len() >= 32 && session.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let access_token = access["token"].as_str().unwrap();

    done(server.client_as(&["--token", session], "ls", &[]));
    done(server.client_as(&["--token", access_token, "--oauth"], "ls", &[]));
    refused(server.client_as(&["--token", session, "--oauth"], "ls", &[]));
    refused(server.client_as(&["--token", access_token], "ls", &[]));

    let listed = site.json(&["token", "list", USER]);
    let of_phone = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|token| token["device"] == "phone");
    let id = of_phone.unwrap()["tokenid"].to_string();
    assert_eq!(of_phone.unwrap()["oauth"], false);
    assert!(
        !listed.to_string().contains(session),
        "a listing shows a secret"
    );
    let table = site.done(&["token", "list", USER]);
    assert!(
        table.contains("access") && table.contains("session"),
        "{table}"
    );

    site.done(&["token", "revoke", &id]);
    refused(server.client_as(&["--token", session], "ls", &[]));
    done(server.client_as(&["--token", access_token, "--oauth"], "ls", &[]));
    // A new password ends the logins that are left.
    site.done(&["user", "set", USER, "--password", "another one"]);
    refused(server.client_as(&["--token", access_token, "--oauth"], "ls", &[]));
    assert_eq!(
        site.json(&["token", "list", USER])
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn a_second_factor_is_shown_once() {
    let site = Site::with_user();
    let server = site.serve();
    let login = ["--user", USER, "--password", PASSWORD];
    done(server.client_as(&login, "ls", &[]));
    let on = site.json(&["user", "set", USER, "--second-factor", "on"]);
    assert_eq!(on["recoverycodes"].as_array().unwrap().len(), 10);
    let secret = on["secret"].as_str().unwrap();
    assert!(on["url"].as_str().unwrap().contains(secret), "{on}");
    let told = refused(server.client_as(&login, "ls", &[]));
    assert!(told.contains("2297"), "{told}");
    // Again, and everything is new.
    let again = site.done(&["user", "set", USER, "--second-factor", "on"]);
    assert!(again.contains("otpauth://totp/Pileus:"), "{again}");
    assert!(!again.contains(secret), "{again}");
    assert_eq!(again.lines().count(), 13);
    site.done(&["user", "set", USER, "--second-factor", "off"]);
    done(server.client_as(&login, "ls", &[]));
}
