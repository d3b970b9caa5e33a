//! What the store keeps of a vCard beside its text: the name, what it is sorted by, what is looked for in it, and its company.

use std::collections::BTreeSet;

use postrider_formats::{
    vcard::Card,
    words::{query_words, unique_words_of},
};
use postrider_model::{CompanyId, Contact, Entropy};
use postrider_reconcile::contacts::{Company, company_by_name};
use postrider_store::{ContactDoc, Likeness, StoreError, Tx, Viewer};

/// The form of a name that is compared: in lower case, with one blank where there are several. Signs count: `C#` is not `C++`.
pub(crate) fn folded(name: &str) -> String {
    name.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// The form by which names are sorted: their words, without accents.
fn sorted(name: &str) -> String {
    let words = query_words(name).join(" ");
    if words.is_empty() { folded(name) } else { words }
}

/// How a contact is called in one line: by its name, else its organisation, else how it is reached.
pub(crate) fn shown_name(contact: &Contact) -> String {
    let person =
        [&contact.name.given, &contact.name.additional, &contact.name.family].map(|part| part.trim());
    let person = person.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let points = contact.emails.iter().chain(&contact.phones).map(|point| point.value.as_str());
    [contact.display_name.as_str(), &person, &contact.organization.name]
        .into_iter()
        .chain(points)
        .map(str::trim)
        .find(|name| !name.is_empty())
        .unwrap_or_default()
        .to_owned()
}

/// What the store keeps of that card.
pub(crate) fn doc_of(card: &Card, kind: String, company: Option<CompanyId>) -> ContactDoc {
    let contact = card.contact();
    let name = shown_name(&contact);
    let Likeness { uid, sort, emails } = likeness_of(&contact);
    let (card, words) = (card.text().into_owned(), words_of(&contact, &name));
    ContactDoc { card, uid, sort, words, kind, company, emails, name }
}

/// By what that contact may be found to be one that is here.
pub(crate) fn likeness_of(contact: &Contact) -> Likeness {
    let family_first = match contact.name.family.trim() {
        "" => shown_name(contact),
        family => format!("{family} {} {}", contact.name.given, contact.name.additional),
    };
    let emails: BTreeSet<String> =
        contact.emails.iter().map(|point| point.value.trim().to_lowercase()).collect();
    Likeness {
        uid: contact.uid.clone().filter(|uid| !uid.is_empty()),
        sort: sorted(&family_first),
        emails: emails.into_iter().filter(|email| !email.is_empty()).collect(),
    }
}

fn words_of(contact: &Contact, name: &str) -> String {
    let person = &contact.name;
    let mut texts = vec![name, &person.family, &person.given, &person.additional, &contact.organization.name];
    texts.extend([&contact.job_title, &contact.role].into_iter().flatten().map(String::as_str));
    let lists = [&contact.nicknames, &contact.organization.units, &contact.categories, &contact.notes];
    texts.extend(lists.into_iter().flatten().map(String::as_str));
    let points = [&contact.emails, &contact.phones, &contact.messengers, &contact.pages];
    texts.extend(points.into_iter().flatten().map(|point| point.value.as_str()));
    texts.extend(contact.addresses.iter().flat_map(|address| address.parts()));
    let mut words = String::new();
    unique_words_of(texts, &mut words);
    words
}

/// The company to which a contact of that organisation is tied (F3.5). Names are the same however their letters are cased.
pub(crate) fn tie(tx: &Tx<'_>, viewer: &Viewer, organization: &str) -> Result<Option<CompanyId>, StoreError> {
    if organization.trim().is_empty() {
        return Ok(None);
    }
    let name = folded(organization);
    let found = tx.companies_named(&name)?;
    let companies: Vec<_> = found
        .iter()
        .map(|company| Company {
            id: company.id,
            name: name.as_str(),
            is_visible: viewer.sees(&company.record.owner, &company.record.visibility),
        })
        .collect();
    Ok(company_by_name(&name, &companies))
}

/// A uid of a contact that has none.
pub(crate) fn new_uid(entropy: &dyn Entropy) -> String {
    format!("urn:uuid:{}", new_uuid(entropy))
}

/// Drawn at random (RFC 9562, section 5.4).
pub(crate) fn new_uuid(entropy: &dyn Entropy) -> String {
    let mut octets = [0; 16];
    entropy.fill(&mut octets);
    octets[6] = octets[6] & 0x0f | 0x40;
    octets[8] = octets[8] & 0x3f | 0x80;
    let hex = u128::from_be_bytes(octets);
    let hex = format!("{hex:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| hex.get(part).unwrap_or_default());
    parts.join("-")
}
