//! Every operation of the client against the simulated vendor, which has wire types of its own: a field
//! that both sides misname does not pass.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use jiff::Timestamp;
use resistant::{
    Analysis, AnalysisStatus, Application, ApplicationKey, CallError, Characteristics, ControlPlane,
    DataPlane, DocumentsScope, Endpoints, Gone, NewAuthentication, NewSubmission, OrganizationCredential,
    Pipeline, Probe, Removal, ResultKind, ShortText, TokenError, Vendor,
};
use serde_json::json;
use shared_core::credential::{Authentication, Credential};
use shared_core::ids::{Generation, SubmissionId, TenantId};
use shared_core::place::{Cell, Stage};
use simulator::{ClockChange, Effect, Fault, Limits, Operation, Options, Settings, Simulator};

/// A simulator without delays or limits, and a client of it.
struct House {
    simulator: Simulator,
    vendor: Vendor,
    control: ControlPlane,
}

impl House {
    async fn new() -> Self {
        let limits = Limits { enabled: false, ..Limits::default() };
        Self::with(Settings { result_delay_ms: 0, limits, ..Settings::default() }).await
    }

    async fn with(settings: Settings) -> Self {
        let key = include_str!("../testdata/organization-key.pkcs8.pem").to_owned();
        let options = Options { private_key_pem: Some(key), settings, ..Options::default() };
        let simulator = Simulator::start(options).await.unwrap();
        let endpoints = Endpoints::local(Stage::Production, simulator.base_url()).unwrap();
        let secret = json!({
            "client_id": simulator.organization_client_id(),
            "private_key": simulator.organization_private_key_pem(),
        });
        let organization = OrganizationCredential::from_secret_value(&secret.to_string()).unwrap();
        let vendor = Vendor::new(endpoints).unwrap();
        let control = vendor.control_plane(&vendor.endpoints().organization("").unwrap(), &organization);
        Self { simulator, vendor, control }
    }

    async fn tenant(&self, name: &str) -> TenantId {
        self.control.create_tenant(&name.parse().unwrap(), &[Cell::Eu1, Cell::Us1]).await.unwrap().id
    }

    fn credential(
        &self,
        tenant: &TenantId,
        application: &Application,
        authentication: Authentication,
    ) -> Credential {
        let cell = Cell::ALL.into_iter().find(|cell| application.cell == *cell).unwrap();
        let (id, client_id) = (application.id.clone(), application.client_id.clone());
        let endpoints = self.vendor.endpoints().cell(cell).unwrap();
        let (tenant, generation) = (tenant.clone(), Generation::NONE.next());
        endpoints.credential(tenant, id, client_id, authentication, generation, Timestamp::UNIX_EPOCH)
    }

    async fn key_pair(&self, tenant: &TenantId, cell: Cell) -> (Application, Credential) {
        let key = ApplicationKey::generate().unwrap();
        let new = NewAuthentication::Ec(key.public());
        let created =
            self.control.create_application(tenant, cell, &DocumentsScope::ALL, &new).await.unwrap();
        assert!(created.client_secret.is_none());
        let credential = self.credential(tenant, &created.application, key.authentication());
        (created.application, credential)
    }

    fn plane(&self, credential: &Credential) -> DataPlane {
        self.vendor.data_plane(credential).unwrap()
    }
}

fn new(pipeline: Pipeline) -> NewSubmission {
    let query_id = "query-1".parse().unwrap();
    NewSubmission { query_id, pipeline, enable_decision: true, enable_characteristics: true }
}

const PDF: &[u8] = b"%PDF-1.7 a document";

/// Creates, uploads and describes a submission.
async fn submit(plane: &DataPlane, pipeline: Pipeline) -> SubmissionId {
    let submission = plane.create_submission(&new(pipeline)).await.unwrap();
    let url = submission.upload_url.unwrap();
    assert_eq!(plane.upload_url(url.expose()).unwrap(), url);
    assert_eq!(plane.fraud(&submission.id).await.unwrap(), None);
    plane.upload(&url, PDF.len() as u64, Full::new(Bytes::from_static(PDF))).await.unwrap();
    let known = Characteristics {
        customer_tenant_id: Some("customer-1".parse::<ShortText>().unwrap()),
        ..Characteristics::default()
    };
    plane.put_characteristics(&submission.id, &known).await.unwrap();
    submission.id
}

async fn finished(plane: &DataPlane, id: &SubmissionId, kind: ResultKind) -> Analysis {
    for _ in 0..200 {
        match plane.result(id, kind).await {
            Ok(Some(analysis)) => return analysis,
            Ok(None) | Err(CallError::Throttled { .. }) => {
                tokio::time::sleep(Duration::from_millis(50)).await
            }
            Err(error) => panic!("{kind:?}: {error}"),
        }
    }
    panic!("{kind:?} did not finish")
}

#[tokio::test]
async fn every_operation_works_and_nothing_is_left() {
    let house = House::new().await;
    let control = &house.control;
    let tenant = house.tenant("alpha").await;
    assert_eq!(control.tenant(&tenant).await.unwrap().unwrap().name, "alpha");
    assert_eq!(control.find_tenant_by_name(&"alpha".parse().unwrap()).await.unwrap().unwrap().id, tenant);
    assert!(control.find_tenant_by_name(&"beta".parse().unwrap()).await.unwrap().is_none());

    let (eu, eu_credential) = house.key_pair(&tenant, Cell::Eu1).await;
    let secret = NewAuthentication::ClientSecret;
    let created =
        control.create_application(&tenant, Cell::Us1, &DocumentsScope::ALL, &secret).await.unwrap();
    let us = created.application;
    let authentication = Authentication::ClientSecret { client_secret: created.client_secret.unwrap() };
    let us_credential = house.credential(&tenant, &us, authentication);

    let listed = control.applications(&tenant).await.unwrap().unwrap();
    assert_eq!(ids(&listed), BTreeSet::from([eu.id.as_str(), us.id.as_str()]));
    let read = control.application(&tenant, &eu.id).await.unwrap().unwrap();
    assert_eq!((read.client_id.clone(), read.cell.clone()), (eu.client_id.clone(), eu.cell.clone()));
    assert_eq!(read.scopes.len(), 2);

    for (credential, pipeline, kinds, verdict) in [
        (&eu_credential, Pipeline::FraudOnly, &[ResultKind::Fraud, ResultKind::Decision][..], "NORMAL"),
        (&us_credential, Pipeline::QualityOnly, &[ResultKind::Quality][..], "HIGH_QUALITY"),
        (&us_credential, Pipeline::ClassificationOnly, &[ResultKind::Classification][..], "CLASSIFIED"),
    ] {
        let plane = house.plane(credential);
        assert_eq!(plane.probe().await.unwrap(), Probe::Authorized);
        let id = submit(&plane, pipeline).await;
        let first = finished(&plane, &id, kinds[0]).await;
        assert_eq!((first.status, first.verdict.as_deref()), (AnalysisStatus::Success, Some(verdict)));
        if let Some(kind) = kinds.get(1) {
            assert_eq!(finished(&plane, &id, *kind).await.verdict.as_deref(), Some("APPROVED"));
        }
        assert_eq!(plane.delete_submission(&id).await.unwrap(), Removal::Deleted);
        assert_eq!(plane.delete_submission(&id).await.unwrap(), Removal::AlreadyGone);
    }

    assert!(control.delete_tenant(&tenant).await.is_err(), "applications come first");
    for application in [&eu.id, &us.id] {
        assert_eq!(control.delete_application(&tenant, application).await.unwrap(), Gone::Deleted);
        assert_eq!(control.delete_application(&tenant, application).await.unwrap(), Gone::AlreadyGone);
    }
    assert!(control.application(&tenant, &eu.id).await.unwrap().is_none());
    assert_eq!(control.delete_tenant(&tenant).await.unwrap(), Gone::Deleted);
    assert_eq!(control.delete_tenant(&tenant).await.unwrap(), Gone::AlreadyGone);
    assert!(control.tenant(&tenant).await.unwrap().is_none());
    assert!(control.applications(&tenant).await.unwrap().is_none());

    let state = house.simulator.state();
    let used: BTreeSet<_> = state.calls.iter().filter_map(|call| call.operation).collect();
    // Not used by the client: these three.
    let unused = [Operation::GetContent, Operation::GetReport, Operation::Download];
    let expected: BTreeSet<_> = Operation::all().filter(|operation| !unused.contains(operation)).collect();
    assert_eq!(used, expected);
    assert!(house.simulator.audit().clean, "{:?}", house.simulator.audit());
}

fn ids(applications: &[Application]) -> BTreeSet<&str> {
    applications.iter().map(|application| application.id.as_str()).collect()
}

#[tokio::test]
async fn key_numbers_arrive_digit_for_digit() {
    let house = House::new().await;
    let tenant = house.tenant("alpha").await;
    // Its x begins with a zero byte: 74 digits.
    let pem = include_str!("../testdata/application-key.pem").to_owned().into();
    let key = ApplicationKey::from_pem(&pem).unwrap();
    let new = NewAuthentication::Ec(key.public());
    let created =
        house.control.create_application(&tenant, Cell::Eu1, &DocumentsScope::ALL, &new).await.unwrap();
    let state = house.simulator.state();
    assert_eq!(state.applications[0].key_digits, [key.public().x(), key.public().y()]);
    assert_eq!(state.applications[0].kid.as_deref(), Some(key.key_id().as_str()));
    let credential = house.credential(&tenant, &created.application, key.authentication());
    assert_eq!(house.plane(&credential).probe().await.unwrap(), Probe::Authorized);
}

#[tokio::test]
async fn what_accepts_our_key_is_ours_and_nothing_else_does() {
    let house = House::new().await;
    let tenant = house.tenant("alpha").await;
    let (ours, credential) = house.key_pair(&tenant, Cell::Eu1).await;
    let (theirs, _) = house.key_pair(&tenant, Cell::Eu1).await;
    assert!(house.plane(&credential).client_accepted().await.unwrap());
    let tried = house.credential(&tenant, &theirs, credential.authentication.clone());
    assert!(!house.plane(&tried).client_accepted().await.unwrap());
    assert!(matches!(house.plane(&tried).probe().await.unwrap(), Probe::ClientRefused { .. }));

    house.control.delete_application(&tenant, &ours.id).await.unwrap();
    assert!(!house.plane(&credential).client_accepted().await.unwrap());
}

#[tokio::test]
async fn a_listing_of_many_pages_is_whole() {
    let house = House::with(Settings { quota: 1000, largest_page: 7, ..Settings::default() }).await;
    let mut made = BTreeSet::new();
    for n in 0..30 {
        made.insert(house.tenant(&format!("tenant{n}")).await.to_string());
    }
    let listed = house.control.all_tenants().await.unwrap();
    assert_eq!(listed.len(), 30);
    assert_eq!(listed.into_iter().map(|tenant| tenant.id.to_string()).collect::<BTreeSet<_>>(), made);
    let pages = house
        .simulator
        .state()
        .calls
        .iter()
        .filter(|call| call.operation == Some(Operation::GetTenants))
        .count();
    assert_eq!(pages, 5);
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_unclear_and_found_by_its_name() {
    let house = House::new().await;
    let name = "alpha".parse().unwrap();
    for effect in [Effect::DoneThenCut, Effect::DoneThenStatus { status: 503 }] {
        house.simulator.add_fault(Fault::next(Operation::CreateTenant, effect));
        let error = house.control.create_tenant(&name, &[Cell::Eu1]).await.unwrap_err();
        assert!(error.may_have_happened(), "{error:?}");
        let found = house.control.find_tenant_by_name(&name).await.unwrap().unwrap();
        assert_eq!(house.control.delete_tenant(&found.id).await.unwrap(), Gone::Deleted);
    }
    let creates = house.simulator.state().calls.iter().filter(|call| call.method == "POST").count();
    // Two creates and the one token request.
    assert_eq!(creates, 3);
}

#[tokio::test]
async fn outcomes_are_told_apart() {
    let house = House::new().await;
    let tenant = house.tenant("alpha").await;
    let name = "beta".parse().unwrap();
    for (status, expected) in [
        (429, "Throttled"),
        (403, "Forbidden"),
        (404, "NotFound"),
        (409, "Conflict"),
        (422, "Refused"),
        (500, "Unclear"),
        (504, "Unclear"),
    ] {
        house.simulator.add_fault(Fault::next(Operation::CreateTenant, Effect::Status { status }));
        let error = house.control.create_tenant(&name, &[Cell::Eu1]).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{status}: {error:?}");
    }
    let (_, credential) = house.key_pair(&tenant, Cell::Eu1).await;
    house.simulator.add_fault(Fault::next(Operation::Token, Effect::Status { status: 429 }));
    let error = house.plane(&credential).create_submission(&new(Pipeline::FraudOnly)).await.unwrap_err();
    assert!(matches!(error, CallError::Token { source: TokenError::Throttled, .. }), "{error:?}");
}

#[tokio::test]
async fn a_token_that_the_vendor_no_longer_takes_is_renewed_unseen() {
    let house = House::new().await;
    let tenant = house.tenant("alpha").await;
    // Past the token's end by the vendor's clock, while ours has hardly moved.
    house.simulator.change_clock(&ClockChange { advance_seconds: 3_600.0, ..ClockChange::default() });
    assert!(house.control.tenant(&tenant).await.unwrap().is_some());
    let granted: u64 = house.simulator.state().token_requests.iter().map(|client| client.granted).sum();
    assert_eq!(granted, 2);
}

#[tokio::test]
async fn an_expired_upload_url_is_forbidden_and_a_processing_submission_stays() {
    let house = House::with(Settings { result_delay_ms: 60_000, ..Settings::default() }).await;
    let tenant = house.tenant("alpha").await;
    let (_, credential) = house.key_pair(&tenant, Cell::Eu1).await;
    let plane = house.plane(&credential);
    let id = submit(&plane, Pipeline::FraudOnly).await;
    assert_eq!(plane.delete_submission(&id).await.unwrap(), Removal::Processing);

    let late = plane.create_submission(&new(Pipeline::FraudOnly)).await.unwrap();
    house.simulator.change_clock(&ClockChange { advance_seconds: 3_600.0, ..ClockChange::default() });
    let body = Full::new(Bytes::from_static(PDF));
    let error = plane.upload(&late.upload_url.unwrap(), PDF.len() as u64, body).await.unwrap_err();
    assert!(matches!(error, CallError::Forbidden { .. }), "{error:?}");
    assert_eq!(plane.delete_submission(&late.id).await.unwrap(), Removal::Deleted);
}

#[tokio::test]
async fn a_result_that_is_too_large_to_be_answered_is_downloaded() {
    let limits = Limits { enabled: false, ..Limits::default() };
    let settings = Settings { result_delay_ms: 0, presigned_results: true, limits, ..Settings::default() };
    let house = House::with(settings).await;
    let tenant = house.tenant("alpha").await;
    let (_, credential) = house.key_pair(&tenant, Cell::Eu1).await;
    let plane = house.plane(&credential);
    let id = submit(&plane, Pipeline::FraudOnly).await;
    let analysis = plane.whole_result(&id, ResultKind::Fraud).await.unwrap().unwrap();
    assert_eq!((analysis.status, analysis.verdict.as_deref()), (AnalysisStatus::Success, Some("NORMAL")));
    assert!(house.simulator.state().calls.iter().any(|call| call.operation == Some(Operation::Download)));
}
