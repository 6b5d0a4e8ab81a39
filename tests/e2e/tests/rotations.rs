//! Rotations, what operators ask of a credential, and the clean-up.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use aws_parts::proxy::{Effect, Matcher};
use e2e::messages::{later, offboarding, onboarding};
use e2e::world::World;
use serde_json::{Value, json};

const NAME: &str = "resistant/acme/eu-1/credential";

/// A customer with one cell, whose replaced applications live on for so long.
async fn signed_with(overlap_seconds: &str) -> World {
    let world = World::start_with(&[("OVERLAP_SECONDS", overlap_seconds)]).await.unwrap();
    world.request("onboard-customer", &onboarding("r-1", "acme", &["eu-1"])).await.unwrap();
    world.secrets.rotations_ended().await;
    world
}

fn asked(kind: &str, request_id: &str) -> Value {
    json!({
        "type": kind, "version": "1", "request_id": request_id, "customer_id": "acme", "cell": "eu-1",
        "actor": "jane", "reason": "a test"
    })
}

fn rotation(request_id: &str, force: bool) -> Value {
    let mut asked = asked("SecretRotationRequested", request_id);
    asked["force"] = force.into();
    asked
}

fn roll_back(request_id: &str, version: &str) -> Value {
    let mut asked = asked("SecretRollBackRequested", request_id);
    asked["version_id"] = version.into();
    asked
}

fn current(world: &World) -> Value {
    serde_json::from_str(&world.secrets.reveal(NAME, "AWSCURRENT").unwrap()).unwrap()
}

fn version(world: &World, label: &str) -> Option<String> {
    world.secrets.secret(NAME).unwrap().version(label).map(str::to_owned)
}

fn living(world: &World) -> usize {
    world.vendor.vendor().audit().applications.len()
}

#[tokio::test]
async fn a_rotation_that_was_cut_off_does_not_block_the_next_life() {
    let world = World::signed("acme", &["eu-1"]).await;
    let name = NAME.to_owned();
    world.secrets.rotations_ended().await;
    // finishSecret fails, and AWSPENDING stays where createSecret put it.
    let refuse = Effect::Answer { status: 400, body: "{\"__type\":\"AccessDeniedException\"}".to_owned() };
    let rule = world.proxy.rule(Matcher::any().action("UpdateSecretVersionStage"), refuse);
    world.rotate(&name).await;
    world.proxy.remove_rule(rule);
    assert_ne!(world.secrets.secret(&name).unwrap().version("AWSPENDING"), None);
    world.request("offboard-customer", &offboarding("r-2", "acme")).await.unwrap();
    let back = later(onboarding("r-3", "acme", &["eu-1"]), "2026-01-03T00:00:00Z");
    world.request("onboard-customer", &back).await.unwrap();
    assert_eq!(world.events("CustomerOnboarded").len(), 2, "{:?}", world.log("onboard-customer"));
    world.rotate(&name).await;
    assert_eq!(world.events("SecretRotated").len(), 1, "{:?}", world.secrets.rotations().last());
    assert!(world.accepts(&world.secrets.reveal(&name, "AWSCURRENT").unwrap()).await);
}

#[tokio::test]
async fn a_rotation_moves_readers_to_a_new_application_and_the_old_one_goes() {
    let world = World::signed("acme", &["eu-1"]).await;
    let name = NAME.to_owned();
    let before = world.secrets.reveal(&name, "AWSCURRENT").unwrap();
    for round in 1..=3 {
        world.rotate(&name).await;
        let rotation = world.secrets.rotations().pop().unwrap();
        assert!(rotation.steps.iter().all(|step| step.error.is_none()), "{rotation:?}");
        assert_eq!(world.events("SecretRotated").len(), round);
        // The overlap is 0 here: each rotation deletes what the one before it left.
        assert!(world.vendor.vendor().audit().applications.len() <= 2);
    }
    assert_ne!(world.secrets.reveal(&name, "AWSCURRENT").unwrap(), before);
    world.file("acme/a.pdf", b"%PDF-1.7".to_vec()).await.unwrap();
    assert_eq!(world.events("DocumentSubmitted").len(), 1);
}

#[tokio::test]
async fn a_second_rotation_within_the_overlap_is_refused_with_the_reason() {
    let world = World::start_with(&[("OVERLAP_SECONDS", "3600")]).await.unwrap();
    world.request("onboard-customer", &onboarding("r-1", "acme", &["eu-1"])).await.unwrap();
    let name = NAME.to_owned();
    world.rotate(&name).await;
    world.rotate(&name).await;
    let rotation = world.secrets.rotations().pop().unwrap();
    let error = rotation.steps.iter().find_map(|step| step.error.clone()).expect("a step that failed");
    assert!(error.contains("still retires") && error.contains("rotate again after"), "{error}");
    world.assert_vendor_holds(1, 2);
}

#[tokio::test]
async fn every_step_of_a_rotation_can_be_repeated() {
    let world = World::signed("acme", &["eu-1"]).await;
    let name = NAME.to_owned();
    world.rotate(&name).await;
    let state = world.secrets.secret(&name).unwrap();
    let token = state.version("AWSCURRENT").unwrap();
    for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
        let event = json!({ "Step": step, "SecretId": state.arn, "ClientRequestToken": token });
        let outcome = world.lambda.invoke("rotate-secret", event.to_string().as_bytes()).await.unwrap();
        assert!(matches!(outcome, aws_parts::runtime_api::Outcome::Answered(_)), "{step}: {outcome:?}");
    }
    assert_eq!(world.secrets.secret(&name).unwrap().version("AWSCURRENT"), Some(token));
    let ids: Vec<Value> =
        world.events("SecretRotated").iter().map(|event| event["event_id"].clone()).collect();
    assert_eq!((ids.len(), &ids[0]), (2, &ids[1]), "the same rotation is the same event");
}

#[tokio::test]
async fn a_rotation_is_rolled_back_once_while_the_old_application_lives() {
    let world = signed_with("3600").await;
    let before = (version(&world, "AWSCURRENT"), current(&world));
    world.rotate(NAME).await;
    let bad = version(&world, "AWSCURRENT").unwrap();
    assert_ne!(Some(&bad), before.0.as_ref());

    // The label has moved, and nobody heard of it: the same request again finds that, and does not move it back.
    let lost = world.proxy.rule(Matcher::any().action("UpdateSecretVersionStage"), Effect::LoseAnswer);
    world.operate("rotate-secret", &roll_back("o-1", &bad)).await.unwrap_err();
    world.proxy.remove_rule(lost);
    for _ in 0..2 {
        world.operate("rotate-secret", &roll_back("o-1", &bad)).await.unwrap();
        assert_eq!((version(&world, "AWSCURRENT"), current(&world)), before);
    }
    let told = world.events("SecretRolledBack");
    assert_eq!(told.len(), 1, "what was told is not told again");
    assert_eq!(told[0]["rolled_back_version_id"], bad.as_str());
    assert_eq!(told[0]["application_id"], before.1["application_id"]);
    assert!(world.accepts(&world.secrets.reveal(NAME, "AWSCURRENT").unwrap()).await);

    // The one that was rolled back retires like any other, and goes where somebody says so.
    world.rotate(NAME).await;
    let refused = world.secrets.rotations().pop().unwrap();
    assert!(format!("{refused:?}").contains("still retires"), "{refused:?}");
    assert_eq!(living(&world), 2);
}

#[tokio::test]
async fn a_roll_back_comes_too_late_once_the_overlap_has_passed() {
    let world = signed_with("0").await;
    world.rotate(NAME).await;
    let bad = version(&world, "AWSCURRENT").unwrap();
    let refused = world.operate("rotate-secret", &roll_back("o-1", &bad)).await.unwrap_err().to_string();
    assert!(refused.contains("cannot be rolled back") && refused.contains("rotation"), "{refused}");
    assert_eq!(version(&world, "AWSCURRENT").unwrap(), bad);
    let unknown = world.operate("rotate-secret", &roll_back("o-2", &"0".repeat(64))).await.unwrap_err();
    assert!(unknown.to_string().contains("is not the current one"), "{unknown}");
}

#[tokio::test]
async fn a_rotation_is_forced_where_an_application_still_retires() {
    let world = signed_with("3600").await;
    world.operate("rotate-secret", &rotation("o-1", false)).await.unwrap();
    world.secrets.rotations_ended().await;
    let first = current(&world);
    let again = world.operate("rotate-secret", &rotation("o-1", false)).await.unwrap();
    assert_eq!(again["outcome"], "rotation complete", "the same request rotates once");

    let refused = world.operate("rotate-secret", &rotation("o-2", false)).await.unwrap_err().to_string();
    assert!(refused.contains("still retires") && refused.contains("force"), "{refused}");
    assert_eq!((current(&world), living(&world)), (first.clone(), 2));

    world.operate("rotate-secret", &rotation("o-3", true)).await.unwrap();
    world.secrets.rotations_ended().await;
    assert_ne!(current(&world)["application_id"], first["application_id"]);
    assert_eq!(living(&world), 2, "the one from before the first rotation is gone");
    assert!(world.accepts(&world.secrets.reveal(NAME, "AWSCURRENT").unwrap()).await);
}

#[tokio::test]
async fn a_rotation_that_is_stuck_is_taken_back_by_force() {
    let world = signed_with("0").await;
    let refuse = Effect::Answer { status: 400, body: "{\"__type\":\"AccessDeniedException\"}".to_owned() };
    let rule = world.proxy.rule(Matcher::any().action("UpdateSecretVersionStage"), refuse);
    world.rotate(NAME).await;
    world.proxy.remove_rule(rule);
    let stuck = version(&world, "AWSPENDING").unwrap();
    let refused = world.operate("rotate-secret", &rotation("o-1", false)).await.unwrap_err().to_string();
    assert!(refused.contains(&stuck) && refused.contains("not complete"), "{refused}");
    world.operate("rotate-secret", &rotation("o-1", true)).await.unwrap();
    world.secrets.rotations_ended().await;
    assert_eq!(world.events("SecretRotated").len(), 1, "{:?}", world.secrets.rotations().pop());
    assert_eq!(living(&world), 1);
}

#[tokio::test]
async fn the_kind_of_credential_changes_by_rotating_and_back() {
    let world = signed_with("0").await;
    for (request, kind) in [("o-1", "CLIENT_SECRET"), ("o-2", "KEY_PAIR")] {
        let mut asked = rotation(request, false);
        asked["authentication"] = kind.into();
        world.operate("rotate-secret", &asked).await.unwrap();
        world.secrets.rotations_ended().await;
        assert_eq!(current(&world)["authentication"], kind, "{:?}", world.secrets.rotations().pop());
        // The schedule goes on with it.
        world.rotate(NAME).await;
        assert_eq!(current(&world)["authentication"], kind);
        assert!(world.accepts(&world.secrets.reveal(NAME, "AWSCURRENT").unwrap()).await);
    }
    assert_eq!(living(&world), 1);
}

#[tokio::test]
async fn the_clean_up_deletes_what_a_rotation_could_not() {
    let world = signed_with("1").await;
    world.rotate(NAME).await;
    assert_eq!(living(&world), 2);
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    let event = json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}});
    let calls = world.proxy.calls().len();
    let cleaned = world.operate("reconcile-tenants", &event).await.unwrap();
    assert_eq!((cleaned["deleted"].as_u64(), cleaned["busy"].as_u64()), (Some(1), Some(0)), "{cleaned}");
    assert_eq!(living(&world), 1);
    assert!(world.proxy.calls().len() > calls);
    let calls = world.proxy.calls().len();
    world.operate("reconcile-tenants", &event).await.unwrap();
    let made: Vec<String> = world.proxy.calls()[calls..].iter().map(|call| call.action.clone()).collect();
    assert_eq!(
        made,
        ["Query", "GetObject"],
        "nobody has anything to be cleaned up, and nothing is unfinished"
    );
}

#[tokio::test]
async fn a_request_that_nobody_can_read_is_refused_with_what_is_wrong() {
    let world = signed_with("0").await;
    let mut asked = rotation("o-1", false);
    asked["cell"] = "mars-1".into();
    asked.as_object_mut().unwrap().remove("actor");
    let refused = world.operate("rotate-secret", &asked).await.unwrap_err().to_string();
    assert!(refused.contains("mars-1") && refused.contains("actor"), "{refused}");
    assert_eq!(world.events("RequestRejected").len(), 1);
}
