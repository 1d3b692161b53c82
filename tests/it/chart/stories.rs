//! Stories of `tests/it/stories`, once more: with the operator started as the chart deploys it (see
//! `support/deployed.rs`). The API server must refuse it nothing.

use crate::stories::{
    bad_input, converged, credentials, deletion, drift, dry_run, joiner, killed, leaver, mover,
    outage, policy, stolen,
};
use crate::support::deployed::as_deployed;

macro_rules! told_again {
    ($($name:ident = $story:path;)*) => {
        $(
            #[test]
            fn $name() {
                as_deployed($story);
            }
        )*
    };
}

told_again! {
    joiner = joiner::a_joiner_gets_accounts_and_groups_in_two_targets;
    mover = mover::a_mover_loses_the_old_groups_only_after_the_new_ones_are_there;
    mover_while_a_target_is_down = mover::removals_wait_for_additions_in_a_target_that_is_down;
    leaver = leaver::a_leaver_is_disabled_everywhere_and_that_is_read_back;
    suspended = leaver::a_suspended_person_is_disabled_at_once_and_restored;
    drift = drift::drift_is_repaired_or_reported_scimmy;
    changed_template = policy::a_changed_template_reaches_exactly_the_people_concerned;
    deletion = deletion::a_namespace_is_emptied_and_filled_again;
    deletion_with_finalizer = deletion::a_policy_disables_before_the_object_may_go;
    deletion_while_away = deletion::an_operator_that_was_away_disables_first;
    converged = converged::a_converged_company_is_silent;
    outage = outage::a_target_that_goes_down_comes_back;
    secrets = credentials::what_is_wrong_with_a_secret_is_told_and_cured_there;
    killed = killed::scimmy_gets_fifty_accounts_and_no_more;
    stolen_credential = stolen::a_credential_is_not_sent_to_a_server_of_the_authors_own;
    dry_run = dry_run::dry_run_only_reads;
    bad_input = bad_input::connectors_that_can_not_work;
}
