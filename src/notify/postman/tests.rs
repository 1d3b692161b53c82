//! Retries, and at most once for each event: with sinks that do as they are told, and time that is not waited for.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use serde_json::Value;

use super::super::notice::{NoticeId, Occasion};
use super::super::notifier::Notifier;
use super::super::outbox::InMemory;
use super::*;
use crate::runtime::clock::SystemClock;
use crate::runtime::metrics;

/// A sink that answers what it is told, and then takes everything.
struct Scripted {
    name: &'static str,
    answers: Mutex<VecDeque<Result<(), Refusal>>>,
    taken: Mutex<Vec<(String, Instant)>>,
    /// Whether it never answers.
    hangs: bool,
}

impl Scripted {
    fn new(name: &'static str, answers: Vec<Result<(), Refusal>>) -> Arc<Self> {
        Arc::new(Self {
            name,
            answers: Mutex::new(answers.into()),
            taken: Mutex::default(),
            hangs: false,
        })
    }

    fn asked(&self) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        taken.iter().map(|(id, _)| id.clone()).collect()
    }
}

#[async_trait]
impl Sink for Scripted {
    fn name(&self) -> &str {
        self.name
    }

    async fn deliver(&self, notice: &Notice) -> Result<(), Refusal> {
        let id = notice.id.to_string();
        self.taken.lock().unwrap().push((id, Instant::now()));
        if self.hangs {
            std::future::pending::<()>().await;
        }
        self.answers.lock().unwrap().pop_front().unwrap_or(Ok(()))
    }
}

/// An outbox that fails so often before it does as it should.
struct Moody {
    within: InMemory,
    failures: AtomicUsize,
}

impl Moody {
    fn mood(&self) -> Result<(), OutboxError> {
        let left = self.failures.load(Ordering::SeqCst);
        if left == 0 {
            return Ok(());
        }
        self.failures.store(left - 1, Ordering::SeqCst);
        Err(OutboxError::Unavailable("moody".to_owned()))
    }
}

#[async_trait]
impl Outbox for Moody {
    async fn claim(&self, slip: &Slip) -> Result<Claim, OutboxError> {
        self.mood()?;
        self.within.claim(slip).await
    }

    async fn close(&self, slip: &Slip, end: &End) -> Result<(), OutboxError> {
        self.mood()?;
        self.within.close(slip, end).await
    }

    async fn release(&self, slip: &Slip) -> Result<(), OutboxError> {
        self.mood()?;
        self.within.release(slip).await
    }
}

fn notice(name: &str) -> Notice {
    Notice {
        id: NoticeId::of(Occasion::LeaverReport, &[name]),
        occasion: Occasion::LeaverReport,
        subject: name.to_owned(),
        text: String::new(),
        html: None,
        json: Value::Null,
    }
}

fn slip(sink: &str, name: &str) -> Slip {
    Slip {
        sink: sink.to_owned(),
        notice: notice(name).id,
    }
}

fn over(
    sinks: &[&Arc<Scripted>],
    outbox: &Arc<impl Outbox + 'static>,
) -> (Notifier, CancellationToken) {
    let outbox: Arc<dyn Outbox> = Arc::clone(outbox) as Arc<dyn Outbox>;
    let metrics = Metrics::register(&mut metrics::registry(), Arc::new(SystemClock));
    let stop = CancellationToken::new();
    let sinks = sinks.iter().map(|s| Arc::clone(s) as Arc<dyn Sink>);
    let occasions = Occasion::ALL.into();
    let (notifier, running) = Notifier::over(sinks.collect(), &outbox, occasions, &metrics, &stop);
    tokio::spawn(running.ended());
    (notifier, stop)
}

async fn a_day() {
    sleep(Duration::from_hours(24)).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_tried_again_until_it_is_taken_once() {
    let refused = || Err(Refusal::later("451"));
    let sink = Scripted::new("email", vec![refused(), refused(), Ok(())]);
    let outbox = Arc::new(InMemory::default());
    let (notifier, _stop) = over(&[&sink], &outbox);
    assert!(notifier.notify(notice("ada")) && notifier.notify(notice("ada")));
    a_day().await;
    assert_eq!(sink.asked(), ["LeaverReport/ada"; 3]);
    assert_eq!(outbox.of(&slip("email", "ada")), Some(Some(End::Sent)));
    // The next run of the program finds the same event again.
    let (again, _stop) = over(&[&sink], &outbox);
    assert!(again.notify(notice("ada")));
    a_day().await;
    assert_eq!(sink.asked().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn one_bad_sink_delays_no_other_and_one_bad_notice_no_other() {
    let after = Some(Duration::from_mins(30));
    let refused = Err(Refusal::Later {
        why: "429".to_owned(),
        after,
    });
    let bad = Scripted::new("chat", vec![refused]);
    let good = Scripted::new("email", vec![]);
    let outbox = Arc::new(InMemory::default());
    let (notifier, _stop) = over(&[&bad, &good], &outbox);
    assert!(notifier.notify(notice("ada")) && notifier.notify(notice("eve")));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(good.asked(), ["LeaverReport/ada", "LeaverReport/eve"]);
    assert_eq!(bad.asked(), ["LeaverReport/ada", "LeaverReport/eve"]);
    a_day().await;
    let taken = bad.taken.lock().unwrap().clone();
    assert_eq!(taken.len(), 3);
    let pause = taken[2].1 - taken[0].1;
    assert!(
        pause >= Duration::from_mins(30),
        "as the sink asks for: {pause:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_never_will_be_taken_is_given_up_with_a_reason() {
    let sink = Scripted::new(
        "email",
        vec![Err(Refusal::Never("550 no such user".to_owned()))],
    );
    let outbox = Arc::new(InMemory::default());
    let (notifier, _stop) = over(&[&sink], &outbox);
    assert!(notifier.notify(notice("ada")));
    a_day().await;
    assert_eq!(sink.asked().len(), 1);
    let why = "550 no such user".to_owned();
    assert_eq!(
        outbox.of(&slip("email", "ada")),
        Some(Some(End::GivenUp { why }))
    );
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_keeps_refusing_is_given_up_after_days() {
    let refused = std::iter::repeat_with(|| Err(Refusal::later("down"))).take(2000);
    let sink = Scripted::new("email", refused.collect());
    let outbox = Arc::new(InMemory::default());
    let (notifier, _stop) = over(&[&sink], &outbox);
    assert!(notifier.notify(notice("ada")));
    for _ in 0..4 {
        a_day().await;
    }
    let end = outbox.of(&slip("email", "ada")).unwrap().unwrap();
    assert!(matches!(end, End::GivenUp { why } if why.contains("three days")));
    let asked = sink.asked().len();
    assert!((250..800).contains(&asked), "{asked} times in three days");
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_taken_is_not_sent_again() {
    let sink = Scripted::new("email", vec![Err(Refusal::Uncertain("lost".to_owned()))]);
    let outbox = Arc::new(InMemory::default());
    let (notifier, _stop) = over(&[&sink], &outbox);
    assert!(notifier.notify(notice("ada")));
    a_day().await;
    assert_eq!(sink.asked().len(), 1);
    assert_eq!(outbox.of(&slip("email", "ada")), Some(Some(End::Uncertain)));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_that_could_not_be_claimed_and_nothing_twice_that_could_not_be_written_down()
 {
    for failures in 1..6 {
        let sink = Scripted::new("email", vec![Err(Refusal::later("451"))]);
        let outbox = Arc::new(Moody {
            within: InMemory::default(),
            failures: AtomicUsize::new(0),
        });
        let (notifier, _stop) = over(&[&sink], &outbox);
        outbox.failures.store(failures, Ordering::SeqCst);
        assert!(notifier.notify(notice("ada")));
        sleep(Duration::from_millis(1)).await;
        assert_eq!(sink.asked().len(), 0, "not before it is claimed");
        a_day().await;
        assert_eq!(sink.asked().len(), 2, "refused, and taken");
        outbox.failures.store(failures, Ordering::SeqCst);
        assert!(notifier.notify(notice("eve")));
        a_day().await;
        assert_eq!(sink.asked().len(), 3);
        assert_eq!(
            outbox.within.of(&slip("email", "eve")),
            Some(Some(End::Sent))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_is_told_and_nobody_waits_for_it() {
    let sink = Arc::new(Scripted {
        name: "email",
        answers: Mutex::default(),
        taken: Mutex::default(),
        hangs: true,
    });
    let (notifier, stop) = over(&[&sink], &Arc::new(InMemory::default()));
    let taken = (0..5000)
        .filter(|n| notifier.notify(notice(&n.to_string())))
        .count();
    assert!((1000..1002).contains(&taken), "{taken}");
    stop.cancel();
    sleep(Duration::from_mins(1)).await;
}
