use std::time::Duration;

use fascine::concurrency::CompletionStream;
use fascine_testing::TestRuntime;
use futures_lite::future;

#[test]
fn outputs_come_as_they_end_and_more_can_be_added() {
    TestRuntime::run(|rt| async move {
        let mut running = CompletionStream::new();
        let after = |ms| rt.sleep(Duration::from_millis(ms));
        assert_eq!([running.push(after(30)), running.push(after(10))], [0, 1]);
        assert_eq!(running.next().await, Some((1, ())));
        assert_eq!(running.push(after(5)), 2);
        assert_eq!(running.len(), 2);
        assert_eq!(running.next().await, Some((2, ())));
        assert_eq!(running.next().await, Some((0, ())));
        assert_eq!(running.next().await, None);
        assert!(running.is_empty());
    });
}

#[test]
fn nothing_is_lost_when_a_wait_is_dropped() {
    TestRuntime::run(|rt| async move {
        let mut running = CompletionStream::new();
        running.push(rt.sleep(Duration::from_millis(5)));
        assert_eq!(future::poll_once(running.next()).await, None);
        rt.sleep(Duration::from_millis(10)).await;
        assert_eq!(running.next().await, Some((0, ())));
    });
}
