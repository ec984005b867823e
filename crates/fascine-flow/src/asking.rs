use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::ask::Asks;
use crate::desk::{Heard, Opened};
use crate::question::Asked;
use crate::worker::Crew;
use crate::{OpenQuestion, Record, StepContext};

/// Asks, and waits for the answer: until `deadline`, if there is one.
pub(crate) async fn ask(
    context: &StepContext,
    asked: Arc<Asked>,
    asks: Asks,
    deadline: Option<Instant>,
) -> Heard {
    let (crew, path) = (context.crew(), context.path());
    let desk = &crew.site.tree.desk;
    let mut question = OpenQuestion {
        step: path.to_string(),
        text: asked.text.clone(),
        details: asked.details.clone(),
        choices: asked.choices.clone(),
        wanted: asks.wanted.to_owned(),
        since: Duration::ZERO,
        refused: None,
    };
    let _away = loop {
        let now = crew.rt.now();
        let opened = crew.change(|state| state.ask(context.number(), &mut question, asks, now));
        if let (Some(recorder), Opened::Open | Opened::Suspended) = (crew.recorder(), &opened) {
            // Before the answer is, and nobody waits for that.
            recorder.push(Record::Asked(Box::new(question.clone())));
        }
        match opened {
            Opened::Kept(reply) => match reply.check(&question, asks) {
                Ok(given) => return Heard::Answer(given),
                Err(error) => question.refused = Some(error.to_string()),
            },
            Opened::Open => {
                break Away { crew, path: &path };
            }
            Opened::Suspended => return Heard::Suspended,
        }
    };
    let mut time = pin!(async {
        match deadline {
            Some(deadline) => crew.rt.sleep_until(deadline).await,
            None => pending().await,
        }
    });
    poll_fn(|cx| {
        let mut heard = desk.poll_heard(&path, cx.waker());
        if heard.is_pending() && time.as_mut().poll(cx).is_ready() {
            // Who was told that the answer counts is not to be deceived.
            if desk.close(&path) {
                return Poll::Ready(Heard::TimedOut);
            }
            heard = desk.poll_heard(&path, cx.waker());
        }
        heard
    })
    .await
}

/// A step that waits for an answer, and takes no place as long as it does.
struct Away<'a> {
    crew: &'a Arc<Crew>,
    path: &'a str,
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        self.crew.site.tree.desk.close(self.path);
        self.crew.change(|state| state.come_back());
    }
}
