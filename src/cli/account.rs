//! `postrider account …`

use std::io::{self, BufRead, IsTerminal};

use postrider_model::{ErrorClass, Fault};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::door::Door;
use super::{
    args::{AccountAdd, AccountCommand, AccountSet, ConsentArgs, PasswordArgs},
    given::text_of,
    out::Out,
    person::AtTerminal,
    table::{Column, Table},
};
use crate::{
    api::operations::account_settings::Set,
    api::operations::accounts::{
        Account, Add, Consent, Disconnect, LetGo, List, Login, NewWay, Password, Remove, Saved, Show, Test,
        Trial, Way,
    },
    config::{AccountDraft, Choice, Period},
    report::Exit,
    service::{NewAccount, NewLogin},
};

pub(super) async fn account(door: &mut Door, command: AccountCommand, out: Out) -> Result<Exit, Fault> {
    match command {
        AccountCommand::List => list(&door.call(List {}).await?, out)?,
        AccountCommand::Show { name } => show(&door.call(Show { name }).await?, out)?,
        AccountCommand::Add(new) => told(&add(door, new, out).await?, out)?,
        AccountCommand::Test { name } => {
            tried(&name, &door.call(Test { name: name.clone() }).await?, out)?;
        }
        AccountCommand::Login { name, password_stdin, consent } => {
            let trial = login(door, &name, password_stdin, &consent, out).await?;
            tried(&name, &trial, out)?;
        }
        AccountCommand::Set(set) => change(door, set, out).await?,
        AccountCommand::Disconnect { name } => {
            let gone = door.call(Disconnect { name: name.clone() }).await?;
            let what = match gone.was_there {
                true => "what was stored for its login is erased",
                false => "nothing was stored for its login",
            };
            done(out, &format!("account {name}: {what}{}; its mail stays here", revoked(&gone, out)))?;
        }
        AccountCommand::Remove { name } => {
            let gone = door.call(Remove { name: name.clone() }).await?;
            done(
                out,
                &format!(
                    "account {name} is removed{}; its mail and its contacts stay here",
                    revoked(&gone, out)
                ),
            )?;
        }
        AccountCommand::Share(share) => {
            let name = share.name.clone();
            let with = door.call(share.operation()).await?.shared_with;
            done(out, &format!("account {name} is shared with {}", with.join("; ")))?;
        }
        AccountCommand::Unshare { name, with } => {
            let with = door.call(with.operation(name.clone())).await?.shared_with;
            let left = if with.is_empty() { "nobody".to_owned() } else { with.join("; ") };
            done(out, &format!("account {name} is shared with {left}"))?;
        }
    }
    Ok(Exit::Done)
}

/// What became of the consent, to stand behind what became of the rest.
fn revoked(gone: &LetGo, out: Out) -> &'static str {
    if let Some(error) = &gone.error {
        out.warn(format!("warning: {}", error.message));
    }
    match gone.consent {
        Consent::None => "",
        Consent::Revoked => ", and its consent is revoked",
        Consent::NotOffered => ", and its consent has to be taken back at the provider",
        Consent::Failed => ", and its consent is not revoked: take it back at the provider",
    }
}

/// Another login for an account. A consent is given to this process alone, which then has to be the owner's.
async fn login(
    door: &mut Door,
    name: &str,
    password_stdin: bool,
    consent: &ConsentArgs,
    out: Out,
) -> Result<Trial, Fault> {
    let by_consent = door.call(Way { name: name.to_owned() }).await?.by_consent && !password_stdin;
    if by_consent || consent.is_given() {
        let here = door.here("take a consent")?;
        let new = NewLogin::Consent(consent.way());
        return here.service.login(&here.caller, name, new, &person(consent, out)).await.map(Trial::from);
    }
    let password = Password(typed_password(name, password_stdin)?);
    door.call(Login { name: name.to_owned(), password }).await
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

fn list(views: &[Account], out: Out) -> Result<(), Fault> {
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

fn show(view: &Account, out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(view);
    }
    let folders = if view.folders.is_empty() { "all".to_owned() } else { view.folders.join(", ") };
    let lines = [
        ("address", Some(view.address.clone())),
        ("provider", view.provider.clone()),
        ("login name", view.login_name.clone()),
        ("password from", view.password.clone()),
        ("consent", view.consent.clone()),
        ("mail comes from", view.imap.clone()),
        ("period", view.period.clone()),
        ("folders", Some(folders)),
        ("interval", view.interval.clone()),
        ("name in what it sends", view.alias.clone()),
        ("signature", view.signature.clone()),
        ("shared with", Some(view.shared_with.join("; "))),
        ("defined in", Some(view.origin.clone())),
    ];
    out.line(&view.name);
    for (title, value) in lines {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let mut lines = value.lines();
            out.line(format!("  {title}: {}", lines.next().unwrap_or_default()));
            lines.for_each(|line| out.line(format!("    {line}")));
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

async fn add(door: &mut Door, add: AccountAdd, out: Out) -> Result<Saved, Fault> {
    period(&add.period)?;
    let way = NewWay {
        address: add.address.clone(),
        provider: add.provider.clone(),
        login_name: add.login_name.clone(),
    };
    let by_consent = add.consent.is_given() || (!add.password.is_given() && door.call(way).await?.by_consent);
    match by_consent {
        true => add_by_consent(door, add, out).await,
        false => door.call(by_password(add)?).await,
    }
}

async fn add_by_consent(door: &mut Door, add: AccountAdd, out: Out) -> Result<Saved, Fault> {
    let here = door.here("take a consent")?;
    let draft = AccountDraft {
        period: Some(period(&add.period)?),
        folders: (!add.folders.is_empty()).then_some(Choice::Listed(add.folders)),
        ..AccountDraft::new(add.address, add.provider, add.login_name)
    };
    let new = NewAccount { name: add.name, draft, login: NewLogin::Consent(add.consent.way()) };
    let person = person(&add.consent, out);
    here.service.add_account(&here.caller, new, &person).await.map(Saved::from)
}

fn by_password(add: AccountAdd) -> Result<Add, Fault> {
    let PasswordArgs { password_stdin, password_file, password_command, systemd_credential } = add.password;
    let is_elsewhere = password_file.is_some() || password_command.is_some() || systemd_credential.is_some();
    let typed = match is_elsewhere {
        true => None,
        false => Some(Password(typed_password(&add.address, password_stdin)?)),
    };
    Ok(Add {
        name: add.name,
        address: add.address,
        provider: add.provider,
        login_name: add.login_name,
        period: Some(add.period),
        folders: add.folders,
        password: typed,
        password_file: password_file.map(|path| std::path::absolute(&path).unwrap_or(path)),
        password_command: password_command
            .map(|command| command.split_whitespace().map(ToOwned::to_owned).collect()),
        systemd_credential,
    })
}

async fn change(door: &mut Door, set: AccountSet, out: Out) -> Result<(), Fault> {
    set.period.as_deref().map(period).transpose()?;
    let said = |text: Option<String>, is_none: bool| if is_none { Some(String::new()) } else { text };
    let folders = match (set.all_folders, set.folders.is_empty()) {
        (true, _) => Some(Vec::new()),
        (false, false) => Some(set.folders),
        (false, true) => None,
    };
    let signature = set.signature.as_deref().map(text_of).transpose()?;
    let change = Set {
        name: set.name.clone(),
        period: set.period,
        folders,
        alias: said(set.alias, set.no_alias),
        interval: said(set.interval, set.default_interval),
        signature: said(signature, set.no_signature),
    };
    if change == (Set { name: set.name.clone(), ..Set::default() }) {
        let fault = Fault::new(
            ErrorClass::Config,
            format!("change account {}", set.name),
            "nothing to change was given",
        );
        return Err(fault.hint(
            "give --period, --folder, --all-folders, --alias, --interval or --signature; --help tells all of them",
        ));
    }
    door.call(change).await?;
    done(out, &format!("account {} is changed; the next run follows it", set.name))
}

fn period(text: &str) -> Result<Period, Fault> {
    text.parse().map_err(|error: crate::config::PeriodParseError| {
        Fault::new(ErrorClass::Config, "read --period", error.to_string())
    })
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
