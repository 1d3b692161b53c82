//! Runs a history: one operator after another, each in a runtime of its own. To kill one is to drop its runtime, at
//! whatever it was waiting for.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rollcall::runtime::clock::Clock as _;
use tokio::time::sleep;

use crate::checks;
use crate::findings::Finding;
use crate::history::{History, What};
use crate::logs;
use crate::operator::Operator;
use crate::world::World;

/// What came of a history.
pub struct Outcome {
    pub finding: Option<Finding>,
    /// Days that went by.
    pub days: usize,
    /// The same for the same history.
    pub trace: u64,
    pub person_days: usize,
}

/// Where in the history we are.
#[derive(Clone, Copy, Default)]
struct Cursor {
    day: usize,
    event: usize,
    /// Whether nothing is to be written any more today.
    quiet: bool,
}

enum End {
    Killed,
    Over,
}

/// The evening, by which everything that is well must be as it should be.
const EVENING: u32 = 22 * 3_600_000;
/// From here on nothing is written on a calm day.
const QUIET: u32 = 18 * 3_600_000;
/// So long the machine stays awake after something happened, and so long before something is looked at.
const AWAKE: Duration = Duration::from_mins(10);
const FRESH: Duration = Duration::from_mins(1);
const MIDNIGHT: u32 = 24 * 3_600_000;

pub fn run(history: &History) -> Outcome {
    fastrand::seed(history.seed);
    let mut world = World::new(history);
    let _logs = logs::taken_by(&world.findings);
    let start = world.wall.now();
    let mut cursor = Cursor::default();
    let mut person_days = 0;
    loop {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let end = runtime.block_on(async {
            world.wall.goes();
            let mut operator = Operator::start(&world);
            let end = live(
                history,
                &mut world,
                &mut cursor,
                start,
                &mut operator,
                &mut person_days,
            );
            let end = end.await;
            world.wall.stands();
            end
        });
        drop(runtime);
        if matches!(end, End::Over) {
            break;
        }
    }
    if crate::talkative()
        && let Some(finding) = world.findings.first()
    {
        println!("{}", world.told_of(&finding.told));
    }
    Outcome {
        finding: world.findings.first(),
        days: cursor.day,
        trace: world.findings.sum(),
        person_days,
    }
}

async fn live(
    history: &History,
    world: &mut World,
    cursor: &mut Cursor,
    start: Timestamp,
    operator: &mut Operator,
    person_days: &mut usize,
) -> End {
    while let Some(day) = history.days.get(cursor.day) {
        let begins = start + SignedDuration::from_hours(24 * i64::try_from(cursor.day).unwrap());
        if day.calm && cursor.event == 0 {
            world.calm();
        }
        while let Some(event) = day.events.get(cursor.event) {
            if event.at > QUIET {
                begin_quiet(history, world, cursor, begins).await;
            }
            until(history, world, begins, event.at).await;
            cursor.event += 1;
            world.happens(&event.what);
            if let What::Ahead { hours } = event.what {
                sleep(FRESH).await;
                world.is_right(hours);
            }
            if matches!(event.what, What::Stop | What::Relieved) {
                operator.shutdown.cancel();
                let _ = (&mut operator.task).await;
                return End::Killed;
            }
            if event.what == What::Kill {
                return End::Killed;
            }
            if world.findings.first().is_some() {
                return End::Over;
            }
        }
        begin_quiet(history, world, cursor, begins).await;
        until(history, world, begins, EVENING - 3_600_000).await;
        // Whatever has to be tried once more may be.
        sleep_hour(world, begins).await;
        if operator.task.is_finished() {
            checks::ended(world);
        }
        checks::evening(world, day.calm);
        *person_days += world.judge.company().people.len();
        world.remember();
        if world.findings.first().is_some() {
            return End::Over;
        }
        until(history, world, begins, MIDNIGHT).await;
        *cursor = Cursor {
            day: cursor.day + 1,
            ..Cursor::default()
        };
    }
    End::Over
}

/// On a calm day nothing is written from here on.
async fn begin_quiet(history: &History, world: &mut World, cursor: &mut Cursor, begins: Timestamp) {
    let is_calm = history.days.get(cursor.day).is_some_and(|day| day.calm);
    if is_calm && !cursor.quiet {
        until(history, world, begins, QUIET).await;
        checks::begin_quiet(world);
        cursor.quiet = true;
    }
}

async fn sleep_hour(world: &World, begins: Timestamp) {
    let at = begins + SignedDuration::from_millis(EVENING.into());
    let left = Duration::try_from(at.duration_since(world.wall.now()));
    sleep(left.unwrap_or_default()).await;
}

/// Waits for a time of the day, by the clock on the wall. Where nothing happens for long the machine sleeps: its
/// timers stand, and its clock goes on, as that of a computer does that is woken again.
async fn until(history: &History, world: &World, begins: Timestamp, at: u32) {
    let at = begins + SignedDuration::from_millis(at.into());
    let left = |world: &World| {
        let left = Duration::try_from(at.duration_since(world.wall.now()));
        left.unwrap_or_default()
    };
    let whole = left(world);
    if !history.naps || whole < AWAKE + FRESH {
        sleep(whole).await;
        return;
    }
    sleep(AWAKE).await;
    let nap = left(world).saturating_sub(FRESH);
    world.wall.jump(SignedDuration::try_from(nap).unwrap());
    sleep(left(world)).await;
}
