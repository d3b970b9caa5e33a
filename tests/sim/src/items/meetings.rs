//! Appointments as both sides have them, read beside the program.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use postrider_formats::icalendar::Item;
use postrider_model::{Activity, Moment, Own, Response};
use postrider_remote::{RemoteActivity, Standing};

use super::{
    home::{Account, Home, USERS},
    model::{Saying, Seen},
    seen::{CONTENT, open},
};

/// When it is: a group of fields.
pub const TIME: &str = "time";
/// What each user has for themselves, and what they answered: groups of fields, in the order of the users.
pub const REMINDERS: [&str; 3] = ["reminders of anna", "reminders of boris", "reminders of carla"];
/// What each user answered.
pub const ANSWERS: [&str; 3] = ["answer of anna", "answer of boris", "answer of carla"];

/// An appointment of the store.
#[derive(Debug, Clone)]
pub struct Meeting {
    /// Its id.
    pub id: i64,
    /// Whose it is.
    pub owner: String,
    /// Whether it is deleted.
    pub is_deleted: bool,
    /// What all share.
    pub activity: Activity,
    /// What each user is reminded of, as it is written.
    pub reminders: BTreeMap<String, String>,
}

/// The number of a user.
pub fn number_of(user: &str) -> usize {
    USERS.iter().position(|one| *one == user).unwrap_or(0)
}

impl Meeting {
    /// By what name it goes.
    pub fn name(&self) -> &str {
        &self.activity.content.title
    }

    /// Whether others take part.
    pub fn is_shared(&self) -> bool {
        !self.activity.people.participants.is_empty()
    }

    /// The account whose user organizes it.
    pub fn organizer<'a>(&self, home: &'a Home) -> Option<&'a Account> {
        let organizer = self.activity.people.organizer.as_ref()?;
        home.accounts.iter().find(|account| organizer.is(&account.address))
    }

    /// The account in which a user was asked to take part.
    pub fn asked<'a>(&self, home: &'a Home, user: &str) -> Option<&'a Account> {
        let is_asked = |account: &&Account| {
            account.user == user
                && self.activity.people.participants.iter().any(|one| one.person.is(&account.address))
        };
        home.accounts.iter().find(is_asked)
    }
}

/// All appointments of the store, times of series left aside.
///
/// # Errors
/// What SQLite says, or what cannot be read.
pub fn meetings(home: &Home) -> Result<Vec<Meeting>> {
    let Some(conn) = open(home)? else { return Ok(Vec::new()) };
    let mut statement = conn.prepare(
        "SELECT r.id, r.owner, r.deleted_us IS NOT NULL, a.doc,
                (SELECT group_concat(o.user || '=' || o.reminders, char(10)) FROM activity_own o WHERE o.activity = r.id)
         FROM activity a JOIN record r ON r.id = a.id WHERE a.occurrence = '' ORDER BY r.id",
    )?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let (text, own): (String, Option<String>) = (row.get(3)?, row.get(4)?);
        let activity = Item::read(text.as_bytes()).context("read an activity of the store")?.activity();
        let own = own.unwrap_or_default();
        let reminders = own.lines().filter_map(|line| line.split_once('='));
        all.push(Meeting {
            id: row.get(0)?,
            owner: row.get(1)?,
            is_deleted: row.get(2)?,
            activity,
            reminders: reminders.map(|(user, text)| (user.to_owned(), text.to_owned())).collect(),
        });
    }
    Ok(all)
}

/// A start as it is written in calendars.
pub fn written(at: Option<&Moment>) -> String {
    match at {
        Some(Moment::At { local, .. }) => local.format("%Y%m%dT%H%M%S").to_string(),
        other => format!("{other:?}"),
    }
}

fn content(activity: &Activity) -> String {
    format!("{:?} {:?}", activity.content.place, activity.content.description)
}

fn answer_of(activity: &Activity, address: &str) -> Option<Response> {
    activity.people.participants.iter().find(|one| one.person.is(address)).map(|one| one.response)
}

fn reminders(own: &Own) -> String {
    format!("{:?}", own.reminders)
}

/// Both sides as they are now.
///
/// # Errors
/// What SQLite says.
pub fn see(home: &Home, seen: &mut Seen) -> Result<()> {
    let all = meetings(home)?;
    for one in &all {
        seen.kept += &format!("{:?} {}\n", one.activity, written(one.activity.timing.start.as_ref()));
        if one.is_deleted {
            continue;
        }
        seen.names.push((None, one.name().to_owned()));
        let mut says = BTreeMap::from([
            (CONTENT, content(&one.activity)),
            (TIME, written(one.activity.timing.start.as_ref())),
        ]);
        for (user, text) in &one.reminders {
            says.insert(REMINDERS[number_of(user)], text.clone());
        }
        for account in &home.accounts {
            let answer = answer_of(&one.activity, &account.address);
            says.extend(answer.map(|answer| (ANSWERS[number_of(account.user)], format!("{answer:?}"))));
        }
        seen.living.push(Saying { hand: None, name: one.name().to_owned(), says, belongs: None });
    }
    for (number, account) in home.accounts.iter().enumerate() {
        for item in account.there.activities() {
            let RemoteActivity { activity, own, standing, .. } = &item;
            seen.kept += &format!("{activity:?} {}\n", written(activity.timing.start.as_ref()));
            let name = activity.content.title.clone();
            seen.names.push((Some(number), name.clone()));
            let user = number_of(account.user);
            let mut says = BTreeMap::from([(REMINDERS[user], reminders(own))]);
            if *standing == Standing::Attendee {
                says.extend(own.response.map(|answer| (ANSWERS[user], format!("{answer:?}"))));
            } else {
                says.insert(CONTENT, content(activity));
                says.insert(TIME, written(activity.timing.start.as_ref()));
            }
            seen.living.push(Saying { hand: Some(number), name, says, belongs: None });
        }
    }
    Ok(())
}
