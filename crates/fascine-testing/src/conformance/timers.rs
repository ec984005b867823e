use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_lite::future;

use super::Host;
use super::host::{Flag, ms};

pub fn a_sleep_lasts_at_least_its_time(host: impl Host) {
    let rt = host.rt();
    host.block_on(async {
        let started = rt.now();
        rt.sleep(ms(20)).await;
        assert!(rt.now() - started >= ms(20));
    });
}

pub fn timers_fire_in_order(host: impl Host) {
    let rt = host.rt();
    let order = Arc::new(Mutex::new(Vec::new()));
    let started = rt.now();
    let tasks: Vec<_> = [4_u64, 1, 3, 2]
        .into_iter()
        .map(|nth| {
            let (clock, order) = (rt.clone(), Arc::clone(&order));
            rt.spawn(async move {
                // Far enough apart for a busy machine.
                clock.sleep_until(started + ms(60 * nth)).await;
                order.lock().unwrap().push(nth);
            })
        })
        .collect();
    host.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(*order.lock().unwrap(), [1, 2, 3, 4]);
}

pub fn a_sleep_of_zero_ends_at_once(host: impl Host) {
    let rt = host.rt();
    host.block_on(rt.sleep(Duration::ZERO));
}

pub fn a_deadline_in_the_past_ends_at_once(host: impl Host) {
    let rt = host.rt();
    host.block_on(async {
        let before = rt.now();
        rt.sleep(ms(5)).await;
        assert!(future::poll_once(rt.sleep_until(before)).await.is_some());
    });
}

pub fn a_sleep_of_forever_does_not_end(host: impl Host) {
    let rt = host.rt();
    assert_eq!(rt.deadline_after(Duration::MAX), None);
    host.block_on(async {
        let first = future::or(
            async {
                rt.sleep(Duration::MAX).await;
                "forever"
            },
            async {
                rt.sleep(ms(5)).await;
                "five"
            },
        );
        assert_eq!(first.await, "five");
    });
}

pub fn a_deadline_far_away_is_no_panic(host: impl Host) {
    let rt = host.rt();
    host.block_on(async {
        for years in [10_u32, 99, 101, 100_000] {
            let far = Duration::from_secs(365 * 24 * 3600) * years;
            let mut sleeps = vec![rt.sleep(far)];
            sleeps.extend(
                rt.now()
                    .checked_add(far)
                    .map(|deadline| rt.sleep_until(deadline)),
            );
            for sleep in sleeps {
                assert!(future::poll_once(sleep).await.is_none());
            }
        }
        for seconds in [u64::MAX / 2, u64::MAX / 4] {
            assert!(
                future::poll_once(rt.sleep(Duration::from_secs(seconds)))
                    .await
                    .is_none()
            );
        }
    });
}

pub fn many_equal_deadlines_all_fire(host: impl Host) {
    let rt = host.rt();
    let deadline = rt.now() + ms(20);
    let tasks: Vec<_> = (0..1000)
        .map(|_| rt.spawn(rt.sleep_until(deadline)))
        .collect();
    host.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert!(rt.now() >= deadline);
}

pub fn a_dropped_sleep_fires_no_more(host: impl Host) {
    let rt = host.rt();
    let (flag, woken) = Flag::new();
    host.block_on(async {
        let waiting = {
            let rt = rt.clone();
            async move {
                rt.sleep(ms(5)).await;
                // Held over the wait; sent if the code behind it ever runs.
                std::mem::forget(flag);
                unreachable!("it was dropped");
            }
        };
        let task = rt.spawn(waiting);
        task.cancel();
        assert!(
            task.await
                .map(|never: ()| never)
                .unwrap_err()
                .is_cancelled()
        );
        rt.sleep(ms(15)).await;
    });
    assert!(woken.try_recv().is_ok(), "the future was not dropped");
}

pub fn the_time_of_a_sleep_starts_at_the_call(host: impl Host) {
    let rt = host.rt();
    host.block_on(async {
        let started = rt.now();
        let second = rt.sleep(ms(20));
        rt.sleep(ms(40)).await;
        let between = rt.now();
        assert!(future::poll_once(second).await.is_some() || between - started < ms(20));
    });
}

pub fn the_clock_never_goes_back(host: impl Host) {
    let rt = host.rt();
    let mut last = rt.now();
    for _ in 0..1000 {
        let now = rt.now();
        assert!(now >= last);
        last = now;
    }
}

pub fn sleeps_run_side_by_side(host: impl Host) {
    let rt = host.rt();
    host.block_on(async {
        let started = rt.now();
        let sleeps: Vec<_> = (0..20).map(|_| rt.spawn(rt.sleep(ms(100)))).collect();
        for sleep in sleeps {
            sleep.await.unwrap();
        }
        assert!(rt.now() - started < ms(20 * 100), "one after the other");
    });
}

pub fn a_sleep_can_change_hands(host: impl Host) {
    let rt = host.rt();
    host.block_on(async {
        // Long enough to be polled in time on a busy machine.
        let mut sleep = rt.sleep(ms(100));
        assert!(future::poll_once(&mut sleep).await.is_none());
        rt.spawn(sleep).await.unwrap();
    });
}
