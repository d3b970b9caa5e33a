//! Invitations, changes, cancellations and answers of which people are told (F4.7), where a person asks for it. The server that carries the
//! activity does it (`carrying`): then it is noted with the change. Where none does they go out by mail; those who are users of the house see
//! it there, and are not mailed.

use postrider_formats::{
    compose::{CalendarPart, Composed, Mailbox},
    icalendar::{Item, imip},
};
use postrider_model::{
    Activity, ActivityId, ActivityKind, ErrorClass, Fault, OutboxId, Person, Response, Status,
};
use postrider_store::StoredActivity;

use super::{ActivityChanges, Extent, NewActivity, carrying::Heard, unreadable};
use crate::{access::Caller, service::Service};

/// Who is told of a change, and from where: looked for before the change is made, so that it is not made where it cannot be told.
#[derive(Debug, Clone)]
struct Notice {
    by: By,
    from: Person,
    /// Who took part before.
    before: Vec<Person>,
    /// How often it had changed; `None` for what is new. Nobody is told of what is no change.
    sequence: Option<u32>,
}

/// By what people are told.
#[derive(Debug, Clone, PartialEq, Eq)]
enum By {
    /// The server that carries the activity.
    Server,
    /// A mail of that account.
    Mail(String),
}

impl Notice {
    /// The same for a series that begins with a time of the one that it was looked for.
    fn of_new(&self) -> Self {
        Self { sequence: None, before: Vec::new(), ..self.clone() }
    }

    fn is_by_server(&self) -> bool {
        self.by == By::Server
    }
}

impl Service {
    /// As [`add_activity`](Self::add_activity), and those who take part hear of it.
    ///
    /// # Errors
    /// Where nobody can tell them; as there.
    pub fn add_activity_and_tell(&mut self, caller: &Caller, new: &NewActivity) -> Result<ActivityId, Fault> {
        let notice = self.notice_of_new(caller, new)?;
        let id = self.add_telling(caller, new, notice.is_by_server())?;
        self.tell_participants(caller, id, &notice)?;
        Ok(id)
    }

    /// As [`edit_activity`](Self::edit_activity), and those who take part, or do so no more, hear of it.
    ///
    /// # Errors
    /// Where nobody can tell them; as there.
    pub fn edit_activity_and_tell(
        &mut self,
        caller: &Caller,
        id: ActivityId,
        extent: &Extent,
        changes: &ActivityChanges,
        rev: Option<u64>,
    ) -> Result<ActivityId, Fault> {
        let notice = self.notice(caller, id, extent, changes.in_schedule)?;
        let changed = self.edit_telling(caller, (id, extent), changes, rev, notice.is_by_server())?;
        let is_split = changed != id && matches!(extent, Extent::Following(_));
        if is_split {
            self.tell_participants(caller, id, &notice)?;
        }
        let notice = if is_split { notice.of_new() } else { notice };
        self.tell_participants(caller, changed, &notice)?;
        Ok(changed)
    }

    /// As [`cancel_activity`](Self::cancel_activity), and those who take part hear of it.
    ///
    /// # Errors
    /// Where nobody can tell them; as there.
    pub fn cancel_activity_and_tell(
        &mut self,
        caller: &Caller,
        id: ActivityId,
        extent: &Extent,
    ) -> Result<ActivityId, Fault> {
        let notice = self.notice(caller, id, extent, None)?;
        let off = self.cancel_telling(caller, id, extent, notice.is_by_server())?;
        self.tell_participants(caller, off, &notice)?;
        Ok(off)
    }

    /// Makes sure that the organizer can tell who takes part in an activity. `in_schedule`: whether it shows there once it is changed, where
    /// that is changed.
    fn notice(
        &self,
        caller: &Caller,
        id: ActivityId,
        extent: &Extent,
        in_schedule: Option<bool>,
    ) -> Result<Notice, Fault> {
        let stored = self.activity_seen(caller, id)?;
        let series = says(&stored)?;
        let (of, activity) = match extent {
            // A time that differs from its series already has people of its own.
            Extent::One(text) => {
                let at = crate::activity::meant(&series, text, self.defaults())?;
                let differing = self.reader()?.differing(id)?;
                match differing.into_iter().find(|one| one.doc.occurrence == Some(at.occurrence)) {
                    Some(own) => (own.clone(), says(&own)?),
                    None => (stored, series),
                }
            }
            Extent::Whole | Extent::Following(_) => (stored, series),
        };
        let from = match &activity.people.organizer {
            Some(organizer) => organizer.clone(),
            None => self.first_address(caller)?,
        };
        let before = activity.people.participants.into_iter().map(|one| one.person).collect();
        let sequence = Some(activity.sequence);
        let in_schedule = in_schedule.unwrap_or(of.in_schedule);
        let by = self.by(caller, &Heard { stored: Some(&of), organizer: &from.email, in_schedule })?;
        Ok(Notice { by, from, before, sequence })
    }

    /// The same for an activity that is yet to be made.
    fn notice_of_new(&self, caller: &Caller, new: &NewActivity) -> Result<Notice, Fault> {
        let from = match &new.organizer {
            Some(email) => Person { email: email.clone(), name: None },
            None => self.first_address(caller)?,
        };
        let in_schedule = new.fields.in_schedule.unwrap_or(new.kind == ActivityKind::Appointment);
        let by = self.by(caller, &Heard { stored: None, organizer: &from.email, in_schedule })?;
        Ok(Notice { by, from, before: Vec::new(), sequence: None })
    }

    /// By what people are told: the server that carries it, where the caller may have it do so; else an account of the organizer's address.
    fn by(&self, caller: &Caller, heard: &Heard<'_>) -> Result<By, Fault> {
        match self.carrier(heard)? {
            Some(account) => {
                self.permit(caller, crate::access::Act::SendMail, &account)?;
                Ok(By::Server)
            }
            None => self.account_of_address(caller, heard.organizer).map(By::Mail),
        }
    }

    fn first_address(&self, caller: &Caller) -> Result<Person, Fault> {
        let first = self.addresses_of_user(&caller.user).into_iter().next();
        let email = first.ok_or_else(|| {
            Fault::new(ErrorClass::Config, "mail who takes part", "you have no address of your own")
        })?;
        Ok(Person { email, name: None })
    }

    /// The account that sends as that address.
    fn account_of_address(&self, caller: &Caller, address: &str) -> Result<String, Fault> {
        let accounts =
            self.config.accounts.iter().filter_map(|(name, read)| Some((name, read.as_ref().ok()?)));
        let found = accounts
            .filter(|(_, account)| account.mail.send && account.address.eq_ignore_ascii_case(address))
            .map(|(name, _)| name.clone())
            .next();
        let name = found.ok_or_else(|| {
            Fault::new(ErrorClass::Config, format!("mail as {address}"), "no account of that address sends")
                .hint("leave out --notify, and nobody is mailed; `postrider account list` lists the accounts")
        })?;
        self.permit(caller, crate::access::Act::SendMail, &name)?;
        Ok(name)
    }

    /// Mails those who take part, and who took part before, how an activity is now, where no server tells them. Answers the entries of the
    /// outbox.
    fn tell_participants(
        &mut self,
        caller: &Caller,
        id: ActivityId,
        notice: &Notice,
    ) -> Result<Vec<OutboxId>, Fault> {
        if notice.is_by_server() {
            return Ok(Vec::new());
        }
        let stored = self.activity_seen(caller, id)?;
        let activity = says(&stored)?;
        let now = self.world.clock.now();
        let items = self.with_differing(&stored)?;
        let people: Vec<Person> = activity.people.participants.iter().map(|one| one.person.clone()).collect();
        let title = &activity.content.title;
        let is_off = activity.content.status == Status::Cancelled || stored.record.deleted.is_some();
        if stored.record.deleted.is_none() && notice.sequence.is_some_and(|was| was >= activity.sequence) {
            return Ok(Vec::new());
        }
        let mut sent = Vec::new();
        let (asked, method, text) = match is_off {
            true => (&people, "CANCEL", imip::cancel(&items, now)),
            false => (&people, "REQUEST", imip::request(&items, now)),
        };
        let subject = if is_off { format!("Cancelled: {title}") } else { format!("Invitation: {title}") };
        let plain = if is_off { format!("{title} does not take place.") } else { in_words(&activity) };
        sent.extend(self.mail_calendar(caller, notice, asked, (subject, plain), (method, text))?);
        let gone: Vec<Person> = notice
            .before
            .iter()
            .filter(|was| !people.iter().any(|one| one.is(&was.email)))
            .cloned()
            .collect();
        if !gone.is_empty() && !is_off {
            let words = (format!("Cancelled: {title}"), format!("You are not asked to {title} any more."));
            sent.extend(self.mail_calendar(
                caller,
                notice,
                &gone,
                words,
                ("CANCEL", imip::cancel(&items, now)),
            )?);
        }
        Ok(sent)
    }

    /// Tells an activity's organizer what the caller answers: by the server that has the caller's copy, else by mail. `None` where nothing is
    /// mailed: a server does it, or the organizer is a user of the house, who sees it there.
    ///
    /// # Errors
    /// Where no account of the address that was asked sends; as [`queue_mail`](Service::queue_mail).
    pub fn respond_and_mail(
        &mut self,
        caller: &Caller,
        id: ActivityId,
        extent: &Extent,
        response: Response,
    ) -> Result<(ActivityId, Option<OutboxId>), Fault> {
        let stored = self.activity_seen(caller, id)?;
        if self.answerer(&caller.user, &stored)?.is_some() {
            return Ok((self.respond_telling(caller, id, extent, response, true)?, None));
        }
        let activity = says(&stored)?;
        let own = self.addresses_of_user(&caller.user);
        let mut participants = activity.people.participants.iter();
        let who =
            participants.find(|one| own.iter().any(|own| one.person.is(own))).map(|one| one.person.clone());
        let organizer = activity.people.organizer.filter(|organizer| !self.is_of_house(&organizer.email));
        let (Some(organizer), Some(who)) = (organizer, who) else {
            return Ok((self.respond(caller, id, extent, response)?, None));
        };
        let notice = Notice {
            by: By::Mail(self.account_of_address(caller, &who.email)?),
            from: who.clone(),
            before: Vec::new(),
            sequence: None,
        };
        let answered = self.respond(caller, id, extent, response)?;
        let stored = self.activity_seen(caller, answered)?;
        let item = Item::read(stored.doc.text.as_bytes()).map_err(|error| unreadable(answered, &error))?;
        let Some(text) = imip::reply(&item, &who, response, self.world.clock.now()) else {
            return Ok((answered, None));
        };
        let word = match response {
            Response::Accepted => "Accepted",
            Response::Tentative => "Tentative",
            _ => "Declined",
        };
        let title = item.activity().content.title;
        let words = (format!("{word}: {title}"), format!("{word}: {title}"));
        let sent = self.mail_calendar(caller, &notice, &[organizer], words, ("REPLY", text))?;
        Ok((answered, sent.into_iter().next()))
    }

    /// Whether an address is that of a user of the house.
    fn is_of_house(&self, address: &str) -> bool {
        let names: Vec<String> = match &self.config.users {
            Some(users) => users.users.keys().cloned().collect(),
            None => vec![self.env.user.clone()],
        };
        names
            .iter()
            .any(|name| self.addresses_of_user(name).iter().any(|own| own.eq_ignore_ascii_case(address)))
    }

    /// An activity and the times that differ from it, as calendars have them.
    fn with_differing(&self, stored: &StoredActivity) -> Result<Vec<Item>, Fault> {
        let read = |one: &StoredActivity| {
            Item::read(one.doc.text.as_bytes()).map_err(|error| unreadable(one.id, &error))
        };
        let differing = self.reader()?.differing(stored.id)?;
        std::iter::once(stored).chain(&differing).map(read).collect()
    }

    /// Puts a calendar into the outbox for those of these people who are no users of the house.
    fn mail_calendar(
        &mut self,
        caller: &Caller,
        notice: &Notice,
        people: &[Person],
        (subject, plain): (String, String),
        (method, text): (&str, String),
    ) -> Result<Option<OutboxId>, Fault> {
        let is_outside = |one: &&Person| !one.is(&notice.from.email) && !self.is_of_house(&one.email);
        let mailbox =
            |one: &Person| Mailbox { name: one.name.clone().unwrap_or_default(), email: one.email.clone() };
        let to: Vec<Mailbox> = people.iter().filter(is_outside).map(mailbox).collect();
        let By::Mail(account) = &notice.by else { return Ok(None) };
        if to.is_empty() {
            return Ok(None);
        }
        let composed = Composed {
            to,
            subject,
            text: Some(plain),
            calendar: Some(CalendarPart { method: method.to_owned(), text }),
            ..Composed::default()
        };
        self.queue_composed(caller, account, composed).map(Some)
    }
}

fn says(stored: &StoredActivity) -> Result<Activity, Fault> {
    let item = Item::read(stored.doc.text.as_bytes());
    item.map(|item| item.activity()).map_err(|error| unreadable(stored.id, &error))
}

/// What an invitation says to whoever cannot read its calendar.
fn in_words(activity: &Activity) -> String {
    use postrider_model::Moment;
    let when = |moment: &Moment| match moment {
        Moment::Day(day) => day.to_string(),
        Moment::At { local, zone } => {
            let zone = zone.as_ref().map(|zone| format!(" ({zone})")).unwrap_or_default();
            format!("{}{zone}", local.format("%Y-%m-%d %H:%M"))
        }
    };
    let content = &activity.content;
    let mut lines = vec![content.title.clone()];
    lines.extend(activity.timing.start.as_ref().map(|start| format!("When: {}", when(start))));
    lines.extend(content.place.as_ref().map(|place| format!("Where: {place}")));
    lines.extend(content.join_url.as_ref().map(|url| format!("Join: {url}")));
    lines.extend(content.description.as_ref().map(|text| format!("\n{text}")));
    lines.join("\n")
}
