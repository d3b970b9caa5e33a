//! Accounts from texts: what is right, what follows from it, and the words for what is wrong.

use super::*;
use crate::config::{
    error::{ConfigError, OriginKind},
    reader::Source,
};

fn read(text: &str) -> Result<Account, Vec<ConfigError>> {
    let places = Places { folder: "/etc/postrider/accounts.d".into(), home: Some("/home/e".into()) };
    Source::read(OriginKind::File, "accounts.d/work.toml", text, |root| AccountBody::parse(root, &places))
        .map(|(body, origin)| body.into_account("work".into(), origin))
}

fn told(text: &str) -> Vec<String> {
    read(text).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn the_example_of_the_documentation_is_read() {
    let account = read(
        r#"
        address  = "e.mirny@example.com"
        user     = "e.mirny"
        provider = "example"
        login_name = "EXAMPLE\\mirny"
        [credentials]
        password_file = "/run/secrets/work"
        [mail]
        load = true
        send = true
        auto = true
        period  = "1w"
        folders = ["INBOX", "Projects/2026"]
        default_sender = true
        alias = "Evgeny Mirny"
        signature_file = "work.html"
        [contacts]
        auto = true
        import  = true
        export  = true
        folders = "all"
        types   = ["employee"]
        groups  = ["Staff"]
        deletions = "unlink"
        tag        = "sync-google"
        group_name = "Postrider"
        [activities]
        auto = true
        import_appointments = true
        import_tasks = true
        export    = true
        since     = "2026-01-01"
        calendars = "all"
        calendar  = "Calendar"
        task_lists = ["Tasks"]
        groups    = ["Sales"]
        [sync]
        interval = "5m"
        mail_interval = "1m"
        "#,
    )
    .unwrap();
    let mail = MailSettings {
        folders: Choice::Listed(vec!["INBOX".into(), "Projects/2026".into()]),
        default_sender: true,
        alias: Some("Evgeny Mirny".into()),
        signature_file: Some("/etc/postrider/accounts.d/work.html".into()),
        ..MailSettings::default()
    };
    let contacts = ContactSettings {
        auto: true,
        import: true,
        export: true,
        folders: Choice::All,
        types: Some(vec![ContactType::Employee]),
        groups: vec!["Staff".into()],
        deletions: Deletions::Unlink,
        tag: Some("sync-google".into()),
        group_name: "Postrider".into(),
    };
    let activities = ActivitySettings {
        auto: true,
        import_appointments: true,
        import_tasks: true,
        export: true,
        since: NaiveDate::from_ymd_opt(2026, 1, 1),
        calendars: Choice::All,
        calendar: Some("Calendar".into()),
        task_lists: Choice::Listed(vec!["Tasks".into()]),
        groups: Some(vec!["Sales".into()]),
    };
    let sync = SyncSettings {
        interval: Some(Duration::from_secs(300)),
        mail_interval: Some(Duration::from_secs(60)),
        ..SyncSettings::default()
    };
    let expected = Account {
        name: "work".into(),
        address: "e.mirny@example.com".into(),
        user: Some("e.mirny".into()),
        provider: Some("example".into()),
        login_name: Some("EXAMPLE\\mirny".into()),
        password: Some(SecretSource::File("/run/secrets/work".into())),
        mail,
        contacts: Some(contacts),
        activities: Some(activities),
        sync,
        origin: account.origin.clone(),
    };
    assert_eq!(account, expected);
    assert_eq!(account.origin.line("mail.period"), Some(12));
    assert_eq!(account.origin.line("mail"), Some(8));
}

#[test]
fn an_address_is_a_whole_account() {
    let account = read("address = \"a@B.c\"\n").unwrap();
    assert_eq!(account.address, "a@b.c");
    assert_eq!(account.mail, MailSettings::default());
    assert_eq!(account.mail.period, Period::Weeks(1));
    assert_eq!((account.contacts, account.activities, account.password), (None, None, None));
}

#[test]
fn a_wrong_value_is_told_with_its_line() {
    let head = "address = \"a@b.c\"\n";
    let table = [
        (
            "[mail]\nperiod = \"2 weeks\"\n",
            ":3: mail.period: found \"2 weeks\", expected one of 1d, 1w, 1M, 1y, all",
        ),
        ("[mail]\nperiod = 7\n", ":3: mail.period: found 7, expected one of 1d, 1w, 1M, 1y, all"),
        ("[mail]\nload = \"yes\"\n", ":3: mail.load: found \"yes\", expected true or false"),
        (
            "[mail]\nfolders = \"INBOX\"\n",
            ":3: mail.folders: found \"INBOX\", expected \"all\" or a list of full names such as [\"INBOX\", \
             \"Projects/2026\"]",
        ),
        (
            "[mail]\nfolders = [\"INBOX\", \"a/\"]\n",
            ":3: mail.folders: found \"a/\" in the list, expected \"all\" or a list of full names such as [\"INBOX\", \
             \"Projects/2026\"]",
        ),
        (
            "[mail]\nfolders = []\n",
            ":3: mail.folders: found an empty list, expected \"all\" or a list of full names such as [\"INBOX\", \
             \"Projects/2026\"]; for no mail at all load = false",
        ),
        (
            "[mail]\nsignature = \"\"\n",
            ":3: mail.signature: found \"\", expected a text of at most 16 KiB without control characters",
        ),
        (
            "[mail]\nsignature = \"Vera\"\nsignature_file = \"vera.txt\"\n",
            ":4: mail.signature_file: found a signature besides, expected one of signature, signature_file",
        ),
        ("mail = 1\n", ":2: mail: found 1, expected a table, written [mail]"),
        (
            "[activities]\nsince = 2026\n",
            ":3: activities.since: found 2026, expected a day such as \"2026-01-31\"",
        ),
        (
            "[sync]\ninterval = \"0s\"\n",
            ":3: sync.interval: found \"0s\", expected a number with s, m, h, d or w, at least 1s, such as 5m",
        ),
        (
            "[contacts]\ntypes = []\n",
            ":3: contacts.types: found an empty list, expected one of employee, customer",
        ),
        (
            "user = \"../x\"\n",
            ":2: user: found \"../x\", expected a name of at most 64 letters, digits and . _ - + @ that begins with a \
             letter or a digit",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(told(&format!("{head}{text}")), [format!("accounts.d/work.toml{expected}")], "{text}");
    }
}

#[test]
fn an_address_is_asked_for() {
    assert_eq!(
        told("user = \"a\"\n"),
        [
            "accounts.d/work.toml: address: found nothing, expected a mail address such as \"e.mirny@example.com\""
        ]
    );
    assert_eq!(
        told("address = \"a b\"\n"),
        [
            "accounts.d/work.toml:1: address: found \"a b\", expected a mail address such as \"e.mirny@example.com\""
        ]
    );
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let errors =
        read("adress = \"a@b.c\"\n[mail]\nperid = \"1w\"\n[mial]\n\"\\u001b[31m\" = 1\n").unwrap_err();
    let told: Vec<(String, Option<&str>)> =
        errors.iter().map(|error| (error.to_string(), error.hint.as_deref())).collect();
    let top = "address, user, provider, login_name, credentials, mail, contacts, activities, sync";
    let mail = "load, send, auto, period, folders, default_sender, alias, signature, signature_file";
    let expected = "a mail address such as \"e.mirny@example.com\"";
    assert_eq!(
        told,
        [
            (format!("accounts.d/work.toml: address: found nothing, expected {expected}"), None),
            (
                format!("accounts.d/work.toml:1: adress: found an unknown key, expected one of {top}"),
                Some("did you mean `address`?")
            ),
            (
                format!("accounts.d/work.toml:3: mail.perid: found an unknown key, expected one of {mail}"),
                Some("did you mean `period`?")
            ),
            (
                format!("accounts.d/work.toml:4: mial: found an unknown key, expected one of {top}"),
                Some("did you mean `mail`?")
            ),
        ]
    );
}

#[test]
fn what_is_not_toml_is_told_with_its_line_and_without_the_text() {
    let errors =
        read("address = \"a@b.c\"\n[credentials]\npassword_file = \"hunter2\nuser = \"x\"\n").unwrap_err();
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert!(told.iter().all(|error| !error.contains("hunter2")), "{told:?}");
    assert!(
        told.first()
            .is_some_and(|error| error.starts_with("accounts.d/work.toml:3: found text that is not TOML (")),
        "{told:?}"
    );
    let twice = read("address = \"a@b.c\"\naddress = \"a@b.c\"\n").unwrap_err();
    assert_eq!(twice.first().and_then(|error| error.line), Some(2));
}

#[test]
fn credentials_have_one_source() {
    let table = [
        ("password_file = \"~/pw\"", SecretSource::File("/home/e/pw".into())),
        (
            "password_command = [\"pass\", \"mail/work\"]",
            SecretSource::Command(vec!["pass".into(), "mail/work".into()]),
        ),
        ("systemd_credential = \"work\"", SecretSource::SystemdCredential("work".into())),
        ("stored = true", SecretSource::Stored),
    ];
    for (text, expected) in table {
        let account = read(&format!("address = \"a@b.c\"\n[credentials]\n{text}\n")).unwrap();
        assert_eq!(account.password, Some(expected), "{text}");
    }
    assert_eq!(read("address = \"a@b.c\"\n[credentials]\nstored = false\n").unwrap().password, None);
}

#[test]
fn wrong_credentials_are_told_and_never_quoted() {
    let table = [
        (
            "password = \"hunter2\"",
            ":3: credentials.password: found a string, expected one of password_file, password_command, \
             systemd_credential, stored = true",
        ),
        (
            "password_command = \"echo hunter2\"",
            ":3: credentials.password_command: found a string, expected a list of the program and its arguments, such \
             as [\"pass\", \"mail/work\"], since no shell is run",
        ),
        (
            "password_command = []",
            ":3: credentials.password_command: found no program, expected a list of the program and its arguments, such \
             as [\"pass\", \"mail/work\"], since no shell is run",
        ),
        (
            "systemd_credential = \"hunter2/x\"",
            ":3: credentials.systemd_credential: found a string, expected the name of a systemd credential, without a \
             path",
        ),
        (
            "password_file = 12345",
            ":3: credentials.password_file: found a number, expected the path of a file",
        ),
        (
            "stored = true\npassword_file = \"/hunter2\"",
            ":2: credentials: found several of them, expected one of password_file, password_command, \
             systemd_credential, stored = true",
        ),
    ];
    for (text, expected) in table {
        let errors = told(&format!("address = \"a@b.c\"\n[credentials]\n{text}\n"));
        assert_eq!(errors, [format!("accounts.d/work.toml{expected}")], "{text}");
    }
}

#[test]
fn folders_are_compared_exactly_but_for_inbox() {
    let account =
        read("address = \"a@b.c\"\n[mail]\nfolders = [\"Inbox\", \"INBOX\", \"A\", \"A\"]\n").unwrap();
    assert_eq!(account.mail.folders.listed(), ["Inbox", "A"]);
    let table =
        [("INBOX", true), ("inbox", true), ("A", true), ("a", false), ("A/B", false), ("INBOX/A", false)];
    for (name, expected) in table {
        assert_eq!(account.mail.folders.includes(name), expected, "{name}");
        assert!(Choice::All.includes(name));
    }
}
