//! What is added by command, and how runs went.

use postrider_model::{AccountStatus, RunId, Timestamp};
use postrider_store::{RunRow, Secret};

use crate::fixture::Fixture;

fn pair(name: &str, text: &str) -> (String, String) {
    (name.to_owned(), text.to_owned())
}

#[test]
fn accounts_and_providers_are_kept_as_text() {
    let mut f = Fixture::new();
    f.tx(|tx| {
        tx.add_stored_account("b", "x = 3", false)?;
        tx.add_stored_account("a", "x = 2", false)?;
        tx.put_stored_provider("p", "type = \"exchange\"")?;
        tx.put_stored_provider("p", "type = \"imap\"")
    });
    assert_eq!(f.reader().stored_accounts().unwrap(), [pair("a", "x = 2"), pair("b", "x = 3")]);
    assert_eq!(f.reader().stored_providers().unwrap(), [pair("p", "type = \"imap\"")]);
    let before = f.writer.commits();
    f.tx(|tx| tx.put_stored_provider("p", "type = \"imap\""));
    assert_eq!(f.writer.commits(), before);
    assert!(f.tx(|tx| tx.delete_stored_account("b")) && !f.tx(|tx| tx.delete_stored_account("b")));
    assert!(f.tx(|tx| tx.delete_stored_provider("p")));
    assert_eq!(f.tx(|tx| tx.stored_accounts()), [pair("a", "x = 2")]);
    assert!(f.tx(|tx| tx.stored_providers()).is_empty());
}

#[test]
fn a_name_is_given_once_and_what_changed_meanwhile_is_not_replaced() {
    let mut f = Fixture::new();
    assert!(f.tx(|tx| tx.add_stored_account("a", "x = 1", true)));
    assert!(!f.tx(|tx| tx.add_stored_account("a", "x = 2", false)));
    f.tx(|tx| tx.ensure_account("left", "left@example.com"));
    assert!(!f.tx(|tx| tx.add_stored_account("left", "x = 3", true)));
    assert!(f.tx(|tx| tx.add_stored_account("left", "x = 3", false)));
    assert!(f.tx(|tx| tx.replace_stored_account("a", "x = 1", "x = 4")));
    assert!(!f.tx(|tx| tx.replace_stored_account("a", "x = 1", "x = 5")));
    assert!(!f.tx(|tx| tx.replace_stored_account("c", "", "x = 5")));
    assert!(f.tx(|tx| tx.is_stored_account("a", "x = 4")) && !f.tx(|tx| tx.is_stored_account("a", "x = 1")));
    assert_eq!(f.reader().stored_accounts().unwrap(), [pair("a", "x = 4"), pair("left", "x = 3")]);
}

#[test]
fn a_users_domain_comes_before_everybodys() {
    let mut f = Fixture::new();
    f.tx(|tx| {
        tx.put_domain("x.test", None, "one")?;
        tx.put_domain("x.test", Some("anna"), "two")?;
        tx.put_domain("x.test", Some("anna"), "three")
    });
    let ask = |f: &mut Fixture, user: &str| f.tx(|tx| tx.domain_provider("x.test", user));
    assert_eq!(ask(&mut f, "anna").as_deref(), Some("three"));
    assert_eq!(ask(&mut f, "ben").as_deref(), Some("one"));
    assert!(f.tx(|tx| tx.delete_domain("x.test", None)));
    assert_eq!((ask(&mut f, "ben"), f.reader().domain_provider("y.test", "anna").unwrap()), (None, None));
    assert!(!f.tx(|tx| tx.delete_domain("x.test", None)));
}

#[test]
fn secrets_are_replaced_and_erased_and_never_printed() {
    let mut f = Fixture::new();
    let secret = |field: &str, byte: u8| Secret {
        account: "work".to_owned(),
        field: field.to_owned(),
        key_id: "k1".to_owned(),
        sealed: vec![byte; 40],
        given_for: Some("anna at imap.example.test".to_owned()),
    };
    f.tx(|tx| {
        tx.put_secret(&secret("password", 1))?;
        tx.put_secret(&secret("token", 2))?;
        tx.put_secret(&secret("password", 3))
    });
    assert_eq!(f.reader().secret("work", "password").unwrap(), Some(secret("password", 3)));
    assert!(!format!("{:?}", secret("password", 113)).contains("113"));
    assert_eq!(f.tx(|tx| tx.delete_secrets("work", Some("password"))), 1);
    assert_eq!(f.tx(|tx| tx.secret("work", "password")), None);
    assert_eq!(f.tx(|tx| tx.delete_secrets("work", None)), 1);
    assert_eq!(f.tx(|tx| tx.delete_secrets("work", None)), 0);
}

#[test]
fn the_last_run_of_each_account_is_known() {
    let mut f = Fixture::new();
    let account = f.account;
    let run = |id, second| {
        let at = Timestamp::from_seconds(second);
        RunRow::new(account, RunId(id), at, at, AccountStatus::Ok.name())
    };
    let last = RunRow { error: Some("{}".to_owned()), next: Some(Timestamp(9)), ..run(0xab, 2) };
    f.tx(|tx| {
        tx.record_run(&run(1, 1))?;
        tx.record_run(&last)
    });
    assert_eq!(f.reader().runs().unwrap(), std::slice::from_ref(&last));
    assert_eq!((f.tx(|tx| tx.runs()), last.run.as_str()), (vec![last.clone()], "00000000000000ab"));
}

#[test]
fn an_account_keeps_its_id_when_its_address_changes() {
    let mut f = Fixture::new();
    let id = f.tx(|tx| tx.ensure_account("work", "new@example.test"));
    assert_eq!((id, f.reader().accounts().unwrap()[0].address.as_str()), (f.account, "new@example.test"));
}
