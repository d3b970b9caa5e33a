//! `postrider audit …`: for the store's owner and administrators.

use clap::{Args, Subcommand};

/// `postrider audit …`
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Lines of the log, the newest first.
    List(AuditList),
    /// Follow the log from its oldest line to its newest, and say where it is not what was written.
    Verify,
}

/// `postrider audit list`
#[derive(Debug, Args)]
pub struct AuditList {
    /// Only what was done through this account.
    #[arg(long)]
    pub account: Option<String>,
    /// Only from this day on, or from this instant: 2026-11-20, 2026-11-20T08:15:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// At most so many lines.
    #[arg(long, default_value_t = 100)]
    pub limit: u32,
}
