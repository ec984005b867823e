use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use fascine_rt::JoinError;
use futures_lite::future;

use super::Host;
use super::host::{Flag, until};

pub fn blocking_work_gives_its_output(host: impl Host) {
    assert_eq!(host.block_on(host.rt().unblock(|| 6 * 7)).unwrap(), 42);
}

pub fn blocking_work_runs_off_the_async_threads(host: impl Host) {
    let rt = host.rt();
    host.block_on(async {
        let worker = rt.spawn(async { thread::current().id() }).await.unwrap();
        let blocking = rt.unblock(|| thread::current().id()).await.unwrap();
        assert_ne!(blocking, worker);
        assert_ne!(blocking, thread::current().id());
    });
}

pub fn a_panic_in_blocking_work_is_an_error(host: impl Host) {
    let task = host.rt().unblock(|| -> u8 { panic!("stuck drawer") });
    match host.block_on(task) {
        Err(JoinError::Panicked(panic)) => assert_eq!(panic.message(), "stuck drawer"),
        other => panic!("{other:?}"),
    }
}

pub fn blocking_work_may_block_on_async_code(host: impl Host) {
    let task = host.rt().unblock(|| future::block_on(async { 5 }));
    assert_eq!(host.block_on(task).unwrap(), 5);
}

pub fn blocking_work_that_is_dropped_does_not_disturb(host: impl Host) {
    let rt = host.rt();
    let (flag, dropped) = Flag::new();
    host.block_on(async {
        drop(rt.unblock(move || drop(flag)));
        // Run or not, what it owned is let go.
        until(&rt, || dropped.try_recv().is_ok()).await;
        assert_eq!(rt.unblock(|| 1).await.unwrap(), 1);
    });
}

pub fn much_blocking_work_ends(host: impl Host) {
    let rt = host.rt();
    let work: Vec<_> = (0..100_u64).map(|n| rt.unblock(move || n)).collect();
    host.block_on(async {
        let mut sum = 0;
        for task in work {
            sum += task.await.unwrap();
        }
        assert_eq!(sum, 4950);
    });
}

pub fn block_on_in_async_code_is_refused(host: impl Host) {
    let refused = host.block_on(async {
        catch_unwind(AssertUnwindSafe(|| host.block_on(async {}))).unwrap_err()
    });
    let message = fascine_rt::Panic::new(refused).message().to_owned();
    assert!(
        message.contains("block_on was called from async code"),
        "{message}"
    );
}

pub fn block_on_in_a_task_is_refused(host: impl Host) {
    let task = host
        .rt()
        .spawn(async { drop(fascine_rt::enter_block_on()) });
    match host.block_on(task) {
        Err(JoinError::Panicked(panic)) => {
            assert!(
                panic.message().contains("await the future instead"),
                "{panic:?}"
            );
        }
        other => panic!("{other:?}"),
    }
    // The refusal leaves the runtime as it was.
    host.block_on(async {});
}

pub fn block_on_may_borrow(host: impl Host) {
    let mut text = String::from("borrowed");
    host.block_on(async { text.push('!') });
    assert_eq!(text, "borrowed!");
}

pub fn block_on_twice_in_a_row_works(host: impl Host) {
    let first = host.block_on(async { 1 });
    let second = host.block_on(async { 2 });
    assert_eq!((first, second), (1, 2));
}
