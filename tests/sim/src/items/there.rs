//! What people do in their accounts, with other clients.

use anyhow::{Error, Result};
use postrider_model::{CollectionKind, Contact};
use postrider_remote::RemoteContact;

use super::{
    here::person,
    home::{Account, Home},
    model::Model,
    seen::{CONTENT, GROUP},
};
use crate::chance::Chance;

/// Says something else of somebody.
pub fn say(contact: &mut Contact, field: u64, word: &str) {
    match field {
        0 => contact.nicknames = vec![word.to_owned()],
        1 => contact.notes = vec![word.to_owned()],
        _ => contact.job_title = Some(word.to_owned()),
    }
}

/// The user of an account at another client of it.
pub struct There<'a> {
    /// Where.
    pub home: &'a Home,
    /// The account's number.
    pub number: usize,
    /// What they draw.
    pub chance: &'a mut Chance,
    /// What is known of what was written.
    pub model: &'a mut Model,
}

impl There<'_> {
    fn account(&self) -> &Account {
        &self.home.accounts[self.number]
    }

    fn note(&self, what: &str, of: &str) {
        self.home.trace.step(|| format!("{} there: {what} {of}", self.account().name));
    }

    /// Somebody does something.
    ///
    /// # Errors
    /// What the server refuses, which it should not.
    pub fn act(&mut self, next: &mut impl FnMut(&str) -> String) -> Result<()> {
        let there = self.account().there.clone();
        let own = there.own_collection(CollectionKind::AddressBook).map_err(Error::msg)?;
        let by_group = self.account().by_group;
        // Before the first run there is no group.
        let group = there.collection(CollectionKind::AddressBook, GROUP).ok().filter(|_| by_group);
        let book = group.clone().unwrap_or_else(|| own.clone());
        let all = there.contacts(&book);
        let mut strangers = there.contacts(&own);
        strangers.retain(|one| !all.iter().any(|other| other.key == one.key));
        let of = |one: &RemoteContact| one.contact.display_name.clone();
        match (self.chance.below(12), self.chance.pick(&all), group) {
            (0 | 1, ..) | (_, None, _) => {
                let (name, word) = (next("P"), next("W"));
                let contact = person(&name, &word);
                self.note(&word, &contact.display_name);
                self.model.writes(Some(self.number), &contact.display_name, CONTENT, &word);
                if by_group && book == own {
                    // Nobody sees it before it is in the group.
                    self.model.parts(Some(self.number), &contact.display_name);
                }
                there.add_contact(&book, &contact).map_err(Error::msg)?;
            }
            (2, Some(one), _) => {
                self.note("delete", &of(one));
                self.model.parts(Some(self.number), &of(one));
                there.delete_contact(&book, &one.key).map_err(Error::msg)?;
            }
            (3, Some(one), Some(group)) => {
                self.note("leave", &of(one));
                // It says still what it said, but nobody is told of it.
                self.model.parts(None, &of(one));
                there.leave(&group, &one.key).map_err(Error::msg)?;
            }
            (4, Some(_), Some(group)) => {
                if let Some(one) = self.chance.pick(&strangers) {
                    self.note("join", &of(one));
                    self.model.parts(None, &of(one));
                    there.join(&group, &one.key).map_err(Error::msg)?;
                }
            }
            (_, Some(one), _) => {
                let (word, field) = (next("W"), self.chance.below(3));
                self.note(&word, &of(one));
                self.model.writes(Some(self.number), &of(one), CONTENT, &word);
                there.change_contact(&book, &one.key, |it| say(it, field, &word)).map_err(Error::msg)?;
            }
        }
        Ok(())
    }
}
