//! What people do here, with the program's own commands.

use anyhow::Result;
use postrider::service::{ContactChanges, LabelName, Labelled, NewContact, Service};
use postrider_model::{Contact, ContactId, LabelKind, LabelScope, PersonName, Point, Visibility};

use super::{
    home::{Home, TAG, USERS, caller},
    model::Model,
    seen::{CONTENT, Stored, stored},
};
use crate::chance::Chance;

/// A person who is new, with one word said of them.
pub fn person(name: &str, word: &str) -> Contact {
    Contact {
        display_name: format!("{name} Known"),
        name: PersonName { given: name.to_owned(), family: "Known".to_owned(), ..PersonName::default() },
        emails: vec![Point { value: format!("{}@example.net", name.to_lowercase()), ..Point::default() }],
        job_title: Some(word.to_owned()),
        ..Contact::default()
    }
}

/// People at their work here.
pub struct Here<'a> {
    /// Where.
    pub home: &'a Home,
    /// The program.
    pub service: &'a mut Service,
    /// What they draw.
    pub chance: &'a mut Chance,
    /// What is known of what was written.
    pub model: &'a mut Model,
}

impl Here<'_> {
    /// Somebody does something.
    ///
    /// # Errors
    /// What the program refuses, which it should not.
    pub fn act(&mut self, next: &mut impl FnMut(&str) -> String) -> Result<()> {
        let user = USERS[self.chance.below(3) as usize];
        let all = stored(self.home)?;
        let seen: Vec<&Stored> = all.iter().filter(|one| !one.is_deleted && one.is_seen_by(user)).collect();
        let own_of = |is_deleted: bool| {
            let is_such = |one: &&Stored| if is_deleted { one.is_lost_from(&all) } else { !one.is_deleted };
            all.iter().filter(|one| one.owner == user).filter(is_such).collect::<Vec<_>>()
        };
        match self.chance.below(12) {
            0 | 1 => self.add(user, &next("P"), &next("W")),
            2 => match self.chance.pick(&seen) {
                Some(one) => self.tag(user, one, !one.tagged_by.contains(user)),
                None => Ok(()),
            },
            3 => match self.chance.pick(&own_of(false)) {
                Some(one) => self.delete(user, one),
                None => Ok(()),
            },
            4 => match self.chance.pick(&own_of(true)) {
                Some(one) => self.restore(user, one),
                None => Ok(()),
            },
            5 => match self.chance.pick(&own_of(false)) {
                Some(one) => self.show(user, one),
                None => Ok(()),
            },
            _ => match self.chance.pick(&seen) {
                Some(one) => self.edit(user, one, &next("W")),
                None => self.add(user, &next("P"), &next("W")),
            },
        }
    }

    fn note(&self, user: &str, what: &str, of: &str) {
        self.home.trace.step(|| format!("{user} here: {what} {of}"));
    }

    /// Adds a person; most are tagged at once.
    ///
    /// # Errors
    /// What the program says.
    pub fn add(&mut self, user: &str, name: &str, word: &str) -> Result<()> {
        let Contact { display_name, name, emails, job_title, .. } = person(name, word);
        self.note(user, word, &display_name);
        let shown = self.chance.percent(40);
        let fields = ContactChanges {
            display_name: Some(display_name.clone()),
            given: Some(name.given),
            family: Some(name.family),
            emails: Some(emails),
            job_title,
            visibility: shown.then_some(Visibility::All),
            ..ContactChanges::default()
        };
        let by = caller(self.service, user)?;
        let id = self.service.add_contact(&by, &NewContact { fields })?;
        self.model.writes(None, &display_name, CONTENT, word);
        if self.chance.percent(80) { self.put_tag(user, id, true) } else { Ok(()) }
    }

    fn put_tag(&mut self, user: &str, id: ContactId, on: bool) -> Result<()> {
        let label = LabelName { kind: LabelKind::Tag, name: TAG, scope: Some(LabelScope::Personal) };
        let by = caller(self.service, user)?;
        self.service.label_records(&by, &[Labelled::Contact(id)], label, on)?;
        Ok(())
    }

    fn tag(&mut self, user: &str, one: &Stored, on: bool) -> Result<()> {
        self.note(user, if on { "tag" } else { "untag" }, &one.contact.display_name);
        if !on {
            self.model.parts(None, &one.contact.display_name);
        }
        self.put_tag(user, ContactId(one.id), on)
    }

    fn delete(&mut self, user: &str, one: &Stored) -> Result<()> {
        self.note(user, "delete", &one.contact.display_name);
        self.model.parts(None, &one.contact.display_name);
        let by = caller(self.service, user)?;
        Ok(self.service.delete_contacts(&by, &[ContactId(one.id)])?)
    }

    fn restore(&mut self, user: &str, one: &Stored) -> Result<()> {
        self.note(user, "restore", &one.contact.display_name);
        let by = caller(self.service, user)?;
        Ok(self.service.restore_contacts(&by, &[ContactId(one.id)])?)
    }

    fn show(&mut self, user: &str, one: &Stored) -> Result<()> {
        let to = if one.is_shown { Visibility::Private } else { Visibility::All };
        self.note(user, if one.is_shown { "hide" } else { "show" }, &one.contact.display_name);
        if one.is_shown {
            self.model.parts(None, &one.contact.display_name);
        }
        let changes = ContactChanges { visibility: Some(to), ..ContactChanges::default() };
        let by = caller(self.service, user)?;
        self.service.edit_contact(&by, ContactId(one.id), &changes, None)?;
        Ok(())
    }

    /// Says something else of somebody.
    ///
    /// # Errors
    /// What the program says.
    pub fn edit(&mut self, user: &str, one: &Stored, word: &str) -> Result<()> {
        self.note(user, word, &one.contact.display_name);
        let word_of = || Some(word.to_owned());
        let changes = match self.chance.below(3) {
            0 => ContactChanges { nicknames: Some(vec![word.to_owned()]), ..ContactChanges::default() },
            1 => ContactChanges { notes: Some(vec![word.to_owned()]), ..ContactChanges::default() },
            _ => ContactChanges { job_title: word_of(), ..ContactChanges::default() },
        };
        let by = caller(self.service, user)?;
        self.service.edit_contact(&by, ContactId(one.id), &changes, None)?;
        self.model.writes(None, &one.contact.display_name, CONTENT, word);
        Ok(())
    }
}
