//! Whatever is granted to whom: nobody sees a message of an account that they may not read, and what they may see is not crowded
//! out by what they may not (F7.4).

use std::{collections::BTreeSet, sync::OnceLock};

use postrider::service::{MailFilter, Reach};
use proptest::prelude::*;

use crate::{
    house::{House, WORD, caller},
    matrix::HOUSE,
};

/// Accounts with their users and how many messages each has.
const ACCOUNTS: [(&str, Option<&str>, u32); 4] = [
    ("first", Some("reader"), 3),
    ("second", Some("sender"), 7),
    ("third", Some("stranger"), 1),
    ("fourth", None, 5),
];
const USERS: [&str; 4] = ["reader", "sender", "stranger", "administrator"];

/// What is granted of one account: to each user nothing, `read`, `send`, `configure`.
type Grants = [[u8; 4]; 4];

fn toml(account: &str, grants: [u8; 4]) -> String {
    let mut text = format!("account = \"{account}\"\n");
    for (user, grant) in USERS.iter().zip(grants) {
        let right = ["", "read", "send", "configure"][usize::from(grant)];
        if !right.is_empty() {
            text.push_str(&format!("[[grant]]\nuser = \"{user}\"\n{right} = true\n"));
        }
    }
    // A file without a grant is wrong.
    text.push_str("[[grant]]\nuser = \"deputy\"\nconfigure = true\n");
    text
}

/// The accounts that a user may read, and those that are the user's own mailboxes.
fn model(grants: &Grants, user: usize) -> (BTreeSet<&'static str>, BTreeSet<&'static str>) {
    let (mut readable, mut own) = (BTreeSet::new(), BTreeSet::new());
    for ((name, whose, _), grants) in ACCOUNTS.iter().zip(grants) {
        let is_own = *whose == Some(USERS[user]);
        if is_own || matches!(grants[user], 1 | 2) {
            readable.insert(*name);
        }
        if is_own || grants[user] == 2 {
            own.insert(*name);
        }
    }
    (readable, own)
}

fn house() -> &'static std::sync::Mutex<House> {
    static HOUSE_OF_ALL: OnceLock<std::sync::Mutex<House>> = OnceLock::new();
    HOUSE_OF_ALL.get_or_init(|| {
        let house = House::new(&HOUSE);
        for (name, user, count) in ACCOUNTS {
            house.account(name, user);
            house.fill(name, count);
        }
        house.into()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn rights_come_before_limits(
        grants: [[u8; 4]; 4],
        user in 0_usize..4,
        limit in 1_u32..20,
        words in any::<bool>(),
        reach in prop_oneof![Just(Reach::Own), Just(Reach::Readable)],
        deleted in any::<bool>(),
        named in prop::option::of(0_usize..4),
    ) {
        let grants: Grants = grants.map(|of| of.map(|grant| grant % 4));
        let house = house().lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for ((name, ..), grants) in ACCOUNTS.iter().zip(grants) {
            house.write(&format!("shared-mailboxes.d/{name}.toml"), &toml(name, grants));
        }
        let service = house.service();
        let caller = caller(&service, USERS[user], true);
        let (readable, own) = model(&grants, user);
        let filter = MailFilter {
            query: if words { WORD.into() } else { String::new() },
            account: named.map(|at| ACCOUNTS[at].0.to_owned()),
            deleted,
            limit,
            reach,
            ..MailFilter::default()
        };
        let visible = match (named, reach) {
            (Some(at), _) => readable.iter().copied().filter(|name| *name == ACCOUNTS[at].0).collect(),
            (None, Reach::Readable) => readable.clone(),
            (None, Reach::Own) => own,
        };
        let there: u32 = ACCOUNTS
            .iter()
            .filter(|(name, ..)| visible.contains(name))
            .map(|(.., count)| if deleted { 1 } else { *count })
            .sum();
        match service.mail(&caller, &filter) {
            Ok(found) => {
                let strange = found.rows.iter().find(|row| !visible.contains(row.account.as_str()));
                prop_assert!(strange.is_none(), "{:?}", strange);
                prop_assert_eq!(found.rows.len(), there.min(limit) as usize);
            }
            Err(fault) => prop_assert!(named.is_some() && visible.is_empty(), "{}", fault),
        }
        let folders: BTreeSet<String> =
            service.folders(&caller, None).unwrap().into_iter().map(|folder| folder.account).collect();
        prop_assert_eq!(folders, readable.into_iter().map(ToOwned::to_owned).collect::<BTreeSet<_>>());
    }
}
