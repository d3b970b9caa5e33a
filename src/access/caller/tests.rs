use std::collections::BTreeMap;

use super::*;
use crate::access::sample;

/// The system's users by name; a name that is `broken` cannot be asked for.
struct System(BTreeMap<&'static str, u32>);

impl UnixUsers for System {
    fn uid_of(&self, name: &str) -> io::Result<Option<u32>> {
        match name {
            "broken" => Err(io::ErrorKind::TimedOut.into()),
            name => Ok(self.0.get(name).copied()),
        }
    }
}

const SYSTEM: [(&str, u32); 5] =
    [("usve", 1000), ("uanna", 1001), ("uboris", 1002), ("ualias", 1002), ("uadmin", 1004)];

fn callers(config: &Config) -> Callers<'_> {
    Callers { config, owner_uid: 1000, owner: "usve" }
}

#[test]
fn a_caller_is_whom_the_system_says() {
    let config = sample::config(
        r#"
        [[user]]
        name = "anna"
        unix_user = "uanna"
        [[user]]
        name = "boris"
        unix_user = "uboris"
        [[user]]
        name = "again"
        unix_user = "ualias"
        [[user]]
        name = "nobody"
        unix_user = "absent"
        [[user]]
        name = "by-token"
        "#,
    );
    let system = System(BTreeMap::from(SYSTEM));
    let known = |uid| callers(&config).of_uid(uid, &system).map(|caller| caller.to_string());
    assert_eq!(known(1001).unwrap(), "anna");
    assert_eq!(known(1000).unwrap(), "usve");
    // A uid that two names of the system share is two users' and therefore nobody's.
    let twice = known(1002).unwrap_err();
    assert_eq!(
        (twice.class, twice.message().as_str()),
        (ErrorClass::NotPermitted, "cannot let user id 1002 in: several users claim it: again, boris")
    );
    let strange = known(1003).unwrap_err();
    assert_eq!(
        (strange.class, strange.message().as_str()),
        (ErrorClass::NotPermitted, "cannot let user id 1003 in: it is no user's that is known here")
    );
}

#[test]
fn root_and_the_owner_have_everything_and_nobody_else_has() {
    let config = sample::config("[[user]]\nname = \"anna\"\nunix_user = \"uanna\"\n");
    let system = System(BTreeMap::from(SYSTEM));
    let of = |uid| callers(&config).of_uid(uid, &system).unwrap();
    assert!(of(0).has_everything() && of(1000).has_everything() && !of(1001).has_everything());
    assert_eq!((of(0).actor.as_str(), of(0).user.as_str()), ("root", "usve"));
}

#[test]
fn without_users_the_owner_is_alone() {
    let config = sample::without_users();
    let system = System(BTreeMap::from(SYSTEM));
    assert!(callers(&config).of_uid(1000, &system).unwrap().has_everything());
    assert!(callers(&config).of_uid(1001, &system).is_err());
    assert!(callers(&config).of_user("usve", "a token").unwrap().has_everything());
    assert!(callers(&config).of_user("anna", "a token").is_err());
}

#[test]
fn a_directory_of_users_that_does_not_answer_lets_nobody_in() {
    let config = sample::config(
        "[[user]]\nname = \"anna\"\nunix_user = \"uanna\"\n[[user]]\nname = \"b\"\nunix_user = \"broken\"\n",
    );
    let refused = callers(&config).of_uid(1001, &System(BTreeMap::from(SYSTEM))).unwrap_err();
    assert_eq!(refused.class, ErrorClass::Transient);
}

#[test]
fn a_name_of_the_owner_that_is_declared_for_another_gives_no_rights_of_the_owner() {
    let other = sample::config("[[user]]\nname = \"usve\"\nunix_user = \"uanna\"\n");
    assert!(!callers(&other).of_user("usve", "a token").unwrap().has_everything());
    let same = sample::config("[[user]]\nname = \"sven\"\nunix_user = \"usve\"\n");
    assert!(callers(&same).of_user("sven", "a token").unwrap().has_everything());
    assert!(callers(&same).of_user("usve", "a token").unwrap().has_everything());
}

#[test]
fn acting_as_another_wants_the_operation_and_gives_that_users_rights() {
    let config = sample::config(
        r#"
        [[user]]
        name = "anna"
        unix_user = "uanna"
        [[user]]
        name = "boris"
        unix_user = "uboris"
        [[grant]]
        user = "anna"
        operations = ["act-as"]
        "#,
    );
    let callers = callers(&config);
    let (anna, boris) =
        (callers.of_user("anna", "anna").unwrap(), callers.of_user("boris", "boris").unwrap());
    let acting = callers.act_as(&anna, "boris").unwrap();
    assert_eq!((acting.to_string().as_str(), acting.acts_as_another()), ("anna for boris", true));
    assert!(!acting.has_everything() && !acting.is_by_owner());
    assert_eq!(callers.act_as(&anna, "anna").unwrap(), anna);

    let refused = callers.act_as(&boris, "anna").unwrap_err();
    assert_eq!(refused.message(), "cannot act as anna: the operation act-as is not granted");
    // Of whoever may not, nobody learns who is known.
    let unknown = callers.act_as(&boris, "nobody").unwrap_err();
    assert_eq!(unknown.message(), "cannot act as nobody: the operation act-as is not granted");
    let owner = callers.act_as(&anna, "usve").unwrap_err();
    assert_eq!(owner.message(), "cannot act as usve: nobody but the store's owner has its rights");
    assert_eq!(owner.class, ErrorClass::NotPermitted);

    let by_owner = callers.act_as(&callers.owner(), "boris").unwrap();
    assert!(!by_owner.has_everything() && by_owner.is_by_owner());
    // In another's name one has their operations and not one's own.
    assert!(callers.act_as(&acting, "anna").is_err());
}
