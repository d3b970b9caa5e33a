//! A person's home for one test: configuration, data and state below one temporary directory, and the
//! program run in it with nothing of the environment but PATH. Configuration: the files that the product
//! documents (`postrider.toml`, `providers.d/`, `accounts.d/`).

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use tempfile::TempDir;

/// A run that takes longer has hung.
const LIMIT: Duration = Duration::from_secs(600);

/// How a provider is reached.
#[derive(Debug, Clone)]
pub struct Provider {
    /// The domain whose addresses it serves.
    pub domain: String,
    /// The IMAP server; the host is written as `127.0.0.1`, for which certificates are made out.
    pub imap: SocketAddr,
    /// `tls`, `starttls` or `none`.
    pub security: &'static str,
    /// The authority that has signed the server's certificate.
    pub ca_file: Option<PathBuf>,
}

impl Provider {
    /// A provider of `example.com` without TLS.
    pub fn plain(imap: SocketAddr) -> Self {
        Self { domain: "example.com".into(), imap, security: "none", ca_file: None }
    }
}

/// An account at a provider.
#[derive(Debug, Clone)]
pub struct Account {
    /// The name of the provider's file.
    pub provider: String,
    /// The address, which is also the login.
    pub address: String,
    /// Its password; written to a file of its own.
    pub password: String,
    /// `[mail] period`.
    pub period: String,
    /// `[mail] folders`; empty: all.
    pub folders: Vec<String>,
}

impl Account {
    /// An account that takes all mail of all folders.
    pub fn all_mail(provider: &str, address: &str, password: &str) -> Self {
        Self {
            provider: provider.into(),
            address: address.into(),
            password: password.into(),
            period: "all".into(),
            folders: Vec::new(),
        }
    }
}

/// A home.
#[derive(Debug)]
pub struct Home {
    folder: TempDir,
}

impl Home {
    /// Makes an empty home, with a configuration folder that nobody else may read.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("postrider-home-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()?;
        let home = Self { folder };
        for name in ["accounts.d", "providers.d", "secrets"] {
            make_private(&home.config().join(name))?;
        }
        // Named, because the default differs between root and everybody else.
        let store = StoreTable { path: &home.store() };
        home.write_config("postrider.toml", &toml::to_string(&DaemonFile { store })?)?;
        Ok(home)
    }

    /// The home itself.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The configuration folder, `$XDG_CONFIG_HOME/postrider`.
    pub fn config(&self) -> PathBuf {
        self.path().join(".config/postrider")
    }

    /// The store's folder, as `postrider.toml` names it. The program makes it.
    pub fn store(&self) -> PathBuf {
        self.path().join(".local/share/postrider")
    }

    /// Writes a file of the configuration with mode 0600; `name` is relative to its folder.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write_config(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.config().join(name);
        if let Some(parent) = path.parent() {
            make_private(parent)?;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(path)
    }

    /// Writes `providers.d/NAME.toml`.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn provider(&self, name: &str, provider: &Provider) -> Result<()> {
        let imap = ServerTable { host: "127.0.0.1", port: provider.imap.port(), security: provider.security };
        let tls = provider.ca_file.as_deref().map(|ca_file| TlsTable { ca_file });
        let domains = [provider.domain.as_str()];
        let file = ProviderFile { r#type: "imap", domains, login: "email", auth: "basic", imap, tls };
        self.write_config(&format!("providers.d/{name}.toml"), &toml::to_string(&file)?).map(drop)
    }

    /// Writes `accounts.d/NAME.toml` and the file with its password.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn account(&self, name: &str, account: &Account) -> Result<()> {
        let password_file = self.write_config(&format!("secrets/{name}"), &account.password)?;
        let folders =
            if account.folders.is_empty() { Folders::All("all") } else { Folders::Named(&account.folders) };
        let file = AccountFile {
            address: &account.address,
            provider: &account.provider,
            credentials: CredentialsTable { password_file: &password_file },
            mail: MailTable { load: true, send: false, period: &account.period, folders },
        };
        self.write_config(&format!("accounts.d/{name}.toml"), &toml::to_string(&file)?).map(drop)
    }

    /// The environment in which the program runs, for people to copy.
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("HOME", self.path().to_path_buf()),
            ("XDG_CONFIG_HOME", self.path().join(".config")),
            ("XDG_DATA_HOME", self.path().join(".local/share")),
            ("XDG_STATE_HOME", self.path().join(".local/state")),
        ]
    }

    /// A command that would run `program`, which takes `--config`, in this home.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = self.bare_command(program);
        // Named, because root's default is the system's configuration.
        command.arg("--config").arg(self.config());
        command
    }

    /// A command that would run any program in this home.
    pub fn bare_command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.environment()).stdin(Stdio::null());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }

    /// Runs `program`, which takes `--config`, in this home to its end.
    ///
    /// # Errors
    /// Where it cannot be started, or has not ended after ten minutes; its own failure is in the output.
    pub fn run(&self, program: &Path, arguments: &[&str]) -> Result<Output> {
        let mut command = self.command(program);
        command.args(arguments);
        output_of(command)
    }

    /// As [`Self::run`], and returns standard output as text.
    ///
    /// # Errors
    /// As [`Self::run`], and where the program's exit code is not 0; the message carries what it said.
    pub fn succeed(&self, program: &Path, arguments: &[&str]) -> Result<String> {
        let output = self.run(program, arguments)?;
        if !output.status.success() {
            bail!(
                "postrider {} ended with {}: {}{}",
                arguments.join(" "),
                output.status,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        String::from_utf8(output.stdout).context("the output is no UTF-8")
    }
}

/// A folder, and what is missing above it, that nobody else may enter or write, whatever the umask is.
fn make_private(path: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot make {}", path.display()))
}

/// Runs a command to its end and returns what it wrote.
///
/// # Errors
/// Where it cannot be started, or has not ended after ten minutes.
pub fn output_of(mut command: Command) -> Result<Output> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let program = command.get_program().to_owned();
    let child = command.spawn().with_context(|| format!("cannot run {}", program.display()))?;
    output_within(child, LIMIT)
}

/// Waits for a process of ours, killing it after `limit`.
fn output_within(child: Child, limit: Duration) -> Result<Output> {
    let process = Pid::from_child(&child);
    let (done, waiting) = channel::<()>();
    let watch = thread::Builder::new().name("limit".into()).spawn(move || {
        let hung = waiting.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
        // Not yet waited for, so the id is still its own.
        hung && kill_process(process, Signal::KILL).is_ok()
    })?;
    let output = child.wait_with_output();
    drop(done);
    if watch.join().unwrap_or(false) {
        bail!("the program had not ended after {limit:?} and was killed");
    }
    output.context("cannot wait for the program")
}

#[derive(Serialize)]
struct DaemonFile<'a> {
    store: StoreTable<'a>,
}

#[derive(Serialize)]
struct StoreTable<'a> {
    path: &'a Path,
}

#[derive(Serialize)]
struct ProviderFile<'a> {
    r#type: &'static str,
    domains: [&'a str; 1],
    login: &'static str,
    auth: &'static str,
    imap: ServerTable,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<TlsTable<'a>>,
}

#[derive(Serialize)]
struct ServerTable {
    host: &'static str,
    port: u16,
    security: &'static str,
}

#[derive(Serialize)]
struct TlsTable<'a> {
    ca_file: &'a Path,
}

#[derive(Serialize)]
struct AccountFile<'a> {
    address: &'a str,
    provider: &'a str,
    credentials: CredentialsTable<'a>,
    mail: MailTable<'a>,
}

#[derive(Serialize)]
struct CredentialsTable<'a> {
    password_file: &'a Path,
}

#[derive(Serialize)]
struct MailTable<'a> {
    load: bool,
    send: bool,
    period: &'a str,
    folders: Folders<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Folders<'a> {
    All(&'static str),
    Named(&'a [String]),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_configured_as_documented_and_leaks_no_environment() {
        let home = Home::new().unwrap();
        let provider = Provider {
            security: "tls",
            ca_file: Some("/ca.pem".into()),
            ..Provider::plain(([127, 0, 0, 1], 993).into())
        };
        home.provider("here", &provider).unwrap();
        let account = Account {
            folders: vec!["A \"b\"".into()],
            ..Account::all_mail("here", "a@example.com", "secret")
        };
        home.account("work", &account).unwrap();
        let read = |name: &str| fs::read_to_string(home.config().join(name)).unwrap();
        let file: toml::Table = read("providers.d/here.toml").parse().unwrap();
        assert_eq!(file["imap"]["port"].as_integer(), Some(993));
        assert_eq!(file["tls"]["ca_file"].as_str(), Some("/ca.pem"));
        let file: toml::Table = read("accounts.d/work.toml").parse().unwrap();
        assert_eq!(file["mail"]["folders"][0].as_str(), Some("A \"b\""));
        assert_eq!(
            fs::read_to_string(file["credentials"]["password_file"].as_str().unwrap()).unwrap(),
            "secret"
        );
        assert!(read("postrider.toml").contains(home.store().to_str().unwrap()));
        let output = output_of(home.bare_command(Path::new("/usr/bin/env"))).unwrap();
        let environment = String::from_utf8(output.stdout).unwrap();
        assert_eq!(environment.lines().count(), 5, "{environment}");
    }

    #[test]
    fn the_program_is_told_its_configuration_and_its_failure_is_told() {
        let home = Home::new().unwrap();
        let said = home.succeed(Path::new("/bin/echo"), &["--sync-now"]).unwrap();
        assert_eq!(said, format!("--config {} --sync-now\n", home.config().display()));
        let message = home.succeed(Path::new("/bin/false"), &["status"]).unwrap_err().to_string();
        assert!(message.contains("postrider status ended with exit status: 1"), "{message}");
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let hanging = Command::new("/bin/sleep").arg("600").stdout(Stdio::piped()).spawn().unwrap();
        let message = output_within(hanging, Duration::from_millis(50)).unwrap_err().to_string();
        assert!(message.contains("had not ended"), "{message}");
    }
}
