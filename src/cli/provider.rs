//! `postrider provider …`

use postrider_model::{ErrorClass, Fault};

use super::door::Door;
use super::{
    args::{LoginArg, ProviderAdd, ProviderCommand, SecurityArg},
    out::Out,
    table::{Column, Table},
};
use crate::{
    api::operations::providers::{Add, List, LoginAs, Protection, Provider, Remove, Server, Show},
    report::Exit,
};

pub(super) async fn provider(door: &mut Door, command: ProviderCommand, out: Out) -> Result<Exit, Fault> {
    match command {
        ProviderCommand::List => list(&door.call(List {}).await?, out)?,
        ProviderCommand::Show { name } => show(&door.call(Show { name }).await?, out)?,
        ProviderCommand::Add(add) => {
            let view = door.call(new(add)?).await?;
            match out.json {
                true => out.value(&view)?,
                false => {
                    out.line(format!("provider {} is added", view.name));
                    out.note(format!("next: postrider account add ADDRESS --provider {}", view.name));
                }
            }
        }
        ProviderCommand::Remove { name } => {
            let removed = door.call(Remove { name }).await?;
            match out.json {
                true => out.value(&removed)?,
                false => out.line(format!("provider {} is removed", removed.removed)),
            }
        }
    }
    Ok(Exit::Done)
}

fn list(views: &[Provider], out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(&views);
    }
    let mut table = Table::new([
        Column::whole("PROVIDER"),
        Column::whole("TYPE"),
        Column::whole("LOGIN BY"),
        Column::whole("DEFINED IN"),
        Column::text("DOMAINS"),
    ]);
    for view in views {
        let defined = view.origin.as_deref().unwrap_or("a file that is wrong");
        table.row([
            &view.name,
            view.kind.as_deref().unwrap_or("?"),
            &view.auth.join(", "),
            defined,
            &view.domains.join(", "),
        ]);
    }
    out.table(&table);
    Ok(())
}

fn show(view: &Provider, out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(view);
    }
    let lines = [
        ("type", view.kind.clone()),
        ("login by", Some(view.auth.join(", "))),
        ("imap", view.imap.clone()),
        ("smtp", view.smtp.clone()),
        ("domains", Some(view.domains.join(", "))),
        ("defined in", view.origin.clone()),
        ("used by", Some(view.accounts.join(", "))),
        ("note", view.note.clone()),
    ];
    out.line(&view.name);
    for (title, value) in lines {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            out.line(format!("  {title}: {value}"));
        }
    }
    view.errors.iter().for_each(|error| out.warn(format!("error: {error}")));
    Ok(())
}

fn new(add: ProviderAdd) -> Result<Add, Fault> {
    Ok(Add {
        name: add.name,
        domains: add.domains,
        login: match add.login {
            LoginArg::Email => LoginAs::Email,
            LoginArg::MailboxName => LoginAs::MailboxName,
            LoginArg::Manual => LoginAs::Manual,
        },
        imap: server("--imap", &add.imap, add.imap_security)?,
        smtp: add.smtp.as_deref().map(|smtp| server("--smtp", smtp, add.smtp_security)).transpose()?,
        ca_file: add.ca_file.map(|file| std::path::absolute(&file).unwrap_or(file)),
        allow_plaintext: add.allow_plaintext,
    })
}

/// `HOST`, `HOST:PORT`, `[::1]:PORT`.
fn server(option: &str, text: &str, security: SecurityArg) -> Result<Server, Fault> {
    let security = match security {
        SecurityArg::Tls => Protection::Tls,
        SecurityArg::Starttls => Protection::StartTls,
        SecurityArg::None => Protection::None,
    };
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port = port.map(str::parse::<u16>).transpose().map_err(|_| {
        Fault::new(
            ErrorClass::Config,
            format!("read {option}"),
            format!("found `{text}`, expected HOST or HOST:PORT"),
        )
    })?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(Server { host, port, security })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_with_and_without_a_port() {
        let table = [
            ("mail.test", "mail.test", None),
            ("mail.test:1143", "mail.test", Some(1143)),
            ("[::1]:993", "::1", Some(993)),
            ("::1", "::1", None),
            ("[::1]", "::1", None),
        ];
        for (text, host, port) in table {
            let draft = server("--imap", text, SecurityArg::Tls).unwrap();
            assert_eq!((draft.host.as_str(), draft.port), (host, port), "{text}");
        }
        let fault = server("--imap", "mail.test:imap", SecurityArg::Tls).unwrap_err();
        assert_eq!(fault.message(), "cannot read --imap: found `mail.test:imap`, expected HOST or HOST:PORT");
    }
}
