//! `postrider calendar …`

use postrider_model::Fault;

use super::{
    args::CalendarCommand,
    door::Door,
    out::Out,
    table::{Column, Table},
};
use crate::{
    api::operations::calendars::{Calendar, CalendarAccess, Create, Edit, List},
    report::Exit,
};

pub(super) async fn calendar(door: &mut Door, command: CalendarCommand, out: Out) -> Result<Exit, Fault> {
    match command {
        CalendarCommand::List { account } => list(&door.call(List { account }).await?, out)?,
        CalendarCommand::Create { name, account, task_list } => {
            told(&door.call(Create { account, name, task_list }).await?, "made", out)?;
        }
        CalendarCommand::Edit { name, account, task_list, new_name, follow, no_follow } => {
            let comes_in = (follow || no_follow).then_some(follow);
            told(&door.call(Edit { account, name, task_list, new_name, comes_in }).await?, "changed", out)?;
        }
    }
    Ok(Exit::Done)
}

fn told(calendar: &Calendar, what: &str, out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(calendar);
    }
    out.line(format!("{}: {} \"{}\" {what}", calendar.account, kind_words(calendar), calendar.name));
    if !calendar.comes_in {
        out.note("what is there does not come in: [activities] of the account does not name it");
    }
    Ok(())
}

const fn kind_words(calendar: &Calendar) -> &'static str {
    if calendar.is_task_list { "task list" } else { "calendar" }
}

fn list(calendars: &[Calendar], out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(&calendars);
    }
    let mut table = Table::new([
        Column::whole("ACCOUNT"),
        Column::text("NAME"),
        Column::whole("KIND"),
        Column::whole("ACCESS"),
        Column::whole("HERE"),
    ]);
    for one in calendars {
        let access = match one.access {
            CalendarAccess::FreeBusy => "busy times",
            CalendarAccess::Read => "read",
            CalendarAccess::Write => "write",
        };
        let parts = [
            (one.comes_in, "comes in"),
            (one.goes_out, "goes out"),
            (one.is_default, "the server's default"),
        ];
        let here: Vec<&str> = parts.into_iter().filter_map(|(is_so, word)| is_so.then_some(word)).collect();
        table.row([
            one.account.clone(),
            one.name.clone(),
            kind_words(one).to_owned(),
            access.to_owned(),
            here.join(", "),
        ]);
    }
    out.table(&table);
    if calendars.is_empty() {
        out.note("no account here has calendars; a table [activities] in its file gives it some");
    }
    Ok(())
}
