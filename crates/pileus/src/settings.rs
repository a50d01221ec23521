//! From flags, environment and file to one configuration.

use crate::cli::{DataArgs, ServeArgs};
use pileus_server::config::{Config, ENVIRONMENT_PREFIX, FILE_NAME, Layers};
use std::error::Error;
use std::io::IsTerminal;
use std::path::Path;
use tracing_subscriber::EnvFilter;

/// Variables with the prefix of settings that belong to the client commands and to tests.
const OTHER_VARIABLES: [&str; 9] = [
    "PILEUS_URL",
    "PILEUS_USER",
    "PILEUS_PASSWORD",
    "PILEUS_TOKEN",
    "PILEUS_CA_FILE",
    "PILEUS_BIN",
    "PILEUS_TEST_*",
    "PILEUS_FUZZ_*",
    "PILEUS_MODEL_*",
];

/// The settings of a server.
///
/// # Errors
/// If something that was set cannot be used; the message names it.
pub fn of_server(args: &ServeArgs) -> Result<Config, Box<dyn Error>> {
    let mut layers = layers(&args.data)?;
    if !args.listen.is_empty() {
        let addresses: Vec<String> = args.listen.iter().map(ToString::to_string).collect();
        layers.set("listen", &addresses.join(","))?;
    }
    if let Some(admin) = &args.admin {
        layers.set("admin", admin)?;
    }
    if let (Some(cert), Some(key)) = (&args.tls_cert, &args.tls_key) {
        layers.set("tls_cert", path_text(cert)?)?;
        layers.set("tls_key", path_text(key)?)?;
    }
    if args.tls_self_signed {
        layers.set("tls_self_signed", "true")?;
    }
    Ok(layers.config()?)
}

/// The settings for work on a server's data.
///
/// # Errors
/// If something that was set cannot be used; the message names it.
pub fn of_data(args: &DataArgs) -> Result<Config, Box<dyn Error>> {
    Ok(layers(args)?.config()?)
}

/// Begins to log to standard error.
///
/// # Errors
/// If the filter is none.
pub fn start_log(filter: &str, as_json: bool) -> Result<(), Box<dyn Error>> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("log: {error}"))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if as_json {
        log.json().init();
    } else {
        log.init();
    }
    Ok(())
}

fn layers(args: &DataArgs) -> Result<Layers, Box<dyn Error>> {
    let variables = variables()?;
    // Where the file is depends on the data folder, so that one is looked for first.
    let mut environment = Layers::default();
    environment.environment(variables.clone(), &OTHER_VARIABLES)?;
    let folder = match &args.data {
        Some(folder) => path_text(folder)?,
        None => environment.text("data").unwrap_or("data"),
    };
    let mut layers = Layers::default();
    match &args.config {
        Some(file) => layers.file(file)?,
        None => own_file(&mut layers, Path::new(folder))?,
    }
    layers.environment(variables, &OTHER_VARIABLES)?;
    if args.data.is_some() {
        layers.set("data", folder)?;
    }
    for set in &args.set {
        let (key, text) = set
            .split_once('=')
            .ok_or_else(|| format!("--set {set}: KEY=VALUE is expected"))?;
        layers.set(key.trim(), text)?;
    }
    Ok(layers)
}

/// Reads the settings file in the data folder, if there is one.
fn own_file(layers: &mut Layers, folder: &Path) -> Result<(), Box<dyn Error>> {
    let file = folder.join(FILE_NAME);
    if !file.exists() {
        return Ok(());
    }
    layers.file(&file)?;
    if layers.text("data").is_some() {
        let file = file.display();
        return Err(
            format!("{file}: data: the data folder cannot be set in the data folder").into(),
        );
    }
    Ok(())
}

/// The environment variables that are meant for the program.
fn variables() -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let mut variables = Vec::new();
    for (name, value) in std::env::vars_os() {
        let Ok(name) = name.into_string() else {
            continue;
        };
        if name.starts_with(ENVIRONMENT_PREFIX) {
            let value = value
                .into_string()
                .map_err(|_| format!("{name}: the value is no UTF-8"))?;
            variables.push((name, value));
        }
    }
    Ok(variables)
}

/// A path as a setting.
fn path_text(path: &Path) -> Result<&str, String> {
    path.to_str()
        .ok_or_else(|| format!("{}: the path is no UTF-8", path.display()))
}
