//! Configurations for the tests of this module, read from files as any other.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use super::{Caller, Callers};
use crate::config::{Config, LoadContext};

/// One with that `users.toml`.
pub(super) fn config(users: &str) -> Config {
    loaded(&[("users.toml", users)])
}

/// One without users.
pub(super) fn without_users() -> Config {
    loaded(&[])
}

/// One of each kind of user, and accounts of all kinds.
pub(super) fn whole() -> Config {
    let named = ["reader", "sender", "configurer", "holder", "administrator", "deputy", "stranger"];
    let mut users: String = named.map(|name| format!("[[user]]\nname = \"{name}\"\n")).concat();
    users.push_str(
        r#"
        [[user]]
        name = "both"
        roles = ["senders", "keepers"]
        [[role]]
        name = "senders"
        [[role]]
        name = "keepers"
        [[grant]]
        user = "administrator"
        operations = ["administer"]
        [[grant]]
        user = "deputy"
        operations = ["act-as"]
        [[grant]]
        user = "holder"
        operations = ["connect-shared-mailbox", "manage-shared-mailbox-sync"]
        "#,
    );
    let account = |user: &str| format!("address = \"x@example.com\"\n{user}");
    loaded(&[
        ("users.toml", &users),
        ("accounts.d/support.toml", &account("user = \"holder\"")),
        ("accounts.d/private.toml", &account("user = \"stranger-to-all\"")),
        ("accounts.d/owners.toml", &account("")),
        ("accounts.d/wrong.toml", &account("user = \"holder\"\nperiod = 7")),
        (
            "shared-mailboxes.d/support.toml",
            r#"
            account = "support"
            [[grant]]
            user = "reader"
            read = true
            [[grant]]
            user = "sender"
            send = true
            [[grant]]
            user = "configurer"
            configure = true
            [[grant]]
            role = "senders"
            send = true
            [[grant]]
            role = "keepers"
            configure = true
            "#,
        ),
        (
            "shared-mailboxes.d/others.toml",
            "account = \"wrong\"\n[[grant]]\nuser = \"reader\"\nread = true\n",
        ),
        ("shared-mailboxes.d/gone.toml", "account = \"gone\"\n[[grant]]\nuser = \"reader\"\nread = true\n"),
    ])
}

/// Who makes callers of it.
pub(super) fn callers(config: &Config) -> Callers<'_> {
    Callers { config, owner_uid: 1000, owner: "usve" }
}

/// A user of it.
pub(super) fn caller(config: &Config, user: &str) -> Caller {
    callers(config).of_user(user, user).unwrap()
}

fn loaded(files: &[(&str, &str)]) -> Config {
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
    for (name, text) in files {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).unwrap();
        fs::write(path, text).unwrap();
    }
    let context = LoadContext {
        owner_uid: rustix::process::geteuid().as_raw(),
        home: None,
        default_store: home.path().join("store"),
    };
    let config = Config::load(home.path(), &context);
    assert_eq!(config.errors, [], "{files:?}");
    config
}
