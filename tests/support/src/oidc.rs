//! An authorization server that is not ours: npm's `oidc-provider` on loopback, over TLS with a certificate of [`Certs`], and a person
//! before it whose browser does as told. Ended with the value that stands for it.
//!
//! The packages are installed by `npm ci` once, into cargo's target folder, in the versions of `oidc/package-lock.json`. The server keeps
//! all in memory; `oidc/server.mjs` says what it answers.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::certs::Certs;
use crate::leash::Leash;
use crate::ports::Reservation;
use crate::programs;

const MANIFEST: &str = include_str!("../oidc/package.json");
const LOCK: &str = include_str!("../oidc/package-lock.json");
const SERVER: &str = include_str!("../oidc/server.mjs");
/// How long node may take until it answers; a loaded machine needs seconds.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A client without a secret, as a program on a person's machine is one (RFC 8252, section 8.4).
pub const PUBLIC_CLIENT: &str = "postrider";
/// A client with a secret, in which nothing may be left as it is on its way.
pub const SECRET_CLIENT: (&str, &str) = ("postrider with secret", "s3cret: 100%+&=/");
/// Who may introspect tokens (RFC 7662), such as an IMAP server.
pub const INTROSPECTOR: (&str, &str) = ("introspector", "introspects");

/// What the server is to be like.
#[derive(Debug, Clone)]
pub struct Builder {
    token_life_s: u32,
    address_in_id_token: bool,
}

impl Builder {
    /// For how long access tokens live, in seconds.
    #[must_use]
    pub fn token_life_s(mut self, seconds: u32) -> Self {
        self.token_life_s = seconds;
        self
    }

    /// Leaves the address out of ID tokens: only the UserInfo endpoint names it.
    #[must_use]
    pub fn without_address_in_id_token(mut self) -> Self {
        self.address_in_id_token = false;
        self
    }

    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    /// Where node or npm are missing, the packages cannot be installed, or it does not answer within a minute; the message carries its
    /// log.
    pub fn start(self) -> Result<Oidc> {
        Oidc::launch(&self)
    }
}

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub struct Oidc {
    // Ended before the folder goes.
    _running: Leash,
    certs: Certs,
    https: Reservation,
    plain: Reservation,
    control: Reservation,
    folder: TempDir,
}

impl Oidc {
    /// What the server is to be like; `start` on it starts it.
    pub fn builder() -> Builder {
        Builder { token_life_s: 3_600, address_in_id_token: true }
    }

    fn launch(builder: &Builder) -> Result<Self> {
        let script = install()?;
        let certs = Certs::new()?;
        // Dovecot's own user reads its settings there.
        let folder = tempfile::Builder::new()
            .prefix("postrider-oidc-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir_in("/tmp")?;
        let [https, plain, control] = [Reservation::new()?, Reservation::new()?, Reservation::new()?];
        let settings = json!({
            "port": https.port(),
            "plain": plain.port(),
            "control": control.port(),
            "cert": certs.good.cert,
            "key": certs.good.key,
            "ca": certs.ca_file(),
            "token_life_s": builder.token_life_s,
            "address_in_id_token": builder.address_in_id_token,
            "clients": clients(),
        });
        let file = folder.path().join("settings.json");
        fs::write(&file, settings.to_string())?;
        let node = programs::require("node", "nodejs")?;
        let log = folder.path().join("log");
        let words = [OsStr::new("-c"), OsStr::new(r#"exec "$1" "$2" "$3" >"$4" 2>&1"#), OsStr::new("oidc")];
        let files = [node.as_os_str(), script.as_os_str(), file.as_os_str(), log.as_os_str()];
        let running = Leash::start(folder.path(), OsStr::new("/bin/sh"), &[&words[..], &files].concat())?;
        let server = Self { _running: running, certs, https, plain, control, folder };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&self) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        while Instant::now() < deadline {
            if self.ask("/ready", &[]).is_ok() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!("the authorization server did not answer within {START_LIMIT:?}: {}", self.log())
    }

    /// The server's own name for itself.
    pub fn issuer(&self) -> String {
        format!("https://localhost:{}", self.https.port())
    }

    /// The authorization endpoint.
    pub fn auth_url(&self) -> String {
        self.issuer() + "/auth"
    }

    /// The token endpoint.
    pub fn token_url(&self) -> String {
        self.issuer() + "/token"
    }

    /// The device authorization endpoint (RFC 8628).
    pub fn device_url(&self) -> String {
        self.issuer() + "/device/auth"
    }

    /// The revocation endpoint (RFC 7009).
    pub fn revocation_url(&self) -> String {
        self.issuer() + "/token/revocation"
    }

    /// The UserInfo endpoint.
    pub fn userinfo_url(&self) -> String {
        self.issuer() + "/me"
    }

    /// The introspection endpoint (RFC 7662) without TLS, as [`INTROSPECTOR`] asks it by HTTP Basic. It answers with the address as `sub`.
    pub fn introspection_url(&self) -> String {
        format!("http://127.0.0.1:{}/token/introspection", self.plain.port())
    }

    /// Lines for [`crate::dovecot::Builder::extra`] by which a Dovecot takes this server's access tokens (OAUTHBEARER and XOAUTH2), and asks it
    /// whose they are. A token of another user is refused there, and one that was revoked. To be started before that Dovecot and dropped
    /// after it.
    ///
    /// # Errors
    /// Where the file of settings cannot be written.
    pub fn for_dovecot(&self) -> Result<String> {
        let file = self.folder.path().join("dovecot-oauth2.conf.ext");
        let (name, password) = INTROSPECTOR;
        let port = self.plain.port();
        fs::write(
            &file,
            format!(
                "introspection_mode = post\n\
                 introspection_url = http://{name}:{password}@127.0.0.1:{port}/token/introspection\n\
                 username_attribute = sub\nusername_format = %u\nactive_attribute = active\nactive_value = true\n"
            ),
        )?;
        Ok(format!(
            "auth_mechanisms = plain login xoauth2 oauthbearer\n\
             passdb {{\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = {}\n}}\n",
            file.display()
        ))
    }

    /// The certificate of the authority that vouches for the server, as a PEM file.
    pub fn ca_file(&self) -> PathBuf {
        self.certs.ca_file()
    }

    /// Lets the person with that address open a link and consent to all that is asked for; answers where the browser was sent in the
    /// end.
    ///
    /// # Errors
    /// Where it was sent nowhere else; the message carries the last page.
    pub fn consent(&self, url: &str, address: &str) -> Result<String> {
        self.visited(url, &[("url", url), ("as", address)])
    }

    /// The same, and the person says no.
    ///
    /// # Errors
    /// As [`consent`](Self::consent).
    pub fn refuse(&self, url: &str, address: &str) -> Result<String> {
        self.visited(url, &[("url", url), ("as", address), ("deny", "1")])
    }

    fn visited(&self, url: &str, asked: &[(&str, &str)]) -> Result<String> {
        let answer = self.ask("/visit", asked)?;
        match answer.get("location").and_then(Value::as_str) {
            Some(location) => Ok(location.to_owned()),
            None => bail!("the browser stayed at {url}: {answer}"),
        }
    }

    /// Lets the person open a device's page with its code in it, and consent or say no.
    ///
    /// # Errors
    /// Where a page is not as expected.
    pub fn at_device_page(&self, page_with_code: &str, address: &str, consents: bool) -> Result<()> {
        let mut asked = vec![("url", page_with_code), ("as", address)];
        if !consents {
            asked.push(("deny", "1"));
        }
        let answer = self.ask("/visit", &asked)?;
        let last = answer.get("text").and_then(Value::as_str).unwrap_or_default();
        let expected = if consents { "Sign-in Success" } else { "was interrupted" };
        match last.contains(expected) {
            true => Ok(()),
            false => bail!("the device page ended with {answer}"),
        }
    }

    /// Forgets every consent of that person, as an administrator does.
    ///
    /// # Errors
    /// Where there was none.
    pub fn revoke(&self, address: &str) -> Result<()> {
        let answer = self.ask("/revoke", &[("as", address)])?;
        match answer.get("revoked").and_then(Value::as_u64) {
            Some(0) | None => bail!("nothing of {address} was there to be revoked: {answer}"),
            Some(_) => Ok(()),
        }
    }

    /// How often each grant type came to the token endpoint.
    ///
    /// # Errors
    /// Where the server does not answer.
    pub fn counts(&self) -> Result<BTreeMap<String, u64>> {
        Ok(serde_json::from_value(self.ask("/counts", &[])?)?)
    }

    /// What the server wrote.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn ask(&self, path: &str, asked: &[(&str, &str)]) -> Result<Value> {
        let query: Vec<String> =
            asked.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let mut wire = TcpStream::connect(self.control.address())?;
        wire.set_read_timeout(Some(START_LIMIT))?;
        write!(wire, "GET {path}?{} HTTP/1.0\r\n\r\n", query.join("&"))?;
        let mut answer = String::new();
        wire.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        if !head.starts_with("HTTP/1.1 200") {
            bail!("{path}: {body}");
        }
        serde_json::from_str(body).with_context(|| format!("{path}: {body}"))
    }
}

fn clients() -> Value {
    let common = json!({
        "application_type": "native",
        "redirect_uris": ["http://127.0.0.1/", "http://localhost/"],
        "response_types": ["code"],
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
    });
    let with = |more: Value| {
        let mut client = common.clone();
        if let (Some(client), Value::Object(more)) = (client.as_object_mut(), more) {
            client.extend(more);
        }
        client
    };
    json!([
        with(json!({ "client_id": PUBLIC_CLIENT, "token_endpoint_auth_method": "none" })),
        with(json!({
            "client_id": SECRET_CLIENT.0,
            "client_secret": SECRET_CLIENT.1,
            "token_endpoint_auth_method": "client_secret_basic",
        })),
        {
            "client_id": INTROSPECTOR.0,
            "client_secret": INTROSPECTOR.1,
            "redirect_uris": [],
            "response_types": [],
            "grant_types": [],
        },
    ])
}

/// Percent-encoded for a query.
fn escaped(text: &str) -> String {
    let keep = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
    text.bytes()
        .map(|octet| if keep(octet) { (octet as char).to_string() } else { format!("%{octet:02X}") })
        .collect()
}

/// Installs the packages where they are not, and answers the script beside them. One process at a time.
fn install() -> Result<PathBuf> {
    let folder = programs::target_directory()?.join("oidc-provider");
    fs::create_dir_all(&folder)?;
    let guard = File::create(folder.join("lock"))?;
    guard.lock()?;
    let script = folder.join("server.mjs");
    put(&script, SERVER)?;
    let done = folder.join("installed");
    if fs::read_to_string(&done).is_ok_and(|lock| lock == LOCK) {
        return Ok(script);
    }
    put(&folder.join("package.json"), MANIFEST)?;
    put(&folder.join("package-lock.json"), LOCK)?;
    let npm = programs::require("npm", "npm")?;
    let output = Command::new(npm)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"])
        .current_dir(&folder)
        .output()
        .context("cannot run npm")?;
    if !output.status.success() {
        bail!("npm ci failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    put(&done, LOCK)?;
    Ok(script)
}

/// Writes a file that another server may be reading: it is there as before, or whole.
fn put(file: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(file).is_ok_and(|before| before == text) {
        return Ok(());
    }
    let new = file.with_extension("new");
    fs::write(&new, text)?;
    fs::rename(new, file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_pinned_by_content_and_come_from_wherever_npm_is_told() {
        let lock: Value = serde_json::from_str(LOCK).unwrap();
        let packages = lock["packages"].as_object().unwrap();
        assert!(packages.len() > 50);
        for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
            assert!(package["integrity"].is_string(), "{name}");
            assert!(package.get("resolved").is_none(), "{name}");
        }
    }
}
