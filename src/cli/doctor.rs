//! `postrider doctor`.

use postrider_model::Fault;

use super::out::Out;
use crate::{
    report::Exit,
    service::{Environment, Service, Severity},
    world::World,
};

pub(super) async fn doctor(world: World, env: Environment, online: bool, out: Out) -> Result<Exit, Fault> {
    let findings = Service::doctor(world, env, online).await?;
    let worst = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Good);
    if out.json {
        out.value(&findings)?;
    } else {
        for finding in &findings {
            let mark = match finding.severity {
                Severity::Good => "ok",
                Severity::Warning => "warning",
                Severity::Error => "error",
            };
            out.line(format!("{mark}: {}: {}", finding.about, finding.message));
            if let Some(hint) = &finding.hint {
                out.line(format!("  hint: {hint}"));
            }
        }
    }
    Ok(if worst == Severity::Error { Exit::Failed } else { Exit::Done })
}
