use std::collections::BTreeMap;

use jiff::Timestamp;

use super::*;
use crate::event::DeletedSecret;
use crate::ids::{InstallationId, TenantName};

mod operators;

const EU: Cell = Cell::Eu1;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn work(id: &str, second: i64, aim: Aim, cells: &[Cell]) -> Work {
    Work {
        request_id: id.parse().unwrap(),
        requested_at: at(second),
        aim,
        actor: "platform".to_owned(),
        reason: "signed".to_owned(),
        accepted_at: at(second),
        cells: cells.to_vec(),
        drain: false,
    }
}

fn onboard(id: &str, second: i64, cells: &[Cell]) -> Transition {
    let installation: InstallationId = "test-1".parse().unwrap();
    let tenant_name = TenantName::derive(&installation, &"acme".parse().unwrap(), Generation::NONE.next());
    let intents = cells.iter().map(|&cell| (cell, intent(&format!("key-{cell}")))).collect();
    Transition::Onboard { work: work(id, second, Aim::Onboard, cells), tenant_name, intents }
}

fn offboard(id: &str, second: i64) -> Transition {
    Transition::Offboard { work: work(id, second, Aim::Offboard, &[]) }
}

fn intent(key_id: &str) -> NextApplication {
    NextApplication::key_pair(key_id.parse().unwrap(), Sealed("sealed".to_owned()), at(0))
}

fn found(cell: Cell, id: &str) -> Transition {
    let application = Application {
        id: id.parse().unwrap(),
        client_id: format!("client-{id}").parse().unwrap(),
        recorded_at: at(0),
        unreferenced_since: None,
    };
    Transition::ApplicationFound { cell, application, sealed: None }
}

fn tenant() -> Transition {
    Transition::TenantFound { id: "t-1".parse().unwrap() }
}

fn gone() -> Transition {
    Transition::TenantGone { deleted_at: at(9), proved_at: at(9), tenants_listed: 0 }
}

fn failure() -> Failure {
    Failure::new(ReasonCode::VendorRefused, "no")
}

fn after(steps: Vec<Transition>) -> Result<Customer, IllegalTransition> {
    steps.into_iter().try_fold(Customer::absent("acme".parse().unwrap()), Customer::apply)
}

fn active() -> Vec<Transition> {
    vec![
        onboard("r-1", 1, &[EU]),
        tenant(),
        found(EU, "a-1"),
        Transition::Stored { cell: EU },
        Transition::FinishOnboarding,
    ]
}

fn with(mut steps: Vec<Transition>, more: impl IntoIterator<Item = Transition>) -> Vec<Transition> {
    steps.extend(more);
    steps
}

#[test]
fn an_onboarding_ends_active_with_its_application_and_no_intent() {
    let customer = after(active()).unwrap();
    assert_eq!((customer.phase, customer.generation.get(), &customer.work), (Phase::Active, 1, &None));
    let cell = &customer.cells[&EU];
    assert_eq!((cell.phase, &cell.next, cell.applications.len()), (CellPhase::Active, &None, 1));
    assert!(customer.supersedes(&Order { requested_at: at(0), request_id: "r-9".parse().unwrap() }));
    assert!(!customer.supersedes(&Order { requested_at: at(2), request_id: "r-0".parse().unwrap() }));
}

#[test]
fn of_two_requests_of_one_instant_the_greater_id_wins() {
    let customer = after(active()).unwrap();
    let order = |id: &str| Order { requested_at: at(1), request_id: id.parse().unwrap() };
    assert!(customer.supersedes(&order("r-0")) && !customer.supersedes(&order("r-2")));
    assert!(!customer.supersedes(&order("r-1")), "itself");
}

#[test]
fn an_offboarding_forgets_everything_but_the_generation_and_the_proof() {
    let secret = DeletedSecret { secret_name: "s".to_owned(), recoverable_until: at(99) };
    let steps = [
        offboard("r-2", 2),
        Transition::ApplicationsGone { ids: vec!["a-1".parse().unwrap()], at: at(8) },
        gone(),
        Transition::FinishOffboarding { secrets: vec![secret.clone()] },
    ];
    let customer = after(with(active(), steps)).unwrap();
    assert_eq!((customer.phase, customer.generation.get()), (Phase::Offboarded, 1));
    assert!(customer.tenant.is_none() && customer.cells.is_empty() && customer.work.is_none());
    let certificate = &customer.certificate;
    assert_eq!((certificate.applications.len(), &certificate.secrets), (1, &vec![secret]));
    assert_eq!((certificate.tenants_listed, certificate.tenant_id.is_some()), (Some(0), true));
    assert_eq!((certificate.tenant_deleted_at, certificate.proved_by_listing_at), (Some(at(9)), Some(at(9))));
    let back = customer.apply(onboard("r-3", 3, &[EU])).unwrap();
    assert_eq!((back.generation.get(), back.phase), (2, Phase::Onboarding));
    assert!(back.certificate.applications.is_empty(), "the proof is of the earlier life");
}

#[test]
fn an_offboarding_that_is_asked_for_again_keeps_what_it_has_proved() {
    let gone = Transition::ApplicationsGone { ids: vec!["a-1".parse().unwrap()], at: at(8) };
    let customer = after(with(active(), [offboard("r-2", 2), gone, offboard("r-3", 3)])).unwrap();
    assert_eq!(customer.certificate.applications.len(), 1);
    assert!(customer.certificate.tenant_name.is_some());
    assert_eq!(customer.last_request.unwrap().request_id.as_str(), "r-3");
    assert_eq!(customer.work.unwrap().request_id.as_str(), "r-3");
}

#[test]
fn a_rotation_that_is_asked_for_changes_the_kind_only_where_it_says_so() {
    let asked = |authentication| Transition::AskRotation { cell: EU, authentication };
    let customer = after(active()).unwrap();
    let unchanged = customer.clone().apply(asked(None)).unwrap();
    assert_eq!(unchanged, customer);
    let changed = customer.apply(asked(Some(AuthenticationKind::ClientSecret))).unwrap();
    let kept = changed.apply(asked(None)).unwrap();
    assert_eq!(kept.cells[&EU].authentication, Some(AuthenticationKind::ClientSecret));
    assert!(kept.apply(Transition::AskRotation { cell: Cell::Us1, authentication: None }).is_err());
}

#[test]
fn an_offboarding_without_proof_does_not_finish() {
    let steps = [offboard("r-2", 2), Transition::FinishOffboarding { secrets: Vec::new() }];
    assert!(after(with(active(), steps)).is_err());
    // Who never had a tenant needs no proof.
    let stranger = vec![offboard("r-2", 2), Transition::FinishOffboarding { secrets: Vec::new() }];
    assert_eq!(after(stranger).unwrap().phase, Phase::Offboarded);
}

#[test]
fn an_undone_onboarding_ends_failed_with_its_reason() {
    let steps = vec![
        onboard("r-1", 1, &[EU]),
        Transition::CellFailed { cell: EU, failure: failure() },
        Transition::Undo { failure: failure() },
        gone(),
        Transition::FinishOffboarding { secrets: Vec::new() },
    ];
    let customer = after(steps).unwrap();
    assert_eq!((customer.phase, customer.failure.clone()), (Phase::Failed, Some(failure())));
    assert!(!customer.lives());
    let again = customer.apply(onboard("r-2", 2, &[EU])).unwrap();
    assert_eq!((again.generation.get(), again.failure), (2, None), "a new life has not failed");
}

#[test]
fn an_offboarding_that_meets_an_undo_certifies_the_same_tenant() {
    let undo = Transition::Undo { failure: failure() };
    let customer = after(vec![onboard("r-1", 1, &[EU]), tenant(), undo, offboard("r-2", 2), gone()]).unwrap();
    assert_eq!((customer.phase, &customer.failure), (Phase::Offboarding, &None));
    assert_eq!(customer.certificate.tenant_name, customer.tenant.map(|tenant| tenant.name));
}

#[test]
fn what_was_given_up_goes_on_with_the_same_tenant_and_key() {
    let given_up = after(vec![onboard("r-1", 1, &[EU]), tenant(), Transition::GiveUp { failure: failure() }]);
    let given_up = given_up.unwrap();
    assert_eq!((given_up.phase, given_up.work.is_none(), given_up.lives()), (Phase::Failed, true, true));
    let again = given_up.apply(onboard("r-2", 2, &[EU])).unwrap();
    assert_eq!((again.generation.get(), again.tenant_id().is_some()), (1, true));
    assert_eq!((again.cells[&EU].phase, &again.cells[&EU].failure), (CellPhase::Provisioning, &None));
    assert_eq!(again.cells[&EU].next, Some(intent("key-eu-1")), "the key that may be in use is kept");
    assert_eq!(again.failure, None);
}

#[test]
fn giving_up_an_added_cell_leaves_the_others_at_work() {
    let steps = [onboard("r-2", 2, &[Cell::Us1]), Transition::GiveUp { failure: failure() }];
    let customer = after(with(active(), steps)).unwrap();
    assert_eq!((customer.phase, customer.failure.clone()), (Phase::Active, None));
    assert_eq!(customer.cells[&EU].phase, CellPhase::Active);
    assert_eq!(customer.cells[&Cell::Us1].failure, Some(failure()));
}

#[test]
fn only_cells_that_lack_both_application_and_intent_get_a_key() {
    let customer = after(with(active(), [onboard("r-2", 2, &[Cell::Us1])])).unwrap();
    let wanted = [EU, Cell::Us1, Cell::Ca1];
    assert_eq!(customer.cells_without_intent(&wanted).collect::<Vec<_>>(), [Cell::Ca1]);
    let gone = Customer { phase: Phase::Offboarded, ..customer };
    assert_eq!(gone.cells_without_intent(&wanted).collect::<Vec<_>>(), wanted, "another life, other keys");
}

#[test]
fn a_rotation_keeps_both_applications_until_one_is_deleted() {
    let steps = [
        Transition::Intend { cell: EU, next: intent("key-2") },
        found(EU, "a-2"),
        Transition::Stored { cell: EU },
        Transition::Referenced { cell: EU, id: "a-1".parse().unwrap(), unreferenced_since: Some(at(5)) },
    ];
    let customer = after(with(active(), steps)).unwrap();
    let stamps: Vec<_> =
        customer.cells[&EU].applications.iter().map(|one| one.unreferenced_since.is_some()).collect();
    assert_eq!(stamps, [true, false]);
    let customer = customer
        .apply(Transition::ApplicationsGone { ids: vec!["a-1".parse().unwrap()], at: at(6) })
        .unwrap();
    assert_eq!(customer.recorded().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["a-2"]);
    assert!(customer.certificate.applications.is_empty(), "only an offboarding certifies");
}

#[test]
fn doubt_is_raised_and_settled_before_an_application_is_known_and_not_after() {
    let doubt = || Transition::Doubt { cell: EU, since: at(4) };
    let customer = after(vec![onboard("r-1", 1, &[EU]), tenant(), doubt()]).unwrap();
    assert_eq!(customer.cells[&EU].next.as_ref().unwrap().in_doubt_since, Some(at(4)));
    let settled = customer.clone().apply(Transition::NothingMade { cell: EU }).unwrap();
    assert_eq!(settled.cells[&EU].next.as_ref().unwrap().in_doubt_since, None);
    let found = customer.apply(found(EU, "a-1")).unwrap();
    assert_eq!(found.cells[&EU].next.as_ref().unwrap().sealed, Some(Sealed("sealed".to_owned())));
    assert!(found.clone().apply(doubt()).is_err());
    assert!(found.apply(Transition::NothingMade { cell: EU }).is_err());
}

#[test]
fn an_application_that_vanished_before_it_was_stored_leaves_its_intent() {
    let steps = vec![onboard("r-1", 1, &[EU]), tenant(), found(EU, "a-1")];
    let gone = Transition::ApplicationsGone { ids: vec!["a-1".parse().unwrap()], at: at(3) };
    let customer = after(with(steps, [gone])).unwrap();
    let next = customer.cells[&EU].next.as_ref().unwrap();
    assert!(next.application.is_none() && next.sealed.is_some());
}

#[test]
fn a_pause_is_legal_in_every_phase_and_moves_nothing_else() {
    let pause = Pause { actor: "jane".to_owned(), reason: "an audit".to_owned(), since: at(7) };
    let undo = Transition::Undo { failure: failure() };
    let offboarded = [offboard("r-2", 2), gone(), Transition::FinishOffboarding { secrets: Vec::new() }];
    let phases = [
        vec![],
        vec![onboard("r-1", 1, &[EU])],
        active(),
        with(active(), [offboard("r-2", 2)]),
        with(active(), offboarded),
        vec![onboard("r-1", 1, &[EU]), undo, gone(), Transition::FinishOffboarding { secrets: Vec::new() }],
    ];
    let mut met = Vec::new();
    for steps in phases {
        let customer = after(steps).unwrap();
        met.push(customer.phase);
        let paused = customer.clone().apply(Transition::Pause { pause: pause.clone() }).unwrap();
        assert_eq!(paused.paused(), Some(&pause));
        assert_eq!(Customer { paused: None, ..paused.clone() }, customer);
        assert_eq!(paused.apply(Transition::Resume).unwrap(), customer);
    }
    assert_eq!(
        met,
        [
            Phase::Absent,
            Phase::Onboarding,
            Phase::Active,
            Phase::Offboarding,
            Phase::Offboarded,
            Phase::Failed
        ]
    );
}

#[test]
fn what_people_may_see_of_a_record_is_all_but_its_sealed_keys() {
    let customer = after(vec![onboard("r-1", 1, &[EU]), tenant(), found(EU, "a-1")]).unwrap();
    let shown = customer.readable();
    assert_eq!(shown.cells[&EU].next.as_ref().unwrap().sealed, None);
    let mut otherwise_the_same = customer;
    otherwise_the_same.cells.get_mut(&EU).unwrap().next.as_mut().unwrap().sealed = None;
    assert_eq!(shown, otherwise_the_same);
}

/// Every transition in every phase that does not allow it.
#[test]
fn what_a_phase_does_not_allow_is_an_error_that_names_it() {
    let all: BTreeMap<&str, fn() -> Transition> = BTreeMap::from([
        ("TenantFound", tenant as fn() -> Transition),
        ("Intend", || Transition::Intend { cell: EU, next: intent("k") }),
        ("Doubt", || Transition::Doubt { cell: EU, since: at(0) }),
        ("ApplicationFound", || found(EU, "a-9")),
        ("Stored", || Transition::Stored { cell: EU }),
        ("CellFailed", || Transition::CellFailed { cell: EU, failure: failure() }),
        ("ApplicationsGone", || Transition::ApplicationsGone {
            ids: vec!["a-1".parse().unwrap()],
            at: at(0),
        }),
        ("FinishOnboarding", || Transition::FinishOnboarding),
        ("GiveUp", || Transition::GiveUp { failure: failure() }),
        ("Undo", || Transition::Undo { failure: failure() }),
        ("TenantGone", gone),
        ("FinishOffboarding", || Transition::FinishOffboarding { secrets: Vec::new() }),
        ("Onboard", || onboard("r-9", 9, &[EU])),
    ]);
    let phases: [(Vec<Transition>, &[&str]); 4] = [
        (vec![], &["Onboard"]),
        (active(), &["Onboard", "Intend", "ApplicationsGone"]),
        (with(active(), [offboard("r-2", 2)]), &["TenantFound", "ApplicationsGone", "GiveUp", "TenantGone"]),
        (
            vec![onboard("r-1", 1, &[EU])],
            &[
                "Onboard",
                "TenantFound",
                "Doubt",
                "ApplicationFound",
                "CellFailed",
                "ApplicationsGone",
                "GiveUp",
                "Undo",
            ],
        ),
    ];
    for (steps, legal) in phases {
        let customer = after(steps).unwrap();
        for (name, transition) in &all {
            match customer.clone().apply(transition()) {
                Ok(_) => assert!(legal.contains(name), "{name} in {:?}", customer.phase),
                Err(error) => {
                    assert!(!legal.contains(name), "{error}");
                    assert!(error.to_string().contains("acme"), "{error}");
                }
            }
        }
    }
}

#[test]
fn a_record_of_older_or_newer_code_is_read() {
    let old = r#"{"version":1,"customer_id":"acme","phase":"ACTIVE","of_tomorrow":{"x":1},
        "cells":{"eu-1":{"phase":"ACTIVE"}}}"#;
    let customer: Customer = serde_json::from_str(old).unwrap();
    assert_eq!((customer.phase, customer.cells[&EU].phase), (Phase::Active, CellPhase::Active));
}
