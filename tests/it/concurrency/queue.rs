use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::time::Duration;

use allocation_counter::measure;
use fascine::concurrency::{Get, GetError, Put, PutError, Queue};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::StreamExt;
use futures_lite::future::block_on;
use proptest::prelude::*;

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

#[derive(Clone, Debug)]
enum Step {
    Close,
    CloseNow,
    Drain,
    DropGet(usize),
    DropPut(usize),
    Get,
    PollGet(usize),
    PollPut(usize),
    Put,
    TryGet,
    TryPut,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Get),
        6 => Just(Step::Put),
        3 => Just(Step::TryGet),
        3 => Just(Step::TryPut),
        4 => (0_usize..5).prop_map(Step::PollGet),
        4 => (0_usize..5).prop_map(Step::PollPut),
        3 => (0_usize..5).prop_map(Step::DropGet),
        3 => (0_usize..5).prop_map(Step::DropPut),
        1 => Just(Step::Drain),
        1 => prop_oneof![4 => Just(Step::Close), 1 => Just(Step::CloseNow)],
    ]
}

/// How a future ended, if it has.
type Outcome<T, E> = Option<Result<T, E>>;

/// A queue that anybody can see is right.
#[derive(Debug, Default)]
struct Naive {
    capacity: usize,
    closed: bool,
    items: VecDeque<u32>,
    /// The item of each put, and how it ended.
    puts: VecDeque<(u32, Outcome<(), PutError<u32>>)>,
    /// How each get ended.
    gets: VecDeque<Outcome<u32, GetError>>,
}

impl Naive {
    /// Lets everything happen that can.
    fn settle(&mut self) {
        loop {
            let get = self.gets.iter_mut().find(|get| get.is_none());
            let put = self.puts.iter_mut().find(|(_, outcome)| outcome.is_none());
            match (get, put) {
                (Some(get), _) if !self.items.is_empty() => {
                    *get = Some(Ok(self.items.pop_front().unwrap()));
                }
                (_, Some((item, outcome))) if self.closed => {
                    *outcome = Some(Err(PutError::Closed(*item)));
                }
                (Some(get), Some((item, outcome))) => {
                    *get = Some(Ok(*item));
                    *outcome = Some(Ok(()));
                }
                (Some(get), None) if self.closed => *get = Some(Err(GetError::Closed)),
                (None, Some((item, outcome))) if self.items.len() < self.capacity => {
                    self.items.push_back(*item);
                    *outcome = Some(Ok(()));
                }
                _ => return,
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn it_does_what_a_naive_one_does(
        capacity in 0_usize..4,
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let queue = Queue::with_capacity(capacity);
        let mut naive = Naive { capacity, ..Naive::default() };
        let mut puts: VecDeque<Put<'_, u32>> = VecDeque::new();
        let mut gets: VecDeque<Get<'_, u32>> = VecDeque::new();
        let wakes = Wakes::new();
        for (item, step) in (0..).zip(steps) {
            match step {
                Step::Put => {
                    let mut put = queue.put(item);
                    let polled = wakes.poll(&mut put);
                    naive.puts.push_back((item, None));
                    naive.settle();
                    match polled {
                        Poll::Ready(ended) => {
                            prop_assert_eq!(naive.puts.pop_back(), Some((item, Some(ended))));
                        }
                        Poll::Pending => puts.push_back(put),
                    }
                }
                Step::TryPut => {
                    naive.puts.push_back((item, None));
                    naive.settle();
                    let (_, outcome) = naive.puts.pop_back().unwrap();
                    prop_assert_eq!(queue.try_put(item), outcome.unwrap_or(Err(PutError::Full(item))));
                }
                Step::Get => {
                    let mut get = queue.get();
                    let polled = wakes.poll(&mut get);
                    naive.gets.push_back(None);
                    naive.settle();
                    match polled {
                        Poll::Ready(ended) => prop_assert_eq!(naive.gets.pop_back(), Some(Some(ended))),
                        Poll::Pending => gets.push_back(get),
                    }
                }
                Step::TryGet => {
                    naive.gets.push_back(None);
                    naive.settle();
                    let outcome = naive.gets.pop_back().unwrap();
                    prop_assert_eq!(queue.try_get(), outcome.unwrap_or(Err(GetError::Empty)));
                }
                Step::PollPut(nth) if nth < puts.len() => match wakes.poll(&mut puts[nth]) {
                    Poll::Ready(ended) => {
                        puts.remove(nth);
                        let (_, outcome) = naive.puts.remove(nth).unwrap();
                        prop_assert_eq!(Some(ended), outcome);
                    }
                    Poll::Pending => prop_assert_eq!(naive.puts[nth].1, None),
                },
                Step::PollGet(nth) if nth < gets.len() => match wakes.poll(&mut gets[nth]) {
                    Poll::Ready(ended) => {
                        gets.remove(nth);
                        prop_assert_eq!(Some(Some(ended)), naive.gets.remove(nth));
                    }
                    Poll::Pending => prop_assert_eq!(naive.gets[nth], None),
                },
                Step::DropPut(nth) if nth < puts.len() => {
                    puts.remove(nth);
                    naive.puts.remove(nth);
                }
                Step::DropGet(nth) if nth < gets.len() => {
                    gets.remove(nth);
                    if let Some(Some(Ok(item))) = naive.gets.remove(nth) {
                        naive.items.push_front(item);
                    }
                }
                Step::Drain => {
                    let mut expected: Vec<_> = std::mem::take(&mut naive.items).into();
                    for (item, outcome) in naive.puts.iter_mut().filter(|(_, outcome)| outcome.is_none()) {
                        expected.push(*item);
                        *outcome = Some(Ok(()));
                    }
                    prop_assert_eq!(queue.drain(), expected);
                }
                Step::Close => prop_assert_eq!(queue.close(), !std::mem::replace(&mut naive.closed, true)),
                Step::CloseNow => {
                    naive.closed = true;
                    let expected: Vec<_> = std::mem::take(&mut naive.items).into();
                    prop_assert_eq!(queue.close_now(), expected);
                }
                Step::PollPut(_) | Step::PollGet(_) | Step::DropPut(_) | Step::DropGet(_) => {}
            }
            naive.settle();
            let statistics = queue.statistics();
            prop_assert_eq!(statistics.len, naive.items.len());
            let waiting = naive.puts.iter().filter(|(_, outcome)| outcome.is_none()).count();
            prop_assert_eq!(statistics.putters_waiting, waiting);
            let waiting = naive.gets.iter().filter(|outcome| outcome.is_none()).count();
            prop_assert_eq!(statistics.getters_waiting, waiting);
        }
    }
}
