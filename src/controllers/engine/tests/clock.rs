//! A clock that is ahead for a while ends no work for good.

use jiff::SignedDuration;
use serde_json::json;

use super::{Bench, account, connector, employee, everyone, ordered};
use crate::domain::account::Activity;
use crate::plan::Operation;

#[tokio::test]
async fn whoever_seemed_to_have_left_is_back_once_the_clock_is_right() {
    let mut bench = Bench::new();
    bench.secret("directory");
    bench.connector("directory", &connector("directory"));
    bench.template("everyone", &everyone());
    let day = bench.engine.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let mut object = employee("1");
    let last = day.checked_add(jiff::Span::new().days(10)).unwrap();
    object["spec"]["endDate"] = json!(last.to_string());
    bench.employee("ada", &object);
    bench.work();
    let active = account(&bench, "1", "1", Activity::Active);
    bench.listed("directory", vec![active]);
    bench.work();
    assert_eq!(ordered(&bench, "ada"), None);

    bench.clock.shift(SignedDuration::from_hours(24 * 20));
    bench.work();
    assert_eq!(ordered(&bench, "ada"), Some(Operation::Disable("1".into())));
    let disabled = account(&bench, "1", "1", Activity::Disabled);
    bench.listed("directory", vec![disabled]);
    bench.work();

    bench.clock.shift(SignedDuration::from_hours(-24 * 20));
    bench.work();
    assert_eq!(ordered(&bench, "ada"), Some(Operation::Enable("1".into())));
}
