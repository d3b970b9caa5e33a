//! Grants made by command: who may make them, what wins, and that they go with their account.

use postrider::config::{Grantee, MailboxGrant};
use postrider_model::ErrorClass;

use crate::{
    house::{House, caller},
    matrix::HOUSE,
};

const OPERATIONS: &str = "[[grant]]\nuser = \"holder\"\noperations = [\"connect-shared-mailbox\"]\n\
                          [[grant]]\nuser = \"configurer\"\noperations = [\"manage-shared-mailbox-sync\"]\n\
                          [[grant]]\nuser = \"stranger\"\noperations = [\"connect-shared-mailbox\", \"manage-shared-mailbox-sync\"]\n";

fn house() -> House {
    let house = House::new(&HOUSE);
    house.write("users.toml", &format!("{}{OPERATIONS}", HOUSE[0].1));
    house.account("team", Some("holder"));
    house
}

fn grant(user: &str, rights: &str) -> MailboxGrant {
    MailboxGrant {
        to: Grantee::User(user.to_owned()),
        read: rights.contains('r'),
        send: rights.contains('s'),
        configure: rights.contains('c'),
    }
}

/// What becomes of sharing `team`: `Ok`, or the class of the refusal.
fn share(house: &House, by: &str, grant: MailboxGrant) -> Result<Vec<String>, ErrorClass> {
    let mut service = house.service();
    let caller = caller(&service, by, true);
    service.share_account(&caller, "team", grant).map_err(|fault| fault.class)
}

#[test]
fn a_mailbox_is_made_shared_by_its_user_and_managed_by_whoever_may() {
    let house = house();
    let first = grant("configurer", "c");
    // The operation alone opens nobody's mailbox, and neither do other rights.
    assert_eq!(share(&house, "stranger", first.clone()), Err(ErrorClass::NotFound));
    assert_eq!(share(&house, "configurer", first.clone()), Err(ErrorClass::NotFound));
    assert_eq!(share(&house, "administrator", first.clone()), Err(ErrorClass::NotPermitted));
    assert_eq!(share(&house, "holder", first.clone()), Ok(vec!["user configurer: configure".to_owned()]));
    // Shared already, it wants the other operation.
    assert_eq!(share(&house, "holder", grant("reader", "r")), Err(ErrorClass::NotPermitted));
    let both = vec!["user configurer: configure".to_owned(), "user reader: read".to_owned()];
    assert_eq!(share(&house, "configurer", grant("reader", "r")), Ok(both));
    assert_eq!(share(&house, "stranger", grant("stranger", "r")), Err(ErrorClass::NotFound));
    let changed = vec!["user configurer: configure".to_owned(), "user reader: read, send".to_owned()];
    assert_eq!(share(&house, "configurer", grant("reader", "rs")), Ok(changed));
}

#[test]
fn a_grant_holds_at_once_and_is_taken_back() {
    let house = house();
    let id = house.fill("team", 1).live[0];
    let may_read = || {
        let service = house.service();
        service.message(&caller(&service, "reader", true), id).is_ok()
    };
    assert!(!may_read());
    assert!(share(&house, "owner", grant("reader", "r")).is_ok());
    assert!(may_read());
    let mut service = house.service();
    let owner = service.owner();
    let other = Grantee::Role("customer-service".to_owned());
    let nothing = service.unshare_account(&owner, "team", Some(&other)).unwrap_err();
    assert_eq!(
        nothing.message(),
        "cannot take back grants of account team: nothing is granted to role customer-service"
    );
    let reader = Grantee::User("reader".to_owned());
    assert_eq!(service.unshare_account(&owner, "team", Some(&reader)).unwrap(), Vec::<String>::new());
    assert!(!may_read());
}

#[test]
fn a_file_wins_and_is_changed_by_hand_alone() {
    let house = house();
    assert!(share(&house, "owner", grant("reader", "r")).is_ok());
    house.write(
        "shared-mailboxes.d/any.toml",
        "account = \"team\"\n[[grant]]\nuser = \"sender\"\nread = true\n",
    );
    let mut service = house.service();
    let owner = service.owner();
    assert_eq!(service.account(&owner, "team").unwrap().shared_with, ["user sender: read"]);
    let refused = service.share_account(&owner, "team", grant("reader", "r")).unwrap_err();
    assert_eq!(
        refused.message(),
        "cannot share account team: shared-mailboxes.d/any.toml says who may use it"
    );
    // Nobody knows what a wrong file of its name was to say: what was granted by command does not hold in its place.
    house.write(
        "shared-mailboxes.d/any.toml",
        "account = \"other\"\n[[grant]]\nuser = \"sender\"\nread = true\n",
    );
    house.write("shared-mailboxes.d/team.toml", "account = \n");
    let service = house.service();
    assert_eq!(service.account(&owner, "team").unwrap().shared_with, Vec::<String>::new());
}

#[test]
fn nothing_is_granted_to_whoever_is_not_known() {
    let house = house();
    let mut service = house.service();
    let owner = service.owner();
    let refused = service.share_account(&owner, "team", grant("reeder", "r")).unwrap_err();
    assert_eq!(refused.message(), "cannot share account team: users.toml declares no user reeder");
    assert_eq!(refused.hint.as_deref(), Some("did you mean `reader`?"));
}

#[tokio::test]
async fn grants_go_with_their_account() {
    let house = house();
    assert!(share(&house, "owner", grant("reader", "r")).is_ok());
    let mut service = house.service();
    let owner = service.owner();
    service.remove_account(&owner, "team").await.unwrap();
    house.account("team", Some("stranger"));
    let service = house.service();
    assert_eq!(service.account(&owner, "team").unwrap().shared_with, Vec::<String>::new());
}
