//! What a command writes is what the reader of files understands.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::config::{Config, LoadContext};

fn config() -> Config {
    let context = LoadContext { owner_uid: 0, home: None, default_store: "/var/lib/postrider".into() };
    Config::load(Path::new("/nonexistent/postrider"), &context)
}

#[test]
fn an_account_says_no_more_than_the_command_did() {
    let draft = AccountDraft { address: "a@b.c".into(), ..AccountDraft::default() };
    assert_eq!(draft.to_toml(), "address = \"a@b.c\"\n");
}

#[test]
fn an_account_is_written_in_the_form_of_its_file() {
    let draft = AccountDraft {
        address: "e.mirny@example.com".into(),
        provider: Some("example".into()),
        password: Some(SecretSource::Command(vec!["pass".into(), "mail/work".into()])),
        period: Some(Period::Months(3)),
        folders: Some(Choice::Listed(vec!["INBOX".into(), "Projects/2026".into()])),
        ..AccountDraft::default()
    };
    assert_eq!(
        draft.to_toml(),
        "address = \"e.mirny@example.com\"\nprovider = \"example\"\n\n[credentials]\npassword_command = [\"pass\", \
         \"mail/work\"]\n\n[mail]\nfolders = [\"INBOX\", \"Projects/2026\"]\nperiod = \"3M\"\n"
    );
}

#[test]
fn a_provider_is_written_in_the_form_of_its_file() {
    let draft = ProviderDraft {
        kind: Some(ProviderKind::Imap),
        domains: vec!["example.com".into()],
        imap: Some(ServerDraft {
            host: "localhost".into(),
            port: Some(10_143),
            security: Some(Security::None),
        }),
        ..ProviderDraft::default()
    };
    assert_eq!(
        draft.to_toml(),
        "domains = [\"example.com\"]\ntype = \"imap\"\n\n[imap]\nhost = \"localhost\"\nport = 10143\nsecurity = \
         \"none\"\n"
    );
}

fn sources() -> impl Strategy<Value = SecretSource> {
    prop_oneof![
        Just(SecretSource::Stored),
        "/[ -~é\"\\\\]{1,20}".prop_map(|path| SecretSource::File(path.into())),
        proptest::collection::vec("[ -~é\n]{1,10}", 1..4).prop_map(SecretSource::Command),
        "[a-z.]{1,3}[a-z]".prop_map(SecretSource::SystemdCredential),
    ]
}

fn folder_choices() -> impl Strategy<Value = Choice> {
    prop_oneof![
        Just(Choice::All),
        proptest::collection::btree_set("[a-z\"\\\\'&é]{1,9}(/[a-z]{1,3})?", 1..4)
            .prop_map(|names| Choice::Listed(names.into_iter().collect())),
    ]
}

proptest! {
    #[test]
    fn an_account_reads_back(
        password in proptest::option::of(sources()),
        folders in proptest::option::of(folder_choices()),
        count in 1_u32..1_000,
        auto in proptest::option::of(any::<bool>()),
        alias in proptest::option::of("[A-Za-z\"'\\\\é]{1,20}"),
        signature in proptest::option::of("[A-Za-z\"'\\\\é\n\t -]{0,30}[a-z]\n?"),
        interval in proptest::option::of((1_u64..1_000_000).prop_map(Duration::from_secs)),
    ) {
        let draft = AccountDraft {
            address: "e.mirny@example.com".into(),
            user: Some("e.mirny".into()),
            login_name: Some("EXAMPLE\\mirny".into()),
            password,
            period: Some(Period::Days(count)),
            folders,
            auto,
            alias,
            default_sender: Some(true),
            signature,
            interval,
            ..AccountDraft::default()
        };
        let account = config().check_account("work", &draft.to_toml()).unwrap();
        let again = AccountDraft::of(&account);
        let read_again = config().check_account("work", &again.to_toml()).unwrap();
        prop_assert_eq!(Account { origin: account.origin.clone(), ..read_again }, account.clone());
        prop_assert_eq!(again.signature, draft.signature);
        prop_assert_eq!(again.interval, draft.interval);
        prop_assert_eq!(account.address, draft.address);
        prop_assert_eq!(account.user, draft.user);
        prop_assert_eq!(account.login_name, draft.login_name);
        prop_assert_eq!(account.password, draft.password);
        prop_assert_eq!(Some(account.mail.period), draft.period);
        prop_assert_eq!(account.mail.folders, draft.folders.unwrap_or_default());
        prop_assert_eq!(account.mail.auto, draft.auto.unwrap_or(true));
        prop_assert_eq!(account.mail.alias, draft.alias);
    }

    #[test]
    fn a_provider_reads_back(
        port in proptest::option::of(1024_u16..),
        security in proptest::option::of(proptest::sample::select(Security::ALL.to_vec())),
        login in proptest::option::of(proptest::sample::select(LoginKind::ALL.to_vec())),
        auth in proptest::sample::subsequence(AuthKind::ALL.to_vec(), 0..4),
        has_smtp in any::<bool>(),
    ) {
        let server = ServerDraft { host: "mail.example.com".into(), port, security };
        let draft = ProviderDraft {
            kind: Some(ProviderKind::Imap),
            domains: vec!["example.com".into()],
            login,
            auth,
            imap: Some(server.clone()),
            smtp: has_smtp.then_some(server),
            ca_file: Some("/etc/ssl/x.pem".into()),
            allow_plaintext: true,
        };
        let provider = config().check_provider("example", &draft.to_toml()).unwrap();
        prop_assert_eq!(provider.login, draft.login.unwrap_or(LoginKind::Email));
        prop_assert_eq!(provider.ca_file, draft.ca_file);
        prop_assert_eq!(provider.smtp.is_some(), has_smtp);
        let imap = provider.imap.unwrap();
        prop_assert_eq!(imap.security, security.unwrap_or(Security::Tls));
        prop_assert_eq!(imap.port, port.unwrap_or(MailProtocol::Imap.default_port(imap.security)));
        let auth = if draft.auth.is_empty() { vec![AuthKind::Basic] } else { draft.auth };
        prop_assert_eq!(provider.auth, auth);
    }
}
