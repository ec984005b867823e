//! Whole sets whose children are woken from other threads.

use std::sync::Arc;

use super::*;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, lock};

/// Waits until another thread opens it.
struct Gate {
    open: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Gate {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            open: AtomicBool::new(false),
            waker: Mutex::new(None),
        })
    }

    fn open(&self) {
        self.open.store(true, Ordering::Release);
        let waker = lock(&self.waker).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        *lock(&self.waker) = Some(cx.waker().clone());
        match self.open.load(Ordering::Acquire) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

async fn all(gates: Vec<Arc<Gate>>) -> Vec<()> {
    let children = gates
        .iter()
        .map(|gate| std::future::poll_fn(|cx| gate.poll(cx)));
    let mut children = FixedChildren::new(children);
    std::future::poll_fn(|cx| children.poll(cx, |_, ()| ControlFlow::<(), ()>::Continue(()))).await;
    children.take()
}

#[cfg(loom)]
mod under_loom {
    use std::pin::pin;
    use std::task::Wake;

    use loom::sync::Notify;

    use super::*;

    struct Parent(Notify);

    impl Wake for Parent {
        fn wake(self: Arc<Self>) {
            self.0.notify();
        }
    }

    /// A wake that is lost leaves this waiting for ever, which loom reports.
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let parent = Arc::new(Parent(Notify::new()));
        let waker = Waker::from(Arc::clone(&parent));
        let mut future = pin!(future);
        loop {
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(output) => return output,
                Poll::Pending => parent.0.wait(),
            }
        }
    }

    #[test]
    fn a_child_woken_from_another_thread_is_polled() {
        loom::model(|| {
            let gates = vec![Gate::new(), Gate::new()];
            gates[1].open();
            let other = Arc::clone(&gates[0]);
            let opener = loom::thread::spawn(move || other.open());
            assert_eq!(block_on(all(gates)).len(), 2);
            opener.join().unwrap();
        });
    }

    #[test]
    fn a_waker_outlives_the_set_on_another_thread() {
        loom::model(|| {
            let gate = Gate::new();
            let mut set = Box::pin(all(vec![Arc::clone(&gate)]));
            let _ = set.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            let opener = loom::thread::spawn(move || gate.open());
            drop(set);
            opener.join().unwrap();
        });
    }
}

#[cfg(all(shuttle, not(loom)))]
#[test]
fn children_woken_from_many_threads_all_end() {
    shuttle::check_random(
        || {
            let gates: Vec<_> = (0..4).map(|_| Gate::new()).collect();
            let openers: Vec<_> = gates
                .iter()
                .cloned()
                .map(|gate| shuttle::thread::spawn(move || gate.open()))
                .collect();
            assert_eq!(shuttle::future::block_on(all(gates)).len(), 4);
            openers
                .into_iter()
                .for_each(|opener| opener.join().unwrap());
        },
        2000,
    );
}
