//! What a person changes of a contact: what is named, and nothing else.

use postrider_model::{CompanyId, Contact, LabelledDate, PartialDate, Point, PostalAddress, Visibility};

/// Changes to a contact. `None` leaves a field as it is; an empty text or list takes it away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContactChanges {
    /// In one line.
    pub display_name: Option<String>,
    /// The family's name.
    pub family: Option<String>,
    /// The given name.
    pub given: Option<String>,
    /// Further names.
    pub additional: Option<String>,
    /// A title before it.
    pub prefix: Option<String>,
    /// What stands behind it.
    pub suffix: Option<String>,
    /// Other names.
    pub nicknames: Option<Vec<String>>,
    /// The organisation.
    pub organization: Option<String>,
    /// Units of it, from the largest.
    pub units: Option<Vec<String>>,
    /// The position.
    pub job_title: Option<String>,
    /// The part played.
    pub role: Option<String>,
    /// Mail addresses.
    pub emails: Option<Vec<Point>>,
    /// Phone numbers.
    pub phones: Option<Vec<Point>>,
    /// Messengers.
    pub messengers: Option<Vec<Point>>,
    /// Web pages.
    pub pages: Option<Vec<Point>>,
    /// Postal addresses.
    pub addresses: Option<Vec<PostalAddress>>,
    /// The birthday; `Some(None)` takes it away.
    pub birthday: Option<Option<PartialDate>>,
    /// The anniversary; `Some(None)` takes it away.
    pub anniversary: Option<Option<PartialDate>>,
    /// Other days to remember.
    pub other_dates: Option<Vec<LabelledDate>>,
    /// Notes.
    pub notes: Option<Vec<String>>,
    /// Categories.
    pub categories: Option<Vec<String>>,
    /// `employee`, `customer` or another word; empty for none.
    pub kind: Option<String>,
    /// The company; `Some(None)` ties it to none.
    pub company: Option<Option<CompanyId>>,
    /// Who sees it.
    pub visibility: Option<Visibility>,
}

impl ContactChanges {
    /// The contact as it is after them.
    pub fn apply(&self, contact: &Contact) -> Contact {
        let mut changed = contact.clone();
        let was_shown = super::card::shown_name(contact);
        set(&mut changed.name.family, &self.family);
        set(&mut changed.name.given, &self.given);
        set(&mut changed.name.additional, &self.additional);
        set(&mut changed.name.prefix, &self.prefix);
        set(&mut changed.name.suffix, &self.suffix);
        set(&mut changed.nicknames, &self.nicknames);
        set(&mut changed.organization.name, &self.organization);
        set(&mut changed.organization.units, &self.units);
        set_text(&mut changed.job_title, &self.job_title);
        set_text(&mut changed.role, &self.role);
        set(&mut changed.emails, &self.emails);
        set(&mut changed.phones, &self.phones);
        set(&mut changed.messengers, &self.messengers);
        set(&mut changed.pages, &self.pages);
        set(&mut changed.addresses, &self.addresses);
        set(&mut changed.birthday, &self.birthday);
        set(&mut changed.anniversary, &self.anniversary);
        set(&mut changed.other_dates, &self.other_dates);
        set(&mut changed.notes, &self.notes);
        set(&mut changed.categories, &self.categories);
        match &self.display_name {
            Some(name) => changed.display_name.clone_from(name),
            // A line that only repeated the name goes with it.
            None if self.renames() && is_of_parts(contact, &was_shown) => changed.display_name.clear(),
            None => {}
        }
        if changed.display_name.is_empty() {
            changed.display_name = super::card::shown_name(&changed);
        }
        changed
    }

    const fn renames(&self) -> bool {
        self.family.is_some() || self.given.is_some() || self.additional.is_some()
    }
}

/// Whether a contact's line says no more than the parts of its name do.
fn is_of_parts(contact: &Contact, shown: &str) -> bool {
    let parts = Contact { display_name: String::new(), ..contact.clone() };
    super::card::shown_name(&parts) == shown
}

fn set<T: Clone>(field: &mut T, change: &Option<T>) {
    if let Some(value) = change {
        field.clone_from(value);
    }
}

fn set_text(field: &mut Option<String>, change: &Option<String>) {
    if let Some(value) = change {
        *field = Some(value.clone()).filter(|value| !value.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use postrider_model::PersonName;

    use super::*;

    fn anna() -> Contact {
        Contact {
            display_name: "Anna Petrova".to_owned(),
            name: PersonName {
                family: "Petrova".to_owned(),
                given: "Anna".to_owned(),
                ..PersonName::default()
            },
            job_title: Some("Engineer".to_owned()),
            ..Contact::default()
        }
    }

    #[test]
    fn what_is_not_named_stays() {
        assert_eq!(ContactChanges::default().apply(&anna()), anna());
    }

    #[test]
    fn an_empty_text_takes_a_field_away() {
        let changes = ContactChanges { job_title: Some(String::new()), ..ContactChanges::default() };
        assert_eq!(changes.apply(&anna()).job_title, None);
    }

    #[test]
    fn the_line_follows_the_parts_of_the_name_unless_it_says_more() {
        let changes = ContactChanges { family: Some("Orlova".to_owned()), ..ContactChanges::default() };
        assert_eq!(changes.apply(&anna()).display_name, "Anna Orlova");
        let known_as = Contact { display_name: "Anna from the second floor".to_owned(), ..anna() };
        assert_eq!(changes.apply(&known_as).display_name, "Anna from the second floor");
    }
}
