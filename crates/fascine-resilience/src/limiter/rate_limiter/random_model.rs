//! A whole limiter under random schedules, with some tasks that give up in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::Poll;

use shuttle::thread;

use super::modelled::limiter;
use crate::hand::Task;

#[test]
fn many_threads_never_hold_too_much_and_give_all_of_it_back() {
    let model = || {
        let limiter = limiter(3000);
        let held = Arc::new(AtomicU64::new(0));
        let threads: Vec<_> = (0..4_u64)
            .map(|nth| {
                let (limiter, held) = (limiter.clone(), Arc::clone(&held));
                thread::spawn(move || {
                    let amount = 900 + 400 * nth;
                    let mut task = Task::new(limiter.acquire(&[("x", amount)]));
                    let mut polled = task.poll();
                    thread::yield_now();
                    if nth % 2 == 0 && polled.is_pending() {
                        polled = task.poll();
                    }
                    match polled {
                        Poll::Ready(granted) => {
                            let all = held.fetch_add(amount, SeqCst) + amount;
                            assert!(all <= 3000, "{all}");
                            thread::yield_now();
                            held.fetch_sub(amount, SeqCst);
                            drop(granted);
                        }
                        Poll::Pending => drop(task),
                    }
                    u64::from(limiter.try_spend(&[("x", 1)]).is_ok())
                })
            })
            .collect();
        let spent: u64 = threads
            .into_iter()
            .map(|thread| thread.join().expect("a panic in a thread ends the model"))
            .sum();
        assert_eq!(limiter.waiting(), 0);
        assert_eq!(limiter.available("x"), Some(3000 - spent));
    };
    shuttle::check_random(model, 3000);
    shuttle::check_pct(model, 1000, 3);
}
