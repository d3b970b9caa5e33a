//! What is decided about activities (F4): which of several copies speaks for a meeting, what each may say, what goes out, what becomes
//! of a series when it changes, and what a mail about a meeting may do.

mod export;
mod imip;
mod import;
mod meeting;
mod merge;
mod rights;
mod series;
mod split;
#[cfg(test)]
mod twelve_rules;

pub use export::{
    ActivityExport, Exported, Part, ServerKind, exported_as, exporter, judge_export, part_of, plain_copy,
};
pub use imip::{Because, Known, Mail, Method, Offer, Reading, judge_mail};
pub use import::{Imports, Reach, imports, is_within, shows_in_schedule};
pub use meeting::{
    Feeding, LinkKey, MeetingCopy, MeetingKey, authority, feeding, meeting_key, sees, stand_in, tie,
};
pub use merge::{
    Facets, FieldGroup, apply_difference, assumed_base, change_of, meet_activity, merge_activity,
};
pub use rights::{
    Editor, Gone, GoneHere, Origin, Refusal, Rights, Standing, gone_here, gone_there, is_meeting, judge_edit,
    notifies, rights,
};
pub use series::{Rekeyed, Start, decide_override, in_order, inherit, inherit_own, rekey, stub_master};
pub use split::{CannotSplit, Split, split_series};
