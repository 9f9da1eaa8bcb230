//! What every engine of the store must do, as tests that each engine runs: one function a case.
//!
//! Most cases are of a store that one node has: it has begun and owns all shards. The others are
//! of [`Nodes`] that share a store. An engine's test module calls [`tests!`] and [`node_tests!`]
//! with an expression that makes a fresh, empty store; where a server has to be started first, one
//! test runs all that [`cases`] and [`node_cases`] list.

pub(crate) mod accept;
pub(crate) mod access;
pub(crate) mod adoption;
pub(crate) mod backups;
pub(crate) mod before;
pub(crate) mod bindings;
pub(crate) mod cameras;
pub(crate) mod cancel;
pub(crate) mod chain;
pub(crate) mod channels;
pub(crate) mod credentials;
pub(crate) mod deleted;
pub(crate) mod devices;
pub(crate) mod enrolment;
pub(crate) mod failures;
pub(crate) mod feed;
pub(crate) mod fences;
pub(crate) mod fixture;
pub(crate) mod history;
pub(crate) mod idempotency;
pub(crate) mod jobs;
pub(crate) mod kept;
pub(crate) mod keys;
pub(crate) mod lanes;
pub(crate) mod leases;
pub(crate) mod listings;
pub(crate) mod model;
pub(crate) mod namesakes;
pub(crate) mod older;
pub(crate) mod operators;
pub(crate) mod organizations;
pub(crate) mod overview;
pub(crate) mod phones;
pub(crate) mod plenty;
pub(crate) mod power;
pub(crate) mod presets;
pub(crate) mod projects;
pub(crate) mod records;
pub(crate) mod rollouts;
pub(crate) mod select;
pub(crate) mod servers;
pub(crate) mod settle;
pub(crate) mod tags;
pub(crate) mod users;
pub(crate) mod webhooks;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::Store;

/// Nodes that share a store.
#[async_trait]
pub(crate) trait Nodes: Send + Sync {
    /// The store as one more node holds it. It has not begun.
    async fn node(&self) -> Arc<dyn Store>;

    /// Lets so much time pass by the store's clock.
    async fn pass(&self, time: Duration);
}

/// What a case does.
type Run<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A case of a store that one node has, with its name.
pub(crate) type Case = (&'static str, for<'a> fn(&'a dyn Store) -> Run<'a>);

/// A case of nodes that share a store, with its name.
pub(crate) type NodeCase = (&'static str, for<'a> fn(&'a dyn Nodes) -> Run<'a>);

/// Hands the cases of a store that one node has to the macro named, after what is given to that.
macro_rules! with_cases {
    ($macro:ident, $($given:tt)*) => {
        crate::conformance::$macro! { $($given)*
            projects: a_project_is_made_once_and_found,
            projects: a_client_sees_its_own_project_alone,
            projects: a_project_is_changed_and_keeps_what_is_left_out,
            projects: a_project_is_deleted_with_all_but_its_jobs,
            projects: the_key_of_a_deleted_project_is_never_given_again,
            keys: keys_are_found_by_id_and_by_project,
            keys: keys_are_revoked_once_and_by_their_own_project,
            keys: a_key_of_all_projects_is_of_none,
            projects: every_shard_has_an_epoch,
            devices: an_import_twice_changes_nothing,
            devices: an_import_changes_records_and_keeps_marker_and_state,
            devices: a_device_at_another_address_has_to_be_adopted_anew,
            devices: an_import_is_whole_or_not_at_all,
            devices: a_large_import_is_taken_in_its_order,
            devices: an_import_to_a_foreign_project_is_refused,
            devices: lists_are_filtered_and_paged_by_key,
            devices: the_same_id_in_several_projects_is_several_devices,
            devices: a_client_sees_its_own_devices_alone,
            devices: accept_targets_stand_in_the_order_asked,
            devices: records_are_given_by_key_once_each,
            devices: devices_are_found_by_marker_and_by_address,
            devices: a_device_at_another_address_is_a_copy_of_none,
            accept: revisions_are_dense_and_patches_merge,
            accept: the_same_device_twice_gets_two_jobs_in_order,
            accept: an_empty_patch_is_a_job,
            accept: unknown_and_foreign_devices_are_refused_alone,
            accept: a_device_takes_64_open_jobs_and_no_more,
            accept: desired_state_has_a_bound,
            accept: a_device_that_does_not_run_is_told_as_stored,
            accept: what_is_asked_besides_values_is_in_the_job,
            accept: a_reset_that_is_over_forgets_what_was_desired_before,
            accept: a_result_for_what_an_operator_has_changed_is_of_no_account,
            accept: a_frozen_device_takes_nothing_until_it_is_not,
            accept: the_largest_call_is_taken_whole,
            accept: a_request_id_used_twice_changes_nothing,
            history: jobs_are_forgotten_by_whole_requests,
            history: a_walk_over_old_jobs_goes_on_where_it_stopped,
            history: waves_are_forgotten_with_the_update_that_they_are_of,
            history: what_was_done_under_a_key_without_an_answer_is_kept,
            history: jobs_are_counted_in_pages,
            idempotency: a_key_is_reserved_once_and_gives_its_answer,
            idempotency: a_key_that_is_let_go_is_taken_over_with_its_id,
            idempotency: a_node_that_begins_lets_go_of_its_keys,
            idempotency: a_caller_has_so_many_keys_and_no_more,
            idempotency: an_update_made_again_changes_nothing,
            idempotency: a_job_of_another_device_answers_for_none,
            idempotency: an_update_is_made_once_however_many_make_it,
            idempotency: the_largest_call_is_made_again,
            idempotency: a_device_at_another_revision_is_refused_alone,
            jobs: a_job_is_read_back_as_it_was_accepted,
            jobs: jobs_are_paged_over_several_requests,
            jobs: jobs_are_filtered_from_a_position_on,
            jobs: a_client_sees_its_own_jobs_alone,
            failures: failures_are_told_by_reason,
            failures: the_jobs_of_a_group_are_its_own,
            failures: a_device_that_failed_twice_is_named_once,
            failures: of_many_reasons_those_of_most_are_told,
            failures: a_rollout_tells_whom_it_refused,
            before: a_job_tells_what_was_desired_and_shown,
            before: a_job_tells_what_was_on_record_and_no_password,
            before: a_job_tells_the_names_that_were_on_record,
            before: a_reset_that_clears_tells_all_that_was_desired,
            chain: a_device_has_a_history,
            chain: a_history_is_the_same_in_pages_of_any_size,
            chain: jobs_of_records_alone_are_of_the_history,
            chain: updates_that_come_at_once_make_one_chain,
            cancel: a_job_taken_back_leaves_what_was_before,
            cancel: of_two_jobs_the_later_one_stands,
            cancel: a_restart_that_has_begun_is_not_taken_back,
            cancel: our_names_go_back_with_a_cancelled_job,
            cancel: a_name_that_no_device_got_goes_back_too,
            cancel: what_is_taken_back_is_told,
            rollouts: a_rollout_is_made_and_read_back,
            rollouts: a_rollout_collects_its_devices_first,
            rollouts: a_wave_names_what_it_is_of,
            rollouts: a_wave_begins_once,
            rollouts: a_rollout_goes_on_until_it_is_over,
            rollouts: a_project_has_so_many_rollouts_and_no_more,
            rollouts: jobs_of_waves_are_counted,
            rollouts: updates_are_listed_newest_first,
            rollouts: what_a_wave_accepts_is_told,
            presets: a_preset_is_set_read_back_and_deleted,
            presets: presets_are_listed_by_name_and_have_a_bound,
            presets: tags_of_devices_stand_in_the_order_asked,
            presets: a_device_may_be_refused_when_its_rollout_is_made,
            select: devices_are_selected_by_their_records,
            select: devices_are_selected_by_their_state,
            select: cameras_are_selected_by_their_registration,
            overview: the_term_finds_the_word_that_a_device_has,
            overview: devices_are_counted_by_all_that_they_are,
            overview: counts_are_told_to_who_may_see_them,
            overview: old_counts_are_forgotten_some_at_a_time,
            overview: counts_go_with_their_project,
            overview: the_newest_failures_are_told_by_reason,
            select: a_selection_is_of_what_the_principal_sees,
            select: a_page_of_a_selection_ends_where_the_next_begins,
            settle: ended_jobs_leave_the_list_and_are_told,
            settle: sending_a_result_twice_is_harmless,
            settle: a_stale_fence_changes_nothing,
            settle: a_fence_of_another_shard_proves_nothing,
            settle: settled_is_never_lowered_and_never_beyond_the_revision,
            settle: what_was_not_read_stays,
            settle: every_end_is_read_back,
            settle: a_job_of_another_device_is_left_alone,
            lanes: work_is_one_snapshot_of_a_device,
            lanes: devices_have_work_until_they_are_settled,
            lanes: devices_at_rest_hold_values_and_have_no_work,
            lanes: lists_of_lanes_are_paged,
            adoption: a_request_is_kept_until_it_is_done,
            adoption: what_a_device_showed_is_desired_where_nothing_was,
            adoption: what_was_shown_is_settled_if_all_before_it_is,
            adoption: what_another_record_showed_is_not_desired,
            adoption: what_was_shown_is_desired_as_far_as_there_is_room,
            power: a_step_that_was_begun_is_work_and_is_read_back,
            power: what_waits_for_a_restart_stays_unless_it_is_told,
            power: a_copy_is_work_until_it_is_none,
            power: facts_stay_until_there_are_others,
            operators: a_device_is_named_once_in_its_project,
            operators: many_devices_are_frozen_at_once,
            operators: a_device_that_was_stopped_is_in_no_trouble,
            operators: a_device_that_was_started_is_looked_for,
            operators: a_device_of_another_project_can_not_be_changed,
            operators: settings_of_a_project_are_in_all_that_is_read,
            operators: settings_of_the_server_are_not_for_clients,
            older: ids_that_no_address_can_hold_are_read_and_deleted,
            older: a_project_and_a_preset_of_such_a_name_are_too,
            users: a_user_is_made_once_and_found,
            users: a_users_name_is_one_whatever_its_case,
            users: a_client_sees_the_users_of_its_own_project_alone,
            users: a_token_is_found_until_it_is_deleted_after_its_time,
            users: a_change_of_a_user_takes_its_tokens_away,
            users: a_user_is_enabled_again,
            users: a_token_is_for_the_password_that_was_checked,
            users: few_expired_tokens_are_deleted_at_a_time,
            access: a_user_may_do_what_is_granted_in_each_project,
            access: grants_go_with_the_user_and_with_the_project,
            access: who_may_do_something_in_a_project_is_listed_by_name,
            access: a_principal_of_several_projects_sees_these,
            access: tokens_with_names_are_counted_listed_and_revoked,
            access: the_last_use_is_the_latest,
            access: what_is_done_is_in_the_audit,
            access: the_audit_is_read_by_project_actor_and_action,
            servers: records_make_servers,
            servers: a_server_has_the_model_of_most_of_its_phones,
            servers: servers_are_filtered_and_paged,
            servers: a_server_keeps_its_name,
            servers: a_client_sees_its_own_servers_alone,
            phones: phones_are_listed_newest_first,
            phones: phones_are_filtered,
            phones: makes_are_counted,
            tags: tags_are_put_on_and_taken_off,
            tags: a_thing_has_ten_tags_at_most,
            tags: keys_are_listed_with_their_values,
            tags: things_are_found_by_their_tags,
            tags: a_client_tags_its_own_things_alone,
            cameras: an_imported_camera_is_awaited_and_has_no_work,
            cameras: a_camera_keeps_what_a_second_import_leaves_out,
            cameras: a_gb_id_is_taken_once_on_the_whole_server,
            cameras: registrants_stand_in_the_order_asked,
            cameras: a_push_is_noted_under_the_fence_alone,
            cameras: a_survey_is_noted_with_what_was_said,
            cameras: a_client_sees_its_own_cameras_alone,
            cameras: a_camera_is_no_phone,
            cameras: a_camera_is_renamed_as_any_device,
            cameras: an_import_of_another_name_ends_what_was_asked_for,
            bindings: a_binding_is_read_back_as_it_was_written,
            bindings: of_two_bindings_in_one_change_the_later_one_stands,
            bindings: bindings_that_have_not_ended_are_paged,
            bindings: nobody_registers_for_a_project,
            bindings: values_are_stored_until_a_camera_is_registered,
            channels: a_catalog_changes_what_is_reported_and_not_our_name,
            channels: a_channel_missed_twice_is_forgotten_unless_it_has_our_name,
            channels: a_device_has_so_many_channels_and_no_more,
            channels: an_import_names_channels_and_pushes_nothing,
            channels: an_update_names_a_device_and_its_channels_at_once,
            channels: channels_are_paged_by_id,
            credentials: a_new_password_replaces_the_old_one_at_once,
            credentials: the_pair_that_is_replaced_works_until_its_time,
            credentials: credentials_in_use_are_counted,
            credentials: the_same_again_changes_nothing,
            credentials: a_user_name_alone_is_replaced_with_its_password,
            credentials: where_there_was_no_password_nothing_overlaps,
            credentials: an_import_overlaps_nothing,
            credentials: the_devices_id_is_its_user_name_until_it_has_another,
            enrolment: an_enrolment_is_opened_changed_and_closed,
            enrolment: a_pending_device_is_no_device,
            enrolment: only_devices_of_an_open_project_that_nobody_has_are_noted,
            enrolment: a_project_has_so_many_pending_devices_and_no_more,
            enrolment: an_accepted_device_has_a_password_of_its_own,
            enrolment: pending_devices_are_accepted_or_refused_alone,
            enrolment: a_rejected_device_may_come_again_after_a_day,
            enrolment: an_enrolment_goes_with_its_project,
            enrolment: another_password_begins_the_list_anew,
            enrolment: enrolments_whose_time_is_over_take_no_room,
            enrolment: what_is_done_to_enrolments_is_told_and_audited,
            records: what_goes_on_record_stays_until_it_is_taken_off,
            records: an_update_of_records_alone_has_ended,
            records: an_update_with_values_is_open_and_remembers_its_records,
            records: records_settle_with_what_was_settled,
            records: records_need_no_room_among_open_jobs,
            records: a_channel_on_record_is_not_forgotten,
            records: records_of_no_channel_are_refused_whole,
            records: an_import_puts_on_record,
            organizations: an_organization_is_made_moved_and_deleted,
            organizations: a_path_and_an_id_are_given_once_in_a_project,
            organizations: organizations_are_paged_by_path_and_found_by_id,
            organizations: an_update_makes_the_organization_that_it_names,
            organizations: an_id_that_is_not_the_paths_is_refused_alone,
            organizations: one_in_which_something_is_filed_stays,
            organizations: a_client_sees_its_own_organizations_alone,
            deleted: a_device_is_gone_with_all_that_was_its_own,
            deleted: jobs_of_a_deleted_device_end_and_stay,
            deleted: a_deleted_device_comes_again_under_another_key,
            deleted: a_frozen_device_is_deleted_by_operators_alone,
            deleted: what_was_begun_on_a_deleted_device_is_of_no_account,
            listings: cameras_are_paged_oldest_first_and_counted,
            listings: cameras_are_found_by_id_in_the_order_asked,
            listings: a_channel_is_found_where_one_device_has_it,
            listings: an_id_of_a_channel_names_its_device,
            listings: free_ids_follow_the_highest_that_is_taken,
            listings: free_ids_fill_the_gaps_when_there_are_none_above,
            listings: only_new_devices_are_made,
            model: random_calls_do_what_the_model_does,
            feed: every_change_is_told_with_what_it_changed,
            feed: what_was_refused_is_not_told,
            feed: a_page_ends_where_the_next_one_begins,
            feed: a_place_beyond_the_end_is_a_gap,
            webhooks: a_webhook_is_made_shown_changed_and_deleted,
            webhooks: webhooks_of_others_look_as_if_there_were_none,
            webhooks: a_project_has_so_many_webhooks_and_they_go_with_it,
            webhooks: how_deliveries_stand_is_noted,
            webhooks: what_came_of_a_delivery_spoils_no_later_change,
            webhooks: webhooks_are_in_the_audit_without_their_secrets,
            kept: what_was_remembered_first_stays,
            kept: a_store_has_one_id,
        }
    };
}

/// The same with the cases of nodes that share a store.
macro_rules! with_node_cases {
    ($macro:ident, $($given:tt)*) => {
        crate::conformance::$macro! { $($given)*
            leases: a_name_is_taken_while_its_session_lasts,
            leases: the_same_directory_again_has_the_same_session_under_higher_epochs,
            leases: a_directory_under_another_name_takes_what_the_earlier_one_had,
            leases: a_process_on_a_copy_of_the_directory_takes_the_session,
            leases: a_session_renewed_too_late_has_ended,
            leases: shards_of_a_dead_node_are_taken_and_are_quiet,
            leases: quiet_time_passes,
            leases: quiet_time_is_kept_when_a_shard_is_given_back,
            leases: shards_are_shared_evenly_and_move_no_more_than_needed,
            leases: a_session_that_ends_frees_its_shards_at_once,
            leases: a_node_without_the_role_takes_nothing_and_needs_no_share,
            leases: a_node_that_takes_nothing_keeps_what_it_has,
            leases: nobody_gives_back_what_is_anothers,
            leases: the_cluster_is_told_with_its_nodes,
            fences: a_shard_that_has_changed_hands_is_fenced,
            fences: a_camera_registered_elsewhere_is_not_the_shards_owners,
            fences: whom_a_camera_is_registered_with_speaks_for_it,
            fences: a_session_that_does_not_last_speaks_for_nobody,
            fences: nobody_is_bound_to_who_does_not_last,
            fences: a_camera_moves_with_a_later_nonce_alone,
            idempotency: a_key_without_an_answer_is_taken_over_in_time,
            idempotency: a_key_that_is_renewed_is_not_taken_over,
            idempotency: a_key_is_new_again_after_its_time,
            idempotency: keys_whose_time_is_over_are_deleted_without_a_new_one,
            feed: commits_are_told_in_order_with_whose_they_are,
            feed: nodes_that_come_and_go_are_told,
            feed: what_is_forgotten_is_a_gap,
        }
    };
}

/// One test for each case of a store that one node has, on a store of its own. `$make` gives
/// something that dereferences to a store that has not begun, and keeps alive what it needs.
macro_rules! tests {
    ($make:expr) => {
        crate::conformance::with_cases! { each_as_test, $make; }
        crate::conformance::each_as_test! { $make;
            backups: a_backup_is_told_with_what_it_holds,
            backups: nothing_is_written_over,
        }
    };
}

/// One test for each case of nodes that share a store. `$make` gives [`Nodes`].
macro_rules! node_tests {
    ($make:expr) => {
        crate::conformance::with_node_cases! { each_as_node_test, $make; }
    };
}

/// The tests of [`tests!`].
macro_rules! each_as_test {
    ($make:expr; $($module:ident : $case:ident,)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                let store = $make;
                crate::conformance::fixture::begin(&*store).await;
                crate::conformance::$module::$case(&*store).await;
            }
        )+
    };
}

/// The tests of [`node_tests!`].
macro_rules! each_as_node_test {
    ($make:expr; $($module:ident : $case:ident,)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                let nodes = $make;
                crate::conformance::$module::$case(&nodes).await;
            }
        )+
    };
}

/// The cases with their names.
macro_rules! each_in_list {
    (of_one; $($module:ident : $case:ident,)+) => {
        vec![$((
            concat!(stringify!($module), "::", stringify!($case)),
            |store| Box::pin(async move {
                fixture::begin(store).await;
                $module::$case(store).await;
            }),
        ),)+]
    };
    (of_nodes; $($module:ident : $case:ident,)+) => {
        vec![$((
            concat!(stringify!($module), "::", stringify!($case)),
            |nodes| Box::pin($module::$case(nodes)),
        ),)+]
    };
}

pub(crate) use {
    each_as_node_test, each_as_test, each_in_list, node_tests, tests, with_cases, with_node_cases,
};

/// All cases of a store that one node has, except those of backups, which not every engine makes.
/// Each begins the node's session itself.
pub(crate) fn cases() -> Vec<Case> {
    with_cases! { each_in_list, of_one; }
}

/// All cases of nodes that share a store.
pub(crate) fn node_cases() -> Vec<NodeCase> {
    with_node_cases! { each_in_list, of_nodes; }
}
