//! Who may do what (F7), as data: a table of callers and doings, to be held against the use cases, the command line and the API.
//!
//! It knows nothing of Postrider. Whoever drives it makes the house that [`HOUSE`] describes, does each doing in the name of each
//! caller, and compares.

/// What becomes of a doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It is done; of a listing: the shared mailbox is in it.
    Done,
    /// It is refused: not permitted, exit code 5.
    Refused,
    /// It answers as it would if there were no such account or message; of a listing: the shared mailbox is not in it.
    Absent,
}

/// Something that a caller tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doing {
    /// Showing a message of the shared mailbox by its id.
    Read,
    /// Listing the shared mailbox by its name.
    ListNamed,
    /// Searching for a word that stands in its messages.
    Search,
    /// Listing what is beside a contact that everybody sees, who wrote all of it.
    BesideContact,
    /// The same of a contact that only the shared mailbox's user sees.
    BesidePrivate,
    /// Listing the own mailboxes.
    ListOwn,
    /// Listing its folders.
    Folders,
    /// Marking one of its messages as read.
    Flag,
    /// Erasing one of its deleted messages for good.
    Purge,
    /// Sending from it.
    Send,
    /// Seeing what it is to send.
    Outbox,
    /// Changing its period.
    Configure,
    /// Changing its name, interval and signature.
    Introduce,
    /// Adding a provider: a host.
    ChangeHost,
    /// Seeing that it is there.
    SeeAccount,
    /// Reading the audit log.
    Audit,
    /// Asking its server for its calendars.
    SeeCalendars,
    /// Renaming one of them.
    RenameCalendar,
}

/// What whoever may ask for calendars is told of an account without any: so no server is asked.
pub const NO_CALENDARS: &str = "it has no activities";

/// Everybody who tries.
pub const CALLERS: [&str; 9] = [
    "reader",
    "sender",
    "configurer",
    "holder",
    "administrator",
    "deputy for sender",
    "deputy",
    "stranger",
    "owner",
];

/// What they try, in the order of the table's columns.
pub const DOINGS: [Doing; 18] = [
    Doing::Read,
    Doing::ListNamed,
    Doing::Search,
    Doing::BesideContact,
    Doing::BesidePrivate,
    Doing::ListOwn,
    Doing::Folders,
    Doing::Flag,
    Doing::Purge,
    Doing::Send,
    Doing::Outbox,
    Doing::Configure,
    Doing::Introduce,
    Doing::ChangeHost,
    Doing::SeeAccount,
    Doing::Audit,
    Doing::SeeCalendars,
    Doing::RenameCalendar,
];

/// What comes of it: `x` done, `r` refused, `.` absent.
#[rustfmt::skip]
const TABLE: [(&str, &str); 9] = [
    // read · named · search · contact · private contact · own · folders · flag · purge · send · outbox · configure · introduce · host · see · audit · calendars · rename
    ("reader",            "x x x x . . x r r r . r r r x r r r"),
    ("sender",            "x x x x . x x x r x x r r r x r r r"),
    ("configurer",        ". r . . . . . . . r . x x r x r x x"),
    ("holder",            "x x x x x x x x x x x x x r x r x x"),
    ("administrator",     ". r . . . . . . . r . r r x x x r r"),
    ("deputy for sender", "x x x x . x x x r x x r r r x r r r"),
    ("deputy",            ". . . . . . . . . . . . . r . r . ."),
    ("stranger",          ". . . . . . . . . . . . . r . r . ."),
    ("owner",             "x x x x x x x x x x x x x x x x x x"),
];

/// What is to come of that doing of that caller.
pub fn expected(caller: &str, doing: Doing) -> Expected {
    let row = TABLE.iter().find(|(name, _)| *name == caller).unwrap_or_else(|| panic!("no row for {caller}"));
    let column =
        DOINGS.iter().position(|one| *one == doing).unwrap_or_else(|| panic!("no column for {doing:?}"));
    match row.1.split(' ').nth(column) {
        Some("x") => Expected::Done,
        Some("r") => Expected::Refused,
        Some(".") => Expected::Absent,
        other => panic!("{caller}, {doing:?}: {other:?}"),
    }
}

/// The files of the house. The accounts `support` of `holder` and `private` of `stranger` are added by command.
pub const HOUSE: [(&str, &str); 3] = [
    ("users.toml", USERS),
    ("shared-mailboxes.d/support.toml", SUPPORT),
    ("providers.d/here.toml", PROVIDER),
];

/// The users of the house, and how the system knows them.
pub const UNIX_USERS: [(&str, &str, u32); 7] = [
    ("reader", "u-reader", 70_001),
    ("sender", "u-sender", 70_002),
    ("configurer", "u-configurer", 70_003),
    ("holder", "u-holder", 70_004),
    ("administrator", "u-administrator", 70_005),
    ("deputy", "u-deputy", 70_006),
    ("stranger", "u-stranger", 70_007),
];

const USERS: &str = r#"
[[user]]
name = "reader"
unix_user = "u-reader"
[[user]]
name = "sender"
unix_user = "u-sender"
roles = ["customer-service"]
[[user]]
name = "configurer"
unix_user = "u-configurer"
[[user]]
name = "holder"
unix_user = "u-holder"
[[user]]
name = "administrator"
unix_user = "u-administrator"
[[user]]
name = "deputy"
unix_user = "u-deputy"
[[user]]
name = "stranger"
unix_user = "u-stranger"
[[role]]
name = "customer-service"
[[grant]]
user = "administrator"
operations = ["administer"]
[[grant]]
user = "deputy"
operations = ["act-as"]
"#;

const SUPPORT: &str = r#"
account = "support"
[[grant]]
user = "reader"
read = true
[[grant]]
role = "customer-service"
send = true
[[grant]]
user = "configurer"
configure = true
"#;

const PROVIDER: &str = r#"
type = "imap"
domains = ["example.com"]
[imap]
host = "localhost"
port = 1
security = "none"
[smtp]
host = "localhost"
port = 1
security = "none"
"#;
