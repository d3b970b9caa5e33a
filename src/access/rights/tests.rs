use super::*;
use crate::access::{Act, Verdict, sample};

#[test]
fn everybody_has_what_the_files_say() {
    let config = sample::whole();
    // Rights as the letters of read, send, configure, own, administer.
    let table = [
        ("reader", "support", "r"),
        ("sender", "support", "rs"),
        ("configurer", "support", "c"),
        ("holder", "support", "rsco"),
        ("administrator", "support", "a"),
        ("stranger", "support", ""),
        ("deputy", "support", ""),
        ("sender", "private", ""),
        ("holder", "private", ""),
        ("administrator", "private", "a"),
        // One user has several roles and grants, and rights add up.
        ("both", "support", "rsc"),
        // An account of the store's owner is nobody else's.
        ("holder", "owners", ""),
        // Of one whose file is wrong nobody knows whose it is; grants hold.
        ("holder", "wrong", ""),
        ("reader", "wrong", "r"),
        // A grant on an account that is not there gives nothing.
        ("reader", "gone", ""),
        ("administrator", "gone", ""),
    ];
    for (user, account, expected) in table {
        let rights = rights_on(&config, &sample::caller(&config, user), account);
        let letters = Right::ALL.into_iter().zip(["r", "s", "c", "o", "a"]);
        let letters: String =
            letters.filter(|(right, _)| rights.has(*right)).map(|(_, letter)| letter).collect();
        assert_eq!(letters, expected, "{user} on {account}");
    }
}

#[test]
fn the_owner_has_everything_even_of_what_is_in_no_file() {
    let config = sample::whole();
    let owner = sample::callers(&config).owner();
    for account in ["support", "private", "owners", "wrong", "gone"] {
        assert_eq!(rights_on(&config, &owner, account), Rights::ALL, "{account}");
    }
    assert!(Operation::ALL.into_iter().all(|operation| may(&config, &owner, operation)));
}

#[test]
fn operations_are_those_that_were_granted() {
    let config = sample::whole();
    let table = [
        ("administrator", [true, false, false, false]),
        ("deputy", [false, false, false, true]),
        ("holder", [false, true, true, false]),
        ("stranger", [false; 4]),
    ];
    for (user, expected) in table {
        let caller = sample::caller(&config, user);
        assert_eq!(Operation::ALL.map(|operation| may(&config, &caller, operation)), expected, "{user}");
    }
}

#[test]
fn what_one_acts_as_is_what_one_may() {
    let config = sample::whole();
    let deputy = sample::caller(&config, "deputy");
    let acting = sample::callers(&config).act_as(&deputy, "sender").unwrap();
    assert_eq!(
        rights_on(&config, &acting, "support"),
        rights_on(&config, &sample::caller(&config, "sender"), "support")
    );
    assert!(!may(&config, &acting, Operation::ActAs));
}

#[test]
fn no_right_at_all_never_allows_and_every_right_always_does() {
    let acts =
        [Act::SeeAccount, Act::ReadMail, Act::FlagMail, Act::PurgeMail, Act::SendMail, Act::SetAccount];
    for act in acts {
        assert_eq!(act.verdict(Rights::NONE), Verdict::Unseen, "{act:?}");
        assert_eq!(act.verdict(Rights::ALL), Verdict::Allowed, "{act:?}");
        assert_eq!(act.verdict(Rights::OWN), Verdict::Allowed, "{act:?}");
    }
}
