use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use fascine_rt::Task;
use futures_lite::future::{self, pending};

use super::Host;
use super::host::{Flag, ms, until};

pub fn dropping_a_task_drops_its_future(host: impl Host) {
    let rt = host.rt();
    let (flag, dropped) = Flag::new();
    let task = rt.spawn({
        let rt = rt.clone();
        async move {
            let _held = flag;
            rt.sleep(ms(1)).await;
            pending::<()>().await;
        }
    });
    host.block_on(async {
        rt.sleep(ms(5)).await;
        drop(task);
        until(&rt, || dropped.try_recv().is_ok()).await;
    });
}

pub fn dropping_a_task_before_its_first_poll_drops_its_future(host: impl Host) {
    let rt = host.rt();
    let (flag, dropped) = Flag::new();
    drop(rt.spawn(async move {
        let _held = flag;
        pending::<()>().await;
    }));
    host.block_on(until(&rt, || dropped.try_recv().is_ok()));
}

pub fn a_cancelled_task_says_so(host: impl Host) {
    let task = host.rt().spawn(pending::<()>());
    task.cancel();
    let error = host.block_on(task).unwrap_err();
    assert!(error.is_cancelled(), "{error}");
}

pub fn cancelling_twice_is_cancelling_once(host: impl Host) {
    let task = host.rt().spawn(pending::<()>());
    task.cancel();
    task.cancel();
    assert!(host.block_on(task).unwrap_err().is_cancelled());
}

pub fn cancelling_a_finished_task_changes_nothing(host: impl Host) {
    let rt = host.rt();
    let task = rt.spawn(async { 3 });
    host.block_on(async {
        until(&rt, || task.is_finished()).await;
        task.cancel();
        assert_eq!(task.await.unwrap(), 3);
    });
}

pub fn a_cancelled_future_is_gone_when_its_owner_hears_of_it(host: impl Host) {
    for _ in 0..50 {
        let (flag, dropped) = Flag::new();
        let task = host.rt().spawn(async move {
            let _held = flag;
            pending::<()>().await;
        });
        task.cancel();
        assert!(host.block_on(task).unwrap_err().is_cancelled());
        assert!(dropped.try_recv().is_ok());
    }
}

pub fn a_task_can_cancel_another(host: impl Host) {
    let rt = host.rt();
    let victim = rt.spawn(pending::<()>());
    let killer = rt.spawn(async move {
        victim.cancel();
        victim.await
    });
    assert!(host.block_on(killer).unwrap().unwrap_err().is_cancelled());
}

pub fn a_task_that_owns_itself_can_end(host: impl Host) {
    let rt = host.rt();
    let own: Arc<Mutex<Option<Task<()>>>> = Arc::default();
    let (flag, dropped) = Flag::new();
    let task = rt.spawn({
        let (rt, own) = (rt.clone(), Arc::clone(&own));
        async move {
            let _held = flag;
            rt.sleep(ms(5)).await;
            let own = own.lock().unwrap().take();
            drop(own);
        }
    });
    *own.lock().unwrap() = Some(task);
    host.block_on(until(&rt, || dropped.try_recv().is_ok()));
}

pub fn parents_that_are_dropped_drop_their_children(host: impl Host) {
    let rt = host.rt();
    let (flag, dropped) = Flag::new();
    let parent = rt.spawn({
        let rt = rt.clone();
        async move {
            let child = rt.spawn(async move {
                let _held = flag;
                pending::<()>().await;
            });
            let _ = child.await;
        }
    });
    host.block_on(async {
        rt.sleep(ms(5)).await;
        parent.cancel();
        let _ = parent.await;
        until(&rt, || dropped.try_recv().is_ok()).await;
    });
}

pub fn tasks_of_a_runtime_that_is_shut_down_are_cancelled<H: Host>(host: H) {
    if !H::ENDS_WITH_HOST {
        return;
    }
    let rt = host.rt();
    let (flag, dropped) = Flag::new();
    let task = rt.spawn(async move {
        let _held = flag;
        pending::<()>().await;
    });
    host.block_on(rt.sleep(ms(1)));
    drop((host, rt));
    assert!(future::block_on(task).unwrap_err().is_cancelled());
    assert!(dropped.try_recv().is_ok());
}

pub fn spawning_on_a_runtime_that_is_shut_down_does_not_hang<H: Host>(host: H) {
    if !H::ENDS_WITH_HOST {
        return;
    }
    let rt = host.rt();
    drop(host);
    let mut task = rt.spawn(async {});
    // A handle may keep the runtime's queue, which nobody drives, or be told at once: it must not hang here.
    let polled = future::block_on(poll_fn(|cx| {
        Poll::Ready(std::pin::Pin::new(&mut task).poll(cx).is_ready())
    }));
    let _ = polled;
}
