use super::*;

const ORGANIZATION: &str = "https://eu.id.resistant.ai/oauth2/aus17c172cLOCWEyk417/v1/token";

fn credential(endpoints: &Endpoints, cell: Cell) -> Credential {
    endpoints.cell(cell).unwrap().credential(
        "t".parse().unwrap(),
        "a".parse().unwrap(),
        "c".parse().unwrap(),
        Authentication::ClientSecret { client_secret: "s".to_owned().into() },
        Generation::NONE.next(),
        Timestamp::UNIX_EPOCH,
    )
}

#[test]
fn the_table_is_the_vendors() {
    let production = [
        ("eu-1", "https://api.documents.resistant.ai", "aus2un1hkrKhPjir4417"),
        ("us-1", "https://api.us-1.documents.resistant.ai", "aus3tzuy12e5blAJi417"),
        ("ca-1", "https://api.ca-1.documents.resistant.ai", "ausd6inbxjwgeJfq4417"),
        ("ap-2", "https://api.ap-2.documents.resistant.ai", "aus827qzu1l953dI4417"),
        ("ap-3", "https://api.ap-3.documents.resistant.ai", "ausp40dse1Q0rzDq6417"),
    ];
    for (cell, base, server) in production {
        let cell = Endpoints::new(Stage::Production).cell(cell.parse().unwrap()).unwrap();
        assert_eq!(cell.api_base(), base);
        assert_eq!(cell.token_url(), format!("https://eu.id.resistant.ai/oauth2/{server}/v1/token"));
    }
    let testing = Endpoints::new(Stage::Testing).cell(Cell::Eu1).unwrap();
    assert_eq!(testing.api_base(), "https://api.documents.testing.resistant.ai");
    assert_eq!(testing.token_url(), "https://eu.id.resistant.ai/oauth2/aus17c52xbW6c0yA9417/v1/token");
    for (stage, base) in [
        (Stage::Production, "https://api.tenants.resistant.ai/v0"),
        (Stage::Testing, "https://api.tenants.testing.resistant.ai/v0"),
    ] {
        let organization = Endpoints::new(stage).organization(ORGANIZATION).unwrap();
        assert_eq!((organization.api_base(), organization.token_url()), (base, ORGANIZATION));
    }
}

#[test]
fn testing_exists_in_eu_1_only() {
    for cell in Cell::ALL.into_iter().filter(|cell| *cell != Cell::Eu1) {
        let error = Endpoints::new(Stage::Testing).cell(cell).unwrap_err();
        assert_eq!((error.what, error.value.as_str()), ("cell", cell.as_str()));
        assert!(error.to_string().contains("does not exist in the testing stage"), "{error}");
    }
}

#[test]
fn a_token_url_of_another_host_cell_or_stage_is_named() {
    let production = Endpoints::new(Stage::Production);
    let url = |server: &str| format!("https://eu.id.resistant.ai/oauth2/{server}/v1/token");
    for (text, problem) in [
        ("nonsense".to_owned(), "not a URL"),
        (ORGANIZATION.replace("eu.id", "us.id"), "not on https://eu.id.resistant.ai"),
        (ORGANIZATION.replace("https", "http"), "not on https://eu.id.resistant.ai"),
        (ORGANIZATION.replace("resistant.ai", "resistant.ai:8443"), "not on https://eu.id.resistant.ai"),
        (ORGANIZATION.replace("eu.id", "user@eu.id"), "does not have the form"),
        (ORGANIZATION.replace("/v1/token", "/v1/keys"), "does not have the form"),
        (format!("{ORGANIZATION}?x=y"), "does not have the form"),
        (url("aus2un1hkrKhPjir4417"), "cell eu-1 in the production stage"),
        (url("aus827qzu1l953dI4417"), "cell ap-2 in the production stage"),
        (url("aus17c52xbW6c0yA9417"), "cell eu-1 in the testing stage"),
    ] {
        let error = production.organization(&text).unwrap_err();
        assert_eq!((error.what, &error.value), ("organization token URL", &text));
        assert!(error.problem.contains(problem), "{text}: {error}");
    }
}

#[test]
fn a_credential_of_another_place_is_named() {
    let endpoints = Endpoints::new(Stage::Production);
    let good = credential(&endpoints, Cell::Us1);
    assert_eq!(endpoints.check(&good).unwrap().cell(), Cell::Us1);

    let testing = credential(&Endpoints::new(Stage::Testing), Cell::Eu1);
    assert_eq!(endpoints.check(&testing).unwrap_err().what, "the credential's stage");

    let mut other = good.clone();
    other.token_url = endpoints.cell(Cell::Eu1).unwrap().token_url().to_owned();
    let error = endpoints.check(&other).unwrap_err();
    assert_eq!((error.what, &error.value), ("the credential's token_url", &other.token_url));

    let mut other = good.clone();
    other.api_base = endpoints.cell(Cell::Eu1).unwrap().api_base().to_owned();
    let error = endpoints.check(&other).unwrap_err();
    assert_eq!((error.what, &error.value), ("the credential's api_base", &other.api_base));

    let mut other = good;
    other.cell = Cell::Eu1;
    assert_eq!(endpoints.check(&other).unwrap_err().what, "the credential's token_url");
}

#[test]
fn a_local_run_overrides_everything_at_once() {
    let local = Endpoints::local(Stage::Production, "http://127.0.0.1:8080").unwrap();
    let cell = local.cell(Cell::Ap3).unwrap();
    assert_eq!(cell.api_base(), "http://127.0.0.1:8080/documents/ap-3");
    assert_eq!(cell.token_url(), "http://127.0.0.1:8080/oauth2/ausp40dse1Q0rzDq6417/v1/token");
    let organization = local.organization(ORGANIZATION).unwrap();
    assert_eq!(organization.api_base(), "http://127.0.0.1:8080/tenants-api/v0");
    assert_eq!(organization.token_url(), "http://127.0.0.1:8080/oauth2/aus17c172cLOCWEyk417/v1/token");
    // A credential made against the vendor does not pass in a local run, nor the other way round.
    let real = credential(&Endpoints::new(Stage::Production), Cell::Ap3);
    assert!(local.check(&real).is_err());
    assert!(Endpoints::new(Stage::Production).check(&credential(&local, Cell::Ap3)).is_err());
    assert!(Endpoints::local(Stage::Testing, "http://[::1]:1").unwrap().cell(Cell::Us1).is_err());
}

#[test]
fn a_local_url_is_a_loopback_origin() {
    for base in ["http://127.0.0.1:1", "http://127.9.8.7:1/", "http://[::1]:1", "http://localhost:1"] {
        assert!(Endpoints::local(Stage::Production, base).is_ok(), "{base}");
    }
    for base in [
        "http://10.0.0.1:1",
        "http://169.254.169.254",
        "http://localhost.example.com",
        "http://[::ffff:10.0.0.1]:1",
        "https://api.documents.resistant.ai",
        "http://127.0.0.1:1/path",
        "http://user@127.0.0.1:1",
        "http://127.0.0.1:1?q",
        "ftp://127.0.0.1",
        "127.0.0.1:1",
    ] {
        let error = Endpoints::local(Stage::Production, base).unwrap_err();
        assert_eq!((error.what, error.value.as_str()), ("local vendor URL", base));
    }
}
