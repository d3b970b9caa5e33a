//! What the store keeps of an activity beside its text, and which times a series has: what commands and runs have in common.

mod copy;
mod doc;
mod occasions;

pub(crate) use copy::{CopyStands, stands};
pub(crate) use doc::{YEARS, doc_of, groups, instant_of, of, span};
pub(crate) use occasions::{apart, follow, meant, reach, starts};

use std::sync::LazyLock;

use postrider_formats::join_links::Masks;
use postrider_model::Activity;

/// The built-in ones, compiled once: that takes milliseconds.
static MASKS: LazyLock<Option<Masks>> = LazyLock::new(|| Masks::new(&[]).ok());

/// Where the meeting is joined, where an activity does not say it by itself (F9.1).
pub(crate) fn with_join_url(mut activity: Activity) -> Activity {
    if activity.content.join_url.is_none()
        && let Some(masks) = MASKS.as_ref()
    {
        let (place, description) = (&activity.content.place, &activity.content.description);
        activity.content.join_url = masks.join_url(place.as_deref(), description.as_deref());
    }
    activity
}
