//! Calendars and task lists of accounts (F4.5): what a server has, one made, one renamed, and which of them come in.
//!
//! The server is asked for all of it, since it alone knows. Which come in is the account's file's word: what was added by command is changed
//! here, a file of the configuration by whoever wrote it (F8.3).

use postrider_model::{CollectionKind, ErrorClass, Fault, Mark};
use postrider_remote::{Access, CalendarRemote, Making, RemoteCollection};

use super::{Caller, Service, Turn, accounts::changed_meanwhile};
use crate::{
    access::Act,
    config::{Choice, OriginKind, ReadyActivities, fault, with_choice, with_renamed},
};

/// A calendar or a task list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarView {
    /// The account.
    pub account: String,
    /// Its name.
    pub name: String,
    /// Which of the two.
    pub kind: CollectionKind,
    /// What the account may do there.
    pub access: Access,
    /// Whether the server takes it where none is named.
    pub is_default: bool,
    /// Whether what is there comes in.
    pub comes_in: bool,
    /// Whether what is made here goes out there.
    pub goes_out: bool,
}

/// A calendar or a task list that is to be made or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarName {
    /// The account.
    pub account: String,
    /// Which of the two.
    pub kind: CollectionKind,
    /// Its name.
    pub name: String,
}

/// What becomes of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CalendarChange {
    /// It is called so.
    pub name: Option<String>,
    /// It comes in, or does so no more.
    pub comes_in: Option<bool>,
}

/// An account's server, for as long as nobody else speaks to it.
struct CalendarServer {
    ready: ReadyActivities,
    remote: Box<dyn CalendarRemote>,
}

impl Service {
    /// The calendars and task lists that servers have: of that account, or of all accounts with activities of which the caller may see them.
    ///
    /// # Errors
    /// An account that is not there, has no activities, or whose calendars the caller may not see; what a server says.
    pub async fn calendars(
        &self,
        caller: &Caller,
        account: Option<&str>,
    ) -> Result<Vec<CalendarView>, Fault> {
        let names = match account {
            Some(name) => {
                self.permit(caller, Act::SeeCalendars, name)?;
                vec![name.to_owned()]
            }
            None => {
                let seen =
                    self.config.accounts.keys().filter(|name| self.may(caller, Act::SeeCalendars, name));
                let has = |name: &&String| matches!(self.config.ready_activities(name), Ok(Some(_)));
                seen.filter(has).cloned().collect()
            }
        };
        let mut views = Vec::new();
        for name in names {
            let server = self.calendar_server(&name)?;
            let listed = server.remote.collections().await;
            server.remote.close().await;
            self.note_look(caller, Act::SeeCalendars, &name, "");
            let listed = listed?.into_iter().filter(|one| one.kind != CollectionKind::AddressBook);
            views.extend(listed.map(|one| view(&server.ready, one)));
        }
        Ok(views)
    }

    /// Makes a calendar or a task list on an account's server. Where one of that name is there already, none is made. What was made and is not
    /// among those that come in is made to, where the account was added by command.
    ///
    /// # Errors
    /// As [`calendars`](Self::calendars); a kind that the server has none of; what it says.
    pub async fn create_calendar(
        &mut self,
        caller: &Caller,
        new: &CalendarName,
    ) -> Result<CalendarView, Fault> {
        let action = format!("make {}", in_words(new));
        let (server, _turn) = self.calendar_server_to_change(caller, &new.account, &action).await?;
        if !server.remote.capabilities().kinds.contains(&new.kind) {
            return Err(Fault::new(ErrorClass::Config, action, "its server has none of that kind"));
        }
        let mark = Mark::new(self.world.entropy.next_u64(), self.world.entropy.next_u64());
        let begun =
            self.begin(caller, Act::ChangeCalendars, &new.account, &format!("create {}", new.name))?;
        let made = made(&*server.remote, new, mark).await;
        server.remote.close().await;
        let made = self.end(begun, made)?;
        let made = made.ok_or_else(|| {
            Fault::new(ErrorClass::Config, action, "there is one of that name already")
                .hint("`postrider calendar list` lists them")
        })?;
        Ok(view(&server.ready, made))
    }

    /// Gives a calendar or a task list another name, and has it come in or not.
    ///
    /// # Errors
    /// As [`create_calendar`](Self::create_calendar); none, or several, of that name; where a file says which come in.
    pub async fn edit_calendar(
        &mut self,
        caller: &Caller,
        which: &CalendarName,
        change: &CalendarChange,
    ) -> Result<CalendarView, Fault> {
        let action = format!("change {}", in_words(which));
        let (server, _turn) = self.calendar_server_to_change(caller, &which.account, &action).await?;
        let listed = server.remote.collections().await?;
        let of_kind: Vec<RemoteCollection> =
            listed.into_iter().filter(|one| one.kind == which.kind).collect();
        let mut found = of_kind.iter().filter(|one| one.name == which.name);
        let (Some(mut one), None) = (found.next().cloned(), found.next()) else {
            let cause = match of_kind.iter().any(|one| one.name == which.name) {
                true => "there are several of that name".to_owned(),
                false => {
                    let names: Vec<&str> = of_kind.iter().map(|one| one.name.as_str()).collect();
                    format!("there is none of that name, only {}", names.join(", "))
                }
            };
            server.remote.close().await;
            return Err(Fault::new(ErrorClass::NotFound, action, cause));
        };
        let names: Vec<String> = of_kind.iter().map(|one| one.name.clone()).collect();
        if let Some(comes_in) = change.comes_in {
            self.choose(caller, &server.ready, (which, &names), comes_in)?;
        }
        if let Some(name) = change.name.as_ref().filter(|name| **name != one.name) {
            let said = format!("rename {} to {name}", one.name);
            let begun = self.begin(caller, Act::ChangeCalendars, &which.account, &said)?;
            let renamed = server.remote.rename_collection(&one.key, name).await;
            self.end(begun, renamed.map_err(|failed| failed.fault))?;
            self.follow_name(caller, which, name)?;
            one.name.clone_from(name);
        }
        server.remote.close().await;
        let ready = self.config.ready_activities(&which.account).ok().flatten().unwrap_or(server.ready);
        Ok(view(&ready, one))
    }

    fn calendar_server(&self, account: &str) -> Result<CalendarServer, Fault> {
        let ready = self.config.ready_activities(account).map_err(|errors| fault(&errors))?;
        let ready = ready.ok_or_else(|| {
            let cause = "it has no activities";
            Fault::new(ErrorClass::Config, format!("reach the calendars of account {account}"), cause)
                .hint("a table [activities] in its file gives it some")
        })?;
        let remote = self.world.items.calendars(&ready.server)?;
        Ok(CalendarServer { ready, remote })
    }

    async fn calendar_server_to_change(
        &mut self,
        caller: &Caller,
        account: &str,
        action: &str,
    ) -> Result<(CalendarServer, Turn), Fault> {
        self.permit(caller, Act::ChangeCalendars, account)?;
        let server = self.calendar_server(account)?;
        let turn = self.turn(account).await?;
        self.must_be_home(action)?;
        Ok((server, turn))
    }

    /// Has one come in, or not.
    fn choose(
        &mut self,
        caller: &Caller,
        ready: &ReadyActivities,
        (which, there_are): (&CalendarName, &[String]),
        comes_in: bool,
    ) -> Result<(), Fault> {
        let chosen = choice(ready, which.kind);
        if chosen.includes(&which.name) == comes_in {
            return Ok(());
        }
        let mut names = match chosen {
            Choice::All => there_are.to_vec(),
            Choice::Listed(names) => names.clone(),
        };
        match comes_in {
            true => names.push(which.name.clone()),
            false => names.retain(|name| *name != which.name),
        }
        let key = key_of(which.kind);
        self.rewrite(caller, &which.account, |toml| with_choice(toml, key, &Choice::Listed(names.clone())))
    }

    /// What the account says of one that has another name now is said of that name, where it was added by command.
    fn follow_name(&mut self, caller: &Caller, which: &CalendarName, name: &str) -> Result<(), Fault> {
        let origin = self.config.account(&which.account).map(|account| account.origin.kind);
        if origin.is_ok_and(|kind| kind != OriginKind::Stored) {
            return Ok(());
        }
        let key = key_of(which.kind);
        self.rewrite(caller, &which.account, |toml| with_renamed(toml, key, &which.name, name))
    }

    /// Writes an account's text anew that was added by command; with `None` nothing of it is to be changed.
    fn rewrite(
        &mut self,
        caller: &Caller,
        account: &str,
        write: impl Fn(&str) -> Option<String>,
    ) -> Result<(), Fault> {
        let was = self.stored_now(account)?;
        self.must_be_stored(account, "change")?;
        let was = was.unwrap_or_default();
        let Some(toml) = write(&was) else { return Ok(()) };
        self.config.check_account(account, &toml).map_err(|errors| fault(&errors))?;
        let line = self.line(caller, Act::SetAccount, account, "");
        let name = account.to_owned();
        let is_changed = self.edit(move |tx| {
            if !tx.replace_stored_account(&name, &was, &toml)? {
                return Ok(false);
            }
            tx.audit(line)?;
            Ok(true)
        })?;
        if !is_changed {
            return Err(changed_meanwhile("change", account));
        }
        self.merge_stored()
    }
}

/// Makes one; `None` where there is one of that name. An answer that was lost is looked for.
async fn made(
    remote: &dyn CalendarRemote,
    new: &CalendarName,
    mark: Mark,
) -> Result<Option<RemoteCollection>, Fault> {
    match remote.make_collection(new.kind, &new.name, mark).await {
        Ok(Making::Made(made)) => Ok(Some(made)),
        Ok(Making::Taken(_)) => Ok(None),
        Err(failed) => {
            let there = remote.collections().await.unwrap_or_default();
            there.into_iter().find(|one| one.mark == Some(mark)).map(Some).ok_or(failed.fault)
        }
    }
}

fn choice(ready: &ReadyActivities, kind: CollectionKind) -> &Choice {
    match kind {
        CollectionKind::TaskList => &ready.activities.task_lists,
        _ => &ready.activities.calendars,
    }
}

const fn key_of(kind: CollectionKind) -> &'static str {
    match kind {
        CollectionKind::TaskList => "task_lists",
        _ => "calendars",
    }
}

fn in_words(which: &CalendarName) -> String {
    let kind = match which.kind {
        CollectionKind::TaskList => "task list",
        _ => "calendar",
    };
    format!("{kind} \"{}\" of account {}", which.name, which.account)
}

fn view(ready: &ReadyActivities, one: RemoteCollection) -> CalendarView {
    let activities = &ready.activities;
    let (imports, target) = match one.kind {
        CollectionKind::TaskList => (activities.import_tasks, None),
        _ => (activities.import_appointments, activities.calendar.as_deref()),
    };
    let is_target = target.map_or(one.is_default, |name| name == one.name);
    CalendarView {
        account: ready.server.account.clone(),
        comes_in: imports && choice(ready, one.kind).includes(&one.name),
        goes_out: activities.export && one.access == Access::Write && is_target,
        name: one.name,
        kind: one.kind,
        access: one.access,
        is_default: one.is_default,
    }
}
