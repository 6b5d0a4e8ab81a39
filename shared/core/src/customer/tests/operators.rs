//! What operators bring into a record: tenants that were there before, and what was lost.

use super::*;

fn theirs() -> Tenant {
    Tenant { name: "theirs".parse().unwrap(), id: Some("t-9".parse().unwrap()), adopted_at: Some(at(5)) }
}

#[test]
fn a_tenant_is_adopted_by_who_has_none_and_outlives_an_onboarding_that_is_given_up() {
    let adopt = || Transition::Adopt { tenant: theirs() };
    assert!(after(with(active(), [adopt()])).is_err(), "it has one");
    assert!(after(vec![onboard("r-1", 1, &[EU]), adopt()]).is_err(), "it is getting one");
    let adopted = after(vec![adopt()]).unwrap();
    assert_eq!(
        (adopted.phase, adopted.generation.get(), adopted.adopted_at()),
        (Phase::Onboarding, 1, Some(at(5)))
    );
    let wanted = adopted.apply(onboard("r-1", 6, &[EU])).unwrap();
    assert_eq!((wanted.generation.get(), &wanted.tenant), (1, &Some(theirs())));
    let given_up = wanted.apply(Transition::GiveUp { failure: failure() }).unwrap();
    assert_eq!((given_up.phase, given_up.lives(), &given_up.tenant), (Phase::Failed, true, &Some(theirs())));
}

/// What the secrets of a life prove: one application in one cell, and a key.
fn restoration(generation: u32, key: &str) -> Transition {
    let lives = std::iter::successors(Some(Generation::NONE), |life| Some(life.next()));
    let proved = Application {
        id: "a-2".parse().unwrap(),
        client_id: "client-a-2".parse().unwrap(),
        recorded_at: at(3),
        unreferenced_since: None,
    };
    Transition::Restore(Restoration {
        generation: lives.take(generation as usize + 1).last().unwrap(),
        tenant: theirs(),
        cells: BTreeMap::from([(EU, vec![proved])]),
        keys: vec![key.parse().unwrap()],
        order: Order { requested_at: at(50), request_id: "o-1".parse().unwrap() },
    })
}

#[test]
fn a_restored_record_names_what_is_proved_and_follows_no_earlier_request() {
    let restored = after(vec![restoration(2, "key")]).unwrap();
    assert_eq!((restored.phase, restored.generation.get(), &restored.work), (Phase::Active, 2, &None));
    assert_eq!(restored.recorded().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["a-2"]);
    assert!(restored.supersedes(&Order { requested_at: at(49), request_id: "r-1".parse().unwrap() }));

    let same_life = after(with(active(), [restoration(1, "key")])).unwrap();
    assert_eq!(same_life.recorded().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["a-2"]);
    let later =
        with(active(), [offboard("r-2", 2), gone(), Transition::FinishOffboarding { secrets: vec![] }]);
    let later = with(later, [onboard("r-3", 3, &[EU])]);
    assert!(after(with(later, [restoration(1, "key")])).is_err(), "the record knows of a later life");
    assert!(
        after(with(active(), [offboard("r-2", 2), restoration(1, "key")])).is_err(),
        "it is being removed"
    );
}

#[test]
fn an_intent_is_forgotten_by_a_restoration_only_if_it_has_been_made() {
    let rotating = || with(active(), [Transition::Intend { cell: EU, next: intent("key-2") }]);
    let next = |steps| after(steps).unwrap().cells[&EU].next.clone();
    assert_eq!(next(with(rotating(), [restoration(1, "key-2")])), None, "its key is in the secret");
    assert_eq!(next(with(rotating(), [found(EU, "a-2"), restoration(1, "key")])), None, "its application is");
    let kept = next(with(rotating(), [restoration(1, "key")]));
    assert_eq!(kept, Some(intent("key-2")), "it may be made still");
    assert_eq!(next(with(rotating(), [restoration(2, "key")])), None, "it was of an earlier life");
}

#[test]
fn what_was_on_its_way_in_when_a_record_was_set_back_ends_with_the_reason() {
    let half = vec![onboard("r-1", 1, &[EU, Cell::Us1]), tenant()];
    let restored = after(with(half, [restoration(1, "key")])).unwrap();
    let (eu, us) = (&restored.cells[&EU], &restored.cells[&Cell::Us1]);
    assert_eq!((eu.phase, us.phase), (CellPhase::Active, CellPhase::Failed));
    assert!(us.failure.as_ref().unwrap().explanation.contains("ask for it again"));
    assert!(us.next.is_some(), "its key may have made something");
}
