//! Reminders: `VALARM` (RFC 5545, section 3.6.6).

use postrider_model::{Reminder, ReminderBy, ReminderTime};

use super::{
    component::Component,
    line::{Line, Param},
    moment,
    named::Zones,
};

/// What an alarm says; `None` for one that is none of a person's: one that runs a program, or Apple's that do nothing.
pub(super) fn reminder(alarm: &Component, zones: &Zones) -> Option<Reminder> {
    let action = alarm.first("ACTION").map(|line| line.value.trim().to_ascii_uppercase());
    let by = match action.as_deref() {
        Some("DISPLAY" | "AUDIO") => ReminderBy::Display,
        Some("EMAIL") => ReminderBy::Email,
        _ => return None,
    };
    let trigger = alarm.first("TRIGGER")?;
    let at = match moment::duration_s(&trigger.value) {
        Some(after_s) => {
            let is_of_end = trigger.param("RELATED").is_some_and(|edge| edge.eq_ignore_ascii_case("END"));
            let before_s = after_s.checked_neg()?;
            if is_of_end { ReminderTime::BeforeEnd(before_s) } else { ReminderTime::BeforeStart(before_s) }
        }
        None => ReminderTime::At(moment::timestamp(trigger, zones)?),
    };
    Some(Reminder { at, by })
}

/// An alarm for a reminder. One by mail is sent by whichever server keeps it, to whom it belongs: it names nobody.
pub(super) fn alarm(reminder: &Reminder, title: &str) -> Component {
    let mut alarm = Component::new("VALARM");
    let action = match reminder.by {
        ReminderBy::Display => "DISPLAY",
        ReminderBy::Email => "EMAIL",
    };
    alarm.push(Line::new("ACTION", Vec::new(), action));
    alarm.push(match reminder.at {
        ReminderTime::BeforeStart(seconds) => {
            Line::new("TRIGGER", Vec::new(), moment::duration_text(seconds.saturating_neg()))
        }
        ReminderTime::BeforeEnd(seconds) => {
            let params = vec![Param::new("RELATED", "END")];
            Line::new("TRIGGER", params, moment::duration_text(seconds.saturating_neg()))
        }
        ReminderTime::At(at) => {
            Line::new("TRIGGER", vec![Param::new("VALUE", "DATE-TIME")], moment::instant_text(at))
        }
    });
    let title = if title.trim().is_empty() { "Reminder" } else { title };
    if reminder.by == ReminderBy::Email {
        alarm.push(Line::text("SUMMARY", title));
    }
    alarm.push(Line::text("DESCRIPTION", title));
    alarm
}
