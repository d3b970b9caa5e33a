//! `postrider account …`

use std::io::{self, BufRead, IsTerminal};

use postrider_model::{ErrorClass, Fault};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{
    args::{AccountAdd, AccountCommand, AccountSet, ConsentArgs, PasswordArgs},
    out::Out,
    person::AtTerminal,
    table::{Column, Table},
};
use crate::{
    config::{AccountDraft, Choice, Period},
    report::Exit,
    secrets::SecretSource,
    service::{AccountView, Caller, NewAccount, NewLogin, Revocation, Saved, Service, Trial},
};

pub(super) async fn account(
    service: &mut Service,
    caller: &Caller,
    command: AccountCommand,
    out: Out,
) -> Result<Exit, Fault> {
    match command {
        AccountCommand::List => list(&service.accounts(caller), out)?,
        AccountCommand::Show { name } => show(&service.account(caller, &name)?, out)?,
        AccountCommand::Add(add) => {
            let person = person(&add.consent, out);
            let new = new_account(service, caller, add)?;
            told(&service.add_account(caller, new, &person).await?, out)?;
        }
        AccountCommand::Test { name } => tried(&name, &service.test_account(caller, &name).await?, out)?,
        AccountCommand::Login { name, password_stdin, consent } => {
            let by_consent = service.logs_in_by_consent(caller, &name)? && !password_stdin;
            let new = match by_consent || consent.is_given() {
                true => NewLogin::Consent(consent.way()),
                false => NewLogin::Store(typed_password(&name, password_stdin)?),
            };
            let trial = service.login(caller, &name, new, &person(&consent, out)).await?;
            tried(&name, &trial, out)?;
        }
        AccountCommand::Set(set) => change(service, caller, set, out)?,
        AccountCommand::Disconnect { name } => {
            let (was_there, revocation) = service.disconnect_account(caller, &name).await?;
            let what = match was_there {
                true => "what was stored for its login is erased",
                false => "nothing was stored for its login",
            };
            done(out, &format!("account {name}: {what}{}; its mail stays here", revoked(&revocation, out)))?;
        }
        AccountCommand::Remove { name } => {
            let revocation = service.remove_account(caller, &name).await?;
            done(
                out,
                &format!("account {name} is removed{}; its mail stays here", revoked(&revocation, out)),
            )?;
        }
        AccountCommand::Share(share) => {
            let name = share.name.clone();
            let with = service.share_account(caller, &name, share.grant())?;
            done(out, &format!("account {name} is shared with {}", with.join("; ")))?;
        }
        AccountCommand::Unshare { name, with } => {
            let with = service.unshare_account(caller, &name, with.grantee().as_ref())?;
            let left = if with.is_empty() { "nobody".to_owned() } else { with.join("; ") };
            done(out, &format!("account {name} is shared with {left}"))?;
        }
    }
    Ok(Exit::Done)
}

/// What became of the consent, to stand behind what became of the rest.
fn revoked(revocation: &Revocation, out: Out) -> &'static str {
    match revocation {
        Revocation::Nothing => "",
        Revocation::Done => ", and its consent is revoked",
        Revocation::NotOffered => ", and its consent has to be taken back at the provider",
        Revocation::Failed(fault) => {
            out.warn(format!("warning: {}", fault.message()));
            ", and its consent is not revoked: take it back at the provider"
        }
    }
}

fn person(consent: &ConsentArgs, out: Out) -> AtTerminal {
    AtTerminal { out, paste: consent.may_paste() }
}

fn done(out: Out, words: &str) -> Result<(), Fault> {
    match out.json {
        true => out.value(&serde_json::json!({ "done": words })),
        false => {
            out.line(words);
            Ok(())
        }
    }
}

fn list(views: &[AccountView], out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(&views);
    }
    let mut table = Table::new([
        Column::whole("ACCOUNT"),
        Column::text("ADDRESS"),
        Column::whole("PROVIDER"),
        Column::whole("PERIOD"),
        Column::text("STATE"),
    ]);
    for view in views {
        let state = view.errors.first().map_or("right", String::as_str);
        let period = view.period.as_deref().unwrap_or_default();
        table.row([&view.name, &view.address, view.provider.as_deref().unwrap_or("?"), period, state]);
    }
    out.table(&table);
    if views.is_empty() {
        out.note("there are no accounts yet; `postrider account add ADDRESS` adds one");
    }
    Ok(())
}

fn show(view: &AccountView, out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(view);
    }
    let folders = if view.folders.is_empty() { "all".to_owned() } else { view.folders.join(", ") };
    let lines = [
        ("address", Some(view.address.clone())),
        ("provider", view.provider.clone()),
        ("login name", view.login_name.clone()),
        ("password from", view.password.clone()),
        ("consent", view.consent.map(ToOwned::to_owned)),
        ("mail comes from", view.imap.clone()),
        ("period", view.period.clone()),
        ("folders", Some(folders)),
        ("shared with", Some(view.shared_with.join("; "))),
        ("defined in", Some(view.origin.to_owned())),
    ];
    out.line(&view.name);
    for (title, value) in lines {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            out.line(format!("  {title}: {value}"));
        }
    }
    view.warnings.iter().for_each(|warning| out.warn(format!("warning: {warning}")));
    view.errors.iter().for_each(|error| out.warn(format!("error: {error}")));
    Ok(())
}

fn told(saved: &Saved, out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(saved);
    }
    tried(&saved.name, &saved.trial, out)?;
    out.line(format!("account {} is saved", saved.name));
    if let Some(domain) = &saved.remembered_domain {
        out.line(format!("addresses at {domain} use this provider from now on"));
    }
    saved.warnings.iter().for_each(|warning| out.warn(format!("warning: {warning}")));
    out.note(format!("next: `postrider --sync-now {}` brings its mail in", saved.name));
    Ok(())
}

fn tried(name: &str, trial: &Trial, out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(trial);
    }
    out.line(format!("account {name}: logs in to {}, {} folders", trial.imap, trial.folders));
    if let Some(smtp) = &trial.smtp {
        out.line(format!("account {name}: may send by {smtp}"));
    }
    for folder in &trial.missing {
        out.warn(format!("warning: folder \"{folder}\" is not on the server"));
    }
    Ok(())
}

fn new_account(service: &Service, caller: &Caller, add: AccountAdd) -> Result<NewAccount, Fault> {
    let folders = (!add.folders.is_empty()).then_some(Choice::Listed(add.folders));
    let draft = AccountDraft {
        address: add.address,
        provider: add.provider,
        login_name: add.login_name,
        period: Some(period(&add.period)?),
        folders,
        ..AccountDraft::default()
    };
    let by_consent =
        add.consent.is_given() || (!add.password.is_given() && service.asks_for_consent(caller, &draft)?);
    let login = match by_consent {
        true => NewLogin::Consent(add.consent.way()),
        false => password(&draft.address, add.password)?,
    };
    Ok(NewAccount { name: add.name, draft, login })
}

fn change(service: &mut Service, caller: &Caller, set: AccountSet, out: Out) -> Result<(), Fault> {
    let wanted = set.period.as_deref().map(period).transpose()?;
    let folders = match (set.all_folders, set.folders.is_empty()) {
        (true, _) => Some(Choice::All),
        (false, false) => Some(Choice::Listed(set.folders)),
        (false, true) => None,
    };
    if wanted.is_none() && folders.is_none() {
        let fault = Fault::new(
            ErrorClass::Config,
            format!("change account {}", set.name),
            "nothing to change was given",
        );
        return Err(fault.hint("give --period, --folder or --all-folders"));
    }
    service.set_account(caller, &set.name, wanted, folders)?;
    done(out, &format!("account {} is changed; the next run follows it", set.name))
}

fn period(text: &str) -> Result<Period, Fault> {
    text.parse().map_err(|error: crate::config::PeriodParseError| {
        Fault::new(ErrorClass::Config, "read --period", error.to_string())
    })
}

fn password(address: &str, args: PasswordArgs) -> Result<NewLogin, Fault> {
    let source = match args {
        PasswordArgs { password_file: Some(path), .. } => {
            let path = std::path::absolute(&path).unwrap_or(path);
            SecretSource::File(path)
        }
        PasswordArgs { password_command: Some(command), .. } => {
            SecretSource::Command(command.split_whitespace().map(ToOwned::to_owned).collect())
        }
        PasswordArgs { systemd_credential: Some(name), .. } => SecretSource::SystemdCredential(name),
        PasswordArgs { password_stdin, .. } => {
            return typed_password(address, password_stdin).map(NewLogin::Store);
        }
    };
    Ok(NewLogin::From(source))
}

/// A password from the keyboard, unseen, or from the first line of standard input.
fn typed_password(whose: &str, from_stdin: bool) -> Result<SecretString, Fault> {
    let action = || format!("read the password of {whose}");
    let failed = |error: io::Error| Fault::new(ErrorClass::Permanent, action(), error.to_string());
    let line = match (from_stdin, io::stdin().is_terminal()) {
        (false, true) => {
            Zeroizing::new(rpassword::prompt_password(format!("Password of {whose}: ")).map_err(failed)?)
        }
        (false, false) => {
            let fault = Fault::new(ErrorClass::Config, action(), "there is no terminal to ask at");
            return Err(fault
                .hint("give --password-stdin, --password-file, --password-command or --systemd-credential"));
        }
        (true, _) => {
            let mut line = Zeroizing::new(String::new());
            io::stdin().lock().read_line(&mut line).map_err(failed)?;
            line
        }
    };
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Fault::new(ErrorClass::Config, action(), "it is empty"));
    }
    Ok(SecretString::from(password))
}
