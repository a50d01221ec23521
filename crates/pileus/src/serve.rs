//! `pileus serve`: the server, from its first line to its last.

use pileus_server::app::App;
use pileus_server::clock::Clock;
use pileus_server::config::Config;
use pileus_server::rules::accounts::{NewUser, add_user, sealed};
use pileus_server::{
    admin, jobs, link_counts, listen, mail, password, secrets, start, tls, working,
};
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Mail address of the account that `--quickstart` makes.
const FIRST_USER: &str = "admin@localhost";

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// When the server cannot be started; the message says why.
pub async fn run(config: Config, quickstart: bool) -> Result<(), Box<dyn Error>> {
    let clock = Clock::new(std::env::var_os("PILEUS_TEST_CLOCK").map(PathBuf::from));
    let listeners = listen::bind(&config.listen)?;
    let admin_listener = match config.admin.as_str() {
        "off" => None,
        address => Some(listen::bind(&[address.parse::<SocketAddr>()?])?),
    };
    let acceptor = tls::acceptor(&config, listeners.addresses())?;
    let app = start::open(config, clock).await?;
    start::open_working(&app).await?;
    if let Some(&first) = listeners.addresses().first() {
        // Set once, here; nobody else knows the address.
        let _ = app.bound.set(first);
    }
    let first_login = if quickstart {
        first_user(&app).await?
    } else {
        None
    };
    announce(
        &listeners,
        acceptor.as_ref().and_then(|tls| tls.ca_file.as_deref()),
        first_login.as_deref(),
    );

    let mut work = tokio::task::JoinSet::new();
    work.spawn(jobs::janitor::run(app.clone()));
    work.spawn(working::keeper::run(app.clone()));
    work.spawn(working::sums::run(app.clone()));
    work.spawn(mail::worker::run(app.clone()));
    work.spawn(link_counts::run(app.clone()));
    work.spawn(jobs::runner::run::<jobs::downloads::Download>(app.clone()));
    work.spawn(jobs::runner::run::<jobs::names::Names>(app.clone()));
    work.spawn(jobs::runner::run::<jobs::joins::Joins>(app.clone()));
    if let Some(listener) = admin_listener {
        for address in listener.addresses() {
            tracing::info!(%address, "health and metrics");
        }
        work.spawn(admin::serve(listener, app.clone()));
    }
    work.spawn(listeners.serve(app.clone(), acceptor.map(|tls| tls.acceptor)));

    stop_signal().await?;
    tracing::info!("stopping");
    app.stopping.send_replace(true);
    while work.join_next().await.is_some() {}
    working::keeper::commit_all(&app).await;
    link_counts::flush(&app).await;
    tracing::info!("stopped");
    Ok(())
}

/// Makes the first account of an empty server; answers its password.
async fn first_user(app: &Arc<App>) -> Result<Option<String>, Box<dyn Error>> {
    if app.db.view(|tx| tx.has_accounts()).await? {
        return Ok(None);
    }
    let password: String = secrets::random_token()?.chars().take(16).collect();
    let new = NewUser {
        email: FIRST_USER.into(),
        email_verified: true,
        password_hash: password::hash(&password)?,
        password_sealed: sealed(app, &password).map_err(|fail| format!("{fail:?}"))?,
        language: app.config.default_language.clone(),
        quota: app.config.default_quota_bytes,
    };
    let now = app.clock.now();
    app.db
        .edit(move |tx| add_user(tx, &new, now))
        .await
        .map_err(|fail| format!("{fail:?}"))?;
    Ok(Some(password))
}

/// Tells the person at the terminal where the server is and how to begin.
fn announce(
    listeners: &listen::Listeners,
    ca_file: Option<&std::path::Path>,
    password: Option<&str>,
) {
    let scheme = if ca_file.is_some() { "https" } else { "http" };
    for address in listeners.addresses() {
        println!("listening on {scheme}://{address}");
    }
    if let Some(ca_file) = ca_file {
        println!("CA certificate: {}", ca_file.display());
    }
    let (Some(password), Some(address)) = (password, listeners.addresses().first()) else {
        return;
    };
    let url = format!("{scheme}://{address}");
    let curl = match ca_file {
        Some(ca_file) => format!("curl -sS --cacert {}", ca_file.display()),
        None => "curl -sS".to_owned(),
    };
    let login = format!("username={FIRST_USER}&password={password}");
    println!(
        "\nA first account was made. Its password is shown only now:\n\
         \n    user      {FIRST_USER}\n    password  {password}\n\
         \nTry it: log in, upload a file, list the folder.\n\
         \n{curl} '{url}/userinfo?getauth=1&{login}'\
         \n{curl} -F 'file=Hello, Pileus!;filename=hello.txt' '{url}/uploadfile?folderid=0&{login}'\
         \n{curl} '{url}/listfolder?folderid=0&{login}'\n"
    );
}

/// Resolves when the system asks the program to end.
async fn stop_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
