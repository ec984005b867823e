//! Every interleaving of calls that end: the total of the limiter ends up as the algorithm's last word.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use loom::thread;

use super::Steering;
use crate::hand::{self, Task};
use crate::{LimitAlgorithm, Sample, SampleOutcome};

/// One more for a success, one less for an overload.
struct Counts(NonZeroUsize);

impl LimitAlgorithm for Counts {
    fn limit(&self) -> NonZeroUsize {
        self.0
    }

    fn sample(&mut self, sample: &Sample) {
        assert_eq!(sample.latency(), Duration::ZERO);
        let limit = match sample.outcome {
            SampleOutcome::Ignored => return,
            SampleOutcome::Overloaded => self.0.get() - 1,
            SampleOutcome::Succeeded => self.0.get() + 1,
        };
        self.0 = NonZeroUsize::new(limit).unwrap_or(NonZeroUsize::MIN);
    }
}

fn steering(limit: usize) -> Arc<Steering<Counts>> {
    let limit = NonZeroUsize::new(limit).expect("it is not zero");
    Arc::new(Steering::new(Counts(limit)))
}

/// A call ends on a thread of its own.
fn ends(steering: &Arc<Steering<Counts>>, outcome: SampleOutcome) -> thread::JoinHandle<()> {
    let (steering, now) = (Arc::clone(steering), hand::rt().now());
    thread::spawn(move || steering.ended(now, now, outcome))
}

#[test]
fn the_last_word_of_the_algorithm_stands() {
    let (less, more) = (SampleOutcome::Overloaded, SampleOutcome::Succeeded);
    for (outcomes, expected) in [([more, less], 5), ([more, more], 7), ([less, less], 3)] {
        loom::model(move || {
            let steering = steering(5);
            let threads = outcomes.map(|outcome| ends(&steering, outcome));
            threads.map(|thread| thread.join().expect("it does not panic"));
            assert_eq!(steering.limiter().total(), expected);
        });
    }
}

#[test]
fn whoever_waits_is_let_in_by_two_raises_at_once() {
    loom::model(|| {
        let steering = steering(1);
        let inside = steering.limiter().try_acquire_many_arc(1);
        let limiter = Arc::clone(steering.limiter());
        let waits = Task::waiting(async move { limiter.acquire_many_arc(1).await });
        let calls = [SampleOutcome::Succeeded, SampleOutcome::Succeeded];
        let threads = calls.map(|outcome| ends(&steering, outcome));
        threads.map(|thread| thread.join().expect("it does not panic"));
        let entered = waits.end();
        assert_eq!(steering.limiter().borrowed(), 2);
        drop((inside, entered));
        assert_eq!(steering.limiter().borrowed(), 0);
    });
}
