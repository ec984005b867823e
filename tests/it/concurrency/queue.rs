use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::time::Duration;

use allocation_counter::measure;
use fascine::concurrency::{GetError, PutError, Queue};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::StreamExt;
use futures_lite::future::block_on;

use super::wakes::{Meddler, Wakes, poll_with};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    each_item_arrives_once_and_in_the_order_of_its_producer,
}

async fn each_item_arrives_once_and_in_the_order_of_its_producer(rt: Rt, _: Arc<dyn Net>) {
    for capacity in [0, 1, 3, usize::MAX] {
        let queue = Arc::new(Queue::with_capacity(capacity));
        let producers: Vec<_> = (0..4)
            .map(|producer| {
                let queue = Arc::clone(&queue);
                rt.spawn(async move {
                    for nth in 0..25 {
                        queue.put((producer, nth)).await.unwrap();
                    }
                })
            })
            .collect();
        let consumers: Vec<_> = (0..3)
            .map(|_| {
                let queue = Arc::clone(&queue);
                rt.spawn(async move { queue.items().collect::<Vec<_>>().await })
            })
            .collect();
        for task in producers {
            task.await.unwrap();
        }
        assert!(queue.close());
        let mut all = Vec::new();
        for task in consumers {
            let got = task.await.unwrap();
            for producer in 0..4 {
                let of_one: Vec<_> = got.iter().filter(|(from, _)| *from == producer).collect();
                assert!(of_one.is_sorted(), "{of_one:?}");
            }
            all.extend(got);
        }
        all.sort_unstable();
        let expected: Vec<_> = (0..4)
            .flat_map(|producer| (0..25).map(move |nth| (producer, nth)))
            .collect();
        assert_eq!(all, expected);
        assert!(queue.statistics().peak <= capacity);
    }
}

#[test]
fn without_capacity_a_put_ends_when_a_get_takes_the_item() {
    let queue = Queue::with_capacity(0);
    let wakes = Wakes::new();
    assert_eq!(queue.try_put(0), Err(PutError::Full(0)));
    assert_eq!(queue.try_get(), Err(GetError::Empty));
    let mut put = queue.put(1);
    assert!(wakes.poll(&mut put).is_pending());
    assert_eq!((queue.len(), queue.statistics().putters_waiting), (0, 1));
    assert_eq!(queue.try_get(), Ok(1));
    assert_eq!(wakes.count(), 1);
    assert_eq!(wakes.poll(&mut put), Poll::Ready(Ok(())));
    // The other way round.
    let mut get = queue.get();
    assert!(wakes.poll(&mut get).is_pending());
    assert_eq!(queue.try_put(2), Ok(()));
    assert_eq!(queue.try_put(3), Err(PutError::Full(3)));
    assert_eq!(wakes.poll(&mut get), Poll::Ready(Ok(2)));
    assert_eq!(queue.statistics().peak, 0);
}

#[test]
fn what_is_inside_drains_after_closing_and_then_it_is_over() {
    let queue = Queue::with_capacity(2);
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    let mut put = queue.put(3);
    let wakes = Wakes::new();
    assert!(wakes.poll(&mut put).is_pending());
    assert!(queue.close());
    assert!(!queue.close());
    assert!(queue.is_closed());
    assert_eq!(wakes.count(), 1);
    assert_eq!(wakes.poll(&mut put), Poll::Ready(Err(PutError::Closed(3))));
    assert_eq!(queue.try_put(4).unwrap_err().into_item(), 4);
    assert_eq!(block_on(queue.put(5)), Err(PutError::Closed(5)));
    assert_eq!(block_on(queue.get()), Ok(1));
    assert_eq!(queue.try_get(), Ok(2));
    assert_eq!(block_on(queue.get()), Err(GetError::Closed));
    assert_eq!(queue.try_get(), Err(GetError::Closed));
}

#[test]
fn closing_tells_those_that_wait_for_an_item() {
    let queue = Queue::<u32>::with_capacity(2);
    let wakes = Wakes::new();
    let mut gets = [(); 3].map(|()| queue.get());
    for get in &mut gets {
        assert!(wakes.poll(get).is_pending());
    }
    assert_eq!(queue.statistics().getters_waiting, 3);
    queue.close();
    assert_eq!(wakes.count(), 3);
    for get in &mut gets {
        assert_eq!(wakes.poll(get), Poll::Ready(Err(GetError::Closed)));
    }
}

#[test]
fn what_is_inside_can_be_taken_out_at_once() {
    let queue = Queue::with_capacity(1);
    queue.try_put(1).unwrap();
    let wakes = Wakes::new();
    let mut puts = [2, 3].map(|item| queue.put(item));
    for put in &mut puts {
        assert!(wakes.poll(put).is_pending());
    }
    assert_eq!(queue.drain(), [1, 2, 3]);
    for put in &mut puts {
        assert_eq!(wakes.poll(put), Poll::Ready(Ok(())));
    }
    queue.try_put(4).unwrap();
    let mut put = queue.put(5);
    assert!(wakes.poll(&mut put).is_pending());
    assert_eq!(queue.close_now(), [4]);
    assert_eq!(wakes.poll(&mut put), Poll::Ready(Err(PutError::Closed(5))));
    assert!(queue.drain().is_empty());
}

#[test]
fn a_get_that_is_dropped_with_an_item_hands_it_on_before_all_others() {
    for capacity in [0, 2] {
        let queue = Queue::with_capacity(capacity);
        let wakes = Wakes::new();
        let (mut first, mut second) = (queue.get(), queue.get());
        assert!(Wakes::new().poll(&mut first).is_pending());
        assert!(wakes.poll(&mut second).is_pending());
        queue.try_put(1).unwrap();
        drop(first);
        assert_eq!(wakes.count(), 1);
        queue.try_put(2).unwrap_or_default();
        drop(second);
        assert_eq!((queue.len(), queue.try_get()), (capacity.max(1), Ok(1)));
    }
}

#[test]
fn a_get_that_is_dropped_anywhere_loses_no_item() {
    let produce = |rt: &Rt, queue: &Arc<Queue<u32>>| {
        let (rt, queue) = (rt.clone(), Arc::clone(queue));
        let clock = rt.clone();
        rt.spawn(async move {
            for item in 0..4 {
                clock.sleep(Duration::from_millis(1)).await;
                queue.put(item).await.unwrap();
            }
            queue.close();
        })
    };
    for capacity in [0, 1] {
        drop_after_every_poll(|rt, cut| async move {
            let queue = Arc::new(Queue::with_capacity(capacity));
            let producer = produce(&rt, &queue);
            let mut got: Vec<_> = cut.apply(queue.get()).await.into_iter().flatten().collect();
            got.extend(queue.items().collect::<Vec<_>>().await);
            assert_eq!(got, [0, 1, 2, 3]);
            producer.await.unwrap();
        });
        drop_after_every_poll(|rt, cut| async move {
            let queue = Arc::new(Queue::with_capacity(capacity));
            let producer = produce(&rt, &queue);
            let mut got = Vec::new();
            let mut items = queue.items();
            cut.apply(async {
                while let Some(item) = items.next().await {
                    got.push(item);
                }
            })
            .await;
            drop(items);
            got.extend(queue.items().collect::<Vec<_>>().await);
            assert_eq!(got, [0, 1, 2, 3]);
            producer.await.unwrap();
        });
        TestRuntime::run_seeds(64, |rt| async move {
            let queue = Arc::new(Queue::with_capacity(capacity));
            let producer = produce(&rt, &queue);
            let mut got = Vec::new();
            for _ in 0..20 {
                let mut get = queue.get();
                got.extend(match Wakes::new().poll(&mut get) {
                    Poll::Ready(item) => item.ok(),
                    Poll::Pending => None,
                });
                rt.sleep(Duration::from_micros(300)).await;
            }
            got.extend(queue.items().collect::<Vec<_>>().await);
            producer.await.unwrap();
            assert_eq!(got, [0, 1, 2, 3]);
        });
    }
}

#[test]
fn a_put_that_is_dropped_anywhere_delivers_its_item_once_or_drops_it() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    for capacity in [0, 1] {
        drop_after_every_poll(|rt, cut| async move {
            let queue = Arc::new(Queue::with_capacity(capacity));
            let dropped = Arc::new(AtomicUsize::new(0));
            if capacity > 0 {
                queue.try_put(Counted(Arc::default())).ok().unwrap();
            }
            let consumer = rt.spawn({
                let (rt, queue) = (rt.clone(), Arc::clone(&queue));
                async move {
                    rt.sleep(Duration::from_millis(1)).await;
                    queue.items().collect::<Vec<_>>().await
                }
            });
            let put = queue.put(Counted(Arc::clone(&dropped)));
            let was_put = cut.apply(put).await.is_some();
            if !was_put {
                assert_eq!(dropped.load(SeqCst), 1);
            }
            assert_eq!(queue.statistics().putters_waiting, 0);
            queue.close();
            let got = consumer.await.unwrap().len();
            assert_eq!(got, capacity + usize::from(was_put));
            assert_eq!(dropped.load(SeqCst), 1);
        });
    }
}

#[test]
fn nobody_passes_those_that_wait() {
    let queue = Queue::with_capacity(1);
    queue.try_put(1).unwrap();
    let wakes = [(); 2].map(|()| Wakes::new());
    let mut puts = [2, 3].map(|item| queue.put(item));
    for (put, one) in puts.iter_mut().zip(&wakes) {
        assert!(one.poll(put).is_pending());
    }
    assert_eq!(queue.try_get(), Ok(1));
    // The place is the first one's already.
    assert_eq!(queue.try_put(9), Err(PutError::Full(9)));
    assert_eq!(wakes.each_ref().map(|one| one.count()), [1, 0]);
    assert_eq!([queue.try_get(), queue.try_get()], [Ok(2), Ok(3)]);
    let mut gets = [(); 2].map(|()| queue.get());
    for (get, one) in gets.iter_mut().zip(&wakes) {
        assert!(one.poll(get).is_pending());
    }
    queue.try_put(4).unwrap();
    // The item is the first one's already.
    assert_eq!(queue.try_get(), Err(GetError::Empty));
    assert_eq!(wakes[0].poll(&mut gets[0]), Poll::Ready(Ok(4)));
    assert!(wakes[1].poll(&mut gets[1]).is_pending());
}

#[test]
fn its_statistics_count_what_lies_and_what_waits() {
    let queue = Queue::with_capacity(2);
    for item in 0..2 {
        queue.try_put(item).unwrap();
    }
    let mut put = queue.put(2);
    assert!(Wakes::new().poll(&mut put).is_pending());
    let full = queue.statistics();
    assert_eq!((full.len, full.capacity, full.peak), (2, 2, 2));
    assert_eq!((full.putters_waiting, full.getters_waiting), (1, 0));
    assert!(!full.closed && !queue.is_empty());
    assert_eq!(queue.drain(), [0, 1, 2]);
    let empty = queue.statistics();
    assert_eq!((empty.len, empty.peak, empty.putters_waiting), (0, 2, 0));
}

#[test]
fn errors_say_what_to_do_and_need_no_debug_of_the_item() {
    struct Opaque;
    let full = PutError::Full(Opaque);
    assert_eq!(format!("{full} {full:?}"), "the queue is full Full(..)");
    assert!(full.is_retryable() && !PutError::Closed(Opaque).is_retryable());
    assert!(GetError::Empty.is_retryable() && !GetError::Closed.is_retryable());
}

#[test]
#[should_panic(expected = "`Queue::get` was polled after it had ended")]
fn polling_a_get_after_the_end_says_so() {
    let queue = Queue::with_capacity(1);
    queue.try_put(1).unwrap();
    let mut get = queue.get();
    assert!(Wakes::new().poll(&mut get).is_ready());
    let _ = Wakes::new().poll(&mut get);
}

#[test]
#[should_panic(expected = "`Queue::put` was polled after it had ended")]
fn polling_a_put_after_the_end_says_so() {
    let queue = Queue::with_capacity(1);
    let mut put = queue.put(1);
    assert!(Wakes::new().poll(&mut put).is_ready());
    let _ = Wakes::new().poll(&mut put);
}

/// Would lock up if a lock were held while wakers or items are dropped, or wakers woken.
#[test]
fn wakers_and_items_may_do_what_they_like() {
    type Shared = Arc<Queue<Option<Nosy>>>;
    struct Nosy(Shared);
    impl Drop for Nosy {
        fn drop(&mut self) {
            assert!(self.0.len() < 10);
        }
    }
    let queue: Shared = Arc::new(Queue::with_capacity(0));
    let meddler = || {
        let queue = Arc::clone(&queue);
        Arc::new(Meddler(move || {
            drop(queue.try_get());
            drop(queue.try_put(None));
        }))
    };
    let mut put = queue.put(Some(Nosy(Arc::clone(&queue))));
    assert!(poll_with(&mut put, meddler()).is_pending());
    drop(put);
    let mut get = queue.get();
    assert!(poll_with(&mut get, meddler()).is_pending());
    drop(queue.try_put(Some(Nosy(Arc::clone(&queue)))));
    drop(get);
    drop(queue.drain());
    let mut put = queue.put(Some(Nosy(Arc::clone(&queue))));
    if poll_with(&mut put, meddler()).is_pending() {
        queue.close();
        drop(put);
    }
    assert!(queue.len() < 10);
}

#[test]
fn items_in_transit_allocate_nothing_once_it_has_grown() {
    let queue = Queue::with_capacity(2);
    let wakes = Wakes::new();
    let pass = || {
        let mut gets = [(); 4].map(|()| queue.get());
        for get in &mut gets {
            assert!(wakes.poll(get).is_pending());
        }
        for item in 0..4 {
            assert!(wakes.poll(&mut queue.put(item)).is_ready());
        }
        for get in &mut gets {
            assert!(wakes.poll(get).is_ready());
        }
        let mut puts = [(); 4].map(|()| queue.put(0));
        for put in &mut puts {
            let _ = wakes.poll(put);
        }
        while queue.try_get().is_ok() {}
    };
    pass();
    let counted = measure(|| (0..100).for_each(|_| pass()));
    assert_eq!(counted.count_total, 0);
}
