use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use fascine::concurrency::{join, join_all};
use fascine::http::Net;
use fascine::resilience::{LoadShed, Priority};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::pending;

use crate::runtimes::on_every_runtime;

const MS: Duration = Duration::from_millis(1);

fn door(capacity: usize) -> LoadShed {
    LoadShed::new(NonZeroUsize::new(capacity).unwrap())
}

on_every_runtime! {
    what_is_let_in_is_no_more_than_its_share,
}

async fn what_is_let_in_is_no_more_than_its_share(rt: Rt, _: Arc<dyn Net>) {
    for (priority, share) in [
        (Priority::Low, 5),
        (Priority::Normal, 8),
        (Priority::High, 10),
    ] {
        let door = door(10);
        let calls = (0..20).map(|_| door.run(priority, || rt.sleep(MS)));
        let let_in = join_all(calls).await.into_iter().filter(Result::is_ok);
        assert_eq!(let_in.count(), share);
        assert_eq!(door.inside(), 0);
    }
}

#[test]
fn the_refusal_says_how_full_it_was() {
    TestRuntime::run(|rt| async move {
        let door = door(4);
        let busy = join_all((0..4).map(|_| door.run(Priority::High, || rt.sleep(MS))));
        let late = async { door.run(Priority::Low, pending::<()>).await.unwrap_err() };
        let (_, refused) = join((busy, late)).await;
        assert_eq!((refused.inside, refused.allowed), (4, 2));
        assert_eq!(refused.priority, Priority::Low);
    });
}

#[test]
fn shares_are_rounded_up_and_none_is_none() {
    TestRuntime::run(|_| async move {
        let one = door(1);
        assert!(one.run(Priority::Low, || async {}).await.is_ok());
        let none = one.with_share(Priority::Low, 0);
        assert!(none.run(Priority::Low, || async {}).await.is_err());
        let huge = door(usize::MAX).with_share(Priority::Normal, 255);
        assert!(huge.run(Priority::Normal, || async {}).await.is_ok());
    });
}

#[test]
fn a_dropped_call_gives_back_its_place() {
    drop_after_every_poll(|rt, cut| async move {
        let door = door(1);
        cut.apply(door.run(Priority::High, || rt.sleep(MS))).await;
        assert_eq!(door.inside(), 0);
    });
}
