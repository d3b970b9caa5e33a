//! All operations, one file a noun. An answer is what the command of that name prints with `--json`, or what it prints that from.

pub mod account_settings;
pub mod accounts;
pub mod activities;
pub mod activity_fields;
pub mod audit;
pub mod calendars;
pub mod companies;
pub mod contact_fields;
pub mod contacts;
pub mod folders;
pub mod invitations;
pub mod labels;
pub mod mail;
pub mod mail_edit;
pub mod outbox;
pub mod providers;
pub mod schedule;
pub mod sharing;
pub mod status;
pub mod sync;
pub mod tokens;
pub mod versions;
