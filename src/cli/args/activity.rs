//! What can be said of appointments and tasks.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `postrider activity …`
#[derive(Debug, Subcommand)]
pub enum ActivityCommand {
    /// When appointments and tasks take place, from now on for 31 days.
    List(ActivityQuery),
    /// One activity.
    Show {
        /// Its id, such as a8.
        id: String,
    },
    /// Make an appointment, or a task.
    Add {
        /// Its title.
        title: String,
        /// Make a task.
        #[arg(long)]
        task: bool,
        /// The address under which you organize it, where others take part [default: the first of yours].
        #[arg(long, value_name = "ADDRESS")]
        organizer: Option<String>,
        /// What it says.
        #[command(flatten)]
        fields: ActivityFields,
        /// Tell who is asked to take part: by the server that carries it, else by mail, users of this house left aside.
        #[arg(long)]
        notify: bool,
    },
    /// Change what is named of an activity. An empty text takes a field away.
    Edit {
        /// Its id, such as a8.
        id: String,
        /// Its title.
        #[arg(long, value_name = "TEXT")]
        title: Option<String>,
        /// What it is to say.
        #[command(flatten)]
        fields: ActivityFields,
        /// How much of a series.
        #[command(flatten)]
        extent: ExtentArgs,
        /// Ask one more person to take part; may be given several times.
        #[arg(long, value_name = "[ROLE:]ADDRESS", conflicts_with = "participants")]
        add_participant: Vec<String>,
        /// Ask a person no more to take part; may be given several times.
        #[arg(long, value_name = "ADDRESS", conflicts_with = "participants")]
        remove_participant: Vec<String>,
        /// Tell who takes part, or does so no more: by the server that carries it, else by mail, users of this house left aside.
        #[arg(long)]
        notify: bool,
    },
    /// Call an activity off: a meeting for all who take part; what is yours alone is deleted and can be restored.
    Cancel {
        /// Its id, such as a8.
        id: String,
        /// Only the time on that day: 2026-12-01, or "2026-12-01 10:00" where there are several.
        #[arg(long, value_name = "DAY")]
        occurrence: Option<String>,
        /// Tell who takes part: by the server that carries it, else by mail, users of this house left aside.
        #[arg(long)]
        notify: bool,
    },
    /// Take in what a message says: an invitation, a change, a cancellation by who organizes it, an answer. Nobody is mailed.
    Accept {
        /// The message's id, such as m17.
        message: String,
    },
    /// Bring a deleted activity back.
    Restore {
        /// Its id, such as a8; `activity list --deleted` prints it.
        id: String,
    },
    /// Note what you answer to who asks you to take part.
    Respond {
        /// Its id, such as a8.
        id: String,
        /// What you answer.
        #[arg(value_enum)]
        response: ResponseArg,
        /// Only to the time on that day: 2026-12-01, or "2026-12-01 10:00" where there are several.
        #[arg(long, value_name = "DAY")]
        occurrence: Option<String>,
        /// Tell who organizes it: by the server that has your copy, else by mail, unless that is a user of this house.
        #[arg(long)]
        notify: bool,
    },
    /// When people have no time.
    Freebusy {
        /// Users by name, anybody by address.
        #[arg(required = true)]
        people: Vec<String>,
        /// From that day on [default: today].
        #[arg(long, value_name = "DAY")]
        from: Option<String>,
        /// Up to that day, which is no more part of it [default: for a week].
        #[arg(long, value_name = "DAY")]
        to: Option<String>,
    },
    /// Take the appointments and tasks of an iCalendar file in. Nobody is mailed.
    Import {
        /// The file, or - for standard input.
        file: PathBuf,
        /// Whose activities they become [default: yours].
        #[arg(long, value_name = "USER")]
        user: Option<String>,
    },
    /// Write activities to an iCalendar file.
    Export {
        /// The file, which must not be there yet; - for standard output.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Only your own.
        #[arg(long)]
        mine: bool,
        /// Only what this account has on its server.
        #[arg(long)]
        account: Option<String>,
    },
}

/// Which activities.
#[derive(Debug, Args)]
pub struct ActivityQuery {
    /// Words that are in it, or that words in it begin with.
    pub query: Vec<String>,
    /// From that day on: 2026-12-01.
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,
    /// Up to that day, which is no more part of it.
    #[arg(long, value_name = "DAY")]
    pub to: Option<String>,
    /// Only appointments.
    #[arg(long, conflicts_with = "tasks")]
    pub appointments: bool,
    /// Only tasks.
    #[arg(long)]
    pub tasks: bool,
    /// Only with that person, by address.
    #[arg(long, value_name = "ADDRESS")]
    pub with: Option<String>,
    /// Only in that group.
    #[arg(long)]
    pub group: Option<String>,
    /// Those that were deleted and can be restored.
    #[arg(long)]
    pub deleted: bool,
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    pub limit: u32,
}

/// How much of a series; all of it where nothing is said.
#[derive(Debug, Args)]
pub struct ExtentArgs {
    /// The time on that day: 2026-12-01, or "2026-12-01 10:00" where there are several.
    #[arg(long, value_name = "DAY")]
    pub occurrence: Option<String>,
    /// And all that follow.
    #[arg(long, requires = "occurrence")]
    pub following: bool,
}

/// What an activity says.
#[derive(Debug, Args)]
pub struct ActivityFields {
    /// When it begins: 2026-12-01, "2026-12-01 10:00", 2026-12-01T10:00Z.
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,
    /// When it ends; of whole days the last one; of a task when it is due.
    #[arg(long, visible_alias = "due", value_name = "TIME")]
    pub end: Option<String>,
    /// How long it takes: 45m, 2h, 3d.
    #[arg(long, value_name = "TIME", conflicts_with = "end")]
    pub duration: Option<String>,
    /// The place whose clocks tell its times: Europe/Berlin; "" for wherever one is.
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<String>,
    /// A rule by which it recurs (RFC 5545): FREQ=WEEKLY;BYDAY=MO; "" for none.
    #[arg(long = "rule", value_name = "RULE")]
    pub rules: Vec<String>,
    /// Where.
    #[arg(long, value_name = "TEXT")]
    pub place: Option<String>,
    /// What it is about, a file with it (@FILE), or standard input (-).
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// How it stands.
    #[arg(long, value_enum)]
    pub status: Option<StatusArg>,
    /// Who may see what it is about.
    #[arg(long, value_enum)]
    pub privacy: Option<PrivacyArg>,
    /// 1, the highest, to 9; 0 for none.
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=9))]
    pub priority: Option<u8>,
    /// How much of a task is done, 0 to 100.
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub percent: Option<u8>,
    /// Where an online meeting is joined.
    #[arg(long, value_name = "URL")]
    pub join_url: Option<String>,
    /// Who is asked to take part, with a role before it: optional:anna@example.com; all of them where it is given several times.
    #[arg(long = "participant", value_name = "[ROLE:]ADDRESS")]
    pub participants: Vec<String>,
    /// How long before it begins you are reminded: 15m; may be given several times; "" for never.
    #[arg(long = "remind", value_name = "TIME")]
    pub reminders: Vec<String>,
    /// How your time shows.
    #[arg(long, value_enum)]
    pub show_as: Option<ShowAsArg>,
    /// A word of yours for it; may be given several times; "" for none.
    #[arg(long = "category", value_name = "TEXT")]
    pub categories: Vec<String>,
    /// Show it in the schedule, or do not.
    #[arg(long, value_name = "yes|no", value_parser = clap::builder::BoolishValueParser::new())]
    pub in_schedule: Option<bool>,
    /// Who sees it besides you and who takes part: private, all, or role:NAME.
    #[arg(long, value_name = "WHO")]
    pub visible: Option<String>,
}

/// How an activity stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StatusArg {
    /// It takes place; of a task that nothing was done yet.
    Open,
    /// It may take place.
    Tentative,
    /// A task: begun.
    InProcess,
    /// A task: waits for somebody else.
    Waiting,
    /// A task: put off.
    Deferred,
    /// A task: done.
    Completed,
}

/// Who may see what an activity is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PrivacyArg {
    /// Whoever sees it.
    Normal,
    /// Others see only that there is something.
    Private,
    /// As private, and not to be told of.
    Confidential,
}

/// How somebody's time shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShowAsArg {
    /// Taken.
    Busy,
    /// Free.
    Free,
    /// Perhaps taken.
    Tentative,
    /// Not at work.
    OutOfOffice,
    /// At work, at another place.
    WorkingElsewhere,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ResponseArg {
    /// You come.
    Accepted,
    /// You may come.
    Tentative,
    /// You do not come.
    Declined,
}
