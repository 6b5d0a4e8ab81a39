//! The rules of Secrets Manager, one by one, from the table in `RULES.md`.
//!
//! They are checked on the server of this package and on its `Account`. With `SECRETS_MANAGER_URL`
//! they are checked on the server there, which is taken to be moto: what the table says of it must be
//! so, for better and for worse.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod account;
mod deletion;
mod function;
mod house;
mod labels;
mod quota;
mod reading;
mod replicas;
mod rotating;
mod rotation;
#[path = "../sdk/mod.rs"]
mod sdk;
mod table;
mod values;

use std::collections::BTreeSet;
use std::pin::Pin;

use anyhow::Result;

use house::House;
use table::{Moto, table};

/// A check, by the name that it has in the table.
struct Check {
    name: &'static str,
    run: fn(House) -> Running,
}

type Running = Pin<Box<dyn Future<Output = Result<()>>>>;

/// `module: function …;` for every check there is.
macro_rules! checks {
    ($($module:ident: $($name:ident)+;)+) => {
        &[$($(Check { name: stringify!($name), run: |house| Box::pin($module::$name(house)) }),+),+]
    };
}

const CHECKS: &[Check] = checks! {
    values: first_version_is_current create_again_is_ignored create_again_with_another_value
        create_of_a_taken_name create_without_a_value names_have_legal_characters
        names_have_up_to_512_characters arns_end_in_six_characters_of_their_own
        tokens_have_32_to_64_characters a_raw_request_needs_a_token a_put_has_exactly_one_value
        values_have_up_to_65536_bytes values_are_not_empty put_moves_current_by_default
        put_answers_with_the_labels first_put_is_current_whatever_is_asked put_again_is_ignored
        put_again_with_another_value put_again_with_another_value_while_pending
        put_takes_a_label_from_another_version own_labels_stay_when_current_moves
        put_takes_one_to_twenty_labels a_secret_has_up_to_twenty_labels put_to_no_secret
        update_refuses_the_token_of_a_version update_moves_current;
    labels: previous_follows_current a_rollback_swaps_current_and_previous a_free_label_needs_no_source
        current_moves_only_with_its_source any_label_moves_only_with_its_source a_wrong_source_is_refused
        a_repeated_move_is_refused a_label_may_move_to_where_it_is a_label_is_removed_by_its_source_alone
        a_version_without_labels_is_not_described a_version_without_labels_is_listed_on_request
        current_is_never_removed a_label_goes_from_or_to_something a_label_moves_only_to_a_version
        a_refused_move_changes_nothing;
    reading: get_is_current_by_default get_is_current_after_a_promotion get_by_id_and_by_label
        id_and_label_must_agree get_of_an_unknown_label_or_version
        a_secret_is_found_by_name_arn_and_partial_arn a_binary_value_comes_back_as_binary
        calls_for_no_secret refusals_have_status_400 no_rotation_is_described_before_the_first
        the_access_date_comes_with_the_first_read tags_are_replaced_and_taken_away
        secrets_are_listed_by_the_start_of_their_name secrets_are_listed_in_pages
        versions_are_listed_in_pages pages_have_up_to_100_items a_page_that_was_never_begun;
    deletion: the_window_has_7_to_30_days the_window_has_30_days_by_default
        force_and_window_exclude_each_other force_deletes_what_is_not_there
        force_deletes_what_waits_for_its_deletion deleted_refuses_get deleted_refuses_put
        deleted_refuses_update deleted_refuses_labels deleted_refuses_rotation
        deleted_refuses_to_cancel_rotation deleted_refuses_tags deleted_refuses_another_deletion
        deleted_keeps_its_name deleted_is_described_with_its_date deleted_is_listed_on_request
        restored_is_as_it_was restore_of_what_is_not_deleted after_its_window_it_is_gone;
    replicas: a_secret_may_be_created_with_replicas a_replica_is_found_by_name_and_arn
        elsewhere_there_is_none replicas_are_added_later replicas_are_described
        a_replica_follows_its_primary a_replica_cannot_be_changed a_removed_replica_is_gone
        a_secret_with_replicas_is_not_deleted deleted_refuses_replication a_replica_is_in_a_region
        replicas_are_added_and_removed_by_one_or_more a_region_has_one_replica
        where_there_is_no_replica_none_is_removed;
    rotation: rotation_needs_a_function cancelling_needs_a_function days_are_1_to_1000
        days_1_and_1000_are_legal days_and_expression_exclude_each_other a_rate_is_four_hours_or_more
        rates_in_hours_and_days_are_legal a_duration_is_a_number_of_hours a_window_ends_before_the_next
        rotation_tokens_are_well_formed a_foreign_rotation_token_is_refused
        pending_elsewhere_blocks_the_next_rotation pending_on_current_blocks_nothing;
    rotating: four_steps_in_order the_token_becomes_the_version an_event_names_step_secret_and_tokens
        the_rotation_token_is_taken a_rotation_begins_with_an_empty_pending_version
        versions_without_a_value_are_not_listed later_tests_the_configuration_alone
        a_test_reads_the_current_value pending_may_end_nowhere pending_may_end_on_current
        pending_must_not_end_elsewhere a_failed_step_ends_the_rotation
        a_failed_rotation_is_retried_from_its_first_step a_repeated_request_rotates_once
        a_configured_secret_rotates_without_parameters cancelling_turns_rotation_off
        cancelling_stops_a_rotation_and_leaves_pending a_cancelled_rotation_is_cleared_by_hand
        the_next_date_counts_from_the_last_rotation a_value_put_by_hand_counts_as_a_rotation
        a_schedule_rotates_when_its_time_has_come a_deleted_secret_does_not_rotate;
    quota: a_hundred_versions_of_a_day_are_kept more_in_a_day_reach_the_quota
        a_repeated_put_reaches_no_quota versions_of_a_day_before_make_room
        labelled_versions_are_kept_for_ever a_secret_rotates_for_years
        too_many_rotations_of_a_day_harm_nothing;
};

#[test]
fn the_table_has_every_check_and_every_rule_is_checked() {
    let rules = table();
    let named: BTreeSet<_> = rules.iter().map(|rule| rule.name).collect();
    let checked: BTreeSet<_> = CHECKS.iter().map(|check| check.name).collect();
    assert_eq!(named.len(), rules.len(), "a rule is there twice");
    assert_eq!(checked.len(), CHECKS.len(), "a check is there twice");
    assert_eq!(named, checked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_server_keeps_every_rule() {
    let mut broken = Vec::new();
    for check in CHECKS {
        let kept = (check.run)(House::ours("rules/s").await.unwrap()).await;
        broken.extend(kept.err().map(|error| format!("{}: {error:#}", check.name)));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_keeps_every_rule() {
    let mut broken = Vec::new();
    for check in CHECKS {
        let kept = (check.run)(House::account("rules/s").await.unwrap()).await;
        broken.extend(kept.err().map(|error| format!("{}: {error:#}", check.name)));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moto_is_right_and_wrong_where_the_table_says_so() {
    let Ok(url) = std::env::var("SECRETS_MANAGER_URL") else { return };
    let (run, rules) = (rand::random(), table());
    let (mut untrue, mut right, mut wrong, mut not_run) = (Vec::new(), 0, 0, 0);
    for check in CHECKS {
        let rule = rules.iter().find(|rule| rule.name == check.name).unwrap();
        if let Moto::NotRun = rule.moto {
            not_run += 1;
            continue;
        }
        let kept = (check.run)(House::other(&url, run, check.name)).await;
        match (&rule.moto, kept) {
            (Moto::Right, Ok(())) => right += 1,
            (Moto::Wrong(how), Err(error)) => {
                wrong += 1;
                println!("{}: {how}\n    {error}", check.name);
            }
            (Moto::Wrong(_), Ok(())) => untrue.push(format!("{}: is right by now", check.name)),
            (_, Err(error)) => untrue.push(format!("{}: {error:#}", check.name)),
            (Moto::NotRun, Ok(())) => {}
        }
    }
    println!(
        "of {} rules, moto keeps {right} and breaks {wrong}; {not_run} cannot be asked of it",
        rules.len()
    );
    assert!(untrue.is_empty(), "{}", untrue.join("\n\n"));
}
