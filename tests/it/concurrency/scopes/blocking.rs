use std::sync::{Arc, mpsc};

use fascine::concurrency::{CancelScope, fail_after, run_sync};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::TestRuntime;

use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_deadline_ends_the_wait_for_blocking_work_and_says_so,
    blocking_work_gives_its_output,
}

async fn a_deadline_ends_the_wait_for_blocking_work_and_says_so(rt: Rt, _: Arc<dyn Net>) {
    let (release, held) = mpsc::channel::<()>();
    let (done, is_done) = mpsc::channel();
    let work = run_sync(&rt, move || {
        let _ = held.recv();
        done.send("to its end").unwrap();
    });
    let inner = fail_after(&rt, ms(60_000), work);
    let elapsed = fail_after(&rt, ms(5), inner).await.unwrap_err();
    assert_eq!(elapsed.abandoned(), 1);
    let text = "the deadline passed; blocking work goes on in a thread";
    assert_eq!(elapsed.to_string(), text);
    drop(release);
    // It was not interrupted.
    let waited = rt.unblock(move || is_done.recv());
    assert_eq!(waited.await.unwrap(), Ok("to its end"));
}

async fn blocking_work_gives_its_output(rt: Rt, _: Arc<dyn Net>) {
    let output = fail_after(&rt, ms(60_000), run_sync(&rt, || 6 * 7)).await;
    assert_eq!(output.unwrap().unwrap(), 42);
    let panicked = run_sync(&rt, || panic!("boo")).await.unwrap_err();
    assert_eq!(panicked.to_string(), "task panicked: boo");
}

#[test]
fn a_scope_that_ends_without_leaving_work_behind_says_nothing() {
    TestRuntime::run(|rt| async move {
        let scope = CancelScope::new(&rt).with_timeout(ms(5));
        let ended = scope.run(async {
            run_sync(&rt, || ()).await.unwrap();
            std::future::pending::<()>().await;
        });
        let cancelled = ended.await.unwrap_err();
        assert_eq!(cancelled.abandoned(), 0);
        assert_eq!(
            cancelled.to_string(),
            "the scope was cancelled: the deadline passed"
        );
    });
}
