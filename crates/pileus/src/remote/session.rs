//! Connecting and logging in.

use std::io::BufRead;

use pileus_client::{Client, Options};

use super::args::ServerArgs;
use super::error::Error;

/// Connects to the server and logs in as the arguments say.
pub async fn open(args: &ServerArgs) -> Result<Client, Error> {
    let options = Options {
        ca_file: args.ca_file.clone(),
        user_agent: concat!("pileus/", env!("CARGO_PKG_VERSION")).into(),
        ..Options::default()
    };
    let client = Client::connect(&args.server, options)
        .await
        .map_err(Error::remote(&args.server))?;
    if let Some(token) = &args.token {
        return Ok(match args.oauth {
            true => client.with_bearer(token),
            false => client.with_token(token),
        });
    }
    let (Some(user), Some(password)) = (&args.user, &args.password) else {
        let ways = "give --token, or --user and --password (or set PILEUS_TOKEN, or PILEUS_USER \
                    and PILEUS_PASSWORD)";
        return Err(Error::Wish(ways.into()));
    };
    let password = match password.as_str() {
        "-" => password_from_input()?,
        given => given.to_owned(),
    };
    client
        .login(user, &password)
        .await
        .map_err(Error::remote(user))?;
    Ok(client)
}

fn password_from_input() -> Result<String, Error> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(Error::local("standard input"))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
