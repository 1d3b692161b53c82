use jiff::SignedDuration;

use super::*;
use crate::runtime::clock::ShiftableClock;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

fn scrape(registry: &Registry) -> String {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
    text
}

#[test]
fn names_labels_and_units_are_as_promised() {
    let mut registry = registry();
    let metrics = Metrics::register(&mut registry, Arc::new(Fixed));
    metrics.reconciled("Employee", "ok", Duration::from_micros(80));
    metrics.kubernetes_write("Employee", "patch-status", "ok");
    metrics.event_dropped();
    metrics.set_orphaned_accounts("people", "directory", 2);
    metrics.set_orphaned_credentials("people", "directory", 3);
    metrics.set_held_people("people", "directory", 5);
    metrics.set_rogue_holders("people", "everyone", 4);
    metrics.set_rogue_holders("people", "gone", 5);
    metrics.forget_template("people", "gone");
    metrics.set_queue_length("planner", 7);
    let text = scrape(&registry);
    for line in [
        "rollcall_reconciles_total{kind=\"Employee\",result=\"ok\"} 1",
        "rollcall_reconcile_duration_seconds_count{kind=\"Employee\"} 1",
        "rollcall_reconcile_duration_seconds_bucket{le=\"0.0001\",kind=\"Employee\"} 1",
        "rollcall_kubernetes_writes_total{kind=\"Employee\",verb=\"patch-status\",result=\"ok\"} 1",
        "rollcall_events_dropped_total 1",
        "rollcall_orphaned_accounts{namespace=\"people\",connector=\"directory\"} 2",
        "rollcall_orphaned_credentials{namespace=\"people\",connector=\"directory\"} 3",
        "rollcall_held_people{namespace=\"people\",connector=\"directory\"} 5",
        "rollcall_rogue_holders{namespace=\"people\",role_template=\"everyone\"} 4",
        "rollcall_queue_length{queue=\"planner\"} 7",
        "rollcall_leader 1",
        concat!(
            "rollcall_build_info{version=\"",
            env!("CARGO_PKG_VERSION"),
            "\"} 1"
        ),
    ] {
        assert!(text.lines().any(|l| l == line), "no {line} in:\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn employees_move_between_counts() {
    let mut registry = registry();
    let metrics = Metrics::register(&mut registry, Arc::new(Fixed));
    let active = |ready| {
        Some(EmployeeCount {
            stage: "Active",
            ready,
        })
    };
    metrics.count_employee("people", None, active(false));
    metrics.count_employee("people", None, active(false));
    metrics.count_employee("people", active(false), active(true));
    metrics.count_employee("people", active(true), active(true));
    let text = scrape(&registry);
    for line in [
        "rollcall_employees{namespace=\"people\",stage=\"Active\",ready=\"false\"} 1",
        "rollcall_employees{namespace=\"people\",stage=\"Active\",ready=\"true\"} 1",
    ] {
        assert!(text.lines().any(|l| l == line), "no {line} in:\n{text}");
    }
    metrics.count_employee("people", active(false), None);
    assert!(scrape(&registry).contains("ready=\"false\"} 0"));
}

#[test]
fn an_inventory_grows_old_without_anyone_doing_anything() {
    let mut registry = registry();
    let clock = Arc::new(ShiftableClock::over(Arc::new(Fixed)));
    let metrics = Metrics::register(&mut registry, Arc::clone(&clock) as Arc<dyn Clock>);
    let age = |seconds: &str| {
        format!(
            "rollcall_inventory_age_seconds{{namespace=\"people\",connector=\"directory\"}} {seconds}\n"
        )
    };
    metrics.inventory_listed("people", "directory", clock.now());
    assert!(scrape(&registry).contains(&age("0.0")));
    clock.shift(SignedDuration::from_secs(90));
    assert!(scrape(&registry).contains(&age("90.0")));
    clock.shift(SignedDuration::from_secs(-900));
    assert!(
        scrape(&registry).contains(&age("0.0")),
        "an age is never negative"
    );
    metrics.set_orphaned_accounts("people", "directory", 1);
    metrics.forget_connector("people", "directory");
    assert!(!scrape(&registry).contains("directory"));
}
