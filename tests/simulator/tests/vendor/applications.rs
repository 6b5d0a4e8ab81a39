//! Applications: their keys, their one showing of credentials, their cell.

use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::KeyPair as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};
use simulator::Settings;

use crate::clients::{
    DOCUMENT_SCOPES, EU_SERVER, House, Key, US_SERVER, assertion_form, body, claims, send, text,
};

/// Creates an application from JSON text, in which numbers keep all their digits.
async fn create(house: &House, tenant: &str, cell: &str, method: &str) -> reqwest::Response {
    let scopes = r#"["documents.submissions.read","documents.submissions.write"]"#;
    let asked = format!(r#"{{"cell":"{cell}","scopes":{scopes},"auth_method":{method}}}"#);
    let request = house.manage(Method::POST, &format!("/tenants/{tenant}/applications"));
    send(request.header("content-type", "application/json").body(asked)).await
}

#[tokio::test]
async fn a_secret_is_shown_once() {
    let house = House::open().await;
    let member = house.member("abc").await;
    assert!(member.secret.len() >= 32);
    let path = format!("/tenants/{}/applications", member.tenant);
    let one = send(house.manage(Method::GET, &format!("{path}/{}", member.application))).await.text().await;
    let list = send(house.manage(Method::GET, &path)).await.text().await;
    let state = serde_json::to_string(&house.simulator.state()).expect("a state");
    for shown in [one.expect("text"), list.expect("text"), state] {
        assert!(shown.contains(&member.client_id), "{shown}");
        assert!(!shown.contains(&member.secret) && !shown.contains("credentials"), "{shown}");
    }
}

#[tokio::test]
async fn a_key_of_78_digits_arrives_whole_and_signs_in() {
    let house = House::open().await;
    let (tenant, key) = (house.create_tenant("abc").await, Key::new());
    let created = create(&house, &tenant, "us-1", &key.method("k1")).await;
    assert_eq!(created.status(), 201);
    assert!(created.headers().contains_key("location"));
    let created = body(created).await;
    assert_eq!(created["credentials"], json!({ "type": "EC", "alg": "ES256", "kid": "k1" }));
    assert_eq!(text(&created["_links"]["token_url"]), house.token_url(US_SERVER));
    assert_eq!(house.simulator.state().applications[0].key_digits, [key.x.clone(), key.y.clone()]);

    let client = text(&created["client_id"]);
    for kid in [None, Some("k1")] {
        let assertion = key.assertion(kid, &claims(&client, &house.token_url(US_SERVER), json!({})));
        let answer = house.ask_token(US_SERVER, &assertion_form(&assertion, DOCUMENT_SCOPES)).await;
        assert_eq!(answer.status(), 200, "{kid:?}");
        let token = body(answer).await;
        assert_eq!(token["expires_in"], 900);
        assert_eq!(token["scope"], DOCUMENT_SCOPES);
    }
}

#[tokio::test]
async fn an_rsa_key_of_925_digits_signs_in() {
    let house = House::open().await;
    let tenant = house.create_tenant("abc").await;
    let pem = house.simulator.organization_private_key_pem().to_owned();
    let method = format!(r#"{{"type":"RSA","alg":"RS256","kid":"k","e":65537,"n":{}}}"#, modulus(&pem));
    let created = body(create(&house, &tenant, "eu-1", &method).await).await;
    let claims = claims(&text(&created["client_id"]), &house.token_url(EU_SERVER), json!({}));
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).expect("a key");
    let assertion =
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key).expect("an assertion");
    let answer = house.ask_token(EU_SERVER, &assertion_form(&assertion, DOCUMENT_SCOPES)).await;
    assert_eq!(answer.status(), 200);
}

/// The modulus of a 3072-bit key in decimal digits.
fn modulus(pem: &str) -> String {
    let PrivateKeyDer::Pkcs8(der) = PrivateKeyDer::from_pem_slice(pem.as_bytes()).expect("a key") else {
        panic!("no PKCS#8")
    };
    let pair = KeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("a key pair");
    // Before it: the headers of the sequence and the integer, and the integer's leading zero.
    crate::clients::decimal(&pair.public_key().as_ref()[9..9 + 384])
}

#[tokio::test]
async fn a_key_signs_for_its_own_client_cell_and_key_id_only() {
    let house = House::open().await;
    let (tenant, key) = (house.create_tenant("abc").await, Key::new());
    let created = body(create(&house, &tenant, "us-1", &key.method("k1")).await).await;
    let (client, us) = (text(&created["client_id"]), house.token_url(US_SERVER));
    let good = claims(&client, &us, json!({}));
    let refused = [
        ("another key", US_SERVER, Key::new().assertion(None, &good)),
        ("another key id", US_SERVER, key.assertion(Some("k2"), &good)),
        (
            "another cell",
            EU_SERVER,
            key.assertion(None, &claims(&client, &house.token_url(EU_SERVER), json!({}))),
        ),
        (
            "another audience",
            US_SERVER,
            key.assertion(None, &claims(&client, &house.token_url(EU_SERVER), json!({}))),
        ),
        ("another client", US_SERVER, key.assertion(None, &claims("0oaNobody", &us, json!({})))),
    ];
    for (what, server, assertion) in refused {
        let answer = house.ask_token(server, &assertion_form(&assertion, DOCUMENT_SCOPES)).await;
        assert_eq!(answer.status(), 401, "{what}");
        assert_eq!(body(answer).await["error"], "invalid_client", "{what}");
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_right_is_refused() {
    let house = House::open().await;
    let (tenant, key) = (house.create_tenant("abc").await, Key::new());
    let Key { x, y, .. } = &key;
    let modulus_2048 = crate::clients::decimal(&[&[0x80][..], &[1; 255]].concat());
    let bad = [
        r#"{}"#.to_owned(),
        r#"{"type":"PASSWORD"}"#.to_owned(),
        r#"{"type":"EC","alg":"ES256","kid":"k","x":1,"y":2}"#.to_owned(),
        format!(r#"{{"type":"EC","alg":"ES256","kid":"k","x":"{x}","y":"{y}"}}"#),
        format!(r#"{{"type":"EC","alg":"ES512","kid":"k","x":{x},"y":{y}}}"#),
        format!(r#"{{"type":"EC","alg":"ES256","x":{x},"y":{y}}}"#),
        format!(r#"{{"type":"EC","alg":"ES256","kid":"k","x":{}.0e0,"y":{y}}}"#, x),
        format!(r#"{{"type":"RSA","alg":"RS256","kid":"k","e":65537,"n":{modulus_2048}}}"#),
        format!(r#"{{"type":"RSA","alg":"RS256","kid":"k","e":3,"n":{modulus_2048}1}}"#),
    ];
    for method in bad {
        let answer = create(&house, &tenant, "eu-1", &method).await;
        assert_eq!(answer.status(), 400, "{method}");
        assert!(body(answer).await["message"].is_string());
    }
    let longer = format!(r#"{{"type":"RSA","alg":"RS256","kid":"k","e":65537,"n":{modulus_2048}1}}"#);
    assert_eq!(create(&house, &tenant, "eu-1", &longer).await.status(), 201);
    assert_eq!(house.simulator.state().applications[0].key_digits, [format!("{modulus_2048}1")]);
}

#[tokio::test]
async fn cells_scopes_and_tenants_are_checked() {
    let house = House::open().await;
    let tenant = house.create_tenant("abc").await;
    let secret = json!({ "type": "CLIENT_SECRET" });
    assert_eq!(house.create_application(&tenant, "eu-9", secret.clone()).await.status(), 400);
    assert_eq!(house.create_application("nobody", "eu-1", secret.clone()).await.status(), 404);
    let bare = json!({ "cell": "eu-1", "scopes": ["submissions.read"], "auth_method": secret });
    let path = format!("/tenants/{tenant}/applications");
    assert_eq!(send(house.manage(Method::POST, &path).json(&bare)).await.status(), 400);

    assert_eq!(house.create_application(&tenant, "us-1", secret.clone()).await.status(), 201);
    house
        .simulator
        .set_settings(Settings { application_cell_must_be_tenants: true, ..house.simulator.settings() });
    assert_eq!(house.create_application(&tenant, "us-1", secret).await.status(), 400);
    assert_eq!(send(house.manage(Method::GET, &format!("{path}/nothing"))).await.status(), 404);
    assert_eq!(send(house.manage(Method::DELETE, &format!("{path}/nothing"))).await.status(), 404);
    let list: Value = body(send(house.manage(Method::GET, &path)).await).await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_deleted_application_gets_no_token_and_its_old_one_lives_on_unless_chosen_otherwise() {
    let house = House::open().await;
    let member = house.member("abc").await;
    let path = format!("/tenants/{}/applications/{}", member.tenant, member.application);
    assert_eq!(send(house.manage(Method::DELETE, &path)).await.status(), 204);
    assert_eq!(house.secret_token(&member, EU_SERVER, DOCUMENT_SCOPES).await.status(), 401);
    assert_eq!(house.result(&member, "none", "fraud").await.status(), 404);
    house.simulator.set_settings(Settings { deletion_revokes_tokens: true, ..house.simulator.settings() });
    assert_eq!(house.result(&member, "none", "fraud").await.status(), 401);
}
