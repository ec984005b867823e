//! Sets that futures are added to, whose children are woken from other threads.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;

use super::Children;
use crate::combinators::model_gate::{Gate, block_on};

type Waiting = Pin<Box<dyn Future<Output = ()>>>;

fn waiting(gate: &Arc<Gate>) -> Waiting {
    let gate = Arc::clone(gate);
    Box::pin(poll_fn(move |cx| gate.poll(cx)))
}

#[cfg(loom)]
#[test]
fn what_is_woken_from_another_thread_ends_once() {
    loom::model(|| {
        let gates = [Gate::new(), Gate::new()];
        let others = gates.clone();
        let opener = loom::thread::spawn(move || others.iter().for_each(|gate| gate.open()));
        // The second one is in a chunk of its own.
        let mut children = Children::for_at_most(1);
        children.push(0, waiting(&gates[0]));
        children.push(1, waiting(&gates[1]));
        let mut ended = 0;
        while block_on(poll_fn(|cx| children.poll_next(cx))).is_some() {
            ended += 1;
        }
        assert_eq!(ended, 2);
        opener.join().unwrap();
    });
}

#[cfg(all(shuttle, not(loom)))]
#[test]
fn places_are_used_again_while_other_threads_wake() {
    shuttle::check_random(
        || {
            let mut children = Children::for_at_most(2);
            let mut ended = Vec::new();
            for round in 0..3 {
                let gates: Vec<_> = (0..3).map(|_| Gate::new()).collect();
                for (index, gate) in gates.iter().enumerate() {
                    children.push(3 * round + index, waiting(gate));
                }
                let openers = gates
                    .iter()
                    .cloned()
                    .map(|gate| shuttle::thread::spawn(move || gate.open()));
                let openers: Vec<_> = openers.collect();
                // One of them stays for the next round.
                for _ in 0..2 {
                    ended.extend(block_on(poll_fn(|cx| children.poll_next(cx))));
                }
                openers
                    .into_iter()
                    .for_each(|opener| opener.join().unwrap());
            }
            while let Some(one) = block_on(poll_fn(|cx| children.poll_next(cx))) {
                ended.push(one);
            }
            ended.sort_unstable();
            assert!(ended.iter().map(|(tag, ())| *tag).eq(0..9));
        },
        1000,
    );
}
