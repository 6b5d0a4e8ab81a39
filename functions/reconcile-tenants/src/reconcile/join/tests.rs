use std::collections::BTreeMap;
use std::time::Duration;

use lifecycle::Rules;
use registry::{Holder, Seen};
use resistant::{Application as Listed, CellName};
use shared_core::credential::AuthenticationKind;
use shared_core::customer::{Application, CellState, Failure, NextApplication, Order, Tenant};
use shared_core::document::{Document, Source};
use shared_core::event::ReasonCode;
use shared_core::ids::{Generation, RequestId};
use vault::{Description, Schedule};

use super::*;
use crate::reconcile::facts::{Labelled, SecretFacts, Terms};

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);
const EU: Cell = Cell::Eu1;

fn ago(hours: i64) -> Timestamp {
    NOW - SignedDuration::from_hours(hours)
}

fn application(id: &str) -> Application {
    Application {
        id: id.parse().unwrap(),
        client_id: "client".parse().unwrap(),
        recorded_at: ago(48),
        unreferenced_since: None,
    }
}

fn listed(id: &str) -> Listed {
    Listed {
        id: id.parse().unwrap(),
        client_id: "client".parse().unwrap(),
        cell: CellName::Known(EU),
        scopes: Vec::new(),
        token_url: None,
    }
}

/// What the cell's secret holds.
fn credential(accepted: bool) -> Labelled {
    let (current, tenant) = ("app-1".parse().unwrap(), "tenant-1".parse().unwrap());
    Labelled::Credential { current, tenant, pending: None, accepted }
}

fn terms() -> Terms {
    Terms {
        installation: "test-1".parse().unwrap(),
        quota: 20,
        schedule: Schedule { function_arn: "arn:rotate-secret".to_owned(), every_days: 30 },
        bus_name: "bus".to_owned(),
        reports_bucket: "reports".to_owned(),
        dead_letters: Vec::new(),
    }
}

/// One customer with one cell, in order.
fn good() -> CustomerFacts {
    let cell = CellState {
        phase: CellPhase::Active,
        failure: None,
        authentication: None,
        next: None,
        applications: vec![application("app-1")],
    };
    let customer = Customer {
        generation: Generation::NONE.next(),
        phase: Phase::Active,
        tenant: Some(Tenant {
            name: "name".parse().unwrap(),
            id: Some("tenant-1".parse().unwrap()),
            adopted_at: None,
        }),
        cells: BTreeMap::from([(EU, cell)]),
        last_request: Some(Order { requested_at: ago(48), request_id: "r-1".parse().unwrap() }),
        ..Customer::absent("acme".parse().unwrap())
    };
    let description = Description {
        rotation_function: None,
        rotation_schedule: None,
        name: "resistant/acme/eu-1/credential".to_owned(),
        rotation_enabled: true,
        changed_at: Some(ago(48)),
        deletion_date: None,
        next_rotation_at: Some(ago(-48)),
        replicas: Vec::new(),
        versions: BTreeMap::from([("v-1".to_owned(), vec!["AWSCURRENT".to_owned()])]),
    };
    let labelled = credential(true);
    let secret = SecretFacts { name: description.name.clone(), description: Some(description), labelled };
    CustomerFacts {
        seen: Seen { customer, fence: 7, lease: None },
        tenant: TenantSeen::There(vec![listed("app-1")]),
        secrets: BTreeMap::from([(EU, secret)]),
        open: Vec::new(),
    }
}

fn found(facts: &CustomerFacts) -> Vec<Finding> {
    let rules = Rules { overlap: Duration::from_secs(7200), ..Rules::default() };
    let (terms, request_id) = (terms(), "q-1".parse::<RequestId>().unwrap());
    customer(facts, &Context { terms: &terms, rules: &rules, request_id: &request_id, now: NOW })
}

/// What is found once something is not as it was.
fn after(change: impl FnOnce(&mut CustomerFacts)) -> Vec<Code> {
    let mut facts = good();
    change(&mut facts);
    found(&facts).iter().map(|finding| finding.code).collect()
}

fn cell(facts: &mut CustomerFacts) -> &mut CellState {
    cell_of(facts, EU)
}

fn cell_of(facts: &mut CustomerFacts, cell: Cell) -> &mut CellState {
    facts.seen.customer.cells.get_mut(&cell).unwrap()
}

fn secret(facts: &mut CustomerFacts) -> &mut SecretFacts {
    facts.secrets.get_mut(&EU).unwrap()
}

fn description(facts: &mut CustomerFacts) -> &mut Description {
    secret(facts).description.as_mut().unwrap()
}

#[test]
fn what_is_in_order_is_not_told_of() {
    assert_eq!(after(|_| {}), []);
}

#[test]
fn a_tenant_that_is_gone_is_one_finding() {
    let gone = after(|facts| {
        facts.tenant = TenantSeen::Gone;
        facts.secrets.clear();
    });
    assert_eq!(gone, [Code::TenantDeletedUpstream]);
    assert_eq!(after(|facts| facts.tenant = TenantSeen::Unknown), [], "a vendor that contradicts itself");
}

#[test]
fn a_customer_that_is_made_anew_is_onboarded_later_than_it_is_offboarded() {
    let mut facts = good();
    facts.tenant = TenantSeen::Gone;
    let [finding] = &found(&facts)[..] else { panic!("one finding") };
    let requested_at = |command: &str| -> Timestamp {
        let (_, entries) = command.split_once("--entries '").unwrap();
        let entries: serde_json::Value = serde_json::from_str(entries.split('\'').next().unwrap()).unwrap();
        let detail = entries[0]["Detail"].as_str().unwrap();
        let detail: serde_json::Value = serde_json::from_str(detail).unwrap();
        detail["requested_at"].as_str().unwrap().parse().unwrap()
    };
    let (offboard, onboard) = finding.action.split_once("; and once CustomerOffboarded has come: ").unwrap();
    assert!(requested_at(offboard) < requested_at(onboard), "{}", finding.action);
}

#[test]
fn an_application_that_is_not_recorded_is_unknown_unless_it_may_be_the_intended_one() {
    let stranger = |facts: &mut CustomerFacts| {
        facts.tenant = TenantSeen::There(vec![listed("app-1"), listed("app-2")]);
    };
    assert_eq!(after(stranger), [Code::UnknownApplication]);
    let intended = after(|facts| {
        stranger(facts);
        cell(facts).next = Some(NextApplication::client_secret(ago(1)));
    });
    assert_eq!(intended, []);
    let elsewhere = after(|facts| {
        stranger(facts);
        cell(facts).next = Some(NextApplication::client_secret(ago(1)));
        if let TenantSeen::There(listed) = &mut facts.tenant {
            listed[1].cell = CellName::Known(Cell::Us1);
        }
    });
    assert_eq!(elsewhere, [Code::UnknownApplication], "nothing is intended in that cell");
    let recorded = after(|facts| {
        stranger(facts);
        let mut next = NextApplication::client_secret(ago(1));
        next.application = Some(application("app-2"));
        assert_eq!(next.authentication, AuthenticationKind::ClientSecret);
        cell(facts).next = Some(next);
    });
    assert_eq!(recorded, []);
}

#[test]
fn an_application_that_is_gone_takes_its_credential_with_it() {
    let gone = |facts: &mut CustomerFacts| {
        facts.tenant = TenantSeen::There(Vec::new());
        secret(facts).labelled = credential(false);
    };
    assert_eq!(after(gone), [Code::ApplicationDeletedUpstream]);
    let young = after(|facts| {
        gone(facts);
        cell(facts).applications[0].recorded_at = NOW - SignedDuration::from_secs(60);
        secret(facts).labelled = credential(true);
    });
    assert_eq!(young, [], "a listing may be late");
}

#[test]
fn of_a_cell_that_does_not_work_yet_a_gone_application_is_told_too() {
    let mut facts = good();
    cell(&mut facts).phase = CellPhase::Provisioning;
    facts.secrets.clear();
    facts.tenant = TenantSeen::There(Vec::new());
    let [finding] = &found(&facts)[..] else { panic!("one finding") };
    assert_eq!(finding.code, Code::ApplicationDeletedUpstream);
    assert!(finding.action.contains("CustomerOnboardingRequested"), "{}", finding.action);
}

#[test]
fn a_secret_that_cannot_be_read_is_missing_or_unreadable() {
    let missing = after(|facts| {
        secret(facts).description = None;
        secret(facts).labelled = Labelled::Nothing;
    });
    assert_eq!(missing, [Code::SecretMissing]);
    let mut facts = good();
    description(&mut facts).deletion_date = Some(ago(-24));
    secret(&mut facts).labelled = Labelled::Nothing;
    let [finding] = &found(&facts)[..] else { panic!("one finding") };
    assert!(finding.action.contains("restore-secret"), "{}", finding.action);

    let mut facts = good();
    secret(&mut facts).labelled = Labelled::Unreadable { why: "not JSON".to_owned() };
    description(&mut facts).versions.insert("v-0".to_owned(), vec!["AWSPREVIOUS".to_owned()]);
    let [finding] = &found(&facts)[..] else { panic!("one finding") };
    assert_eq!(finding.code, Code::SecretUnreadable);
    let command = "--move-to-version-id v-0 --remove-from-version-id v-1";
    assert!(finding.action.contains(command), "{}", finding.action);
}

#[test]
fn a_refused_credential_names_a_rotation_by_force() {
    let mut facts = good();
    secret(&mut facts).labelled = credential(false);
    let [finding] = &found(&facts)[..] else { panic!("one finding") };
    assert_eq!((finding.code, finding.safe), (Code::CredentialRefused, false));
    assert!(finding.action.contains("--function-name arn:rotate-secret"), "{}", finding.action);
    assert!(finding.action.contains("\"force\":true"), "{}", finding.action);
}

#[test]
fn an_application_retires_once_its_overlap_has_passed() {
    let replaced = |since: Option<Timestamp>, changed: Timestamp, pending: Option<&str>| {
        after(|facts| {
            let mut old = application("app-0");
            old.unreferenced_since = since;
            cell(facts).applications.insert(0, old);
            facts.tenant = TenantSeen::There(vec![listed("app-0"), listed("app-1")]);
            description(facts).changed_at = Some(changed);
            secret(facts).labelled = Labelled::Credential {
                current: "app-1".parse().unwrap(),
                tenant: "tenant-1".parse().unwrap(),
                pending: pending.map(|id| id.parse().unwrap()),
                accepted: true,
            };
        })
    };
    let due = [Code::RetirementDue];
    assert_eq!(replaced(Some(ago(2)), ago(2), None), due, "as stamped");
    assert_eq!(replaced(Some(ago(1)), ago(3), None), []);
    assert_eq!(replaced(None, ago(3), None), due, "as of the secret's last change");
    assert_eq!(replaced(None, ago(2), None), [], "whose fraction of a second is not told");
    assert_eq!(replaced(Some(ago(3)), ago(3), Some("app-0")), [], "it is AWSPENDING");
}

#[test]
fn a_retiring_application_that_is_gone_is_forgotten_by_the_clean_up() {
    let mut facts = good();
    let mut old = application("app-0");
    old.unreferenced_since = Some(ago(1));
    cell(&mut facts).applications.insert(0, old);
    let [finding] = &found(&facts)[..] else { panic!("one finding") };
    assert_eq!(finding.code, Code::ApplicationDeletedUpstream);
    assert!(finding.action.contains("clean-up forgets it"), "{}", finding.action);
    cell(&mut facts).applications[0].unreferenced_since = Some(ago(3));
    let codes: Vec<Code> = found(&facts).iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::RetirementDue], "and once it is due, that is all there is to it");
}

#[test]
fn a_rotation_is_told_of_when_it_has_not_ended_for_a_day() {
    let pending = |changed: Timestamp, labels: &[&str]| {
        after(|facts| {
            let labels = labels.iter().map(|label| (*label).to_owned()).collect();
            description(facts).versions.insert("v-2".to_owned(), labels);
            description(facts).changed_at = Some(changed);
        })
    };
    assert_eq!(pending(ago(25), &["AWSPENDING"]), [Code::PendingTooOld]);
    assert_eq!(pending(ago(24), &["AWSPENDING"]), []);
    let ended = after(|facts| {
        let labels = ["AWSCURRENT", "AWSPENDING"].map(str::to_owned).to_vec();
        description(facts).versions.insert("v-1".to_owned(), labels);
    });
    assert_eq!(ended, [], "both labels on one version are the end of a rotation");
}

#[test]
fn a_rotation_that_is_off_is_not_overdue_too() {
    assert_eq!(after(|facts| description(facts).next_rotation_at = Some(ago(25))), [Code::RotationOverdue]);
    assert_eq!(after(|facts| description(facts).next_rotation_at = Some(ago(24))), []);
    let off = |facts: &mut CustomerFacts| {
        description(facts).rotation_enabled = false;
        description(facts).next_rotation_at = None;
    };
    assert_eq!(after(off), [Code::RotationOff]);
    let under_way = after(|facts| {
        off(facts);
        facts.seen.customer.phase = Phase::Onboarding;
        facts.seen.customer.last_request.as_mut().unwrap().requested_at = ago(1);
    });
    assert_eq!(under_way, [], "more cells are being added");
}

#[test]
fn a_customer_is_stuck_after_a_day_and_names_the_request_that_goes_on() {
    let stuck = |phase, hours| {
        let mut facts = good();
        facts.seen.customer.phase = phase;
        facts.seen.customer.last_request.as_mut().unwrap().requested_at = ago(hours);
        if phase == Phase::Offboarding {
            facts.tenant = TenantSeen::Unknown;
        }
        found(&facts)
    };
    for (phase, request) in [
        (Phase::Onboarding, "CustomerOnboardingRequested"),
        (Phase::Offboarding, "CustomerOffboardingRequested"),
        (Phase::Failed, "CustomerOnboardingRequested"),
    ] {
        assert_eq!(stuck(phase, 24), [], "{phase:?}");
        let [finding] = &stuck(phase, 25)[..] else { panic!("one finding for {phase:?}") };
        assert_eq!(finding.code, Code::CustomerStuck);
        assert!(finding.action.contains(request), "{}", finding.action);
    }
    let undone = after(|facts| {
        facts.seen.customer.phase = Phase::Failed;
        facts.seen.customer.tenant = None;
        facts.seen.customer.failure = Some(Failure::new(ReasonCode::QuotaFull, "full"));
        facts.tenant = TenantSeen::Unknown;
    });
    assert_eq!(undone, [], "what was undone has left nothing");
}

#[test]
fn a_lease_is_abandoned_an_hour_after_its_end() {
    let left = |minutes| {
        after(|facts| {
            let until = NOW - SignedDuration::from_mins(minutes);
            facts.seen.lease = Some(Holder { owner: "somebody".to_owned(), until });
        })
    };
    assert_eq!(left(61), [Code::LeaseAbandoned]);
    assert_eq!(left(60), []);
}

#[test]
fn a_record_is_behind_where_what_works_is_not_recorded_and_then_nothing_else_is_told() {
    let unrecorded = |facts: &mut CustomerFacts| cell(facts).applications[0].id = "app-0".parse().unwrap();
    assert_eq!(after(unrecorded), [Code::RecordBehind]);
    let gone = |facts: &mut CustomerFacts| {
        unrecorded(facts);
        facts.tenant = TenantSeen::Gone;
    };
    assert_eq!(after(gone), [Code::RecordBehind], "the secret is of the next life");
    let refused = |facts: &mut CustomerFacts| {
        unrecorded(facts);
        secret(facts).labelled = credential(false);
    };
    assert!(!after(refused).contains(&Code::RecordBehind), "it proves nothing");
    let elsewhere = |facts: &mut CustomerFacts| {
        let us = facts.seen.customer.cells.remove(&EU).unwrap();
        facts.seen.customer.cells.insert(Cell::Us1, us);
        cell_of(facts, Cell::Us1).applications[0].id = "app-0".parse().unwrap();
        facts.tenant = TenantSeen::There(vec![listed("app-0"), listed("app-1")]);
    };
    assert_eq!(after(elsewhere), [Code::RecordBehind], "a cell that is not recorded");
}

#[test]
fn a_tenant_that_nobody_names_is_told_by_whose_name_it_has() {
    let mut tenant =
        Unclaimed { tenant_id: "tenant-9".parse().unwrap(), name: "theirs".to_owned(), derived: None };
    let (terms, rules, request_id) = (terms(), Rules::default(), "q-1".parse::<RequestId>().unwrap());
    let context = Context { terms: &terms, rules: &rules, request_id: &request_id, now: NOW };
    let orphan = unclaimed(&tenant, &context);
    assert_eq!((orphan.code, orphan.safe), (Code::OrphanTenant, false));
    tenant.derived = Some(("acme".parse().unwrap(), Generation::NONE.next()));
    let left_over = unclaimed(&tenant, &context);
    assert_eq!(left_over.code, Code::TenantLeftOver);
    assert!(left_over.explanation.contains("life 1 of customer `acme`"), "{}", left_over.explanation);
}

#[test]
fn a_secret_without_a_customer_names_its_deletion() {
    let name = "resistant/acme/eu-1/credential";
    let finding = secret_without_customer(name, &"acme".parse().unwrap(), EU, Phase::Offboarded);
    assert_eq!(finding.code, Code::SecretWithoutCustomer);
    assert!(finding.action.ends_with(&format!("delete-secret --secret-id {name}")), "{}", finding.action);
}

#[test]
fn the_quota_and_the_queues_are_told_of_at_their_edges() {
    assert!(quota(16, 20).is_none());
    assert_eq!(quota(17, 20).unwrap().code, Code::QuotaHeadroom);
    assert_eq!(quota(25, 20).unwrap().code, Code::QuotaHeadroom);
    assert!(dead_letters("url", 0).is_none());
    assert_eq!(dead_letters("url", 1).unwrap().code, Code::DeadLettersWaiting);
}

fn waiting(hours: i64) -> Document {
    let source = Source {
        bucket: "b".to_owned(),
        key: "acme/a.pdf".to_owned(),
        version_id: Some("v".to_owned()),
        etag: None,
    };
    Document::claimed(source, ago(hours))
}

#[test]
fn a_document_is_stuck_after_a_day_and_all_of_them_are_one_finding() {
    assert_eq!(after(|facts| facts.open = vec![waiting(23)]), []);
    let stuck = after(|facts| facts.open = vec![waiting(30), waiting(25), waiting(1)]);
    assert_eq!(stuck, [Code::DocumentStuck]);
    let mut facts = good();
    facts.open = vec![waiting(30), waiting(25), waiting(1)];
    let finding = found(&facts).remove(0);
    assert!(finding.explanation.starts_with("2 of the first 3 open documents"), "{}", finding.explanation);
    assert!(finding.action.contains("put the object again"), "{}", finding.action);
}
