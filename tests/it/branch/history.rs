use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fascine::branch::{Branch, Clock, History, Prune};
use fascine::http::Net;
use fascine::message::Timestamp;
use fascine::model::{EchoModel, TokenCounter};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;

use super::histories::{assert_whole, plain};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    forks_that_are_dropped_leave_no_trace,
}

async fn forks_that_are_dropped_leave_no_trace(rt: Rt, _: Arc<dyn Net>) {
    let branch = Branch::builder(&rt, "b", EchoModel)
        .history(plain(100))
        .build();
    branch.communicate("x").await.unwrap();
    let before = branch.history();
    for number in 0..10 {
        let fork = branch.fork(format!("fork {number}"));
        fork.communicate("y").await.unwrap();
        assert_whole(&fork.history());
    }
    assert_eq!(branch.history(), before);
    assert_whole(&branch.history());
}

#[test]
fn a_fork_costs_the_same_however_long_the_history_is() {
    TestRuntime::run(|rt| async move {
        let cost = |turns: usize| {
            let branch = Branch::builder(&rt, "b", EchoModel)
                .history(plain(turns))
                .build();
            let used = allocation_counter::measure(|| drop(branch.fork("f")));
            (used.count_total, used.bytes_total)
        };
        assert_eq!(cost(5_000), cost(5));
        assert!(cost(5).0 < 16, "{:?}", cost(5));
    });
}

#[test]
fn ten_thousand_forks_share_their_memory() {
    TestRuntime::run(|rt| async move {
        let held = |turns: usize| {
            let branch = Branch::builder(&rt, "b", EchoModel)
                .history(plain(turns))
                .build();
            let mut forks = Vec::with_capacity(10_000);
            let used = allocation_counter::measure(|| {
                forks.extend((0..10_000).map(|_| branch.fork("f")));
            });
            assert_eq!(forks.len(), 10_000);
            used.bytes_current
        };
        let (long, short) = (held(5_000), held(5));
        assert_eq!(long, short, "it does not depend on the history");
        assert!(long / 10_000 < 2_048, "{} bytes to a fork", long / 10_000);
    });
}

#[test]
fn a_fork_that_goes_on_copies_some_turns_not_all() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::builder(&rt, "b", EchoModel)
            .history(plain(5_000))
            .build();
        let mut history = branch.history();
        let turn = plain(1).last().unwrap().clone();
        let used = allocation_counter::measure(|| history.push(turn));
        assert!(used.count_total < 16, "{} allocations", used.count_total);
        assert!(used.bytes_total < 4_096, "{} bytes", used.bytes_total);
        assert_eq!(branch.history().len(), 10_000);
    });
}

#[test]
fn the_latest_turn_is_taken_off_without_touching_clones() {
    let before = plain(100);
    let mut history = before.clone();
    let last = history.pop().unwrap();
    assert_eq!(Some(&last), before.last());
    assert_eq!((history.len(), before.len()), (198, 200));
    history.push(last);
    assert_eq!(history, before);
    assert_eq!(History::new().pop(), None);
}

#[test]
fn ids_and_times_come_from_values() {
    let said = || {
        TestRuntime::run(|rt| async move {
            let clock = Clock::anchored(&rt, Timestamp::from_unix_millis(1_000));
            let branch = Branch::builder(&rt, "b", EchoModel)
                .seed(7)
                .clock(clock)
                .build();
            branch.communicate("x").await.unwrap();
            rt.sleep(Duration::from_millis(500)).await;
            branch.communicate("y").await.unwrap();
            branch.history()
        })
    };
    let (one, two) = (said(), said());
    assert_eq!(one, two, "the same values give the same history");
    let times: Vec<_> = one.turns().map(|turn| turn.timestamp()).collect();
    let millis = |millis| Some(Timestamp::from_unix_millis(millis));
    assert_eq!(times, [millis(1_000), millis(1_500)]);
}

/// Counts a token to each byte, and how many texts it has counted.
#[derive(Clone, Debug, Default)]
struct Counted(Arc<AtomicUsize>);

impl TokenCounter for Counted {
    fn count(&self, text: &str) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed);
        text.len() as u64
    }

    fn id(&self) -> u64 {
        0xC0_0173D
    }
}

#[test]
fn a_message_is_tokenised_once() {
    TestRuntime::run(|rt| async move {
        let counter = Counted::default();
        let prune = Prune::tokens(1_000_000, counter.clone());
        let branch = Branch::builder(&rt, "b", EchoModel)
            .system("Be brief.")
            .prune(prune)
            .build();
        for _ in 0..100 {
            branch.communicate("x").await.unwrap();
        }
        let fork = branch.fork("f");
        fork.communicate("y").await.unwrap();
        // Each message that was sent, and the system prompt. The last answers were sent to nobody.
        let messages = fork.history().len() - 1;
        assert_eq!(
            counter.0.load(Ordering::Relaxed),
            messages + 1,
            "the fork has the same prompt"
        );
    });
}
