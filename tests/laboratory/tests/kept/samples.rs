//! Records with all that a record can have. A field that is new does not compile until it stands here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use shared_core::credential::{Authentication, AuthenticationKind, Credential};
use shared_core::customer::{
    Aim, Application, CellPhase, CellState, Customer, Failure, NextApplication, Order, Pause, Phase, Sealed,
    Tenant, Work,
};
use shared_core::document::{Document, Findings, Kept, Pipeline, PresignedUrl, Source, State, Submission};
use shared_core::event::{Certificate, CustomerOffboarded, DeletedApplication, DeletedSecret, ReasonCode};
use shared_core::ids::{Generation, TenantName};
use shared_core::place::{Cell, Stage};

pub(crate) fn second(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// Derived, and by every code alike: what one has made, the other is to find.
pub(crate) fn tenant_name() -> TenantName {
    TenantName::derive(&"test-1".parse().unwrap(), &"acme".parse().unwrap(), Generation::NONE.next())
}

/// A customer of which everything is known at once, which none is.
pub(crate) fn customer(id: &str) -> Customer {
    Customer {
        version: Customer::VERSION,
        customer_id: id.parse().unwrap(),
        generation: Generation::NONE.next(),
        phase: Phase::Offboarding,
        tenant: Some(Tenant {
            name: tenant_name(),
            id: Some("t-1".parse().unwrap()),
            adopted_at: Some(second(1)),
        }),
        cells: BTreeMap::from([(Cell::Eu1, cell())]),
        work: Some(work()),
        last_request: Some(Order { requested_at: second(3), request_id: "r-1".parse().unwrap() }),
        failure: Some(failure()),
        certificate: certificate(),
        paused: Some(Pause { actor: "jane".to_owned(), reason: "look".to_owned(), since: second(4) }),
    }
}

fn cell() -> CellState {
    CellState {
        phase: CellPhase::Active,
        failure: Some(failure()),
        authentication: Some(AuthenticationKind::ClientSecret),
        next: Some(NextApplication {
            authentication: AuthenticationKind::KeyPair,
            key_id: Some("key-1".parse().unwrap()),
            sealed: Some(Sealed("c2VhbGVk".to_owned())),
            intended_at: second(5),
            in_doubt_since: Some(second(6)),
            application: Some(application("a-2")),
        }),
        applications: vec![application("a-1")],
    }
}

fn application(id: &str) -> Application {
    Application {
        id: id.parse().unwrap(),
        client_id: "c-1".parse().unwrap(),
        recorded_at: second(7),
        unreferenced_since: Some(second(8)),
    }
}

fn work() -> Work {
    Work {
        request_id: "r-2".parse().unwrap(),
        requested_at: second(9),
        aim: Aim::Offboard,
        actor: "platform".to_owned(),
        reason: "left".to_owned(),
        accepted_at: second(10),
        cells: vec![Cell::Eu1],
        drain: true,
    }
}

fn failure() -> Failure {
    Failure { code: ReasonCode::QuotaFull, explanation: "no tenant is left".to_owned() }
}

fn certificate() -> Certificate {
    Certificate {
        tenant_name: Some(tenant_name()),
        tenant_id: Some("t-1".parse().unwrap()),
        applications: vec![DeletedApplication {
            application_id: "a-1".parse().unwrap(),
            deleted_at: second(11),
        }],
        tenant_deleted_at: Some(second(12)),
        proved_by_listing_at: Some(second(13)),
        tenants_listed: Some(7),
        secrets: vec![DeletedSecret {
            secret_name: "resistant/acme/eu-1/credential".to_owned(),
            recoverable_until: second(14),
        }],
        documents_cut_off: vec!["5".repeat(64)],
        more_documents_cut_off: true,
    }
}

/// The end of an offboarding.
pub(crate) fn offboarded(id: &str) -> CustomerOffboarded {
    CustomerOffboarded {
        request_id: "r-2".parse().unwrap(),
        customer_id: id.parse().unwrap(),
        generation: Generation::NONE.next(),
        certificate: certificate(),
    }
}

pub(crate) fn source(key: &str) -> Source {
    let [bucket, version, etag] = ["documents", "v", "e"].map(str::to_owned);
    Source { bucket, key: key.to_owned(), version_id: Some(version), etag: Some(etag) }
}

/// A document with all that is known of one that is submitted.
pub(crate) fn submitted(key: &str) -> Document {
    Document {
        version: Document::VERSION,
        source: source(key),
        state: State::Submitted,
        first_seen: second(20),
        customer_id: Some("acme".parse().unwrap()),
        cell: Some(Cell::Eu1),
        submission: Some(Submission {
            id: "s-1".parse().unwrap(),
            upload_url: Some(PresignedUrl("https://upload.invalid/".to_owned())),
            created_at: second(21),
            removing_until: Some(second(22)),
            generation: Generation::NONE.next(),
            tenant_id: Some("t-1".parse().unwrap()),
            pipeline: Pipeline::QualityOnly,
            decision: true,
            characteristics: true,
        }),
        abandoned: 1,
        size_bytes: Some(8),
        failure: None,
        ended_at: Some(second(23)),
        findings: None,
        analysis_ended_at: None,
    }
}

/// The same once its analysis has ended.
pub(crate) fn settled(key: &str, kept: Kept) -> Document {
    Document {
        state: State::AnalysisFailed,
        failure: Some(failure()),
        findings: Some(Findings {
            status: "FAILURE".to_owned(),
            score: Some("WARNING".to_owned()),
            decision: Some("DECLINED".to_owned()),
            kept,
        }),
        analysis_ended_at: Some(second(24)),
        ..submitted(key)
    }
}

/// A credential with a key, or with a client secret.
pub(crate) fn credential(kind: AuthenticationKind) -> Credential {
    let authentication = match kind {
        AuthenticationKind::KeyPair => Authentication::KeyPair {
            key_id: "key-1".parse().unwrap(),
            private_key: "a key in PEM".to_owned().into(),
        },
        AuthenticationKind::ClientSecret => {
            Authentication::ClientSecret { client_secret: "the vendor's secret".to_owned().into() }
        }
    };
    Credential {
        stage: Stage::Production,
        cell: Cell::Us1,
        tenant_id: "t-1".parse().unwrap(),
        application_id: "a-1".parse().unwrap(),
        client_id: "c-1".parse().unwrap(),
        authentication,
        token_url: "https://eu.id.resistant.ai/oauth2/x/v1/token".to_owned(),
        api_base: "https://api.us-1.documents.resistant.ai".to_owned(),
        scopes: vec!["submissions.read".to_owned()],
        generation: Generation::NONE.next(),
        created_at: second(30),
    }
}
