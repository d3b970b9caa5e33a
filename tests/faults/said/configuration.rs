//! Wrong files: every error at once, with file, line, key, what was found and what is expected; and they stop nobody else.

use postrider_test_support::{Dovecot, home::Account};

use super::teller::{PASSWORD, Told, USER, home, provider, tell};

const WRONG: &str = "work: its configuration is wrong\n";

#[test]
fn a_wrong_account_file_is_told_whole_and_stops_only_its_own_account() {
    let server = Dovecot::builder().user(USER, PASSWORD).start().unwrap();
    let home = home(server.imap_addr(), "none", None);
    let wrong = "address = \"anna\"\nprovder = \"here\"\n\n[credentials]\npassword = \"hunter2\"\n\n[mail]\nperiod = \"2 weeks\"\nfolders = 7\n";
    home.write_config("accounts.d/home.toml", wrong).unwrap();
    let why = "cannot use accounts.d/home.toml: \
               line 1: address: found \"anna\", expected a mail address such as \"e.mirny@example.com\"; \
               line 2: provder: found an unknown key, expected one of address, user, provider, login_name, credentials, mail, \
               contacts, activities, sync; \
               line 5: credentials.password: found a string, expected one of password_file, password_command, \
               systemd_credential, stored = true; \
               line 8: mail.period: found \"2 weeks\", expected one of 1d, 1w, 1M, 1y, all; \
               line 9: mail.folders: found 7, expected \"all\" or a list of full names such as [\"INBOX\", \"Projects/2026\"]\n";
    let told = tell(&home, &["--sync-now", "home"], &[]);
    let err = format!("error: home: {why}hint: did you mean `provider`?\n");
    assert_eq!(told, Told::new(2, "home: its configuration is wrong\n", &err));
    assert_eq!(tell(&home, &["--sync-now", "-q"], &[]), Told::new(2, "", &err));
    assert_eq!(tell(&home, &["--sync-now", "work", "-q"], &[]), Told::new(0, "", ""));
    let out = format!(
        "ok: configuration: HOME/.config/postrider reads well\n\
         ok: store: HOME/.local/share/postrider is sound\n\
         error: account home: {why}  hint: did you mean `provider`?\n\
         ok: account work: its files are right and its password is there\n"
    );
    assert_eq!(tell(&home, &["doctor", "--offline"], &[]), Told::new(1, &out, ""));
}

#[test]
fn a_wrong_main_file_stops_everything() {
    let server = Dovecot::builder().user(USER, PASSWORD).start().unwrap();
    let home = home(server.imap_addr(), "none", None);
    home.write_config("postrider.toml", "[deamon]\ninterval = \"soon\"\n[store]\nkeep_deleted = 90\n")
        .unwrap();
    let told = Told::new(
        2,
        "",
        "error: cannot use postrider.toml: line 1: deamon: found an unknown key, expected one of daemon, store, api, log, \
         activities; line 4: store.keep_deleted: found 90, expected a number with s, m, h, d or w, such as 5m or 90d\n\
         hint: did you mean `daemon`?\n",
    );
    for command in [&["--sync-now"][..], &["mail", "list"], &["status"], &["account", "list"]] {
        assert_eq!(tell(&home, command, &[]), told, "{command:?}");
    }
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    let server = Dovecot::builder().user(USER, PASSWORD).start().unwrap();
    let home = home(server.imap_addr(), "none", None);
    home.write_config("accounts.d/work.toml", "address = \"anna@example.com\"\n[mail\nload = true\n")
        .unwrap();
    assert_eq!(
        tell(&home, &["--sync-now"], &[]),
        Told::new(
            2,
            WRONG,
            "error: work: cannot use accounts.d/work.toml: line 2: found text that is not TOML (unclosed table, expected `]`), \
             expected TOML 1.0 (https://toml.io)\n"
        )
    );
}

#[test]
fn names_that_nothing_has() {
    let server = Dovecot::builder().user(USER, PASSWORD).start().unwrap();
    let home = home(server.imap_addr(), "none", None);
    assert_eq!(
        tell(&home, &["--sync-now", "wrok"], &[]),
        Told::new(
            2,
            "",
            "error: cannot use HOME/.config/postrider/accounts.d: found no account \"wrok\", expected one of work\n\
             hint: did you mean `work`?\n"
        )
    );
    home.account("work", &Account::all_mail("heer", USER, PASSWORD)).unwrap();
    assert_eq!(
        tell(&home, &["--sync-now"], &[]),
        Told::new(
            2,
            WRONG,
            "error: work: cannot use accounts.d/work.toml: line 2: provider: found \"heer\", expected one of aol, fastmail, \
             gmail, here, icloud, mailru, microsoft365, outlook, yahoo, yandex, zoho\n\
             hint: did you mean `here`?\n"
        )
    );
    provider(&home, "127.0.0.1", 993, "ssl", None);
    home.account("work", &Account::all_mail("here", USER, PASSWORD)).unwrap();
    assert_eq!(
        tell(&home, &["--sync-now"], &[]),
        Told::new(
            2,
            WRONG,
            "error: work: cannot use providers.d/here.toml: line 5: imap.security: found \"ssl\", expected one of tls, starttls, \
             none\n"
        )
    );
}

#[test]
fn a_file_that_others_can_write_is_not_believed() {
    let server = Dovecot::builder().user(USER, PASSWORD).start().unwrap();
    let home = home(server.imap_addr(), "none", None);
    let file = home.config().join("accounts.d/work.toml");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    assert_eq!(
        tell(&home, &["--sync-now"], &[]),
        Told::new(
            2,
            WRONG,
            "error: work: cannot use accounts.d/work.toml: found mode 0666, expected a file that only its owner can write, \
             since commands and hosts come from it\n\
             hint: check its contents, then `chmod go-w HOME/.config/postrider/accounts.d/work.toml`\n"
        )
    );
}
