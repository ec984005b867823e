//! Random nests of scopes, against a simulator that knows nothing of futures.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use fascine::concurrency::{CancelScope, fail_after, shield, shield_for};
use fascine::rt::{BoxFuture, Rt};
use fascine_testing::TestRuntime;
use proptest::prelude::*;

use crate::durations::ms;

#[derive(Clone, Debug)]
enum Step {
    Sleep(u64),
    Scope(Scope),
}

#[derive(Clone, Debug)]
struct Scope {
    timeout: Option<u64>,
    is_shield: bool,
    body: Vec<Step>,
}

/// Milliseconds, and whether a scope's body came to its end.
type Ends = Vec<(u64, bool)>;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let sleep = (0_u64..20).prop_map(Step::Sleep);
    let leaf = prop::collection::vec(sleep.clone(), 1..3);
    leaf.prop_recursive(6, 60, 3, move |inner| {
        let timeout = prop::option::weighted(0.8, 0_u64..40);
        let scope = (timeout, any::<bool>(), inner).prop_map(|(timeout, is_shield, body)| {
            Step::Scope(Scope {
                timeout,
                is_shield,
                body,
            })
        });
        prop::collection::vec(prop_oneof![1 => sleep.clone(), 2 => scope], 1..4)
    })
}

/// The scopes around a step: when each ends, and whether it is a shield.
struct Simulator {
    now: u64,
    around: Vec<(Option<u64>, bool)>,
    ends: Ends,
}

impl Simulator {
    /// Returns which scope was cut, counted from the outermost, if one was.
    fn run(&mut self, steps: &[Step]) -> Result<(), usize> {
        steps.iter().try_for_each(|step| match step {
            Step::Sleep(0) => Ok(()),
            Step::Sleep(time) => self.sleep(self.now + time),
            Step::Scope(scope) => {
                let deadline = scope.timeout.map(|timeout| self.now + timeout);
                self.around.push((deadline, scope.is_shield));
                let ended = self.run(&scope.body);
                self.around.pop();
                match ended {
                    Err(cut) if cut < self.around.len() => return Err(cut),
                    ended => self.ends.push((self.now, ended.is_ok())),
                }
                Ok(())
            }
        })
    }

    fn sleep(&mut self, until: u64) -> Result<(), usize> {
        let first = self.around.iter().rposition(|(_, is_shield)| *is_shield);
        let reaching = || self.around.iter().enumerate().skip(first.unwrap_or(0));
        let deadlines = || reaching().filter_map(|(nth, (deadline, _))| Some((nth, (*deadline)?)));
        let nearest = deadlines()
            .map(|(_, deadline)| deadline.max(self.now))
            .min();
        match nearest {
            Some(cut) if cut < until || cut == self.now => {
                self.now = cut;
                // Of those that ran out before, behind a shield, the outermost; a deadline at this very moment comes after
                // them, for what ends in the poll in which its time runs out has ended in time.
                let before = deadlines().find(|(_, deadline)| *deadline < cut);
                let now = || deadlines().find(|(_, deadline)| *deadline == cut);
                Err(before.or_else(now).map_or(0, |(nth, _)| nth))
            }
            _ => {
                self.now = until;
                Ok(())
            }
        }
    }
}

fn run(rt: Rt, started: Instant, steps: Vec<Step>, ends: Arc<Mutex<Ends>>) -> BoxFuture<()> {
    Box::pin(async move {
        for step in steps {
            let Scope {
                timeout,
                is_shield,
                body,
            } = match step {
                Step::Sleep(time) => {
                    rt.sleep(ms(time)).await;
                    continue;
                }
                Step::Scope(scope) => scope,
            };
            let body = run(rt.clone(), started, body, Arc::clone(&ends));
            let whole = match (timeout, is_shield) {
                (Some(timeout), true) => shield_for(&rt, ms(timeout), body).await.is_ok(),
                (Some(timeout), false) => fail_after(&rt, ms(timeout), body).await.is_ok(),
                (None, true) => {
                    shield(body).await;
                    true
                }
                (None, false) => CancelScope::new(&rt).run(body).await.is_ok(),
            };
            let now = (rt.now() - started).as_millis() as u64;
            ends.lock().unwrap().push((now, whole));
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nested_scopes_end_when_a_naive_simulator_says(steps in steps(), seed in any::<u64>()) {
        let mut simulator = Simulator { now: 0, around: Vec::new(), ends: Vec::new() };
        prop_assert!(simulator.run(&steps).is_ok());
        let ends = Arc::new(Mutex::new(Vec::new()));
        let runtime = TestRuntime::with_seed(seed);
        let rt = runtime.rt();
        runtime.block_on(run(rt.clone(), rt.now(), steps, Arc::clone(&ends)));
        prop_assert_eq!(&*ends.lock().unwrap(), &simulator.ends);
    }
}
