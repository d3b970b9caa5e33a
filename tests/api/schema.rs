//! The API under requests that somebody else's program makes of its description: no defect, and no answer that is not described.

use postrider::api::operations::tokens::Create;
use postrider_test_support::schemathesis;

use crate::scene::Scene;

/// Each run asks the same; another seed is another run of the same worth.
const SEED: u32 = 1;

#[test]
fn schemathesis_finds_nothing() {
    let scene = Scene::new(&["One", "Two"]);
    let token = scene.call(&Create { name: "schema".to_owned(), user: None, days: 1 }).unwrap().secret;
    let url = format!("http://{}", scene.port);
    schemathesis::ask(&url, "/v1/openapi.json", &token, SEED).unwrap();
}
