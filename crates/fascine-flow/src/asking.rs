use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::ask::Asks;
use crate::desk::{Heard, Opened};
use crate::question::Asked;
use crate::worker::Crew;
use crate::{OpenQuestion, StepContext};

/// Asks, and waits for the answer: until `deadline`, if there is one.
pub(crate) async fn ask(
    crew: &Arc<Crew>,
    context: &StepContext,
    asked: Arc<Asked>,
    asks: Asks,
    deadline: Option<Instant>,
) -> Heard {
    let mut question = OpenQuestion {
        step: context.name().to_owned(),
        text: asked.text.clone(),
        details: asked.details.clone(),
        choices: asked.choices.clone(),
        wanted: asks.wanted.to_owned(),
        since: Duration::ZERO,
        refused: None,
    };
    let _away = loop {
        let now = crew.rt.now();
        match crew.change(|state| state.ask(context.number(), &mut question, asks, now)) {
            Opened::Kept(reply) => match reply.check(&question, asks) {
                Ok(given) => return Heard::Answer(given),
                Err(error) => question.refused = Some(error.to_string()),
            },
            Opened::Open => {
                break Away {
                    crew,
                    step: context.name(),
                };
            }
            Opened::Suspended => return Heard::PutBack,
        }
    };
    let mut time = pin!(async {
        match deadline {
            Some(deadline) => crew.rt.sleep_until(deadline).await,
            None => pending().await,
        }
    });
    poll_fn(|cx| {
        let mut heard = crew.desk.poll_heard(context.name(), cx.waker());
        if heard.is_pending() && time.as_mut().poll(cx).is_ready() {
            // Who was told that the answer counts is not to be deceived.
            if crew.desk.close(context.name()) {
                return Poll::Ready(Heard::TimedOut);
            }
            heard = crew.desk.poll_heard(context.name(), cx.waker());
        }
        heard
    })
    .await
}

/// A step that waits for an answer, and takes no place as long as it does.
struct Away<'a> {
    crew: &'a Arc<Crew>,
    step: &'a str,
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        self.crew.desk.close(self.step);
        self.crew.change(|state| state.come_back());
    }
}
