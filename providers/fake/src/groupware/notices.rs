//! Mail that the server sends to people, counted; and who may have it sent.

use postrider_model::{Activity, Mark, Occurrence, Timestamp};

use super::habits::Notices;
use super::state::{Act, Refusal, State, breach, fold};

/// What a mail tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notice {
    /// They are asked to take part.
    Invitation,
    /// Something is changed.
    Update,
    /// It is called off, or they are asked no more.
    Cancellation,
    /// An answer, to the organizer.
    Reply,
}

/// A mail that went out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMail {
    /// When, by the server's clock.
    pub at: Timestamp,
    /// On whose account.
    pub from: String,
    /// To whom.
    pub to: String,
    /// The activity's uid.
    pub uid: String,
    /// Which time of a series.
    pub occurrence: Option<Occurrence>,
    /// What it tells.
    pub notice: Notice,
    /// The mark of the change that asked for it; none of another client's.
    pub mark: Option<Mark>,
    /// Whether the change asked for it.
    pub was_asked: bool,
}

impl State {
    /// Whether a change may have people mailed. The activity has one uid or, where the server drew another than was given, two.
    pub fn check_notice(&self, act: &Act<'_>, uids: [&str; 2], is_anyone_there: bool) -> Result<(), Refusal> {
        if !act.strict {
            return Ok(());
        }
        let uid = uids[0];
        if !is_anyone_there {
            return breach(format!("mail was asked for over {uid}, and there is nobody to get it"));
        }
        if act.mark.is_some() && self.sent.iter().any(|sent| sent.mark == act.mark && sent.was_asked) {
            return breach(format!("mail over {uid} was asked for twice by one intent"));
        }
        let is_announced =
            |uid| self.announced.get(&(act.by.to_owned(), String::from(uid))).is_some_and(|left| *left > 0);
        if self.habits.notices == Notices::Announced && !uids.into_iter().any(is_announced) {
            return breach(format!("mail over {uid} was asked for, and no person changed it"));
        }
        Ok(())
    }

    /// A person's change has had its mail.
    pub fn use_notice(&mut self, act: &Act<'_>, uids: [&str; 2]) {
        if !act.strict {
            return;
        }
        for uid in uids {
            if let Some(left) = self.announced.get_mut(&(act.by.to_owned(), uid.to_owned()))
                && *left > 0
            {
                *left -= 1;
                return;
            }
        }
    }

    /// Sends mail to these; of what was not asked for only to those whom the server cannot reach otherwise, where it does so.
    pub fn mail(
        &mut self,
        act: &Act<'_>,
        activity: &Activity,
        to: &[String],
        notice: Notice,
        was_asked: bool,
    ) {
        for to in to {
            let regardless = self.habits.mails_outsiders_regardless
                && matches!(notice, Notice::Invitation | Notice::Cancellation)
                && !self.accounts.contains_key(&fold(to));
            if !was_asked && !regardless {
                continue;
            }
            self.sent.push(SentMail {
                at: self.server_time(),
                from: act.by.to_owned(),
                to: to.clone(),
                uid: activity.uid.clone(),
                occurrence: activity.occurrence,
                notice,
                mark: act.mark,
                was_asked,
            });
        }
    }
}

/// Those besides one person who take part.
pub(super) fn others(activity: &Activity, than: &str) -> Vec<String> {
    let people = activity.people.participants.iter().map(|one| &one.person.email);
    people.filter(|email| !email.eq_ignore_ascii_case(than)).cloned().collect()
}
