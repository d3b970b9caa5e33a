//! The program run as a person runs it, and what it said; home, ports and other users' numbers stand by name.

use std::net::SocketAddr;
use std::path::Path;

use postrider_test_support::{
    Home,
    home::{Account, output_of},
};

pub(super) const PROGRAM: &str = env!("CARGO_BIN_EXE_postrider");
pub(super) const USER: &str = "anna@example.com";
pub(super) const PASSWORD: &str = "correct horse";

/// What a command said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) exit: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl Told {
    pub(super) fn new(exit: i32, out: &str, err: &str) -> Self {
        Self { exit: Some(exit), out: out.to_owned(), err: err.to_owned() }
    }
}

/// A home with the account `work`, whose server is at that address.
pub(super) fn home(at: SocketAddr, security: &str, ca_file: Option<&Path>) -> Home {
    let home = Home::new().unwrap();
    provider(&home, &at.ip().to_string(), at.port(), security, ca_file);
    home.account("work", &Account::all_mail("here", USER, PASSWORD)).unwrap();
    home
}

/// The provider `here`, as a person would write it.
pub(super) fn provider(home: &Home, host: &str, port: u16, security: &str, ca_file: Option<&Path>) {
    let tls = ca_file.map(|file| format!("[tls]\nca_file = \"{}\"\n", file.display())).unwrap_or_default();
    let text = format!(
        "type = \"imap\"\n[imap]\nhost = \"{host}\"\nport = {port}\nsecurity = \"{security}\"\n{tls}"
    );
    home.write_config("providers.d/here.toml", &text).unwrap();
}

/// Runs a command of the program to its end. `names` stand in what it said for what changes from run to run.
pub(super) fn tell(home: &Home, arguments: &[&str], names: &[(&str, &str)]) -> Told {
    let output = home.run(Path::new(PROGRAM), arguments).unwrap();
    Told {
        exit: output.status.code(),
        out: named(home, &output.stdout, names),
        err: named(home, &output.stderr, names),
    }
}

/// The same for any command.
pub(super) fn tell_of(home: &Home, command: std::process::Command, names: &[(&str, &str)]) -> Told {
    let output = output_of(command).unwrap();
    Told {
        exit: output.status.code(),
        out: named(home, &output.stdout, names),
        err: named(home, &output.stderr, names),
    }
}

fn named(home: &Home, bytes: &[u8], names: &[(&str, &str)]) -> String {
    let text = String::from_utf8(bytes.to_vec()).unwrap().replace(&home.path().display().to_string(), "HOME");
    names.iter().fold(text, |text, (found, name)| text.replace(found, name))
}
