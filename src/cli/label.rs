//! `postrider tag …`, `postrider group …`, `postrider contact tag` and `untag`

use postrider_model::{ErrorClass, Fault};

use super::{
    args::{GroupCommand, ScopeArgs, TagCommand, Tagging},
    contact::parse_ids,
    door::Door,
    out::{Out, counted},
    table::{Column, Table},
};
use crate::{
    api::operations::labels::{Add, Kind, List, Named, Put, Remove, Rename, Scope},
    report::Exit,
};

pub(super) async fn tags(door: &mut Door, command: TagCommand, out: Out) -> Result<Exit, Fault> {
    match command {
        TagCommand::List => list(door, false, out).await?,
        TagCommand::Add { name, scope } => add(door, named(Kind::Tag, &name, scope), out).await?,
        TagCommand::Edit { name, rename, scope } => {
            renamed(door, named(Kind::Tag, &name, scope), rename, out).await?;
        }
        TagCommand::Remove { name, scope } => remove(door, named(Kind::Tag, &name, scope), out).await?,
    }
    Ok(Exit::Done)
}

pub(super) async fn groups(door: &mut Door, command: GroupCommand, out: Out) -> Result<Exit, Fault> {
    match command {
        GroupCommand::List => list(door, true, out).await?,
        GroupCommand::Add { name, activities, scope } => {
            add(door, named(group(activities), &name, scope), out).await?;
        }
        GroupCommand::Edit { name, rename, add, remove, activities, scope } => {
            let label = named(group(activities), &name, scope);
            if rename.is_none() && add.is_empty() && remove.is_empty() {
                let cause = "nothing is to be different";
                return Err(Fault::new(ErrorClass::Config, format!("edit group {name}"), cause)
                    .hint("--rename NAME, --add ID, --remove ID"));
            }
            put(door, label.clone(), &add, true, out).await?;
            put(door, label.clone(), &remove, false, out).await?;
            if let Some(to) = rename {
                renamed(door, label, to, out).await?;
            }
        }
        GroupCommand::Remove { name, activities, scope } => {
            remove(door, named(group(activities), &name, scope), out).await?;
        }
    }
    Ok(Exit::Done)
}

/// Puts a tag on contacts or takes it off.
pub(super) async fn tag(door: &mut Door, tagging: Tagging, on: bool, out: Out) -> Result<(), Fault> {
    let Some((tag, ids)) = tagging.words.split_last() else { return Ok(()) };
    put(door, named(Kind::Tag, tag, tagging.scope), ids, on, out).await
}

async fn put(door: &mut Door, label: Named, ids: &[String], on: bool, out: Out) -> Result<(), Fault> {
    if ids.is_empty() {
        return Ok(());
    }
    let (word, name) = (word(label.kind), label.name.clone());
    let (activities, contacts): (Vec<String>, Vec<String>) =
        ids.iter().cloned().partition(|id| id.starts_with('a'));
    let activities = activities.iter().map(|id| super::activity::parse_id(id)).collect::<Result<_, _>>()?;
    let done = door.call(Put { label, contacts: parse_ids(&contacts)?, activities, on }).await?;
    if out.json {
        return out.value(&done);
    }
    let contacts = counted(done.changed.len() as u64, "record");
    let what = match (word, on) {
        ("tag", true) => "put on",
        ("tag", false) => "taken off",
        (_, true) => "takes in",
        (_, false) => "lets go",
    };
    out.line(format!("{word} {name} {what} {contacts}"));
    Ok(())
}

const fn group(of_activities: bool) -> Kind {
    if of_activities { Kind::Activities } else { Kind::Contacts }
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Tag => "tag",
        Kind::Contacts | Kind::Activities => "group",
    }
}

fn named(kind: Kind, name: &str, scope: ScopeArgs) -> Named {
    let scope = match scope {
        ScopeArgs { personal: true, .. } => Some(Scope::Personal),
        ScopeArgs { corporate: true, .. } => Some(Scope::Corporate),
        ScopeArgs { public: true, .. } => Some(Scope::Public),
        _ => None,
    };
    Named { kind, name: name.to_owned(), scope }
}

async fn add(door: &mut Door, label: Named, out: Out) -> Result<(), Fault> {
    let name = label.name.clone();
    door.call(Add { label }).await?;
    done(&name, "added", 0, out)
}

async fn renamed(door: &mut Door, label: Named, to: String, out: Out) -> Result<(), Fault> {
    door.call(Rename { label, to: to.clone() }).await?;
    done(&to, "renamed", 0, out)
}

async fn remove(door: &mut Door, label: Named, out: Out) -> Result<(), Fault> {
    let name = label.name.clone();
    let records = door.call(Remove { label }).await?.records;
    done(&name, "removed", records, out)
}

fn done(name: &str, what: &str, records: u64, out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(&serde_json::json!({ "name": name, "done": what, "records": records }));
    }
    out.line(format!("{name}: {what}"));
    if records > 0 {
        out.note(format!("it was taken off {}", counted(records, "record")));
    }
    Ok(())
}

async fn list(door: &mut Door, groups: bool, out: Out) -> Result<(), Fault> {
    let labels = door.call(List { groups }).await?;
    if out.json {
        return out.value(&labels);
    }
    let mut table = Table::new([
        Column::text(if groups { "GROUP" } else { "TAG" }),
        Column::whole("SCOPE"),
        Column::whole("OF"),
        Column::number("RECORDS"),
        Column::text("MADE BY"),
    ]);
    for label in labels {
        let scope = match label.scope {
            Scope::Personal => "personal",
            Scope::Corporate => "corporate",
            Scope::Public => "public",
        };
        let of = match label.kind {
            Kind::Tag => "",
            Kind::Contacts => "contacts",
            Kind::Activities => "activities",
        };
        table.row([label.name, scope.to_owned(), of.to_owned(), label.records.to_string(), label.owner]);
    }
    out.table(&table);
    Ok(())
}
