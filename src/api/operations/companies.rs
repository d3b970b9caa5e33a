//! Companies: listed, added, edited, removed, brought back.

use postrider_model::Fault;
use postrider_store::CompanyRow;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::contact_fields::visibility;
use crate::{
    api::{CompanyId, Method, Operation, fields::whole},
    service::{Caller, Service},
};

/// A company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Company {
    /// Its id.
    pub id: CompanyId,
    /// Its name.
    pub name: String,
    /// How many contacts are tied to it.
    #[serde(deserialize_with = "whole")]
    pub contacts: u64,
    /// Whose it is.
    pub owner: String,
    /// Who sees it besides: `private`, `all`, or `role:NAME`.
    pub visibility: String,
}

impl From<CompanyRow> for Company {
    fn from(row: CompanyRow) -> Self {
        Self {
            id: row.id.into(),
            name: row.name,
            contacts: row.contacts,
            owner: row.record.owner,
            visibility: row.record.visibility.to_string(),
        }
    }
}

/// Companies, in the order of their names.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ListCompanies")]
pub struct List {
    /// Those that were deleted here and can be restored, instead of those that are there.
    #[serde(default)]
    pub deleted: bool,
}

impl Operation for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/companies";
    const SUMMARY: &'static str = "List companies";
    type Answer = Vec<Company>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<Company>, Fault> {
        Ok(service.companies(caller, self.deleted)?.into_iter().map(Company::from).collect())
    }
}

/// A company to be added.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AddCompany")]
pub struct Add {
    /// Its name.
    pub name: String,
    /// Who sees it besides its owner: `private`, `all`, or `role:NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<String>,
}

impl Operation for Add {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/companies/add";
    const SUMMARY: &'static str = "Add a company";
    type Answer = CompanyId;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<CompanyId, Fault> {
        let visibility = self.visibility.as_deref().map(visibility).transpose()?.unwrap_or_default();
        Ok(service.add_company(caller, &self.name, &visibility)?.into())
    }
}

/// What is to be different of a company.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EditCompany")]
pub struct Edit {
    /// Its id.
    pub id: CompanyId,
    /// Its name from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who sees it besides its owner: `private`, `all`, or `role:NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<String>,
}

impl Operation for Edit {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/companies/edit";
    const SUMMARY: &'static str = "Rename a company, or show it to others";
    type Answer = CompanyId;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<CompanyId, Fault> {
        let visibility = self.visibility.as_deref().map(visibility).transpose()?;
        service.edit_company(caller, self.id.0, self.name.as_deref(), visibility.as_ref())?;
        Ok(self.id)
    }
}

/// Companies to be deleted: all of them, or none.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DeleteCompanies")]
pub struct Delete {
    /// Their ids.
    pub ids: Vec<CompanyId>,
}

impl Operation for Delete {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/companies/delete";
    const SUMMARY: &'static str = "Delete companies; they can be restored, and their contacts stay";
    type Answer = Vec<CompanyId>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<CompanyId>, Fault> {
        service.delete_companies(caller, &numbers(&self.ids))?;
        Ok(self.ids)
    }
}

/// Companies to be brought back: all of them, or none.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RestoreCompanies")]
pub struct Restore {
    /// Their ids.
    pub ids: Vec<CompanyId>,
}

impl Operation for Restore {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/companies/restore";
    const SUMMARY: &'static str = "Bring deleted companies back";
    type Answer = Vec<CompanyId>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<CompanyId>, Fault> {
        service.restore_companies(caller, &numbers(&self.ids))?;
        Ok(self.ids)
    }
}

fn numbers(ids: &[CompanyId]) -> Vec<postrider_model::CompanyId> {
    ids.iter().map(|id| id.0).collect()
}
