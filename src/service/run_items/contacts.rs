//! One run of an account's contacts (F3).

use postrider_model::{AccountReport, ContactCounts, ErrorClass, Fault};

use super::{Came, selection, take};
use crate::{
    config::{ContactSettings, ContactType, Deletions, ProviderKind, fault},
    service::run::Session,
    sync::{ContactRules, ContactWay, ContactsRun, Plan, run_contacts},
};

impl Session<'_> {
    /// Runs them, where the account has any.
    pub(super) async fn run_contacts_of(
        &self,
        name: &str,
        report: &mut AccountReport,
        plan: &mut Plan,
    ) -> Result<(), Fault> {
        let config = &self.service.config;
        let Some(ready) = config.ready_contacts(name).map_err(|errors| fault(&errors))? else {
            return Ok(());
        };
        self.ports.leave.to_begin()?;
        let remote = self.service.world.items.contacts(&ready.server)?;
        let context = self.items_context(&ready.account, &ready.server).await?;
        let rules = rules(ready.server.kind, &ready.contacts)?;
        let ran = run_contacts(&self.ports, &*remote, &context, &rules).await;
        remote.close().await;
        let ContactsRun { pulled, pushed, unlinked, conflicts, held, warnings, faults, forecast } = ran?;
        report.contacts = Some(ContactCounts { pulled, pushed, unlinked });
        plan.contacts = Some(forecast);
        take(report, Came { conflicts, held, warnings, faults });
        Ok(())
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
            selection: selection(&settings.folders),
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
