//! What a seed's world is like when it begins: servers with what they offer, accounts, folders, first mail.

use anyhow::Result;
use chrono::DateTime;
use postrider_fake::{Capabilities, Capability, ServerConfig};

use crate::{
    chance::Chance,
    machine::{BEGINNING, Machine},
    mail::{Mail, internal_date},
};

/// Names of folders, `/` for the server's delimiter. All of them can be held by a server.
pub const NAMES: [&str; 16] = [
    "Work",
    "Work/2026",
    "Work/2026/Заказы",
    "Trash",
    "Drafts",
    "Sent",
    "inbox2",
    "INBOX/below",
    "Größe",
    "a \"quoted\" name",
    "back\\slash",
    "R&D",
    "日本語",
    "with space ",
    "~tilde",
    "{12}",
];

/// Flags and keywords that messages get.
pub const FLAGS: [&str; 9] =
    ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "$Forwarded", "Todo", "todo2", "$MDNSent"];

/// The name with the server's delimiter.
pub fn with_delimiter(name: &str, delimiter: char) -> String {
    name.chars().map(|c| if c == '/' { delimiter } else { c }).collect()
}

/// The name under which people know a folder: `/` between levels, and within a level written `%2F`.
pub fn shown(name: &str, delimiter: char) -> String {
    if delimiter == '/' {
        return name.to_owned();
    }
    let level = |level: &str| level.replace("%2F", "%252F").replace('/', "%2F");
    name.split(delimiter).map(level).collect::<Vec<_>>().join("/")
}

/// Gives the machine its accounts.
///
/// # Errors
/// Where the machine fails.
pub fn furnish(machine: &mut Machine, mail: &mut Mail, chance: &mut Chance) -> Result<()> {
    furnish_with(machine, mail, chance, |_, offered| offered)
}

/// The same, and `offered` has the last word on what each server offers.
///
/// # Errors
/// Where the machine fails.
pub fn furnish_with(
    machine: &mut Machine,
    mail: &mut Mail,
    chance: &mut Chance,
    offered: impl Fn(&mut Chance, Capabilities) -> Capabilities,
) -> Result<()> {
    for _ in 0..[1, 1, 1, 2, 2, 3][chance.below(6) as usize] {
        let delimiter = if chance.percent(25) { '.' } else { '/' };
        let drawn = capabilities(chance);
        let server = ServerConfig {
            capabilities: offered(chance, drawn),
            delimiter,
            tells_capabilities: chance.percent(80),
            now: DateTime::from_timestamp(BEGINNING.seconds(), 0).unwrap_or_default().fixed_offset(),
            ..ServerConfig::default()
        };
        let folders = chance.some(&NAMES, 6);
        let wanted = match chance.percent(15) {
            true => {
                let mut wanted: Vec<String> =
                    chance.some(&folders, 3).iter().map(|name| (*name).to_owned()).collect();
                wanted.push("INBOX".to_owned());
                wanted
            }
            false => Vec::new(),
        };
        let period = ["all", "all", "all", "all", "1w", "1M"][chance.below(6) as usize];
        machine.add_account(server, period, &wanted)?;
        if let Some(mailbox) = machine.mailboxes.last() {
            fill(mailbox, &folders, delimiter, mail, chance);
        }
    }
    Ok(())
}

fn fill(
    mailbox: &crate::machine::Mailbox,
    folders: &[&str],
    delimiter: char,
    mail: &mut Mail,
    chance: &mut Chance,
) {
    let other = &mailbox.other;
    // Where no single message can be erased, the mark means that it is gone.
    let erases = mailbox.server.config().capabilities.has(Capability::UidPlus);
    let mut names = vec!["INBOX".to_owned()];
    for name in folders {
        let name = with_delimiter(name, delimiter);
        // One that is there already, as the parent of another, is as good.
        let _ = other.create_mailbox(&name);
        if matches!(name.as_str(), "Trash" | "Drafts" | "Sent") && chance.percent(70) {
            let _ = other.set_special_use(&name, &[&format!("\\{name}")]);
        }
        if chance.percent(5) {
            let _ = other.set_no_mod_seq(&name, true);
        }
        if chance.percent(10) {
            let _ = other.set_uid_next(&name, 3_000_000_000);
        }
        names.push(name);
    }
    for name in names {
        for _ in 0..[0, 1, 3, 6, 14, 40][chance.below(6) as usize] {
            let mut flags = if chance.percent(50) { chance.some(&FLAGS, 3) } else { Vec::new() };
            flags.retain(|flag| erases || *flag != "\\Deleted");
            let (bytes, date) = (mail.message(chance), internal_date(chance));
            let _ = other.append(&name, bytes.clone(), &flags, date);
            if chance.percent(8) {
                let _ = other.append(&name, bytes, &[], date);
            }
        }
    }
}

fn capabilities(chance: &mut Chance) -> Capabilities {
    use Capability as C;
    let mut offered = match chance.below(4) {
        0 => Capabilities::bare(),
        1 => Capabilities::all(),
        2 => Capabilities::bare().with([C::CondStore]),
        _ => Capabilities::bare().with([C::QResync]),
    };
    let others = [
        C::Children,
        C::Enable,
        C::ESearch,
        C::Id,
        C::ListExtended,
        C::ListStatus,
        C::LiteralMinus,
        C::LiteralPlus,
        C::Move,
        C::Namespace,
        C::ObjectId,
        C::SaslIr,
        C::AuthPlain,
        C::SpecialUse,
        C::StatusSize,
        C::UidPlus,
        C::Unselect,
        C::Utf8Accept,
    ];
    for one in others {
        offered = match chance.below(3) {
            0 => offered.with([one]),
            1 if one != C::Enable => offered.without([one]),
            _ => offered,
        };
    }
    // RFC 5819, section 2: LIST-STATUS adds to what LIST-EXTENDED brings, and no server has the one without the other.
    if offered.has(C::ListStatus) {
        offered = offered.with([C::ListExtended]);
    }
    // RFC 7888, section 3: a server offers one of the two.
    if offered.has(C::LiteralPlus) { offered.without([C::LiteralMinus]) } else { offered }
}
