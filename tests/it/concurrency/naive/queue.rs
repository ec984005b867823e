use std::collections::VecDeque;
use std::task::Poll;

use fascine::concurrency::{Get, GetError, Put, PutError, Queue};
use proptest::prelude::*;

use crate::concurrency::wakes::Wakes;

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
