//! What a person types, and what a person reads. One file a command; words and tables only: what is done is `service`'s.

mod account;
mod activity;
mod api;
mod args;
mod audit;
mod calendar;
mod company;
mod conflicts;
mod contact;
mod doctor;
mod door;
mod export;
mod folder;
mod given;
mod label;
mod mail;
mod out;
mod outbox;
mod person;
mod progress;
mod provider;
mod run;
mod status;
mod store;
mod table;
mod watch;

use postrider_model::{ErrorClass, Fault};

pub use args::{Cli, Command, Global};

use crate::{
    daemon::{self, SetLog, Systemd, UnixSignals},
    report::Exit,
    service::Environment,
    world::World,
};
use args::{ApiCommand, MailCommand};
use door::Door;
use out::Out;

/// Whether the command line says to be the daemon.
pub const fn is_daemon(cli: &Cli) -> bool {
    cli.command.is_none() && cli.sync_now.is_none()
}

/// Is the daemon, until it is told to stop. Answers with what the process ends with.
pub async fn serve(cli: &Cli, env: Environment, world: World, set_log: SetLog) -> Exit {
    let out = Out::new(cli.global.json, cli.global.quiet);
    let served = async {
        let no_signals =
            |error: std::io::Error| Fault::new(ErrorClass::Permanent, "take signals", error.to_string());
        let mut signals = UnixSignals::new().map_err(no_signals)?;
        daemon::run(world, env, &Systemd { set_log }, &mut signals).await
    };
    match served.await {
        Ok(()) => Exit::Done,
        Err(fault) => out.fault(&fault),
    }
}

/// Does what the command line says. Answers with what the process ends with.
pub async fn execute(cli: Cli, env: Environment, world: World) -> Exit {
    let out = Out::new(cli.global.json, cli.global.quiet);
    match dispatch(cli, env, world, out).await {
        Ok(exit) => exit,
        Err(fault) => out.fault(&fault),
    }
}

async fn dispatch(cli: Cli, env: Environment, world: World, out: Out) -> Result<Exit, Fault> {
    match cli.command {
        Some(Command::Doctor { offline }) => return doctor::doctor(world, env, !offline, out).await,
        // It is the same everywhere, and where nothing is installed.
        Some(Command::Api(ApiCommand::Describe)) => return api::describe(out),
        _ => {}
    }
    if let Some(Command::Store(command)) = &cli.command
        && let Some(done) = store::without_opening(command, world.clone(), env.clone(), out)
    {
        return done;
    }
    let mut door = Door::open(world, env, cli.global.as_user.clone()).await?;
    // Looked at second: whoever types a password may end that by a signal, and a run has a word of its own for one.
    let outcome = tokio::select! {
        biased;
        outcome = command(&mut door, cli, out) => outcome,
        () = run::interruption() => {
            Err(Fault::new(ErrorClass::Transient, "finish the command", "it was interrupted"))
        }
    };
    for lost in door.settle().await {
        out.warn(format!("warning: {}", lost.message()));
        lost.hint.iter().for_each(|hint| out.warn(format!("hint: {hint}")));
    }
    outcome
}

async fn command(door: &mut Door, cli: Cli, out: Out) -> Result<Exit, Fault> {
    if let Some(accounts) = cli.sync_now {
        if cli.command.is_some() {
            let cause = "a command was given besides";
            return Err(
                Fault::new(ErrorClass::Config, "run with --sync-now", cause).hint("give one of the two")
            );
        }
        return run::run(door, accounts, &cli.only, cli.dry_run, out).await;
    }
    match cli.command {
        // The daemon is not of this process's making: see `serve`.
        None => Ok(Exit::Done),
        Some(Command::Sync { accounts, dry_run }) => run::run(door, accounts, &[], dry_run, out).await,
        Some(Command::Watch { accounts }) => watch::watch(door, &accounts, out).await,
        Some(Command::Status { watch }) => status::status(door, watch, out).await,
        Some(Command::Audit(command)) => audit::audit(door, command, out).await,
        Some(Command::Allow { plan }) => status::allow(door, plan, out).await,
        Some(Command::Reload) => api::reload(door, out).await,
        Some(Command::Api(command)) => api::api(door, command, out).await,
        Some(Command::Provider(command)) => provider::provider(door, command, out).await,
        Some(Command::Account(command)) => account::account(door, command, out).await,
        Some(Command::Mail(MailCommand::Send(new))) => outbox::send(door, new, out).await,
        Some(Command::Mail(MailCommand::Draft(new))) => outbox::draft(door, new, out).await,
        Some(Command::Mail(MailCommand::Export(export))) => export::export(door, export, out).await,
        Some(Command::Mail(command)) => mail::mail(door, command, out).await,
        Some(Command::Outbox(command)) => outbox::outbox(door, command, out).await,
        Some(Command::Folder(command)) => folder::folder(door, command, out).await,
        Some(Command::Contact(command)) => contact::contact(door, command, out).await,
        Some(Command::Company(command)) => company::company(door, command, out).await,
        Some(Command::Tag(command)) => label::tags(door, command, out).await,
        Some(Command::Group(command)) => label::groups(door, command, out).await,
        Some(Command::Activity(command)) => activity::activity(door, command, out).await,
        Some(Command::Calendar(command)) => calendar::calendar(door, command, out).await,
        Some(Command::Conflicts(command)) => conflicts::conflicts(door, command, out).await,
        Some(Command::Store(command)) => {
            let here = door.here("manage the store")?;
            store::store(&mut here.service, &here.caller, &command, out)
        }
        Some(Command::Key(command)) => {
            let here = door.here("change the store's key")?;
            store::key(&mut here.service, &here.caller, &command, out)
        }
        Some(Command::Adopt) => {
            let here = door.here("adopt the store")?;
            store::adopt(&mut here.service, &here.caller, out)
        }
        Some(Command::Doctor { .. }) => Ok(Exit::Done),
    }
}
