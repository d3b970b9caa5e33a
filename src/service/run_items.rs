//! One run of an account's contacts: what it wants of them, through whom its server is reached, and what the report says (F3).

use postrider_model::{AccountReport, AccountStatus, ContactCounts, ErrorClass, ErrorReport, Fault};
use postrider_reconcile::Selection;

use super::{
    Service,
    run::{Session, fail},
};
use crate::{
    config::{Account, Choice, ContactSettings, ContactType, Deletions, ProviderKind, fault},
    sync::{ContactRules, ContactWay, ContactsRun, ItemsContext, Plan, is_for_all, run_contacts},
};

impl Session<'_> {
    /// Runs an account's contacts, where it has any and they are wanted. What fails is in the report, beside what its mail came to.
    pub(super) async fn run_items(&self, name: &str, report: &mut AccountReport, plan: &mut Plan) {
        if !self.request.contacts || self.request.outbox_only {
            return;
        }
        match self.try_contacts(name).await {
            Ok(Some(run)) => take_contacts(report, plan, run),
            Ok(None) => {}
            Err(fault) if report.error.is_none() => fail(report, &fault),
            // It is told already: one file is wrong for all that an account has.
            Err(fault) if report.error.as_ref() == Some(&ErrorReport::from(&fault)) => {}
            Err(fault) => report.warnings.push(fault.message()),
        }
    }

    async fn try_contacts(&self, name: &str) -> Result<Option<ContactsRun>, Fault> {
        let config = &self.service.config;
        let Some(ready) = config.ready_contacts(name).map_err(|errors| fault(&errors))? else {
            return Ok(None);
        };
        self.ports.leave.to_begin()?;
        let remote = self.service.world.items.contacts(&ready.server)?;
        let context = ItemsContext {
            run: self.run,
            account: name.into(),
            account_id: self.account_id_of(name, &ready.server.address).await?,
            user: self.service.user_of(&ready.account),
            viewer: self.service.viewer_of(&ready.account),
            dry_run: self.request.dry_run,
        };
        let rules = rules(ready.server.kind, &ready.contacts)?;
        let ran = run_contacts(&self.ports, &*remote, &context, &rules).await;
        remote.close().await;
        ran.map(Some)
    }
}

impl Service {
    /// Whose an account is.
    fn user_of(&self, account: &Account) -> String {
        let named = account.user.clone().filter(|_| self.config.users.is_some());
        named.unwrap_or_else(|| self.owner().user)
    }

    /// As whom that user looks at records.
    fn viewer_of(&self, account: &Account) -> postrider_store::Viewer {
        self.viewer_of_user(&self.user_of(account))
    }
}

fn rules(kind: ProviderKind, settings: &ContactSettings) -> Result<ContactRules, Fault> {
    let way = match (kind, &settings.tag) {
        (ProviderKind::Google, Some(tag)) => {
            ContactWay::Group { tag: tag.clone(), name: settings.group_name.clone() }
        }
        (ProviderKind::Google, None) => {
            return Err(Fault::new(
                ErrorClass::Config,
                "sync contacts",
                "the account names no tag that says which of them are kept in step",
            )
            .hint("write `tag = \"sync-google\"` into [contacts]"));
        }
        _ => ContactWay::Books {
            selection: match &settings.folders {
                Choice::All => Selection::All,
                Choice::Listed(names) => Selection::Names(names.clone()),
            },
            types: settings.types.as_ref().map(|types| types.iter().map(|one| type_name(*one)).collect()),
            groups: settings.groups.clone(),
            propagates: settings.deletions == Deletions::Propagate,
        },
    };
    Ok(ContactRules { import: settings.import, export: settings.export, way })
}

fn type_name(kind: ContactType) -> String {
    match kind {
        ContactType::Employee => "employee",
        ContactType::Customer => "customer",
    }
    .to_owned()
}

fn take_contacts(report: &mut AccountReport, plan: &mut Plan, run: ContactsRun) {
    let ContactsRun { pulled, pushed, unlinked, conflicts, held, warnings, mut faults, forecast } = run;
    report.contacts = Some(ContactCounts { pulled, pushed, unlinked });
    report.conflicts += conflicts;
    report.warnings.extend(warnings);
    report.held = held;
    if !report.held.is_empty() && report.status == AccountStatus::Ok {
        report.status = AccountStatus::Held;
    }
    faults.sort_by_key(|fault| !is_for_all(fault));
    let mut faults = faults.into_iter();
    if report.error.is_none()
        && let Some(first) = faults.next()
    {
        fail(report, &first);
    }
    report.warnings.extend(faults.map(|fault| fault.message()));
    plan.contacts = Some(forecast);
}
