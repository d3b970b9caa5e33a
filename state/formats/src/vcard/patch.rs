//! A changed contact, put into the entries of its card.

use std::collections::BTreeSet;

use calcard::{
    common::Data,
    vcard::{VCardEntry, VCardProperty as Property, VCardValue},
};
use postrider_model::{Contact, LabelledDate, PartialDate, PersonName, Photo, Point, PostalAddress, Purpose};

use super::{
    Version, dates,
    entries::{self, is_other, plain_label},
    points::give_purpose,
    read,
};

/// The entries of a card that says what `now` says and said what `was` says. Only properties that differ are touched.
pub(super) fn patched(
    entries: &[VCardEntry],
    version: Version,
    was: &Contact,
    now: &Contact,
) -> Vec<VCardEntry> {
    let mut patch = Patch { before: entries, entries: entries.to_vec(), version, groups: BTreeSet::new() };
    patch.text(Property::Uid, &was.uid, &now.uid);
    patch.text(Property::Fn, &said(&was.display_name), &said(&now.display_name));
    if was.name != now.name {
        let name = &now.name;
        let parts = [&name.family, &name.given, &name.additional, &name.prefix, &name.suffix];
        patch.parts(Property::N, parts.map(String::clone).to_vec());
    }
    patch.list(Property::Nickname, &was.nicknames, &now.nicknames);
    if was.organization != now.organization {
        let parts = [vec![now.organization.name.clone()], now.organization.units.clone()].concat();
        patch.parts(Property::Org, parts);
    }
    patch.text(Property::Title, &was.job_title, &now.job_title);
    patch.text(Property::Role, &was.role, &now.role);
    for (name, was, now) in [
        (Property::Email, &was.emails, &now.emails),
        (Property::Tel, &was.phones, &now.phones),
        (Property::Impp, &was.messengers, &now.messengers),
        (Property::Url, &was.pages, &now.pages),
    ] {
        patch.each(
            was,
            now,
            |entry| entry.name == name,
            read::point,
            same_value,
            |entry, point: &Point| {
                entry.values = vec![VCardValue::Text(point.value.clone())];
                entry.name = name.clone();
                Some(&point.of)
            },
        );
    }
    patch.each(
        &was.addresses,
        &now.addresses,
        |entry| entry.name == Property::Adr,
        read::address,
        same_place,
        write_address,
    );
    patch.date(Property::Bday, was.birthday, now.birthday);
    patch.date(Property::Anniversary, was.anniversary, now.anniversary);
    patch.other_dates(&was.other_dates, &now.other_dates);
    patch.notes(&was.notes, &now.notes);
    patch.photo(was.photo.as_ref(), now.photo.as_ref());
    patch.list(Property::Categories, &was.categories, &now.categories);
    patch.complete(now);
    patch.entries
}

fn said(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn same_value(one: &Point, other: &Point) -> bool {
    one.value == other.value
}

fn same_place(one: &PostalAddress, other: &PostalAddress) -> bool {
    let other = PostalAddress { of: one.of.clone(), ..other.clone() };
    *one == other
}

fn write_address<'a>(entry: &mut VCardEntry, address: &'a PostalAddress) -> Option<&'a Purpose> {
    entry.name = Property::Adr;
    entry.values = address.parts().into_iter().map(|part| VCardValue::Text(part.to_owned())).collect();
    Some(&address.of)
}

/// Entries on their way from one contact to another.
struct Patch<'a> {
    /// As they were.
    before: &'a [VCardEntry],
    entries: Vec<VCardEntry>,
    version: Version,
    /// Groups that were made.
    groups: BTreeSet<String>,
}

impl Patch<'_> {
    /// A property of one text.
    fn text(&mut self, name: Property, was: &Option<String>, now: &Option<String>) {
        if was != now {
            self.one(&name, now.iter().map(|text| entries::entry(name.clone(), [text.clone()])).next());
        }
    }

    /// A property of several parts; none, where all are empty.
    fn parts(&mut self, name: Property, parts: Vec<String>) {
        let is_said = parts.iter().any(|part| !part.is_empty());
        self.one(&name, is_said.then(|| entries::entry(name.clone(), parts)));
    }

    /// A property that holds a list: all of it in one entry.
    fn list(&mut self, name: Property, was: &[String], now: &[String]) {
        if was == now {
            return;
        }
        let new = (!now.is_empty()).then(|| entries::entry(name.clone(), now.to_vec()));
        self.all(|entry| entry.name == name, new.into_iter().collect());
    }

    fn notes(&mut self, was: &[String], now: &[String]) {
        if was != now {
            let new = now.iter().map(|note| entries::entry(Property::Note, [note.clone()])).collect();
            self.all(|entry| entry.name == Property::Note, new);
        }
    }

    fn date(&mut self, name: Property, was: Option<PartialDate>, now: Option<PartialDate>) {
        if was != now {
            let new = now.map(|date| entries::entry(name.clone(), [dates::written(date, self.version)]));
            self.one(&name, new);
        }
    }

    fn photo(&mut self, was: Option<&Photo>, now: Option<&Photo>) {
        if was == now {
            return;
        }
        let value = now.map(|photo| match photo {
            Photo::Bytes { media_type, data } => {
                VCardValue::Binary(Data { content_type: media_type.clone(), data: data.clone() })
            }
            Photo::Uri(uri) => VCardValue::Text(uri.clone()),
        });
        let new =
            value.map(|value| VCardEntry { values: vec![value], ..entries::entry(Property::Photo, []) });
        self.one(&Property::Photo, new);
    }

    /// In the place of the first entry of that name stands another one, or none; it keeps its group, whose label is its own.
    fn one(&mut self, name: &Property, new: Option<VCardEntry>) {
        let at = self.entries.iter().position(|entry| entry.name == *name);
        match (at, new) {
            (Some(at), Some(new)) => {
                if let Some(old) = self.entries.get_mut(at) {
                    let group = old.group.take();
                    *old = VCardEntry { group, ..new };
                }
            }
            (Some(at), None) => drop(self.entries.remove(at)),
            (None, Some(new)) => self.entries.push(new),
            (None, None) => {}
        }
    }

    /// In the place of all such entries stand these, where the first of them stood.
    fn all(&mut self, is_one: impl Fn(&VCardEntry) -> bool, new: Vec<VCardEntry>) {
        let at = self.entries.iter().position(&is_one).unwrap_or(self.entries.len());
        self.entries.retain(|entry| !is_one(entry));
        let at = at.min(self.entries.len());
        self.entries.splice(at..at, new);
    }

    /// Entries of which each tells one thing with its purpose. One that tells the same stays as it is; one of the same value gets
    /// another purpose and keeps what else it says.
    fn each<T: PartialEq>(
        &mut self,
        was: &[T],
        now: &[T],
        is_one: impl Fn(&VCardEntry) -> bool,
        read: impl Fn(&[VCardEntry], &VCardEntry) -> Option<T>,
        is_same: impl Fn(&T, &T) -> bool,
        write: impl for<'t> Fn(&mut VCardEntry, &'t T) -> Option<&'t Purpose>,
    ) {
        if was == now {
            return;
        }
        let mut left: Vec<(VCardEntry, Option<T>)> = self
            .before
            .iter()
            .filter(|entry| is_one(entry))
            .map(|entry| (entry.clone(), read(self.before, entry)))
            .collect();
        let groups: Vec<String> = left.iter().filter_map(|(entry, _)| entry.group.clone()).collect();
        let raw_labels = self.take_labels(&groups);
        let mut new = Vec::new();
        for wanted in now {
            let told = |one: &(VCardEntry, Option<T>)| one.1.as_ref() == Some(wanted);
            let alike =
                |one: &(VCardEntry, Option<T>)| one.1.as_ref().is_some_and(|one| is_same(one, wanted));
            let at = left.iter().position(told).or_else(|| left.iter().position(alike));
            let (mut entry, is_told) = match at {
                Some(at) => {
                    let (entry, was) = left.remove(at);
                    (entry, was.as_ref() == Some(wanted))
                }
                None => (entries::entry(Property::Note, []), false),
            };
            let mut blank = entries::entry(Property::Note, []);
            let target = if is_told { &mut blank } else { &mut entry };
            let of = write(target, wanted);
            let label = of.and_then(|of| of.label.clone());
            if let Some(of) = of.filter(|_| !is_told) {
                give_purpose(&mut entry, of, self.version);
            }
            new.extend(self.labelled(entry, label, &raw_labels));
        }
        // What could not be read is nothing that a contact could have changed.
        new.extend(left.into_iter().filter(|(_, told)| told.is_none()).map(|(entry, _)| entry));
        self.all(is_one, new);
    }

    fn other_dates(&mut self, was: &[LabelledDate], now: &[LabelledDate]) {
        if was == now {
            return;
        }
        let is_one = |entry: &VCardEntry| is_other(entry, "X-ABDATE");
        let groups: Vec<String> = self
            .before
            .iter()
            .filter(|entry| is_one(entry))
            .filter_map(|entry| entry.group.clone())
            .collect();
        let raw_labels = self.take_labels(&groups);
        let unread =
            self.before.iter().filter(|entry| is_one(entry) && dates::date(entry).is_none()).cloned();
        let mut new: Vec<VCardEntry> = unread.collect();
        for one in now {
            let name = Property::Other("X-ABDATE".to_owned());
            let entry = entries::entry(name, [dates::written(one.date, Version::V3)]);
            let labelled = self.labelled(entry, one.label.clone(), &raw_labels);
            new.extend(labelled);
        }
        self.all(is_one, new);
    }

    /// Takes out the labels of these groups; as they were written.
    fn take_labels(&mut self, groups: &[String]) -> Vec<String> {
        let is_one = |entry: &VCardEntry| {
            is_other(entry, "X-ABLABEL")
                && entry
                    .group
                    .as_ref()
                    .is_some_and(|name| groups.iter().any(|one| one.eq_ignore_ascii_case(name)))
        };
        let raw = self.before.iter().filter(|entry| is_one(entry)).filter_map(entries::text).collect();
        self.entries.retain(|entry| !is_one(entry));
        raw
    }

    /// An entry and its label, in one group.
    fn labelled(&mut self, mut entry: VCardEntry, label: Option<String>, raw: &[String]) -> Vec<VCardEntry> {
        let Some(label) = label else { return vec![entry] };
        let group = entry.group.get_or_insert_with(|| self.free_group()).clone();
        let text = raw.iter().find(|raw| plain_label(raw) == label).cloned().unwrap_or(label);
        let mut of_it = entries::entry(Property::Other("X-ABLABEL".to_owned()), [text]);
        of_it.group = Some(group);
        vec![entry, of_it]
    }

    /// A group that no entry has.
    fn free_group(&mut self) -> String {
        let taken = |name: &str| {
            let all = self.before.iter().chain(&self.entries);
            all.filter_map(|entry| entry.group.as_deref()).any(|group| group.eq_ignore_ascii_case(name))
        };
        let mut nth = self.groups.len() + 1;
        while taken(&format!("item{nth}")) || self.groups.contains(&format!("item{nth}")) {
            nth += 1;
        }
        let name = format!("item{nth}");
        self.groups.insert(name.clone());
        name
    }

    /// A name in one line, which every card has to have (RFC 6350, section 6.2.1).
    fn complete(&mut self, now: &Contact) {
        if !self.entries.iter().any(|entry| entry.name == Property::Fn) {
            let PersonName { family, given, additional, prefix, suffix } = &now.name;
            let parts = [prefix, given, additional, family, suffix].map(String::as_str);
            let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            let name = [parts.join(" "), now.organization.name.clone()]
                .into_iter()
                .chain(now.emails.iter().map(|email| email.value.clone()))
                .find(|name| !name.is_empty())
                .unwrap_or_default();
            self.entries.insert(0, entries::entry(Property::Fn, [name]));
        }
    }
}
