//! What both sides say at one moment, for the [`Model`](super::model::Model): the store read by plain SQL, the servers by their own view.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use postrider_formats::vcard::Card;
use postrider_model::{CollectionKind, Contact};
use rusqlite::{Connection, OpenFlags};

use super::{
    home::{Account, Home, TAG},
    meetings::see,
    model::{Saying, Seen},
};

/// The contact group that is followed.
pub const GROUP: &str = "Postrider";

/// The fields that are written, which are all one group (F5.1).
pub const CONTENT: &str = "content";

/// A contact of the store.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its id.
    pub id: i64,
    /// Whose it is.
    pub owner: String,
    /// Whether everybody sees it.
    pub is_shown: bool,
    /// Whether it is deleted.
    pub is_deleted: bool,
    /// Who tagged it.
    pub tagged_by: BTreeSet<String>,
    /// What it says.
    pub contact: Contact,
}

impl Stored {
    /// Whether a user sees it.
    pub fn is_seen_by(&self, user: &str) -> bool {
        self.is_shown || self.owner == user
    }

    /// Whether it is deleted, and nobody brought it back in the meantime as another contact.
    pub fn is_lost_from(&self, all: &[Self]) -> bool {
        let is_same = |one: &Self| one.contact.display_name == self.contact.display_name;
        self.is_deleted && !all.iter().any(|one| !one.is_deleted && is_same(one))
    }

    fn belongs_to(&self, account: &Account) -> bool {
        self.is_seen_by(account.user) && (!account.by_group || self.tagged_by.contains(account.user))
    }
}

pub(super) fn open(home: &Home) -> Result<Option<Connection>> {
    let file = home.store().join("store.db");
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(if file.exists() { Some(Connection::open_with_flags(file, flags)?) } else { None })
}

/// All contacts of the store, in the order of their ids.
///
/// # Errors
/// What SQLite says, or a card that cannot be read.
pub fn stored(home: &Home) -> Result<Vec<Stored>> {
    let Some(conn) = open(home)? else { return Ok(Vec::new()) };
    let mut statement = conn.prepare(
        "SELECT r.id, r.owner, r.visibility, r.deleted_us IS NOT NULL, c.doc,
                (SELECT group_concat(l.owner) FROM record_label x JOIN label l ON l.id = x.label
                 WHERE x.record = r.id AND l.kind = 'tag' AND l.scope = 'personal' AND l.name = ?1)
         FROM contact c JOIN record r ON r.id = c.id ORDER BY r.id",
    )?;
    let mut rows = statement.query([TAG])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let (visibility, card, tagged): (String, String, Option<String>) =
            (row.get(2)?, row.get(4)?, row.get(5)?);
        let contact = Card::read(card.as_bytes()).context("read a card of the store")?.contact();
        let tagged_by = tagged.iter().flat_map(|names| names.split(',')).map(str::to_owned).collect();
        all.push(Stored {
            id: row.get(0)?,
            owner: row.get(1)?,
            is_shown: visibility == "all",
            is_deleted: row.get(3)?,
            tagged_by,
            contact,
        });
    }
    Ok(all)
}

fn says(contact: &Contact) -> BTreeMap<&'static str, String> {
    let Contact { job_title, nicknames, notes, .. } = contact;
    BTreeMap::from([(CONTENT, format!("{job_title:?} {nicknames:?} {notes:?}"))])
}

/// The contacts of an account that count: those of its group, or all.
pub fn followed(account: &Account) -> Vec<Contact> {
    let there = &account.there;
    let book = match account.by_group {
        true => there.collection(CollectionKind::AddressBook, GROUP),
        false => there.own_collection(CollectionKind::AddressBook),
    };
    book.map(|book| there.contacts(&book)).unwrap_or_default().into_iter().map(|one| one.contact).collect()
}

/// Both sides as they are now.
///
/// # Errors
/// What SQLite says.
pub fn seen(home: &Home) -> Result<Seen> {
    let mut seen = Seen { unheard: home.unheard.names(), ..Seen::default() };
    for one in stored(home)? {
        seen.kept += &format!("{:?}\n", one.contact);
        if !one.is_deleted {
            seen.names.push((None, one.contact.display_name.clone()));
            let belongs = home.accounts.iter().enumerate().filter(|(_, account)| one.belongs_to(account));
            seen.living.push(Saying {
                hand: None,
                name: one.contact.display_name.clone(),
                says: says(&one.contact),
                belongs: Some(belongs.map(|(number, _)| number).collect()),
            });
        }
    }
    for (number, account) in home.accounts.iter().enumerate() {
        for contact in followed(account) {
            seen.living.push(Saying {
                hand: Some(number),
                name: contact.display_name.clone(),
                says: says(&contact),
                belongs: None,
            });
        }
        let own = account.there.own_collection(CollectionKind::AddressBook).map_err(anyhow::Error::msg)?;
        for one in account.there.contacts(&own) {
            seen.kept += &format!("{:?}\n", one.contact);
            seen.names.push((Some(number), one.contact.display_name));
        }
    }
    see(home, &mut seen)?;
    if let Some(conn) = open(home)? {
        let mut statement = conn.prepare("SELECT snapshot, is_conflict FROM version")?;
        let versions =
            statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)))?;
        for version in versions {
            let (snapshot, is_conflict) = version?;
            seen.kept += &snapshot;
            if is_conflict {
                seen.superseded += &snapshot;
            }
        }
    }
    Ok(seen)
}
