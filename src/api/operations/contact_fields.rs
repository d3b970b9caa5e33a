//! What a contact says, as the API has it: the fields of a vCard (RFC 6350) that Exchange and Google know too.

use postrider_model::{
    Contact, ErrorClass, Fault, LabelledDate, PartialDate, Point as ModelPoint,
    PostalAddress as ModelAddress, Purpose, Visibility,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{api::CompanyId, service::ContactChanges};

/// What a contact says. To change one, give what is to be different: null leaves a field as it is, an empty text or list takes it away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContactFields {
    /// In one line.
    pub display_name: Option<String>,
    /// The family's name.
    pub family: Option<String>,
    /// The given name.
    pub given: Option<String>,
    /// Further names.
    pub additional: Option<String>,
    /// A title before the name.
    pub prefix: Option<String>,
    /// What stands behind the name.
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
    /// Messengers, as URIs.
    pub messengers: Option<Vec<Point>>,
    /// Web pages.
    pub pages: Option<Vec<Point>>,
    /// Postal addresses.
    pub addresses: Option<Vec<PostalAddress>>,
    /// The birthday: `1985-04-12`, or with parts left out `--04-12`, `1985`.
    pub birthday: Option<String>,
    /// The anniversary, in the same form.
    pub anniversary: Option<String>,
    /// Other days to remember.
    pub other_dates: Option<Vec<OtherDate>>,
    /// Notes.
    pub notes: Option<Vec<String>>,
    /// Categories of the vCard.
    pub categories: Option<Vec<String>>,
}

/// A way to reach somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ContactPoint")]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// The address, number or URI.
    pub value: String,
    /// What it is for: `home`, `work`, `cell`.
    #[serde(default)]
    pub types: Vec<String>,
    /// A person's own word for it.
    #[serde(default)]
    pub label: Option<String>,
    /// Whether it is to be taken before others.
    #[serde(default)]
    pub preferred: bool,
}

/// A postal address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PostalAddress {
    /// Post office box.
    pub post_box: String,
    /// Apartment or suite.
    pub extended: String,
    /// Street and number.
    pub street: String,
    /// City.
    pub locality: String,
    /// State or province.
    pub region: String,
    /// Postal code.
    pub postal_code: String,
    /// Country.
    pub country: String,
    /// What it is for: `home`, `work`.
    pub types: Vec<String>,
    /// A person's own word for it.
    pub label: Option<String>,
    /// Whether it is to be taken before others.
    pub preferred: bool,
}

/// A day to remember.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OtherDate {
    /// The day, as a birthday.
    pub date: String,
    /// What happened.
    #[serde(default)]
    pub label: Option<String>,
}

impl From<Contact> for ContactFields {
    fn from(contact: Contact) -> Self {
        let point = |point: ModelPoint| Point {
            value: point.value,
            types: point.of.types,
            label: point.of.label,
            preferred: point.of.is_preferred,
        };
        let points = |all: Vec<ModelPoint>| Some(all.into_iter().map(point).collect());
        let date = |date: LabelledDate| OtherDate { date: date.date.to_string(), label: date.label };
        Self {
            display_name: Some(contact.display_name),
            family: Some(contact.name.family),
            given: Some(contact.name.given),
            additional: Some(contact.name.additional),
            prefix: Some(contact.name.prefix),
            suffix: Some(contact.name.suffix),
            nicknames: Some(contact.nicknames),
            organization: Some(contact.organization.name),
            units: Some(contact.organization.units),
            job_title: contact.job_title,
            role: contact.role,
            emails: points(contact.emails),
            phones: points(contact.phones),
            messengers: points(contact.messengers),
            pages: points(contact.pages),
            addresses: Some(contact.addresses.into_iter().map(PostalAddress::from).collect()),
            birthday: contact.birthday.map(|date| date.to_string()),
            anniversary: contact.anniversary.map(|date| date.to_string()),
            other_dates: Some(contact.other_dates.into_iter().map(date).collect()),
            notes: Some(contact.notes),
            categories: Some(contact.categories),
        }
    }
}

impl From<ModelAddress> for PostalAddress {
    fn from(address: ModelAddress) -> Self {
        Self {
            post_box: address.post_box,
            extended: address.extended,
            street: address.street,
            locality: address.locality,
            region: address.region,
            postal_code: address.postal_code,
            country: address.country,
            types: address.of.types,
            label: address.of.label,
            preferred: address.of.is_preferred,
        }
    }
}

impl From<PostalAddress> for ModelAddress {
    fn from(address: PostalAddress) -> Self {
        Self {
            post_box: address.post_box,
            extended: address.extended,
            street: address.street,
            locality: address.locality,
            region: address.region,
            postal_code: address.postal_code,
            country: address.country,
            of: purpose(address.types, address.label, address.preferred),
        }
    }
}

impl From<Point> for ModelPoint {
    fn from(point: Point) -> Self {
        Self { value: point.value, of: purpose(point.types, point.label, point.preferred) }
    }
}

/// Types in the form in which a contact has them.
fn purpose(types: Vec<String>, label: Option<String>, is_preferred: bool) -> Purpose {
    let mut types: Vec<String> = types.into_iter().map(|one| one.trim().to_lowercase()).collect();
    types.retain(|one| !one.is_empty());
    types.sort_unstable();
    types.dedup();
    Purpose { types, label: label.filter(|label| !label.is_empty()), is_preferred }
}

/// What is to be different, and what a contact has beside its card.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Beside {
    /// `employee`, `customer` or another word; empty for none.
    pub kind: Option<String>,
    /// The company that it is tied to.
    pub company: Option<CompanyId>,
    /// Tie it to no company.
    pub no_company: bool,
    /// Who sees it besides its owner: `private`, `all`, or `role:NAME`.
    pub visibility: Option<String>,
}

/// What the fields say is to be different.
///
/// # Errors
/// A day or a visibility that is none.
pub fn changes(fields: ContactFields, beside: Beside) -> Result<ContactChanges, Fault> {
    let points =
        |all: Option<Vec<Point>>| all.map(|all| all.into_iter().map(ModelPoint::from).collect::<Vec<_>>());
    let other_dates = fields.other_dates.map(|dates| {
        let read = |one: OtherDate| Ok(LabelledDate { date: day(&one.date)?, label: one.label });
        dates.into_iter().map(read).collect::<Result<Vec<_>, Fault>>()
    });
    let company = match (beside.company, beside.no_company) {
        (_, true) => Some(None),
        (company, false) => company.map(|company| Some(company.0)),
    };
    Ok(ContactChanges {
        display_name: fields.display_name,
        family: fields.family,
        given: fields.given,
        additional: fields.additional,
        prefix: fields.prefix,
        suffix: fields.suffix,
        nicknames: fields.nicknames,
        organization: fields.organization,
        units: fields.units,
        job_title: fields.job_title,
        role: fields.role,
        emails: points(fields.emails),
        phones: points(fields.phones),
        messengers: points(fields.messengers),
        pages: points(fields.pages),
        addresses: fields.addresses.map(|all| all.into_iter().map(ModelAddress::from).collect()),
        birthday: maybe_day(fields.birthday)?,
        anniversary: maybe_day(fields.anniversary)?,
        other_dates: other_dates.transpose()?,
        notes: fields.notes,
        categories: fields.categories,
        kind: beside.kind,
        company,
        visibility: beside.visibility.as_deref().map(visibility).transpose()?,
    })
}

/// Reads who sees a record.
///
/// # Errors
/// What is none of the three forms.
pub fn visibility(text: &str) -> Result<Visibility, Fault> {
    text.parse().map_err(|error: postrider_model::IdParseError| {
        Fault::new(ErrorClass::Config, "read who is to see it", error.to_string())
    })
}

fn maybe_day(text: Option<String>) -> Result<Option<Option<PartialDate>>, Fault> {
    match text.as_deref() {
        None => Ok(None),
        Some("") => Ok(Some(None)),
        Some(text) => day(text).map(|day| Some(Some(day))),
    }
}

fn day(text: &str) -> Result<PartialDate, Fault> {
    text.parse().map_err(|error: postrider_model::IdParseError| {
        Fault::new(ErrorClass::Config, "read a day", error.to_string())
    })
}
