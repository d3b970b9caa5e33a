//! Accounts with their providers, without files: what the store adds goes the same way.

use std::path::Path;

use super::*;
use crate::config::{LoadContext, Security, error::OriginKind, reader::Source, users::Users};

const EXAMPLE: &str = "type = \"imap\"\ndomains = [\"example.com\"]\n[imap]\nhost = \"imap.example.com\"\n[smtp]\nhost = \
                       \"smtp.example.com\"\n";
const STORED: &str = "[credentials]\nstored = true\n";

fn config(providers: &[(&str, &str)], accounts: &[(&str, &str)]) -> Config {
    let context = LoadContext { owner_uid: 0, home: None, default_store: "/var/lib/postrider".into() };
    let mut config = Config::load(Path::new("/nonexistent/postrider"), &context);
    for (name, text) in providers {
        assert!(config.merge_stored_provider(name, text));
    }
    for (name, text) in accounts {
        assert!(config.merge_stored_account(name, text));
    }
    config
}

/// One account `work` at the example provider.
fn work(keys: &str) -> Config {
    let text = format!("address = \"e.mirny@example.com\"\n{keys}");
    config(&[("example", EXAMPLE)], &[("work", &text)])
}

fn told(config: &Config, name: &str) -> Vec<String> {
    config.ready(name).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn an_account_finds_its_provider_by_the_domain() {
    let ready = work(STORED).ready("work").unwrap();
    assert_eq!((ready.provider.as_str(), ready.login_name.as_str()), ("example", "e.mirny@example.com"));
    assert_eq!(ready.login, Login::Password(SecretSource::Stored));
    assert_eq!(ready.imap, Server { host: "imap.example.com".into(), port: 993, security: Security::Tls });
    assert!(ready.smtp.is_some());
    assert_eq!(ready.mail_interval, Duration::from_secs(300));
    assert_eq!(ready.warnings, []);
}

#[test]
fn an_interval_is_that_of_mail_or_of_the_account_or_of_the_daemon() {
    let table = [
        ("", 300),
        ("[sync]\ninterval = \"1m\"\n", 60),
        ("[sync]\ninterval = \"1m\"\nmail_interval = \"2m\"\n", 120),
        ("[sync]\ncontacts_interval = \"1m\"\n", 300),
    ];
    for (keys, seconds) in table {
        let ready = work(&format!("{STORED}{keys}")).ready("work").unwrap();
        assert_eq!(ready.mail_interval, Duration::from_secs(seconds), "{keys}");
    }
}

#[test]
fn servers_are_asked_alike_whatever_is_only_of_matter_here() {
    let before = work(STORED).ready("work").unwrap();
    let table = [
        ("[mail]\nalias = \"Anna\"\nsignature = \"Anna\"\nperiod = \"1y\"\nfolders = [\"INBOX\"]\n", true),
        ("[sync]\ninterval = \"1m\"\n", true),
        ("[mail]\nauto = false\n", false),
        ("[mail]\nload = false\n", false),
        ("[mail]\nsend = false\n", false),
    ];
    for (keys, expected) in table {
        let after = work(&format!("{STORED}{keys}")).ready("work").unwrap();
        assert_eq!(after.is_reached_like(&before), expected, "{keys}");
    }
    let elsewhere = EXAMPLE.replace("smtp.example.com", "smtp.example.net");
    let account = format!("address = \"e.mirny@example.com\"\n{STORED}");
    let after = config(&[("example", &elsewhere)], &[("work", &account)]).ready("work").unwrap();
    assert!(!after.is_reached_like(&before));
}

#[test]
fn the_login_is_what_the_provider_says() {
    let login = |login: &str, keys: &str| {
        let provider = format!("login = \"{login}\"\n{EXAMPLE}");
        let account = format!("address = \"e.mirny@example.com\"\n{keys}{STORED}");
        config(&[("example", &provider)], &[("work", &account)]).ready("work").map(|ready| ready.login_name)
    };
    assert_eq!(login("email", "").as_deref(), Ok("e.mirny@example.com"));
    assert_eq!(login("mailbox_name", "").as_deref(), Ok("e.mirny"));
    assert_eq!(login("manual", "login_name = 'EXAMPLE\\mirny'\n").as_deref(), Ok("EXAMPLE\\mirny"));
    let errors = login("manual", "").unwrap_err();
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "stored account work: login_name: found nothing, expected the name to log in with, since the provider example \
          says login = \"manual\""
        ]
    );
}

#[test]
fn an_unknown_domain_asks_for_a_provider() {
    let config = config(&[], &[("work", &format!("address = \"e@nowhere.example\"\n{STORED}"))]);
    let errors = config.ready("work").unwrap_err();
    assert_eq!(
        errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "stored account work: provider: found nothing, expected a provider, since the domain nowhere.example is of none \
          that is known"
        ]
    );
    assert_eq!(
        errors.first().and_then(|error| error.hint.as_deref()),
        Some(
            "name one by --provider or `provider = …`, or add nowhere.example to the domains of a file in providers.d"
        )
    );
}

#[test]
fn a_remembered_domain_names_a_provider() {
    let account = format!("address = \"e@nowhere.example\"\nuser = \"e\"\n{STORED}");
    let mut config = config(&[("example", EXAMPLE), ("other", EXAMPLE)], &[("work", &account)]);
    config.remember_domain("NOWHERE.example", None, "example");
    assert_eq!(config.ready("work").unwrap().provider, "example");
    config.remember_domain("nowhere.example", Some("e"), "other");
    assert_eq!(config.ready("work").unwrap().provider, "other");
    assert_eq!(config.providers_of_domain("nowhere.example", Some("f")), ["example"]);
    assert_eq!(config.providers_of_domain("gmail.com", None), ["gmail"]);
    config.remember_domain("owner.example", Some("root"), "other");
    assert!(config.merge_stored_account("mine", &format!("address = \"r@owner.example\"\n{STORED}")));
    assert!(config.ready("mine").is_err());
    config.set_owner("root");
    assert_eq!(config.ready("mine").unwrap().provider, "other");
    config.remember_domain("gmail.com", Some("e"), "other");
    assert_eq!(config.providers_of_domain("gmail.com", Some("e")), ["other"]);
    assert_eq!(config.providers_of_domain("gmail.com", None), ["gmail"]);
}

#[test]
fn a_domain_of_two_providers_asks_which() {
    let account = format!("address = \"e@example.com\"\n{STORED}");
    let config = config(&[("a", EXAMPLE), ("b", EXAMPLE)], &[("work", &account)]);
    assert_eq!(
        told(&config, "work"),
        [
            "stored account work: provider: found nothing, expected one of a, b, since the domain example.com is of them \
          all"
        ]
    );
}

#[test]
fn an_unknown_provider_names_the_nearest() {
    let account = format!("address = \"e@example.com\"\nprovider = \"exmaple\"\n{STORED}");
    let config = config(&[("example", EXAMPLE)], &[("work", &account)]);
    let errors = config.ready("work").unwrap_err();
    let error = errors.first().unwrap();
    assert_eq!(
        error.to_string(),
        "stored account work:2: provider: found \"exmaple\", expected one of aol, example, fastmail, gmail, icloud, \
         mailru, microsoft365, outlook, yahoo, yandex, zoho"
    );
    assert_eq!(error.hint.as_deref(), Some("did you mean `example`?"));
}

#[test]
fn an_unknown_account_names_the_nearest() {
    let error = work(STORED).ready("wrok").unwrap_err().remove(0);
    assert_eq!(
        error.to_string(),
        "/nonexistent/postrider/accounts.d: found no account \"wrok\", expected one of work"
    );
    assert_eq!(error.hint.as_deref(), Some("did you mean `work`?"));
    let none = config(&[], &[]).ready("work").unwrap_err().remove(0);
    assert_eq!(none.expected, "an account, and there is none yet");
    assert_eq!(none.hint.as_deref(), Some("`postrider account add` adds one"));
}

#[test]
fn what_is_wrong_with_the_provider_is_told_of_the_account() {
    let config = config(
        &[("example", "type = \"imap\"\n")],
        &[("work", &format!("address = \"e@example.com\"\nprovider = \"example\"\n{STORED}"))],
    );
    assert_eq!(
        told(&config, "work"),
        ["stored provider example: imap: found nothing, expected a table [imap] with the server's host"]
    );
}

#[test]
fn a_password_is_asked_for() {
    assert_eq!(
        told(&work(""), "work"),
        [
            "stored account work: credentials: found nothing, expected one of password_file, password_command, \
          systemd_credential, stored = true"
        ]
    );
    let gmail = config(&[], &[("work", "address = \"e@gmail.com\"\n")]);
    let hint = gmail.ready("work").unwrap_err().remove(0).hint.unwrap();
    assert!(hint.starts_with("Google takes an app password"), "{hint}");
    assert!(
        hint.ends_with("; to log in by OAuth 2.0 write `client_id` into providers.d/gmail.toml"),
        "{hint}"
    );
}

#[test]
fn an_account_without_a_password_logs_in_by_a_consent_where_there_is_a_client() {
    let provider = |auth: &str, more: &str| {
        format!(
            "type = \"imap\"\ndomains = [\"example.com\"]\nauth = {auth}\nauth_url = \"https://a.b/auth\"\n\
             token_url = \"https://a.b/token\"\n{more}[imap]\nhost = \"imap.example.com\"\n"
        )
    };
    let login = |auth: &str, more: &str, account: &str| {
        let account = format!("address = \"e.mirny@example.com\"\n{account}");
        let config = config(&[("example", &provider(auth, more))], &[("work", &account)]);
        let asks = config.asks_for_consent(config.account("work").unwrap());
        let by_consent = config.ready("work").map(|ready| matches!(ready.login, Login::Consent(_)));
        (asks, by_consent.map_err(|errors| errors[0].key.clone().unwrap().into_string()))
    };
    let client = "client_id = \"x\"\n";
    let table = [
        ("\"oauth2\"", client, "", true, Ok(true)),
        ("\"oauth2\"", client, STORED, false, Err("credentials")),
        ("\"oauth2\"", "", "", true, Err("client_id")),
        ("[\"basic\", \"oauth2\"]", client, "", true, Ok(true)),
        ("[\"basic\", \"oauth2\"]", client, STORED, false, Ok(false)),
        ("[\"oauth2\", \"basic\"]", "", "", false, Err("credentials")),
        ("\"basic\"", client, "", false, Err("credentials")),
        ("\"ntlm\"", client, "", false, Err("auth")),
    ];
    for (auth, more, account, asks, expected) in table {
        let expected = expected.map_err(str::to_owned);
        assert_eq!(login(auth, more, account), (asks, expected), "{auth} {more} {account}");
    }
}

#[test]
fn what_this_version_cannot_do_is_told_by_name() {
    let outlook = config(&[], &[("work", &format!("address = \"e@outlook.com\"\n{STORED}"))]);
    assert_eq!(
        told(&outlook, "work"),
        [
            "stored account work:2: credentials: found the table, expected no such table, since the provider outlook takes no \
             passwords"
        ]
    );
    let outlook = config(&[], &[("work", "address = \"e@outlook.com\"\n")]);
    let error = outlook.ready("work").unwrap_err().remove(0);
    assert_eq!(
        error.to_string(),
        "built-in provider outlook: client_id: found nothing, expected the id of a client that is registered with the provider, \
         since it logs in by OAuth 2.0 and none is shipped"
    );
    assert!(error.hint.unwrap().ends_with("and write `client_id` into providers.d/outlook.toml"));
    let exchange = config(
        &[("corp", "type = \"exchange\"\n")],
        &[("work", &format!("address = \"e@a.example\"\nprovider = \"corp\"\n{STORED}"))],
    );
    assert_eq!(
        told(&exchange, "work"),
        [
            "stored provider corp:1: type: found \"exchange\", expected imap or google, since this version does not reach \
          Exchange servers yet"
        ]
    );
    let gmail = config(
        &[],
        &[("work", &format!("address = \"e@gmail.com\"\n{STORED}[contacts]\ntag = \"x\"\n[activities]\n"))],
    );
    assert_eq!(
        told(&gmail, "work"),
        [
            "stored account work:4: contacts: found the table, expected it off (import and export = false), since this \
             version does not sync contacts yet",
            "stored account work:6: activities: found the table, expected it off (import_appointments, import_tasks and \
             export = false), since this version does not sync activities yet",
        ]
    );
    assert_eq!(
        told(&work(&format!("{STORED}[contacts]\n")), "work"),
        [
            "stored account work:4: contacts: found the table, expected no such table, since example is of type imap, which \
          has mail alone"
        ]
    );
    let off = "[contacts]\nimport = false\nexport = false\n";
    assert!(work(&format!("{STORED}{off}")).ready("work").is_ok());
}

#[test]
fn gmail_takes_an_app_password() {
    let ready =
        config(&[], &[("work", &format!("address = \"e@gmail.com\"\n{STORED}"))]).ready("work").unwrap();
    assert_eq!((ready.provider.as_str(), ready.imap.host.as_str()), ("gmail", "imap.gmail.com"));
}

#[test]
fn a_user_has_one_default_sender() {
    let account = |user: &str| {
        format!("address = \"e@example.com\"\nuser = \"{user}\"\n{STORED}[mail]\ndefault_sender = true\n")
    };
    let config =
        config(&[("example", EXAMPLE)], &[("a", &account("e")), ("b", &account("e")), ("c", &account("f"))]);
    assert!(config.ready("a").is_ok() && config.ready("c").is_ok());
    assert_eq!(
        told(&config, "b"),
        [
            "stored account b:6: mail.default_sender: found true, expected false, since account a is the user's default \
          sender already"
        ]
    );
}

#[test]
fn sending_needs_a_server_where_it_is_asked_for() {
    let provider = "type = \"imap\"\n[imap]\nhost = \"a.example\"\n";
    let account = |keys: &str| format!("address = \"e@a.example\"\nprovider = \"a\"\n{STORED}{keys}");
    let with = |keys: &str| config(&[("a", provider)], &[("work", &account(keys))]);
    assert_eq!(with("").ready("work").unwrap().smtp, None);
    assert_eq!(
        told(&with("[mail]\nsend = true\n"), "work"),
        ["stored account work:6: mail.send: found true, expected false, since the provider a has no [smtp]"]
    );
    assert_eq!(work(&format!("{STORED}[mail]\nsend = false\n")).ready("work").unwrap().smtp, None);
}

#[test]
fn a_user_is_one_that_is_declared() {
    let mut config = work(&format!("user = \"mirny\"\n{STORED}"));
    let warnings = config.ready("work").unwrap().warnings;
    assert_eq!(
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["stored account work:2: there is no users.toml, so the account is the store owner's"]
    );
    let text = "[[user]]\nname = \"e.mirny\"\n";
    let users = Source::read(OriginKind::File, "users.toml", text, |root| Some(Users::parse(root)));
    config.users = users.ok().map(|(users, _)| users);
    let error = config.ready("work").unwrap_err().remove(0);
    assert_eq!(
        error.to_string(),
        "stored account work:2: user: found \"mirny\", expected a user that users.toml declares"
    );
}

#[test]
fn mail_that_two_accounts_load_is_warned_of() {
    let account = format!("address = \"e@example.com\"\n{STORED}");
    let config = config(&[("example", EXAMPLE)], &[("a", &account), ("b", &account)]);
    assert_eq!(config.ready("a").unwrap().warnings, []);
    assert_eq!(
        config.ready("b").unwrap().warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["stored account b:1: account a loads the mail of e@example.com too"]
    );
}

#[test]
fn a_provider_in_use_names_its_accounts() {
    let by_name = format!("address = \"e@a.example\"\nprovider = \"example\"\n{STORED}");
    let by_domain = format!("address = \"e@example.com\"\n{STORED}");
    let other = format!("address = \"e@gmail.com\"\n{STORED}");
    let config = config(
        &[("example", EXAMPLE)],
        &[("a", &by_name), ("b", &by_domain), ("c", &other), ("d", "address = 1")],
    );
    assert_eq!(config.accounts_of_provider("example"), ["a", "b"]);
    assert_eq!(config.accounts_of_provider("zoho"), [] as [&str; 0]);
}

#[test]
fn a_provider_is_in_use_by_accounts_whose_domain_was_remembered_for_the_owner() {
    let account = format!("address = \"e@elsewhere.example\"\n{STORED}");
    let mut config = config(&[("example", EXAMPLE)], &[("a", &account)]);
    config.set_owner("vera");
    config.remember_domain("elsewhere.example", Some("vera"), "example");
    assert_eq!(config.accounts_of_provider("example"), ["a"]);
}
