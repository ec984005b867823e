use std::collections::{BinaryHeap, VecDeque};

use crate::ready::Ready;

/// The steps that can start, the greatest first.
///
/// Most of them come in falling order, as those behind one step and those of a layer do. They stand in a row, and
/// cost the same however many there are; what would break the row goes to a heap.
#[derive(Debug, Default)]
pub(crate) struct ReadyQueue {
    /// Each less than the one before it.
    row: VecDeque<Ready>,
    others: BinaryHeap<Ready>,
}

impl ReadyQueue {
    pub(crate) fn push(&mut self, ready: Ready) {
        if self.row.back().is_none_or(|last| ready < *last) {
            self.row.push_back(ready);
        } else {
            self.others.push(ready);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Ready> {
        if self.row.front() > self.others.peek() {
            self.row.pop_front()
        } else {
            self.others.pop()
        }
    }

    pub(crate) fn peek(&self) -> Option<&Ready> {
        self.row.front().max(self.others.peek())
    }

    pub(crate) fn len(&self) -> usize {
        self.row.len() + self.others.len()
    }

    pub(crate) fn clear(&mut self) {
        self.row.clear();
        self.others.clear();
    }
}

impl Extend<Ready> for ReadyQueue {
    fn extend<I: IntoIterator<Item = Ready>>(&mut self, steps: I) {
        steps.into_iter().for_each(|ready| self.push(ready));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_order_they_come_in_the_greatest_goes_first() {
        let mut seed = 7_u64;
        let mut random = move |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for _ in 0..200 {
            let (mut queue, mut naive) = (ReadyQueue::default(), Vec::new());
            for step in 0..1 + random(50) as u32 {
                let ready = Ready::new(random(2) as i32, random(3), step);
                queue.push(ready);
                naive.push(ready);
                if random(3) == 0 {
                    naive.sort_unstable();
                    assert_eq!(queue.peek(), naive.last());
                    assert_eq!(queue.pop(), naive.pop());
                }
                assert_eq!(queue.len(), naive.len());
            }
            naive.sort_unstable();
            while let Some(greatest) = naive.pop() {
                assert_eq!(queue.pop(), Some(greatest));
            }
            assert_eq!(queue.pop(), None);
        }
    }
}
