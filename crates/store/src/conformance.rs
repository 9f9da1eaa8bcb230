//! What every engine of the store must do, as tests that each engine runs: one function a case.
//!
//! An engine's test module calls [`tests!`] with an expression that makes a fresh, empty store.

pub(crate) mod accept;
pub(crate) mod adoption;
pub(crate) mod backups;
pub(crate) mod bindings;
pub(crate) mod cameras;
pub(crate) mod channels;
pub(crate) mod credentials;
pub(crate) mod deleted;
pub(crate) mod devices;
pub(crate) mod fixture;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod lanes;
pub(crate) mod listings;
pub(crate) mod model;
pub(crate) mod operators;
pub(crate) mod organizations;
pub(crate) mod phones;
pub(crate) mod power;
pub(crate) mod projects;
pub(crate) mod records;
pub(crate) mod servers;
pub(crate) mod settle;
pub(crate) mod tags;
pub(crate) mod users;

/// One test for each case, each on a store of its own. `$make` gives something that dereferences to
/// a store and keeps alive what the store needs.
macro_rules! tests {
    ($make:expr) => {
        crate::conformance::tests! { $make;
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
            jobs: a_job_is_read_back_as_it_was_accepted,
            jobs: jobs_are_paged_over_several_requests,
            jobs: a_client_sees_its_own_jobs_alone,
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
            operators: a_device_that_was_stopped_is_in_no_trouble,
            operators: a_device_that_was_started_is_looked_for,
            operators: a_device_of_another_project_can_not_be_changed,
            operators: settings_of_a_project_are_in_all_that_is_read,
            operators: settings_of_the_server_are_not_for_clients,
            users: a_user_is_made_once_and_found,
            users: a_client_sees_the_users_of_its_own_project_alone,
            users: a_token_is_found_until_it_is_deleted_after_its_time,
            users: a_change_of_a_user_takes_its_tokens_away,
            users: a_token_is_for_the_password_that_was_checked,
            users: few_expired_tokens_are_deleted_at_a_time,
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
            credentials: the_same_again_changes_nothing,
            credentials: a_user_name_alone_is_replaced_with_its_password,
            credentials: where_there_was_no_password_nothing_overlaps,
            credentials: an_import_overlaps_nothing,
            credentials: the_devices_id_is_its_user_name_until_it_has_another,
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
            backups: a_backup_is_told_with_what_it_holds,
            backups: nothing_is_written_over,
            model: random_calls_do_what_the_model_does,
        }
    };
    ($make:expr; $($module:ident : $case:ident,)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                let store = $make;
                crate::conformance::$module::$case(&*store).await;
            }
        )+
    };
}

pub(crate) use tests;
