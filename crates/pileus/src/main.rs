//! The Pileus program: the server, its administration, and a small client.

mod serve;

use clap::{Parser, Subcommand};
use pileus_server::clock::Clock;
use pileus_server::config::Config;
use pileus_server::rules::accounts::{NewUser, add_user, sealed};
use pileus_server::{password, secrets, start};
use pileus_store::tokens::NewToken;
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[arg(long, global = true, default_value = "data")]
    data: PathBuf,
    #[arg(long = "set", global = true)]
    set: Vec<String>,
}

#[derive(Subcommand)]
enum Command {
    Serve {
        #[arg(long)]
        listen: Vec<SocketAddr>,
        #[arg(long, default_value = "127.0.0.1:8090")]
        admin: String,
        #[arg(long)]
        tls_self_signed: bool,
        #[arg(long)]
        quickstart: bool,
    },
    User {
        #[command(subcommand)]
        command: User,
    },
    Token {
        #[command(subcommand)]
        command: Token,
    },
    Methods,
}

#[derive(Subcommand)]
enum User {
    Add {
        email: String,
        #[arg(long)]
        password: String,
        #[arg(long)]
        quota: Option<u64>,
    },
}

#[derive(Subcommand)]
enum Token {
    Create {
        email: String,
        #[arg(long)]
        oauth: bool,
    },
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cli = Cli::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let mut config = Config { data: cli.data, ..Config::default() };
    for set in &cli.set {
        if let Some(url) = set.strip_prefix("database=") {
            config.database = url.into();
        }
    }
    match cli.command {
        Command::Serve { listen, admin, tls_self_signed, quickstart } => {
            if !listen.is_empty() {
                config.listen = listen;
            }
            config.admin = admin;
            config.tls_self_signed = tls_self_signed;
            serve::run(config, quickstart).await
        }
        Command::User { command: User::Add { email, password, quota } } => {
            let app = start::open(config, Clock::default()).await?;
            let new = NewUser {
                email,
                email_verified: true,
                password_hash: password::hash(&password)?,
                password_sealed: sealed(&app, &password).map_err(|fail| format!("{fail:?}"))?,
                language: "en".into(),
                quota: quota.unwrap_or(app.config.default_quota_bytes),
            };
            let now = app.clock.now();
            app.db.edit(move |tx| add_user(tx, &new, now)).await.map_err(|fail| format!("{fail:?}"))?;
            Ok(())
        }
        Command::Token { command: Token::Create { email, oauth } } => {
            let app = start::open(config, Clock::default()).await?;
            let secret = secrets::random_token()?;
            let hash = secrets::fingerprint(&secret).to_vec();
            let now = app.clock.now().0;
            app.db
                .edit(move |tx| -> Result<(), pileus_store::StoreError> {
                    let account = tx.account_by_email(&email)?.ok_or(pileus_store::StoreError::Missing)?;
                    let token = NewToken {
                        id: tx.id()?,
                        account: account.id,
                        secret_hash: hash.clone(),
                        app: oauth.then_some(0),
                        created: now,
                        expires: i64::MAX / 2,
                        idle_seconds: i64::MAX / 2,
                        ..NewToken::default()
                    };
                    tx.insert_token(&token)
                })
                .await?;
            println!("{secret}");
            Ok(())
        }
        Command::Methods => {
            for spec in pileus_api::every::SPECS {
                println!("{}", spec.name);
            }
            Ok(())
        }
    }
}
