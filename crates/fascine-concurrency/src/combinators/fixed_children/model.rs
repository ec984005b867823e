//! Whole sets whose children are woken from other threads.

use std::sync::Arc;

use super::*;
use crate::combinators::model_gate::{Gate, block_on};

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
    use super::*;

    #[test]
    fn children_woken_from_another_thread_are_polled() {
        loom::model(|| {
            let gates = vec![Gate::new(), Gate::new()];
            let others = gates.clone();
            let opener = loom::thread::spawn(move || others.iter().for_each(|gate| gate.open()));
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
            assert_eq!(block_on(all(gates)).len(), 4);
            openers
                .into_iter()
                .for_each(|opener| opener.join().unwrap());
        },
        2000,
    );
}
