//! The list of operations, as the server and the description see them: by method and path.

use futures_util::future::{FutureExt, LocalBoxFuture};
use postrider_model::{ErrorClass, Fault};
use schemars::{Schema, SchemaGenerator};

use super::{
    operation::{Answer, Media, Method, Operation},
    operations::{
        account_settings, accounts, activities, audit, calendars, companies, contacts, folders, invitations,
        labels, mail, mail_edit, outbox, providers, schedule, sharing, status, sync, tokens, versions,
    },
    refusal::Refusal,
};
use crate::service::{Caller, Service};

/// Where and how an operation is asked for, without its type.
pub(super) struct Route {
    pub method: Method,
    pub path: &'static str,
    pub summary: &'static str,
    pub is_large: bool,
    pub media: Media,
    pub perform: Perform,
    /// The schemas of input and answer.
    pub schemas: fn(&mut SchemaGenerator) -> (Schema, Schema),
}

/// Reads the input, does it, and writes the answer.
type Perform =
    for<'a> fn(&'a [u8], &'a mut Service, &'a Caller) -> LocalBoxFuture<'a, Result<Vec<u8>, Refusal>>;

impl Route {
    const fn of<O: Operation>() -> Self {
        Self {
            method: O::METHOD,
            path: O::PATH,
            summary: O::SUMMARY,
            is_large: O::IS_LARGE,
            media: O::Answer::MEDIA,
            perform: perform::<O>,
            schemas: |generator| (O::json_schema(generator), O::Answer::schema(generator)),
        }
    }
}

fn perform<'a, O: Operation>(
    input: &'a [u8],
    service: &'a mut Service,
    caller: &'a Caller,
) -> LocalBoxFuture<'a, Result<Vec<u8>, Refusal>> {
    async move {
        let operation: O = read(input)?;
        let answer = operation.perform(service, caller).await?;
        Ok(answer.encode()?)
    }
    .boxed_local()
}

/// The operation that a query or a body says.
fn read<O: Operation>(input: &[u8]) -> Result<O, Refusal> {
    let read = match O::METHOD {
        Method::Get => serde_html_form::from_bytes(input).map_err(|error| error.to_string()),
        Method::Post => serde_json::from_slice(input).map_err(|error| error.to_string()),
    };
    read.map_err(|cause| {
        let fault = Fault::new(ErrorClass::Config, format!("read the input of {}", O::PATH), cause);
        Refusal::malformed(fault.hint("/v1/openapi.json describes it"))
    })
}

/// All operations.
pub(super) const ROUTES: &[Route] = &[
    Route::of::<status::Status>(),
    Route::of::<status::Daemon>(),
    Route::of::<sync::Sync>(),
    Route::of::<sync::Allow>(),
    Route::of::<sync::Reload>(),
    Route::of::<mail::List>(),
    Route::of::<mail::Show>(),
    Route::of::<mail::Text>(),
    Route::of::<mail::Raw>(),
    Route::of::<mail::Page>(),
    Route::of::<mail_edit::Flag>(),
    Route::of::<mail_edit::Move>(),
    Route::of::<mail_edit::Copy>(),
    Route::of::<mail_edit::Delete>(),
    Route::of::<mail_edit::Restore>(),
    Route::of::<mail_edit::Purge>(),
    Route::of::<outbox::Send>(),
    Route::of::<outbox::Draft>(),
    Route::of::<outbox::List>(),
    Route::of::<outbox::Show>(),
    Route::of::<outbox::Raw>(),
    Route::of::<outbox::Retry>(),
    Route::of::<outbox::Drop>(),
    Route::of::<folders::List>(),
    Route::of::<folders::Create>(),
    Route::of::<folders::Rename>(),
    Route::of::<folders::Delete>(),
    Route::of::<contacts::List>(),
    Route::of::<contacts::Show>(),
    Route::of::<contacts::Card>(),
    Route::of::<contacts::Cards>(),
    Route::of::<contacts::Add>(),
    Route::of::<contacts::Edit>(),
    Route::of::<contacts::Delete>(),
    Route::of::<contacts::Restore>(),
    Route::of::<contacts::Import>(),
    Route::of::<companies::List>(),
    Route::of::<companies::Add>(),
    Route::of::<companies::Edit>(),
    Route::of::<companies::Delete>(),
    Route::of::<companies::Restore>(),
    Route::of::<labels::List>(),
    Route::of::<labels::Add>(),
    Route::of::<labels::Rename>(),
    Route::of::<labels::Remove>(),
    Route::of::<labels::Put>(),
    Route::of::<versions::List>(),
    Route::of::<versions::Show>(),
    Route::of::<versions::Restore>(),
    Route::of::<activities::List>(),
    Route::of::<activities::Show>(),
    Route::of::<activities::Add>(),
    Route::of::<activities::Edit>(),
    Route::of::<activities::Cancel>(),
    Route::of::<activities::Restore>(),
    Route::of::<activities::Respond>(),
    Route::of::<invitations::Invitations>(),
    Route::of::<invitations::Accept>(),
    Route::of::<calendars::List>(),
    Route::of::<calendars::Create>(),
    Route::of::<calendars::Edit>(),
    Route::of::<schedule::FreeBusy>(),
    Route::of::<schedule::Today>(),
    Route::of::<schedule::Import>(),
    Route::of::<schedule::Export>(),
    Route::of::<accounts::List>(),
    Route::of::<accounts::Show>(),
    Route::of::<accounts::Way>(),
    Route::of::<accounts::NewWay>(),
    Route::of::<accounts::Add>(),
    Route::of::<accounts::Test>(),
    Route::of::<accounts::Login>(),
    Route::of::<account_settings::Set>(),
    Route::of::<sharing::Share>(),
    Route::of::<sharing::Unshare>(),
    Route::of::<accounts::Disconnect>(),
    Route::of::<accounts::Remove>(),
    Route::of::<providers::List>(),
    Route::of::<providers::Show>(),
    Route::of::<providers::Add>(),
    Route::of::<providers::Remove>(),
    Route::of::<audit::List>(),
    Route::of::<audit::Verify>(),
    Route::of::<tokens::List>(),
    Route::of::<tokens::Create>(),
    Route::of::<tokens::Revoke>(),
];

/// The routes of that path, by which method ever.
pub(super) fn routes_of(path: &str) -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(move |route| route.path == path)
}
