use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use fascine_rt::{JoinError, Panic};
use futures_lite::future::pending;

use super::Host;
use super::host::{ms, until};

fn panic_of<T: Send + 'static>(
    host: &impl Host,
    future: impl Future<Output = T> + Send + 'static,
) -> Panic {
    match host.block_on(host.rt().spawn(future)) {
        Err(JoinError::Panicked(panic)) => panic,
        Err(other) => panic!("it did not panic: {other}"),
        Ok(_) => panic!("it did not panic"),
    }
}

pub fn a_panic_is_an_error_with_its_message(host: impl Host) {
    let panic = panic_of(&host, async { panic!("out of cheese") });
    assert_eq!(panic.message(), "out of cheese");
}

pub fn a_formatted_panic_keeps_its_message(host: impl Host) {
    let what = "cheese";
    let panic = panic_of(&host, async move { panic!("out of {what}") });
    assert_eq!(
        JoinError::Panicked(panic).to_string(),
        "task panicked: out of cheese"
    );
}

pub fn a_panic_with_another_payload_is_an_error(host: impl Host) {
    let panic = panic_of(&host, async { panic_any(42_u8) });
    assert_eq!(panic.into_payload().downcast_ref(), Some(&42_u8));
}

pub fn a_panic_can_go_on_in_the_owner(host: impl Host) {
    let panic = panic_of(&host, async { panic!("pass it on") });
    let caught = catch_unwind(AssertUnwindSafe(|| panic.resume())).unwrap_err();
    assert_eq!(caught.downcast_ref(), Some(&"pass it on"));
}

pub fn a_panic_takes_no_worker_down(host: impl Host) {
    let rt = host.rt();
    let panicking: Vec<_> = (0..100)
        .map(|_| rt.spawn(async { panic!("again") }))
        .collect();
    host.block_on(async {
        for task in panicking {
            assert!(task.await.map(|never: ()| never).unwrap_err().is_panic());
        }
        assert_eq!(rt.spawn(async { 1 }).await.unwrap(), 1);
        assert_eq!(rt.unblock(|| 2).await.unwrap(), 2);
    });
}

pub fn a_panic_in_a_detached_task_is_contained(host: impl Host) {
    let rt = host.rt();
    let seen = Arc::new(AtomicUsize::new(0));
    rt.spawn({
        let seen = Arc::clone(&seen);
        async move {
            seen.fetch_add(1, SeqCst);
            panic!("nobody is listening")
        }
    })
    .detach();
    host.block_on(async {
        until(&rt, || seen.load(SeqCst) == 1).await;
        rt.sleep(ms(1)).await;
        assert_eq!(rt.spawn(async { 1 }).await.unwrap(), 1);
    });
}

pub fn a_panic_while_a_future_is_dropped_is_contained(host: impl Host) {
    struct PanicOnDrop;
    impl Drop for PanicOnDrop {
        fn drop(&mut self) {
            panic!("not even this");
        }
    }
    let rt = host.rt();
    // Owned from the start: it is dropped with the future whether that was polled or not.
    let held = PanicOnDrop;
    let task = rt.spawn(async move {
        let _held = held;
        pending::<()>().await;
    });
    host.block_on(async {
        rt.sleep(ms(2)).await;
        task.cancel();
        match task.await {
            Err(JoinError::Panicked(panic)) => assert_eq!(panic.message(), "not even this"),
            other => panic!("{other:?}"),
        }
        assert_eq!(rt.spawn(async { 1 }).await.unwrap(), 1);
    });
}
