//! The process: reads its surroundings once, sets up the log, and hands over to `cli`.
//!
//! The only place that reads the environment.

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use postrider::{
    cli::{Cli, execute},
    report::Exit,
    service::Environment,
    world::World,
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(&cli);
    let env = environment(cli.global.config.clone());
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "cannot start the runtime");
            return ExitCode::from(Exit::Failed as u8);
        }
    };
    let exit = runtime.block_on(execute(cli, env, World::real()));
    ExitCode::from(exit as u8)
}

/// Logs go to standard error: quiet by default, since a person reads the answer and a service manager the exit code.
fn start_log(cli: &Cli) {
    use tracing_subscriber::{EnvFilter, fmt};
    let level = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => "off",
        (false, 0) => "error",
        (false, 1) => {
            "warn,postrider=info,postrider_imap=info,postrider_store=info,postrider_net=info,postrider_oauth=info"
        }
        (false, 2) => {
            "info,postrider=debug,postrider_imap=debug,postrider_store=debug,postrider_net=debug,postrider_oauth=debug"
        }
        (false, _) => "trace",
    };
    let lines = fmt().with_env_filter(EnvFilter::new(level)).with_writer(io::stderr);
    lines.with_ansi(io::stderr().is_terminal()).with_target(true).init();
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn environment(config: Option<PathBuf>) -> Environment {
    let path = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let uid = rustix::process::geteuid();
    let home = path("HOME");
    let below_home = |below: &str| home.clone().unwrap_or_else(|| PathBuf::from("/")).join(below);
    // The system service runs as a user without a home of its own and gets both by StateDirectory= (systemd.exec(5)).
    let for_system = path("STATE_DIRECTORY").is_some() || (uid.is_root() && home.is_none());
    let config_dir =
        config.map(|dir| std::path::absolute(&dir).unwrap_or(dir)).unwrap_or_else(|| match for_system {
            true => PathBuf::from("/etc/postrider"),
            false => path("XDG_CONFIG_HOME").unwrap_or_else(|| below_home(".config")).join("postrider"),
        });
    let default_store = path("STATE_DIRECTORY").unwrap_or_else(|| match for_system {
        true => PathBuf::from("/var/lib/postrider"),
        false => path("XDG_DATA_HOME").unwrap_or_else(|| below_home(".local/share")).join("postrider"),
    });
    // The system service's socket is made by its socket unit or in a folder that tmpfiles.d(5) makes; a person's lies in the folder that
    // pam_systemd(8) gives them, or else beside the store.
    let default_socket = match for_system {
        true => PathBuf::from("/run/postrider/api.sock"),
        false => match path("XDG_RUNTIME_DIR") {
            Some(dir) => dir.join("postrider/api.sock"),
            None => default_store.join("api.sock"),
        },
    };
    Environment {
        default_socket,
        config_dir,
        default_store,
        path: std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned()),
        credentials: path("CREDENTIALS_DIRECTORY"),
        uid: uid.as_raw(),
        user: std::env::var("USER")
            .or_else(|_| std::env::var("LOGNAME"))
            .unwrap_or_else(|_| uid.as_raw().to_string()),
        machine_id: std::fs::read_to_string("/etc/machine-id").ok().map(|id| id.trim().to_owned()),
        home,
    }
}
