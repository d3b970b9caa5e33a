//! The description of the API (OpenAPI 3.1), made of the list of operations and of their types.

use http::StatusCode;
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{
    metrics,
    operation::Method,
    refusal::{REFUSALS, Refused},
    route::{ROUTES, Route},
};

/// The whole description.
pub fn describe() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    let refusals = refusals(&generator.subschema_for::<Refused>());
    let mut paths = Map::new();
    for route in ROUTES {
        paths.insert(route.path.to_owned(), path_item(route, &mut generator));
    }
    paths.insert("/v1/openapi.json".to_owned(), other_item("This description", "application/json"));
    paths.insert(metrics::PATH.to_owned(), other_item("Numbers for Prometheus", metrics::MEDIA));
    let mut description = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Postrider",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Mail of many accounts, kept in step with one local store. Asked over a Unix socket, where the peer's user id \
                            says who asks, or over a port of the daemon's machine with a token.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "http://127.0.0.1:8080", "description": "as `[api] listen` says" }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "On TCP alone: `postrider api token create` makes one.",
                },
            },
            "responses": refusals,
            "schemas": generator.take_definitions(true),
        },
    });
    bound_numbers(&mut description);
    description
}

/// Says up to where numbers of 32 bits go, which their format alone tells nobody.
fn bound_numbers(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if object.get("format").is_some_and(|format| format == "uint32") {
                object.insert("maximum".to_owned(), json!(u32::MAX));
            }
            object.values_mut().for_each(bound_numbers);
        }
        Value::Array(list) => list.iter_mut().for_each(bound_numbers),
        _ => {}
    }
}

fn path_item(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let (input, answer) = (route.schemas)(generator);
    let answer = match route.media {
        super::Media::Json => json!({ "schema": answer }),
        super::Media::Octets => json!({}),
    };
    let mut operation = json!({
        "operationId": route.path.trim_start_matches("/v1/").replace('/', "_"),
        "summary": route.summary,
        "tags": [route.path.split('/').nth(2).unwrap_or_default()],
        "responses": responses(&json!({ route.media.name(): answer })),
    });
    match route.method {
        Method::Get => operation["parameters"] = parameters(&input),
        Method::Post => {
            operation["requestBody"] =
                json!({ "required": true, "content": { "application/json": { "schema": input } } });
        }
    }
    json!({ route.method.name().to_ascii_lowercase(): operation })
}

fn other_item(summary: &str, media: &str) -> Value {
    json!({ "get": { "summary": summary, "responses": responses(&json!({ media: {} })) } })
}

fn responses(answer: &Value) -> Value {
    let mut all = Map::new();
    all.insert("200".to_owned(), json!({ "description": "Done", "content": answer }));
    for (status, _) in REFUSALS {
        let reference = format!("#/components/responses/{}", status.as_str());
        all.insert(status.as_str().to_owned(), json!({ "$ref": reference }));
    }
    all.into()
}

/// What every path may answer instead.
fn refusals(refused: &Schema) -> Value {
    let mut all = Map::new();
    for (status, why) in REFUSALS {
        let mut response =
            json!({ "description": why, "content": { "application/json": { "schema": refused } } });
        if *status == StatusCode::SERVICE_UNAVAILABLE {
            response["headers"] = json!({
                "Retry-After": { "schema": { "type": "integer" }, "description": "Seconds until it may be asked again" },
            });
        }
        all.insert(status.as_str().to_owned(), response);
    }
    all.into()
}

/// An object's fields as parameters of a query, in which nothing is null.
fn parameters(input: &Schema) -> Value {
    let required = input.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|one| one == name));
    let fields = input.get("properties").and_then(Value::as_object).into_iter().flatten();
    fields
        .map(|(name, schema)| {
            let mut schema = schema.clone();
            let description = schema.get("description").cloned().unwrap_or_default();
            take_null(&mut schema);
            json!({
                "name": name,
                "in": "query",
                "description": description,
                "required": is_required(name),
                "schema": schema,
            })
        })
        .collect()
}

/// What a field may be besides null.
fn take_null(schema: &mut Value) {
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|one| one != "null");
        if let [only] = types.as_slice() {
            schema["type"] = only.clone();
        }
    }
    if let Some(choices) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        choices.retain(|one| one.get("type").is_none_or(|kind| kind != "null"));
    }
    if let Some(object) = schema.as_object_mut() {
        object.remove("description");
        if object.get("default").is_some_and(Value::is_null) {
            object.remove("default");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_is_described_once_and_every_reference_leads_somewhere() {
        let description = describe();
        let paths = description["paths"].as_object().unwrap();
        assert_eq!(paths.len(), ROUTES.len() + 2, "two operations have one path");
        let ids: BTreeSet<&str> = paths
            .values()
            .flat_map(|item| item.as_object().unwrap().values())
            .filter_map(|operation| operation["operationId"].as_str())
            .collect();
        assert_eq!(ids.len(), ROUTES.len());
        let text = description.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(description.pointer(pointer).is_some(), "{pointer} leads nowhere");
        }
        assert!(!text.contains("\"schema\":true"), "something is not described");
    }

    #[test]
    fn the_fields_of_a_query_are_never_null() {
        let description = describe();
        let fields = description["paths"]["/v1/messages"]["get"]["parameters"].as_array().unwrap();
        let account = fields.iter().find(|field| field["name"] == "account").unwrap();
        assert_eq!((&account["schema"], &account["required"]), (&json!({ "type": "string" }), &json!(false)));
        let after = &description["paths"]["/v1/messages/page"]["get"]["parameters"];
        assert!(!after.to_string().contains("null"), "{after}");
    }
}
