//! What a person types, and what a person reads. One file a command; words and tables only: what is done is `service`'s.

mod account;
mod args;
mod audit;
mod doctor;
mod folder;
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
mod times;
mod watch;

use postrider_model::{ErrorClass, Fault};

pub use args::{Cli, Command, Global};

use crate::{
    daemon::{self, SetLog, Systemd, UnixSignals},
    report::Exit,
    service::{Environment, Service},
    world::World,
};
use args::MailCommand;
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
    if let Some(Command::Doctor { offline }) = cli.command {
        return doctor::doctor(world, env, !offline, out).await;
    }
    if let Some(Command::Store(command)) = &cli.command
        && let Some(done) = store::without_opening(command, world.clone(), env.clone(), out)
    {
        return done;
    }
    let mut service = Service::open(world, env)?;
    // Looked at second: whoever types a password may end that by a signal, and a run has a word of its own for one.
    let outcome = tokio::select! {
        biased;
        outcome = command(&mut service, cli, out) => outcome,
        () = run::interruption() => {
            Err(Fault::new(ErrorClass::Transient, "finish the command", "it was interrupted"))
        }
    };
    for lost in service.settle().await {
        out.warn(format!("warning: {}", lost.message()));
        lost.hint.iter().for_each(|hint| out.warn(format!("hint: {hint}")));
    }
    outcome
}

async fn command(service: &mut Service, cli: Cli, out: Out) -> Result<Exit, Fault> {
    let owner = service.owner();
    let caller = match &cli.global.as_user {
        Some(user) => service.act_as(&owner, user)?,
        None => owner,
    };
    if let Some(accounts) = cli.sync_now {
        if cli.command.is_some() {
            let cause = "a command was given besides";
            return Err(
                Fault::new(ErrorClass::Config, "run with --sync-now", cause).hint("give one of the two")
            );
        }
        return run::run(service, &caller, accounts, &cli.only, cli.dry_run, out).await;
    }
    match cli.command {
        // The daemon is not of this process's making: see `serve`.
        None => Ok(Exit::Done),
        Some(Command::Sync { accounts, dry_run }) => {
            run::run(service, &caller, accounts, &[], dry_run, out).await
        }
        Some(Command::Watch { accounts }) => watch::watch(service, &caller, &accounts, out).await,
        Some(Command::Status) => status::status(service, &caller, out),
        Some(Command::Audit(command)) => audit::audit(service, &caller, command, out),
        Some(Command::Allow { plan }) => status::allow(service, &caller, &plan, out),
        Some(Command::Provider(command)) => provider::provider(service, &caller, command, out),
        Some(Command::Account(command)) => account::account(service, &caller, command, out).await,
        Some(Command::Mail(MailCommand::Send(new))) => outbox::send(service, &caller, new, out).await,
        Some(Command::Mail(MailCommand::Draft(new))) => outbox::draft(service, &caller, new, out),
        Some(Command::Mail(command)) => mail::mail(service, &caller, command, out),
        Some(Command::Outbox(command)) => outbox::outbox(service, &caller, command, out),
        Some(Command::Folder(command)) => folder::folder(service, &caller, command, out).await,
        Some(Command::Store(command)) => store::store(service, &caller, &command, out),
        Some(Command::Key(command)) => store::key(service, &caller, &command, out),
        Some(Command::Adopt) => store::adopt(service, &caller, out),
        Some(Command::Doctor { .. }) => Ok(Exit::Done),
    }
}
