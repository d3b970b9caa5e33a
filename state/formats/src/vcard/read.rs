//! From a card's entries to a contact.

use calcard::vcard::{VCardEntry, VCardProperty as Property, VCardValue};
use postrider_model::{Contact, LabelledDate, Organization, PersonName, Photo, Point, PostalAddress};

use super::{
    dates::date,
    entries::{is_other, label_of, text, texts},
    points::purpose,
};

pub(super) fn contact(entries: &[VCardEntry]) -> Contact {
    let first = |name: Property| entries.iter().filter(|entry| entry.name == name).find_map(text);
    let all = |name: Property| entries.iter().filter(move |entry| entry.name == name);
    let points = |name: Property| all(name).filter_map(|entry| point(entries, entry)).collect();
    Contact {
        uid: first(Property::Uid),
        display_name: first(Property::Fn).unwrap_or_default(),
        name: all(Property::N).next().map(person_name).unwrap_or_default(),
        nicknames: list(all(Property::Nickname)),
        organization: all(Property::Org).next().map(organization).unwrap_or_default(),
        job_title: first(Property::Title),
        role: first(Property::Role),
        emails: points(Property::Email),
        phones: points(Property::Tel),
        messengers: points(Property::Impp),
        pages: points(Property::Url),
        addresses: all(Property::Adr).filter_map(|entry| address(entries, entry)).collect(),
        birthday: all(Property::Bday).find_map(date),
        anniversary: all(Property::Anniversary).find_map(date),
        other_dates: entries.iter().filter_map(|entry| other_date(entries, entry)).collect(),
        notes: all(Property::Note).filter_map(text).collect(),
        photo: all(Property::Photo).find_map(photo),
        categories: list(all(Property::Categories)),
    }
}

/// The texts of entries that hold lists.
fn list<'a>(entries: impl Iterator<Item = &'a VCardEntry>) -> Vec<String> {
    entries.flat_map(|entry| texts(entry, ",")).filter(|text| !text.is_empty()).collect()
}

pub(super) fn point(entries: &[VCardEntry], entry: &VCardEntry) -> Option<Point> {
    Some(Point { value: text(entry)?, of: purpose(entry, label_of(entries, entry.group.as_deref())) })
}

fn person_name(entry: &VCardEntry) -> PersonName {
    let mut parts = texts(entry, " ").into_iter();
    let mut part = || parts.next().unwrap_or_default();
    PersonName { family: part(), given: part(), additional: part(), prefix: part(), suffix: part() }
}

fn organization(entry: &VCardEntry) -> Organization {
    let mut parts = texts(entry, " ").into_iter();
    let name = parts.next().unwrap_or_default();
    Organization { name, units: parts.filter(|unit| !unit.is_empty()).collect() }
}

pub(super) fn address(entries: &[VCardEntry], entry: &VCardEntry) -> Option<PostalAddress> {
    let mut parts = texts(entry, ", ").into_iter();
    let mut part = || parts.next().unwrap_or_default();
    let address = PostalAddress {
        post_box: part(),
        extended: part(),
        street: part(),
        locality: part(),
        region: part(),
        postal_code: part(),
        country: part(),
        of: purpose(entry, label_of(entries, entry.group.as_deref())),
    };
    address.parts().iter().any(|part| !part.is_empty()).then_some(address)
}

pub(super) fn other_date(entries: &[VCardEntry], entry: &VCardEntry) -> Option<LabelledDate> {
    let date = is_other(entry, "X-ABDATE").then(|| date(entry)).flatten()?;
    Some(LabelledDate { date, label: label_of(entries, entry.group.as_deref()) })
}

pub(super) fn photo(entry: &VCardEntry) -> Option<Photo> {
    match entry.values.first()? {
        VCardValue::Binary(data) => {
            Some(Photo::Bytes { media_type: data.content_type.clone(), data: data.data.clone() })
        }
        VCardValue::Text(uri) if !uri.trim().is_empty() => Some(Photo::Uri(uri.trim().to_owned())),
        _ => None,
    }
}
