//! A record beside all copies of it, and what each may say.

use postrider_formats::icalendar::Item;
use postrider_model::{AccountId, Activity, ActivityId, LinkId, Status, Timestamp};
use postrider_reconcile::activities::{MeetingCopy, Rights, authority, is_meeting, rights};
use postrider_store::{Link, StoreError, StoredActivity, Tx};

use super::image::{Image, Stands};

/// One account's item of it.
#[derive(Debug, Clone)]
pub(super) struct CopyThere {
    pub account: AccountId,
    pub link: Link,
    pub image: Image,
    pub changed: Option<Timestamp>,
}

/// A record and its copies.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub stored: StoredActivity,
    /// What it says.
    pub shared: Activity,
    pub copies: Vec<CopyThere>,
}

impl Known {
    /// `None` where there is no such record, or it cannot be read.
    pub(super) fn load(tx: &Tx<'_>, id: ActivityId) -> Result<Option<Self>, StoreError> {
        let Some(stored) = tx.activity(id)? else { return Ok(None) };
        let Ok(item) = Item::read(stored.doc.text.as_bytes()) else { return Ok(None) };
        let mut copies = Vec::new();
        for (account, link) in tx.copies_of_record(id)? {
            if let Some(image) = Image::read(&link.base.image) {
                let changed = link.base.there;
                copies.push(CopyThere { account, link, image, changed });
            }
        }
        Ok(Some(Self { shared: item.activity(), stored, copies }))
    }

    /// The image of that link, where it is the one that was read with the record.
    pub(super) fn image_of(&self, link: &Link) -> Option<Image> {
        let copy = self.copies.iter().find(|copy| copy.link.id == link.id)?;
        (copy.link.base.image == link.base.image).then(|| copy.image.clone())
    }

    /// What that item is now.
    pub(super) fn see(&mut self, link: LinkId, image: &Image, changed: Option<Timestamp>) {
        for copy in self.copies.iter_mut().filter(|copy| copy.link.id == link) {
            copy.image = image.clone();
            copy.changed = changed;
        }
    }

    fn meeting_copies(&self) -> Vec<MeetingCopy<LinkId>> {
        let copy = |copy: &CopyThere| copy_of(copy.link.id, &copy.image, copy.changed);
        self.copies.iter().map(copy).collect()
    }

    /// Whether others have a word in it.
    pub(super) fn is_meeting(&self) -> bool {
        is_meeting(&self.shared.people, &self.meeting_copies())
    }

    /// Whether a copy speaks for the organizer.
    pub(super) fn has_authority(&self) -> bool {
        authority(&self.meeting_copies()).is_some()
    }

    /// What goes over a link.
    pub(super) fn rights(&self, link: LinkId, image: &Image) -> Rights {
        self.limited(rights(&self.meeting_copies(), &link, self.is_meeting()), image)
    }

    /// What would go over a link that is still to be made; those that are there were first.
    pub(super) fn rights_of_new(&self, image: &Image, changed: Option<Timestamp>) -> Rights {
        let new = LinkId(i64::MAX);
        let mut copies = self.meeting_copies();
        copies.push(copy_of(new, image, changed));
        self.limited(rights(&copies, &new, is_meeting(&self.shared.people, &copies)), image)
    }

    /// A plain copy is written and never read; what nobody may change is read and never written; and what was called off takes place
    /// again by a newer word of its organizer alone, not by a copy that has not heard of it.
    fn limited(&self, rights: Rights, image: &Image) -> Rights {
        let is_off = |of: &Activity| of.content.status == Status::Cancelled;
        let has_not_heard = image.stands == Stands::Attendee
            && is_off(&self.shared)
            && !is_off(&image.shared)
            && image.shared.sequence <= self.shared.sequence;
        match image.stands {
            Stands::Plain => {
                Rights { feeds_shared: false, feeds_people: false, sends_shared: true, notifies: false }
            }
            _ if has_not_heard => Rights { feeds_shared: false, feeds_people: false, ..rights },
            _ if image.is_read_only => Rights { sends_shared: false, notifies: false, ..rights },
            _ => rights,
        }
    }
}

fn copy_of(link: LinkId, image: &Image, changed: Option<Timestamp>) -> MeetingCopy<LinkId> {
    MeetingCopy {
        link,
        standing: image.stands.into(),
        sequence: image.shared.sequence,
        changed,
        guests_hidden: image.hides_guests,
        is_free_busy_only: image.is_free_busy_only,
    }
}
