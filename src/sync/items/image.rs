//! Contacts as the store keeps them beside a link: vCards.

use postrider_formats::vcard::Card;
use postrider_model::Contact;
use postrider_remote::RemoteContact;
use postrider_store::Base;

/// An item as the server returned it, as text.
pub(super) fn text_of(contact: &Contact) -> String {
    Card::new(contact).text().into_owned()
}

/// What such a text says. What cannot be read says nothing: it was written by this program.
pub(super) fn contact_of(text: &str) -> Contact {
    Card::read(text.as_bytes()).map(|card| card.contact()).unwrap_or_default()
}

/// What both sides agree on: the item as the server has it, and what the record says then.
pub(super) fn base_of(item: &RemoteContact, agreed: String) -> Base {
    Base { version: item.version.clone(), image: text_of(&item.contact), agreed, there: item.changed }
}
