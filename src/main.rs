//! The process: reads its surroundings once, becomes whom it has to be, sets up the log, and hands over to `cli`.
//!
//! The only place that reads the environment.

use std::{
    fs,
    io::{self, IsTerminal, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::OnceLock,
};

use clap::Parser;
use nix::unistd::{Uid, User, initgroups, setgid, setuid};
use postrider::{
    cli::{Cli, execute, is_daemon, serve},
    config::{Config, LoadContext, LogFormat, LogLevel, LogSettings},
    daemon::SetLog,
    report::Exit,
    service::Environment,
    world::World,
};
use tracing_subscriber::{EnvFilter, Registry, layer::SubscriberExt, reload, util::SubscriberInitExt};

/// The crates whose steps are worth a line of their own.
const OURS: [&str; 6] =
    ["postrider", "postrider_imap", "postrider_smtp", "postrider_store", "postrider_net", "postrider_oauth"];

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut env = environment(cli.global.config.clone());
    if !is_daemon(&cli) {
        start_log(&cli);
    }
    if let Err(why) = become_owner(&mut env) {
        return ended(&format!("cannot become the store's owner: {why}"), Exit::NotPermitted);
    }
    // After the change of users, which would undo it.
    keep_memory_private();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return ended(&format!("cannot start the runtime: {error}"), Exit::Failed),
    };
    let exit = match is_daemon(&cli) {
        true => {
            let set_log = daemon_log(&cli);
            runtime.block_on(serve(&cli, env, World::real(), set_log))
        }
        false => runtime.block_on(execute(cli, env, World::real())),
    };
    // A name that is being looked up is not waited for.
    runtime.shutdown_background();
    ExitCode::from(exit as u8)
}

/// An end before there is a log.
fn ended(why: &str, exit: Exit) -> ExitCode {
    // Nobody is left to tell where standard error is closed.
    let _ = writeln!(io::stderr(), "error: {why}");
    ExitCode::from(exit as u8)
}

/// The logs of a command go to standard error: quiet by default, since a person reads the answer and a service manager the exit code.
fn start_log(cli: &Cli) {
    use tracing_subscriber::fmt;
    let filter = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => "off".to_owned(),
        (false, 0) => "error".to_owned(),
        (false, 1) => filter_of(LogLevel::Info),
        (false, 2) => filter_of(LogLevel::Debug),
        (false, _) => filter_of(LogLevel::Trace),
    };
    let lines = fmt().with_env_filter(EnvFilter::new(filter)).with_writer(io::stderr);
    lines.with_ansi(io::stderr().is_terminal()).with_target(true).init();
}

/// What is shown at a level: of the libraries less than of ourselves.
fn filter_of(level: LogLevel) -> String {
    let others = match level {
        LogLevel::Error => "error",
        LogLevel::Warn | LogLevel::Info => "warn",
        LogLevel::Debug => "info",
        LogLevel::Trace => return "trace".to_owned(),
    };
    OURS.iter().fold(others.to_owned(), |filter, ours| format!("{filter},{ours}={}", level.name()))
}

/// The daemon's log, which begins once its configuration is read and whose level may change later; -v and -q win over it.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn daemon_log(cli: &Cli) -> SetLog {
    // journald writes the time and the level's colour itself (systemd.exec(5), $JOURNAL_STREAM).
    let in_journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let wanted = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => Some(LogLevel::Error),
        (false, 0) => None,
        (false, 1) => Some(LogLevel::Debug),
        (false, _) => Some(LogLevel::Trace),
    };
    let handle: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();
    Box::new(move |settings| {
        // The copy of the audit log belongs in the journal at every level (F7.7).
        let filter = format!("{},postrider::audit=info", filter_of(wanted.unwrap_or(settings.level)));
        let filter = EnvFilter::new(filter);
        match handle.get() {
            // A log that cannot be changed stays as it is.
            Some(handle) => drop(handle.reload(filter)),
            None => drop(handle.set(begin_daemon_log(filter, settings, in_journal))),
        }
    })
}

fn begin_daemon_log(
    filter: EnvFilter,
    settings: &LogSettings,
    in_journal: bool,
) -> reload::Handle<EnvFilter, Registry> {
    use tracing_subscriber::fmt;
    let (filter, handle) = reload::Layer::new(filter);
    let lines = fmt::layer().with_writer(io::stderr).with_target(true);
    let log = tracing_subscriber::registry().with(filter);
    match (settings.format, in_journal) {
        (LogFormat::Json, _) => log.with(lines.json()).init(),
        (LogFormat::Text, true) => log.with(lines.with_ansi(false).without_time()).init(),
        (LogFormat::Text, false) => log.with(lines.with_ansi(io::stderr().is_terminal())).init(),
    }
    handle
}

/// Root works on a store as its owner, so that nothing in it comes to belong to root (F7.5).
fn become_owner(env: &mut Environment) -> Result<(), String> {
    if env.uid != 0 {
        return Ok(());
    }
    // The files may be root's or the owner's; here only where the store is is taken from them, and they are judged again by its owner.
    let owner_uid = fs::metadata(&env.config_dir).map_or(0, |dir| dir.uid());
    let context = LoadContext { owner_uid, home: env.home.clone(), default_store: env.default_store.clone() };
    let store = Config::load(&env.config_dir, &context).settings.store.path;
    let Some(owner) = fs::metadata(&store).ok().map(|store| Uid::from_raw(store.uid())) else {
        return Ok(());
    };
    if owner.is_root() {
        return Ok(());
    }
    let failed = |error: nix::Error| format!("uid {owner}, the owner of {}: {error}", store.display());
    let user = User::from_uid(owner)
        .map_err(failed)?
        .ok_or_else(|| format!("uid {owner}, the owner of {}, has no name", store.display()))?;
    let name = std::ffi::CString::new(user.name.clone()).map_err(|error| error.to_string())?;
    initgroups(&name, user.gid).map_err(failed)?;
    setgid(user.gid).map_err(failed)?;
    setuid(owner).map_err(failed)?;
    env.uid = owner.as_raw();
    env.user = user.name;
    env.home = Some(user.dir);
    Ok(())
}

/// What a user is called. The system's directory says it rather than the environment, which is another under cron than at a terminal: records
/// are owned by that name.
fn name_of(uid: u32) -> Option<String> {
    let known = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid)).ok().flatten();
    known.map(|user| user.name)
}

/// No core dump and no other process of this user reads passwords and keys out of this one (F8): the limit holds for what it starts
/// as well (setrlimit(2), `RLIMIT_CORE`), and not being dumpable keeps ptrace(2) and `/proc/PID/mem` from all but root
/// (prctl(2), `PR_SET_DUMPABLE`).
fn keep_memory_private() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let limited = setrlimit(Resource::Core, none);
    if let Err(error) = limited.and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable)) {
        tracing::warn!(%error, "core dumps cannot be forbidden");
    }
}

/// The machine's id (machine-id(5)). An image that is still to get one has none.
fn machine_id() -> Option<String> {
    let id = std::fs::read_to_string("/etc/machine-id").ok()?;
    let id = id.trim();
    (!id.is_empty() && id != "uninitialized").then(|| id.to_owned())
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn environment(config: Option<PathBuf>) -> Environment {
    let path = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let uid = rustix::process::geteuid();
    let home = path("HOME");
    let below_home = |below: &str| home.clone().unwrap_or_else(|| PathBuf::from("/")).join(below);
    let own_config = path("XDG_CONFIG_HOME").unwrap_or_else(|| below_home(".config")).join("postrider");
    let system_config = Path::new("/etc/postrider");
    // The system service runs as a user without a home of its own and gets both by StateDirectory= (systemd.exec(5)). An administrator
    // who has no Postrider of their own means the system's.
    let is_administrator = uid.is_root() && config.is_none();
    let for_system = path("STATE_DIRECTORY").is_some()
        || (uid.is_root() && home.is_none())
        || (is_administrator && !own_config.exists() && system_config.exists())
        || config.as_deref() == Some(system_config);
    let config_dir = config.map(|dir| std::path::absolute(&dir).unwrap_or(dir));
    let config_dir = config_dir.unwrap_or_else(|| match for_system {
        true => system_config.to_owned(),
        false => own_config,
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
        config_dir,
        default_store,
        default_socket,
        path: std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned()),
        credentials: path("CREDENTIALS_DIRECTORY"),
        uid: uid.as_raw(),
        user: name_of(uid.as_raw())
            .or_else(|| std::env::var("USER").ok())
            .unwrap_or_else(|| uid.as_raw().to_string()),
        machine_id: machine_id(),
        time_zone: std::env::var("TZ").ok().and_then(zone_of).or_else(|| iana_time_zone::get_timezone().ok()),
        home,
    }
}

/// The zone that `TZ` names, with a colon in front or without; none where it is a rule of its own such as `CET-1CEST` (tzset(3)).
fn zone_of(tz: String) -> Option<String> {
    let name = tz.strip_prefix(':').unwrap_or(&tz);
    postrider_formats::zones::by_name(name).map(|zone| zone.name().to_owned())
}
