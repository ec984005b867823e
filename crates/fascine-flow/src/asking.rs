use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use crate::ask::Asks;
use crate::desk::{Heard, Opened};
use crate::question::Asked;
use crate::reply::Given;
use crate::worker::Crew;
use crate::{OpenQuestion, Record, StepContext};

/// Asks, and waits for the answer. `None` if the run is suspended meanwhile.
pub(crate) async fn ask(context: &StepContext, asked: &Asked, asks: Asks) -> Option<Given> {
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
            // It stands before the answer, and nobody waits for it.
            recorder.push(Record::Asked(Box::new(question.clone())));
        }
        match opened {
            Opened::Kept(reply) => match reply.check(&question, asks) {
                Ok(given) => return Some(given),
                Err(error) => question.refused = Some(error.to_string()),
            },
            Opened::Open => {
                break Away { crew, path: &path };
            }
            Opened::Suspended => return None,
        }
    };
    match poll_fn(|cx| desk.poll_heard(&path, cx.waker())).await {
        Heard::Answer(given) => Some(given),
        Heard::Suspended => None,
    }
}

/// The answer that was given to a step which waits for it no longer.
pub(crate) fn take_answer(context: &StepContext) -> Option<Given> {
    let desk = &context.crew().site.tree.desk;
    desk.take_answer(&context.path())
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
