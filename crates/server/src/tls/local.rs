//! A certificate authority of this server alone, and the server certificate it issues.
//!
//! Clients are given the authority's certificate to trust; it outlives the server certificates. All keys are RSA, because
//! the TLS libraries inside old clients know nothing else.

use super::{CannotProtect, because};
use crate::config::Config;
use pileus_wire::UnixTime;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

const DAY: i64 = 86_400;
const CA_DAYS: i64 = 3650;
/// Some clients refuse server certificates that hold for longer.
const SERVER_DAYS: i64 = 397;
/// A server that starts with less than this left makes a new certificate.
const RENEWAL_DAYS: i64 = 60;
/// Clocks of clients may be behind.
const SKEW: i64 = DAY;

const CA_NAME: &str = "Pileus local certificate authority";

/// Where the results lie.
pub(super) struct Files {
    pub(super) ca: PathBuf,
    pub(super) cert: PathBuf,
    pub(super) key: PathBuf,
}

/// What the present server certificate is good for.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Issued {
    names: BTreeSet<String>,
    expires: i64,
}

/// The names and addresses by which clients may reach the server.
pub(super) fn names(config: &Config, listening: &[SocketAddr]) -> BTreeSet<String> {
    let public = &config.public;
    let told = public
        .api
        .iter()
        .chain(&public.binapi)
        .chain(&public.content)
        .chain(&public.web);
    let bound = listening
        .iter()
        .map(SocketAddr::ip)
        .filter(|address| !address.is_unspecified());
    let local = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    told.map(|host| host_of(host).to_owned())
        .chain(bound.map(|address| address.to_string()))
        .chain(host_name())
        .chain(local)
        .filter(|name| is_name(name))
        .collect()
}

/// The host of a URL, or of a host with a port.
fn host_of(text: &str) -> &str {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split(['/', '?', '#']).next().unwrap_or_default();
    if let Some((address, _)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address;
    }
    match text.split_once(':') {
        // More than one colon is an address without a port.
        Some((host, port)) if !port.contains(':') => host,
        _ => text,
    }
}

/// Whether a certificate can name this.
fn is_name(name: &str) -> bool {
    let is_dns = || {
        name.len() <= 253
            && name.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'*' | b'_')
            })
    };
    !name.is_empty() && (name.parse::<IpAddr>().is_ok() || is_dns())
}

/// What this machine calls itself. Where the file does not exist, clients will hardly use that name.
fn host_name() -> Option<String> {
    Some(
        fs::read_to_string("/proc/sys/kernel/hostname")
            .ok()?
            .trim()
            .to_owned(),
    )
}

/// Makes what is missing or no longer fits.
pub(super) fn provide(
    folder: &Path,
    names: &BTreeSet<String>,
    now: UnixTime,
) -> Result<Files, CannotProtect> {
    // What lies in the data folder, which may not exist yet, is nobody else's business.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(because("cannot use the folder", folder))?;
    let files = Files {
        ca: folder.join("ca.pem"),
        cert: folder.join("server.pem"),
        key: folder.join("server.key"),
    };
    let ca_key = folder.join("ca.key");
    let record = folder.join("server.json");
    if !files.ca.exists() || !ca_key.exists() {
        make_authority(&files.ca, &ca_key, now)?;
    } else if is_issued(&files, &record, names, now) {
        return Ok(files);
    }
    issue(&files, &ca_key, &record, names, now)?;
    Ok(files)
}

fn is_issued(files: &Files, record: &Path, names: &BTreeSet<String>, now: UnixTime) -> bool {
    let issued = fs::read(record)
        .ok()
        .and_then(|text| serde_json::from_slice::<Issued>(&text).ok());
    let is_good =
        |issued: Issued| issued.names == *names && issued.expires - now.0 > RENEWAL_DAYS * DAY;
    files.cert.exists() && files.key.exists() && issued.is_some_and(is_good)
}

/// What the authority's certificate says. It is the same each time, so a server certificate can be issued without
/// reading it.
fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, CA_NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn make_authority(cert: &Path, key_file: &Path, now: UnixTime) -> Result<(), CannotProtect> {
    let key = new_key().map_err(because("cannot make a key for", cert))?;
    let mut params = authority();
    hold(&mut params, now, CA_DAYS);
    let made = params
        .self_signed(&key)
        .map_err(because("cannot make", cert))?;
    write(key_file, 0o600, &key.serialize_pem())?;
    write(cert, 0o644, &made.pem())
}

fn issue(
    files: &Files,
    ca_key: &Path,
    record: &Path,
    names: &BTreeSet<String>,
    now: UnixTime,
) -> Result<(), CannotProtect> {
    let text = fs::read_to_string(ca_key).map_err(because("cannot read the key", ca_key))?;
    let ca_key = KeyPair::from_pem(&text).map_err(because("cannot use the key", ca_key))?;
    let issuer = Issuer::new(authority(), ca_key);

    let names_list: Vec<String> = names.iter().cloned().collect();
    let mut params = CertificateParams::new(names_list)
        .map_err(because("cannot name the hosts in", &files.cert))?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Pileus server");
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
    ];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    hold(&mut params, now, SERVER_DAYS);
    let key = new_key().map_err(because("cannot make a key for", &files.cert))?;
    let made = params
        .signed_by(&key, &issuer)
        .map_err(because("cannot make", &files.cert))?;

    // The record comes last: without it, the next start makes all of them again.
    let issued = Issued {
        names: names.clone(),
        expires: now.0 + SERVER_DAYS * DAY,
    };
    let issued = serde_json::to_string(&issued).map_err(because("cannot describe", &files.cert))?;
    let _ = fs::remove_file(record);
    write(&files.key, 0o600, &key.serialize_pem())?;
    write(&files.cert, 0o644, &made.pem())?;
    write(record, 0o644, &issued)
}

fn new_key() -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
}

fn hold(params: &mut CertificateParams, now: UnixTime, days: i64) {
    let time = |seconds: i64| UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    params.not_before = time(now.0 - SKEW).into();
    params.not_after = time(now.0 + days * DAY).into();
}

/// Writes a file in one step: whoever reads it meanwhile, or after a crash, finds the old one or the new one.
fn write(file: &Path, mode: u32, text: &str) -> Result<(), CannotProtect> {
    let draft = file.with_extension("new");
    let write = || -> io::Result<()> {
        // One left behind by a crash may have other rights.
        let _ = fs::remove_file(&draft);
        let mut out = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&draft)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        fs::rename(&draft, file)?;
        file.parent()
            .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    write().map_err(because("cannot write", file))
}
