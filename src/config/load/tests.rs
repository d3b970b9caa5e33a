//! Whole folders on a real file system.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use super::*;
use crate::config::provider::Security;

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        for made in [path.parent().unwrap(), self.0.path()] {
            fs::set_permissions(made, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(&path, text).unwrap();
        self.set_mode(name, 0o644);
    }

    fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.0.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn load(&self) -> Config {
        let owner_uid = rustix::process::geteuid().as_raw();
        let context = LoadContext { owner_uid, home: None, default_store: "/var/lib/postrider".into() };
        Config::load(self.0.path(), &context)
    }
}

fn told(errors: &[ConfigError]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

const IMAP: &str = "type = \"imap\"\ndomains = [\"example.com\"]\n[imap]\nhost = \"imap.example.com\"\n";

#[test]
fn an_absent_folder_is_an_empty_one() {
    let folder = Folder::with(&[]);
    fs::remove_dir(folder.0.path()).unwrap();
    let config = folder.load();
    assert_eq!((config.errors.as_slice(), config.accounts.len()), ([].as_slice(), 0));
    assert!(config.providers.contains_key("gmail"));
}

#[test]
fn every_file_of_the_folder_is_read() {
    let folder = Folder::with(&[
        ("postrider.toml", "[daemon]\ninterval = \"1h\"\n[store]\npath = \"mail\"\n"),
        ("users.toml", "[[user]]\nname = \"e\"\n"),
        ("providers.d/example.toml", IMAP),
        ("accounts.d/work.toml", "address = \"e@example.com\"\n"),
        ("shared-mailboxes.d/support.toml", "account = \"work\"\n[[grant]]\nuser = \"e\"\nread = true\n"),
    ]);
    let config = folder.load();
    assert_eq!(config.errors, []);
    assert_eq!(config.settings.daemon.interval, Duration::from_secs(3_600));
    assert_eq!(config.settings.store.path, folder.0.path().join("mail"));
    assert!(config.users.is_some_and(|users| users.users.contains_key("e")));
    let names = |kind: OriginKind| -> Vec<String> {
        let right = config.providers.values().filter_map(|provider| provider.as_ref().ok());
        right.filter(|provider| provider.origin.kind == kind).map(|provider| provider.name.clone()).collect()
    };
    assert_eq!(names(OriginKind::File), ["example"]);
    assert_eq!(names(OriginKind::BuiltIn).len(), 10);
    let account = config.accounts.get("work").unwrap().as_ref().unwrap();
    assert_eq!(account.origin.file, "accounts.d/work.toml");
    let mailbox = config.shared_mailboxes.get("support").unwrap().as_ref().unwrap();
    assert_eq!((mailbox.account.as_str(), mailbox.grants.len()), ("work", 1));
}

#[test]
fn a_wrong_file_stops_only_its_own_account() {
    let folder = Folder::with(&[
        ("accounts.d/home.toml", "address = \"e@example.com\"\n"),
        ("accounts.d/open.toml", "address = \"e@example.com\"\n"),
        ("accounts.d/-x.toml", "address = \"e@example.com\"\n"),
        ("accounts.d/work.toml", "address = \"e@example.com\"\n[mail]\nperiod = \"2 weeks\"\nfolder = []\n"),
    ]);
    folder.set_mode("accounts.d/open.toml", 0o666);
    let config = folder.load();
    assert_eq!(config.errors, []);
    assert!(config.accounts.get("home").is_some_and(Result::is_ok));
    let errors = |name: &str| told(config.accounts.get(name).unwrap().as_ref().unwrap_err());
    assert_eq!(
        errors("work"),
        [
            "accounts.d/work.toml:3: mail.period: found \"2 weeks\", expected one of 1d, 1w, 1M, 1y, all",
            "accounts.d/work.toml:4: mail.folder: found an unknown key, expected one of load, send, auto, period, \
             folders, default_sender, alias, signature, signature_file",
        ]
    );
    assert_eq!(
        errors("open"),
        [
            "accounts.d/open.toml: found mode 0666, expected a file that only its owner can write, since commands and \
          hosts come from it"
        ]
    );
    assert_eq!(
        errors("-x"),
        [
            "accounts.d/-x.toml: found the name \"-x\", expected a name of at most 64 letters, digits and . _ - + @ that \
          begins with a letter or a digit"
        ]
    );
}

#[test]
fn what_concerns_everyone_stops_everyone() {
    let folder = Folder::with(&[
        ("postrider.toml", "[deamon]\n"),
        ("users.toml", "[[user]]\n"),
        ("accounts.d/work.toml", "address = \"e@example.com\"\n"),
    ]);
    folder.set_mode("accounts.d", 0o777);
    let config = folder.load();
    assert_eq!(
        told(&config.errors),
        [
            "postrider.toml:1: deamon: found an unknown key, expected one of daemon, store, api, log, activities",
            "users.toml:1: user[1].name: found nothing, expected a name of at most 64 letters, digits and . _ - + @ \
             that begins with a letter or a digit",
            "accounts.d: found mode 0777, expected a folder that only its owner can write, since commands and hosts \
             come from it",
        ]
    );
    assert_eq!((config.accounts.len(), config.users), (0, None));
}

#[test]
fn a_folder_that_others_can_write_is_not_read_at_all() {
    let folder = Folder::with(&[("accounts.d/work.toml", "address = \"e@example.com\"\n")]);
    folder.set_mode("", 0o775);
    let config = folder.load();
    assert_eq!(config.accounts.len(), 0);
    let errors = told(&config.errors);
    assert_eq!(errors.len(), 1);
    let expected = format!("{}: found mode 0775, expected a folder", folder.0.path().display());
    assert!(errors.iter().all(|error| error.starts_with(&expected)), "{errors:?}");
}

#[test]
fn files_win_over_the_store_and_the_store_over_the_built_in_directory() {
    let folder = Folder::with(&[
        ("providers.d/example.toml", IMAP),
        ("accounts.d/work.toml", "address = \"file@example.com\"\n"),
    ]);
    let mut config = folder.load();
    let stored = "address = \"stored@example.com\"\n";
    assert!(!config.merge_stored_account("work", stored));
    assert!(config.merge_stored_account("home", stored));
    let address = |name: &str| config.accounts.get(name).unwrap().as_ref().unwrap().address.clone();
    assert_eq!((address("work"), address("home")), ("file@example.com".into(), "stored@example.com".into()));
    assert!(!config.merge_stored_provider("example", IMAP));
    assert!(config.merge_stored_provider("zoho", "[imap]\nhost = \"imap.zoho.eu\"\n"));
    let zoho = config.providers.get("zoho").unwrap().as_ref().unwrap();
    let imap = zoho.imap.as_ref().unwrap();
    assert_eq!((imap.host.as_str(), imap.port, imap.security), ("imap.zoho.eu", 993, Security::Tls));
    assert_eq!(zoho.domains, ["zoho.com", "zohomail.com"], "what was not said stays");
    assert_eq!(zoho.origin.kind, OriginKind::Stored);
}

#[test]
fn what_is_stored_and_wrong_is_told_by_name() {
    let mut config = Folder::with(&[]).load();
    assert!(config.merge_stored_account("work", "adress = 1\naddress = \"a@b.c\"\n"));
    let errors = config.accounts.get("work").unwrap().as_ref().unwrap_err();
    assert!(
        told(errors)
            .iter()
            .all(|error| error.starts_with("stored account work:1: adress: found an unknown key, ")),
        "{errors:?}"
    );
}

#[test]
fn a_wrong_file_of_a_provider_hides_the_built_in_one() {
    let config = Folder::with(&[("providers.d/gmail.toml", "client-id = \"x\"\n")]).load();
    let errors = config.providers.get("gmail").unwrap().as_ref().unwrap_err();
    let hints: Vec<Option<&str>> = errors.iter().map(|error| error.hint.as_deref()).collect();
    assert_eq!(hints, [Some("did you mean `client_id`?")]);
}
