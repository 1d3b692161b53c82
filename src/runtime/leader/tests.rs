use super::*;

fn settings(lease: u64, deadline: u64, retry: u64) -> Settings {
    Settings {
        namespace: "ops".to_owned(),
        name: "rollcall".to_owned(),
        identity: "one".to_owned(),
        lease_duration: Duration::from_secs(lease),
        renew_deadline: Duration::from_secs(deadline),
        retry_period: Duration::from_secs(retry),
    }
}

#[test]
fn a_leader_ends_before_another_may_begin() {
    assert_eq!(settings(15, 10, 2).check(), Ok(()));
    for (wrong, part) in [
        (settings(10, 10, 2), "less than the lease duration"),
        (settings(15, 10, 10), "less than the renew deadline"),
        (settings(15, 10, 0), "more than nothing"),
    ] {
        let why = wrong.check().unwrap_err();
        assert!(why.contains(part), "{why}");
    }
}
