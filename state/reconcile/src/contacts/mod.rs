//! What is decided about contacts (F3): how they are merged, which record an item is, which of them go out, and what leaving means.

mod company;
mod export;
mod group;
mod leaving;
mod matching;
mod merge;

pub use company::{Company, company_by_name};
pub use export::{Candidate, Export, ExportRule, LinkOrigin, Tag, TagScope, judge_export};
pub use group::{GroupPlan, RemoteGroup, follow_group};
pub use leaving::{Arrival, ContactDecision, ContactFate, Leaving, Tie, decide_contact, judge_arrival};
pub use matching::{Item, Match, MatchedBy, Record, match_contacts};
pub use merge::{
    FieldGroup, apply_difference, assumed_base, change_of, image_when_made, meet_contact, merge_contact,
    merge_memberships,
};
