use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use fascine_concurrency::fail_after;
use fascine_resilience::Verdict;
use fascine_rt::{BoxFuture, Panic, Rt};

use crate::step::{More, Step, StepResult};
use crate::{Output, StepContext, StepError};

/// Runs a step: all its tries, each within its time.
pub(crate) async fn run(rt: &Rt, step: &Step, context: &StepContext) -> Result<Output, StepError> {
    if let Some(foregone) = context.foregone() {
        return foregone.clone();
    }
    let ended = match step.settings.more.as_deref() {
        // Boxed: most steps have no settings, and their future is the smaller for it.
        Some(more) => Box::pin(run_in_time(rt, step, more, context)).await,
        None => call(step, context).await,
    };
    let ended = ended.and_then(|output| {
        // A reducer may panic.
        let end = catch_unwind(AssertUnwindSafe(|| context.end_changes(false)));
        match end {
            Ok(()) => Ok(output),
            Err(payload) => Err(Failure::Panicked(Panic::new(payload).message().to_owned())),
        }
    });
    ended.map_err(|failure| {
        context.end_changes(true);
        failure.of(context)
    })
}

async fn run_in_time(
    rt: &Rt,
    step: &Step,
    more: &More,
    context: &StepContext,
) -> Result<Output, Failure> {
    let tries = run_tries(rt, step, more, context);
    match more.total_timeout {
        Some(after) => match fail_after(rt, after, tries).await {
            Ok(ended) => ended,
            Err(_) => Err(Failure::TimedOut(after)),
        },
        None => tries.await,
    }
}

async fn run_tries(
    rt: &Rt,
    step: &Step,
    more: &More,
    context: &StepContext,
) -> Result<Output, Failure> {
    let try_once = || async {
        match more.timeout {
            Some(after) => match fail_after(rt, after, call(step, context)).await {
                Ok(ended) => ended,
                Err(_) => Err(Failure::TimedOut(after)),
            },
            None => call(step, context).await,
        }
    };
    let Some(retry) = &more.retry else {
        return try_once().await;
    };
    let passes = |failure: &Failure| match failure {
        Failure::Panicked(_) => Verdict::Stop,
        _ => Verdict::Retry,
    };
    let ended = retry.run(|_| try_once(), passes).await;
    ended
        .map(|attempted| attempted.value)
        .map_err(|error| error.error)
}

/// Calls the function of the step and waits for its future.
async fn call(step: &Step, context: &StepContext) -> Result<Output, Failure> {
    context.begin_attempt();
    let made = catch_unwind(AssertUnwindSafe(|| (step.work)(context.clone())));
    let ended = match made {
        Ok(future) => Caught(future).await,
        Err(payload) => Err(Panic::new(payload)),
    };
    match ended {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(error)) => Err(Failure::Failed(Arc::from(error))),
        Err(panic) => Err(Failure::Panicked(panic.message().to_owned())),
    }
}

/// Why a try came to nothing.
enum Failure {
    Failed(Arc<dyn std::error::Error + Send + Sync>),
    Panicked(String),
    TimedOut(Duration),
}

impl Failure {
    fn of(self, context: &StepContext) -> StepError {
        let (step, attempts) = (context.path().to_string(), context.attempt());
        match self {
            Self::Failed(source) => StepError::Failed {
                step,
                attempts,
                source,
            },
            Self::Panicked(message) => StepError::Panicked { step, message },
            Self::TimedOut(after) => StepError::TimedOut {
                step,
                attempts,
                after,
            },
        }
    }
}

/// A future whose panic is its output.
struct Caught(BoxFuture<StepResult<Output>>);

impl Future for Caught {
    type Output = Result<StepResult<Output>, Panic>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let future = &mut self.0;
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(payload) => Poll::Ready(Err(Panic::new(payload))),
        }
    }
}
