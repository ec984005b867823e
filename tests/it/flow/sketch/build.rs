use std::collections::BTreeSet;
use std::panic::panic_any;
use std::sync::{Arc, Mutex};

use fascine::flow::{
    Graph, GraphBuilder, GraphError, OnError, Output, StepBuilder, StepContext, StepResult,
};
use fascine::resilience::{Backoff, Jitter, Retry};
use fascine::rt::Rt;
use serde::{Deserialize, Serialize};

use super::{AfterFailure, Condition, Ending, Sketch, SketchStep};

/// What a step gives: whose work it is, and what that got from others: nothing from those that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gave {
    pub(crate) by: usize,
    pub(crate) inputs: Vec<(usize, Option<usize>)>,
}

/// The steps that were called.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(Arc<Mutex<BTreeSet<usize>>>);

impl Calls {
    pub(crate) fn take(&self) -> BTreeSet<usize> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Who is said to have given the value that stands in for a failed step.
pub(crate) fn stands_in(step: usize) -> usize {
    1000 + step
}

impl Sketch {
    pub(crate) fn build(&self, rt: &Rt) -> Result<Graph, GraphError> {
        self.build_with(rt, &Calls::default())
    }

    pub(crate) fn build_with(&self, rt: &Rt, calls: &Calls) -> Result<Graph, GraphError> {
        let mut graph = GraphBuilder::new();
        for (number, limit) in self.resources.iter().enumerate() {
            graph.resource(number.to_string(), (*limit).try_into().unwrap());
        }
        for (number, step) in self.steps.iter().enumerate() {
            let within = step
                .within
                .as_ref()
                .map(|within| within.build_with(rt, &Calls::default()));
            let work = Arc::new(StepWork {
                clock: rt.clone(),
                calls: calls.clone(),
                number,
                step: step.clone(),
                within: within.transpose()?,
            });
            let added = graph.step(number.to_string(), move |context| {
                Arc::clone(&work).run(context)
            });
            step.set(rt, number, added);
        }
        for edge in &self.edges {
            let added = graph.edge(edge.from.to_string(), edge.to.to_string());
            let clock = rt.clone();
            match edge.condition {
                Condition::Always => added,
                Condition::OnFailure => unreachable!("it comes with the step"),
                Condition::Otherwise => added.otherwise(),
                Condition::Panics => added.when(|_| panic!("told to")),
                Condition::When(live) => added.when(move |_| live),
                Condition::WhenAsync(live, takes) => added.when_async(move |_| {
                    let wait = clock.sleep(takes);
                    async move {
                        wait.await;
                        live
                    }
                }),
                Condition::WhenCompleted(step) => {
                    added.when(move |seen| seen.state.get(&step.to_string()).is_some())
                }
            };
        }
        graph.build()
    }
}

impl SketchStep {
    fn set(&self, rt: &Rt, number: usize, step: StepBuilder<'_, Gave>) {
        let on_error = match self.after_failure {
            AfterFailure::CarryOn => OnError::Continue,
            AfterFailure::EndRun => OnError::FailFast,
            AfterFailure::Give => OnError::Fallback(Output::new(Gave {
                by: stands_in(number),
                inputs: Vec::new(),
            })),
            AfterFailure::Run(other) => OnError::FallbackStep(other.to_string().into()),
            AfterFailure::SkipDependents => OnError::SkipDependents,
        };
        let mut step = step
            .join(self.join)
            .on_error(on_error)
            .priority(self.priority)
            .cost(self.cost);
        if self.is_idempotent {
            step = step.idempotent();
        }
        if self.tells {
            step = step.writes(number.to_string());
        }
        if self.tries.len() > 1 {
            let backoff = Backoff::constant(self.backoff).with_max(self.backoff);
            let attempts = u32::try_from(self.tries.len()).unwrap();
            let retry = Retry::new(rt).with_backoff(backoff.with_jitter(Jitter::None));
            step = step.retry(retry.with_attempts(attempts.try_into().unwrap()));
        }
        if let Some(timeout) = self.timeout {
            step = step.timeout(timeout);
        }
        if let Some(resource) = self.resource {
            step.resource(resource.to_string());
        }
    }
}

struct StepWork {
    calls: Calls,
    clock: Rt,
    number: usize,
    step: SketchStep,
    within: Option<Graph>,
}

impl StepWork {
    async fn run(self: Arc<Self>, context: StepContext) -> StepResult<Gave> {
        self.calls.0.lock().unwrap().insert(self.number);
        let this = self.step.tries[context.attempt() as usize - 1];
        self.clock.sleep(this.takes).await;
        if let Some(graph) = &self.within {
            context.run(graph).await?.assert_completed()?;
        }
        if self.step.tells {
            context.update(&self.number.to_string(), true)?;
        }
        match this.ends {
            Ending::Fails => Err("told to".into()),
            Ending::Panics => panic_any("told to"),
            Ending::Gives => self.gave(&context),
        }
    }

    fn gave(&self, context: &StepContext) -> StepResult<Gave> {
        let inputs = context.inputs().map(|(name, input)| {
            let gave = input.as_ref().ok().and_then(|output| output.get::<Gave>());
            Ok((name.parse()?, gave.map(|gave| gave.by)))
        });
        Ok(Gave {
            by: self.number,
            inputs: inputs.collect::<StepResult<_>>()?,
        })
    }
}
