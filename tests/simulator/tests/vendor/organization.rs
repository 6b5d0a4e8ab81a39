//! The token endpoints, and what a token is good for.

use reqwest::Method;
use serde_json::{Value, json};
use simulator::Settings;

use crate::clients::{
    ALL_SCOPES, DOCUMENT_SCOPES, EU_SERVER, House, Key, ORGANIZATION_SERVER, US_SERVER, assertion_form, body,
    claims, seconds_from_now, send,
};

async fn refusal(house: &House, changes: Value) -> (u16, Value) {
    let form = assertion_form(&house.organization_assertion(changes), ALL_SCOPES);
    let answer = house.ask_token(ORGANIZATION_SERVER, &form).await;
    (answer.status().as_u16(), body(answer).await)
}

#[tokio::test]
async fn an_assertion_must_be_right_in_every_claim() {
    let house = House::open().await;
    let token_url = house.token_url(ORGANIZATION_SERVER);
    let wrong = [
        json!({ "aud": house.token_url(EU_SERVER) }),
        json!({ "aud": house.simulator.base_url() }),
        json!({ "aud": format!("{token_url}/") }),
        json!({ "aud": null }),
        json!({ "iss": "someone" }),
        json!({ "sub": "someone" }),
        json!({ "sub": null }),
        json!({ "exp": seconds_from_now(-1) }),
        json!({ "exp": seconds_from_now(3660) }),
        json!({ "exp": null }),
        json!({ "iat": null }),
        json!({ "iat": seconds_from_now(900), "exp": seconds_from_now(960) }),
    ];
    for changes in wrong {
        let (status, error) = refusal(&house, changes.clone()).await;
        assert_eq!((status, &error["error"]), (401, &json!("invalid_client")), "{changes}: {error}");
    }
    for changes in [json!({}), json!({ "jti": null }), json!({ "exp": seconds_from_now(3590) })] {
        assert_eq!(refusal(&house, changes.clone()).await.0, 200, "{changes}");
    }
}

#[tokio::test]
async fn an_assertion_of_another_key_or_none_is_refused() {
    let house = House::open().await;
    let id = house.simulator.organization_client_id();
    let claims = claims(id, &house.token_url(ORGANIZATION_SERVER), json!({}));
    let good = house.organization_assertion(json!({}));
    let (signed, signature) = good.rsplit_once('.').expect("three parts");
    let other = house.organization_assertion(json!({}));
    let swapped = format!("{signed}.{}", other.rsplit_once('.').expect("three parts").1);
    let unsigned =
        format!("eyJhbGciOiJub25lIn0.{}.{signature}", signed.split_once('.').expect("two parts").1);
    for assertion in
        [Key::new().assertion(None, &claims), swapped, unsigned, "no jwt".to_owned(), String::new()]
    {
        let answer = house.ask_token(ORGANIZATION_SERVER, &assertion_form(&assertion, ALL_SCOPES)).await;
        assert_eq!(answer.status(), 401, "{assertion}");
        assert_eq!(body(answer).await["error"], "invalid_client");
    }
}

#[tokio::test]
async fn a_jti_is_good_for_one_request() {
    let house = House::open().await;
    let form = assertion_form(&house.organization_assertion(json!({ "jti": "once" })), ALL_SCOPES);
    assert_eq!(house.ask_token(ORGANIZATION_SERVER, &form).await.status(), 200);
    let again = house.ask_token(ORGANIZATION_SERVER, &form).await;
    assert_eq!(again.status(), 401);
    assert_eq!(body(again).await["error_description"], "the jti was used before");
    assert_eq!(refusal(&house, json!({ "jti": "once" })).await.0, 401, "even in another assertion");
}

#[tokio::test]
async fn a_form_must_be_complete() {
    let house = House::open().await;
    let good = || assertion_form(&house.organization_assertion(json!({})), ALL_SCOPES);
    let changed = |name: &str, value: &str| -> Vec<(String, String)> {
        let mut form = good();
        form.retain(|(field, _)| field != name);
        form.push((name.to_owned(), value.to_owned()));
        form
    };
    for (form, error) in [
        (changed("grant_type", "authorization_code"), "unsupported_grant_type"),
        (changed("client_assertion_type", "jwt"), "invalid_request"),
        (changed("scope", ""), "invalid_scope"),
        (changed("scope", "tenants.read submissions.read"), "invalid_scope"),
        ([good(), good()].concat(), "invalid_request"),
    ] {
        let answer = house.ask_token(ORGANIZATION_SERVER, &form).await;
        assert_eq!(answer.status(), 400, "{error}");
        assert_eq!(body(answer).await["error"], error);
    }
    assert_eq!(house.ask_token("ausNobody", &good()).await.status(), 404);
    let plain = house.http.post(house.token_url(ORGANIZATION_SERVER)).body("grant_type=client_credentials");
    assert_eq!(send(plain).await.status(), 400);
}

#[tokio::test]
async fn documents_scopes_are_bare_at_the_token_endpoint_unless_chosen_otherwise() {
    let house = House::open().await;
    let member = house.member("abc").await;
    let prefixed = "documents.submissions.read";
    let answer = house.secret_token(&member, EU_SERVER, prefixed).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(body(answer).await["error"], "invalid_scope");
    house.simulator.set_settings(Settings { prefixed_scopes: true, ..house.simulator.settings() });
    assert_eq!(house.secret_token(&member, EU_SERVER, prefixed).await.status(), 200);
}

#[tokio::test]
async fn a_wrong_secret_or_another_cells_server_gives_no_token() {
    let house = House::open().await;
    let mut member = house.member("abc").await;
    assert_eq!(house.secret_token(&member, US_SERVER, DOCUMENT_SCOPES).await.status(), 401);
    assert_eq!(house.secret_token(&member, ORGANIZATION_SERVER, ALL_SCOPES).await.status(), 401);
    member.secret.push('x');
    assert_eq!(house.secret_token(&member, EU_SERVER, DOCUMENT_SCOPES).await.status(), 401);
    let counts = house.simulator.state().token_requests;
    let here = counts.iter().find(|count| count.client_id == member.client_id && count.server == EU_SERVER);
    assert_eq!(here.map(|count| (count.asked, count.granted)), Some((2, 1)));
}

#[tokio::test]
async fn a_token_is_good_for_one_plane_and_one_cell() {
    let house = House::open().await;
    let member = house.member("abc").await;
    let organization = house.organization_token(ALL_SCOPES).await;
    let call = |path: &str, token: &str| send(house.http.get(house.url(path)).bearer_auth(token));
    assert_eq!(call("/tenants-api/v0/tenants", &organization).await.status(), 200);
    assert_eq!(call("/documents/eu-1/v2/submission/x/fraud", &member.token).await.status(), 404);

    assert_eq!(call("/documents/eu-1/v2/submission/x/fraud", &organization).await.status(), 401);
    assert_eq!(call("/documents/us-1/v2/submission/x/fraud", &member.token).await.status(), 401);
    assert_eq!(call("/tenants-api/v0/tenants", &member.token).await.status(), 401);
    assert_eq!(call("/tenants-api/v0/tenants", "nonsense").await.status(), 401);
    assert_eq!(send(house.http.get(house.url("/tenants-api/v0/tenants"))).await.status(), 401);
}

#[tokio::test]
async fn a_token_without_the_scope_is_forbidden() {
    let house = House::open().await;
    let reader = house.organization_token("tenants.read").await;
    let create = house.http.post(house.url("/tenants-api/v0/tenants")).bearer_auth(&reader);
    assert_eq!(send(create.json(&json!({ "name": "abc" }))).await.status(), 403);
    let list = house.http.get(house.url("/tenants-api/v0/tenants")).bearer_auth(&reader);
    assert_eq!(send(list).await.status(), 200);
}

#[tokio::test]
async fn a_token_expires_by_the_simulators_clock() {
    let house = House::open().await;
    house.freeze();
    let member = house.member("abc").await;
    house.advance(899.0);
    assert_eq!(house.result(&member, "none", "fraud").await.status(), 404);
    house.advance(1.0);
    assert_eq!(house.result(&member, "none", "fraud").await.status(), 401);
    assert_eq!(send(house.manage(Method::GET, "/tenants")).await.status(), 401);
    assert_eq!(house.organization_token(ALL_SCOPES).await.len(), 64, "assertions go by real time");
}
