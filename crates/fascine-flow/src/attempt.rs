use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use fascine_concurrency::fail_after;
use fascine_resilience::Verdict;
use fascine_rt::{BoxFuture, Panic};

use crate::ask::Asks;
use crate::asking;
use crate::question::Asked;
use crate::step::{More, Step, StepResult};
use crate::{Declined, Output, StepContext, StepError};

/// Runs a step: all its tries, each within its time. `None` if the run is suspended before it has ended.
pub(crate) async fn run(step: &Step, context: &StepContext) -> Option<Result<Output, StepError>> {
    if let Some(foregone) = context.foregone() {
        return Some(foregone.clone());
    }
    let ended = match step.settings.more.as_deref() {
        // Boxed: most steps have no settings, and their future is the smaller for it.
        Some(more) => Box::pin(run_in_time(step, more, context)).await,
        None => call(step, context).await,
    };
    let ended = ended.and_then(|output| share_changes(context).map(|()| output));
    match ended {
        Ok(output) => Some(Ok(output)),
        Err(failure) => {
            context.drop_changes();
            failure.of(context).map(Err)
        }
    }
}

/// Lets others see what the step has changed. A reducer may refuse it, or panic.
fn share_changes(context: &StepContext) -> Result<(), Failure> {
    match catch_unwind(AssertUnwindSafe(|| context.share_changes())) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure::Failed(Arc::new(error))),
        Err(payload) => Err(Failure::Panicked(Panic::new(payload).message().to_owned())),
    }
}

async fn run_in_time(step: &Step, more: &More, context: &StepContext) -> Result<Output, Failure> {
    let tries = run_tries(step, more, context);
    match more.total_timeout {
        Some(after) => within(after, context, tries).await,
        None => tries.await,
    }
}

async fn run_tries(step: &Step, more: &More, context: &StepContext) -> Result<Output, Failure> {
    let work = || async {
        match more.asks {
            Some(asks) => ask(step, context, asks).await,
            None => call(step, context).await,
        }
    };
    let try_once = || async {
        match more.timeout {
            Some(after) => within(after, context, work()).await,
            None => work().await,
        }
    };
    let Some(retry) = &more.retry else {
        return try_once().await;
    };
    let passes = |failure: &Failure| match failure {
        Failure::Declined(_) | Failure::Panicked(_) | Failure::Suspended => Verdict::Stop,
        _ => Verdict::Retry,
    };
    let ended = retry.run(|_| try_once(), passes).await;
    ended
        .map(|attempted| attempted.value)
        .map_err(|error| error.error)
}

/// Gives up on work that takes longer, unless somebody was told already that his answer counts.
async fn within(
    after: Duration,
    context: &StepContext,
    work: impl Future<Output = Result<Output, Failure>>,
) -> Result<Output, Failure> {
    match fail_after(&context.crew().rt, after, work).await {
        Ok(ended) => ended,
        Err(_) => match asking::take_answer(context) {
            Some(given) => given.map_err(Failure::Declined),
            None => Err(Failure::TimedOut(after)),
        },
    }
}

/// Makes the question, and waits for the answer.
async fn ask(step: &Step, context: &StepContext, asks: Asks) -> Result<Output, Failure> {
    let made = call(step, context).await?;
    let Some(asked) = made.get::<Asked>() else {
        return Ok(made);
    };
    match asking::ask(context, &asked, asks).await {
        Some(given) => given.map_err(Failure::Declined),
        None => Err(Failure::Suspended),
    }
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
        Ok(Err(_)) if context.is_suspended() => Err(Failure::Suspended),
        Ok(Err(error)) => Err(Failure::Failed(Arc::from(error))),
        Err(panic) => Err(Failure::Panicked(panic.message().to_owned())),
    }
}

/// Why a try came to nothing.
enum Failure {
    Declined(Arc<Declined>),
    Failed(Arc<dyn std::error::Error + Send + Sync>),
    Panicked(String),
    /// The run was suspended, and it could not end for that.
    Suspended,
    TimedOut(Duration),
}

impl Failure {
    fn of(self, context: &StepContext) -> Option<StepError> {
        let (step, attempts) = (context.path().to_string(), context.attempt());
        Some(match self {
            Self::Declined(declined) => StepError::Failed {
                step,
                attempts,
                source: declined,
            },
            Self::Failed(source) => StepError::Failed {
                step,
                attempts,
                source,
            },
            Self::Panicked(message) => StepError::Panicked { step, message },
            Self::Suspended => return None,
            Self::TimedOut(after) => StepError::TimedOut {
                step,
                attempts,
                after,
            },
        })
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
