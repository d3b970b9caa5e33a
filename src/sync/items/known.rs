//! The two sides of a link, as they are compared and merged.

use postrider_model::Contact;
use postrider_reconcile::{Changed, Times, contacts::FieldGroup};
use postrider_remote::RemoteContact;
use postrider_store::{Base, Link, PlannedContact};

use super::image::contact_of;

/// When a person changed both sides last.
pub(super) fn times(
    stored: &PlannedContact,
    item: Option<&RemoteContact>,
    ahead_ms: i64,
) -> Times<FieldGroup> {
    Times {
        here: Changed::at(Some(stored.content_changed)),
        there: Changed::at(item.and_then(|item| item.changed)),
        ahead_ms,
    }
}

/// What is known of a link's two sides, but for what is there now. What is written the same says the same, and is read once.
pub(super) struct Known {
    pub here: Contact,
    /// `None`: what is here.
    pub agreed: Option<Contact>,
    /// `None`: what was agreed on.
    image: Option<Contact>,
}

impl Known {
    /// `card` is what `here` was read from.
    pub(super) fn of(here: Contact, card: &str, link: &Link) -> Self {
        let Base { agreed, image, .. } = &link.base;
        Self {
            here,
            agreed: (agreed != card).then(|| contact_of(agreed)),
            image: (image != agreed).then(|| contact_of(image)),
        }
    }

    pub(super) fn agreed(&self) -> &Contact {
        self.agreed.as_ref().unwrap_or(&self.here)
    }

    pub(super) fn image(&self) -> &Contact {
        self.image.as_ref().unwrap_or_else(|| self.agreed())
    }
}
