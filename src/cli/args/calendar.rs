//! What can be said of calendars and task lists.

use clap::Subcommand;

/// `postrider calendar …`
#[derive(Debug, Subcommand)]
pub enum CalendarCommand {
    /// What the servers of accounts have.
    List {
        /// Only of this account.
        #[arg(long)]
        account: Option<String>,
    },
    /// Make a calendar on a server.
    Create {
        /// Its name.
        name: String,
        /// The account.
        #[arg(long)]
        account: String,
        /// Make a task list.
        #[arg(long)]
        task_list: bool,
    },
    /// Rename a calendar, and say whether what is there comes in.
    Edit {
        /// Its name.
        name: String,
        /// The account.
        #[arg(long)]
        account: String,
        /// A task list is meant.
        #[arg(long)]
        task_list: bool,
        /// Its new name.
        #[arg(long = "name", value_name = "NAME")]
        new_name: Option<String>,
        /// Have what is there come in, of an account that was added by command.
        #[arg(long, conflicts_with = "no_follow")]
        follow: bool,
        /// Leave what is there there. What came in stays as it is.
        #[arg(long)]
        no_follow: bool,
    },
}
