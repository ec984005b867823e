use fascine_message::Message;
use fascine_model::{FinishReason, Response};

use crate::draft::Draft;
use crate::operations::delivery::Delivery;
use crate::operations::turn_loop::TurnLoop;
use crate::structured::{Fit, Misfit, Shape};
use crate::{AnswerOptions, BranchError, BranchEvent, OnLimit, Remember, SchemaDelivery, TurnItem};

/// Asks until an answer fits, or has been asked for often enough.
pub(crate) struct TypedTurn {
    delivery: Delivery,
    options: AnswerOptions,
    re_asked: u32,
}

/// The last answer, and what was made of it.
pub(crate) struct Judged<V> {
    pub(crate) response: Response,
    pub(crate) judged: Result<Fit<V>, Misfit>,
}

impl TypedTurn {
    /// `note` is added to the instruction as it is sent.
    pub(crate) fn new(shape: &Shape, options: AnswerOptions, note: Option<&str>) -> Self {
        Self {
            delivery: Delivery::new(shape, options.delivery, note),
            options,
            re_asked: 0,
        }
    }

    /// How many times the model was asked again.
    pub(crate) fn re_asked(&self) -> u32 {
        self.re_asked
    }

    /// How the schema is best delivered from here on.
    pub(crate) fn delivery(&self) -> SchemaDelivery {
        match self.delivery.has_fallen_back() {
            true => SchemaDelivery::Prompt,
            false => self.options.delivery,
        }
    }

    /// Goes on until `judge` takes an answer. The last answer is not said yet.
    pub(crate) async fn answer<V>(
        &mut self,
        turn_loop: &mut TurnLoop<'_>,
        draft: &mut Draft,
        judge: impl Fn(&str) -> Result<Fit<V>, Misfit>,
    ) -> Result<Judged<V>, BranchError> {
        let mut left = self.options.re_asks;
        loop {
            let response = self.ask(turn_loop, draft).await?;
            let judged = judge(&response.text());
            let misfit = match judged {
                Err(misfit) if left > 0 => misfit,
                judged => {
                    withheld(draft, &response, judged.is_ok())?;
                    tell_repairs(draft, &judged);
                    return Ok(Judged { response, judged });
                }
            };
            withheld(draft, &response, false)?;
            let limits = turn_loop.limits();
            match limits.check_spent(draft.requests()) {
                Err(limit) if limits.on_limit == OnLimit::Fail => {
                    return Err(draft.at_limit(limit));
                }
                Err(_) => {
                    let judged = Err(misfit);
                    return Ok(Judged { response, judged });
                }
                Ok(()) => {}
            }
            left -= 1;
            self.re_ask(turn_loop, draft, response, misfit.reason)
                .await?;
        }
    }

    async fn ask(
        &mut self,
        turn_loop: &mut TurnLoop<'_>,
        draft: &mut Draft,
    ) -> Result<Response, BranchError> {
        loop {
            let (format, note) = (self.delivery.format(), self.delivery.note());
            match turn_loop.answer(draft, Some(format), note).await {
                Err(error) if self.delivery.fall_back(&error) => {}
                asked => return asked,
            }
        }
    }

    async fn re_ask(
        &mut self,
        turn_loop: &TurnLoop<'_>,
        draft: &mut Draft,
        response: Response,
        reason: String,
    ) -> Result<(), BranchError> {
        draft.branch().emit(|| BranchEvent::ReAsked {
            turn: draft.id(),
            attempt: self.re_asked + 1,
            reason: reason.clone(),
        });
        self.re_asked += 1;
        let remember = self.options.remember;
        if !response.message.content().is_empty() {
            draft.say_for(remember, response.message)?;
        }
        let is_cut = response.finish_reason == FinishReason::Length;
        draft.say_for(remember, Message::user(re_asking(&reason, is_cut)))?;
        if let Some(items) = turn_loop.items() {
            items.give(TurnItem::ReAsked { reason }).await;
        }
        Ok(())
    }
}

impl Draft {
    /// Adds a message that is stored only if everything is.
    pub(crate) fn say_for(&mut self, remember: Remember, what: Message) -> Result<(), BranchError> {
        match remember {
            Remember::Answer => self.say_aside(what)?,
            Remember::Everything => self.say(what)?,
        };
        Ok(())
    }
}

fn tell_repairs<V>(draft: &Draft, judged: &Result<Fit<V>, Misfit>) {
    match judged {
        Ok(fit) if !fit.repairs.is_empty() => {
            draft.branch().emit(|| BranchEvent::Repaired {
                turn: draft.id(),
                repairs: fit.repairs.clone(),
            });
        }
        _ => {}
    }
}

/// A model that will not answer is not asked again.
fn withheld(draft: &Draft, response: &Response, fits: bool) -> Result<(), BranchError> {
    match response.finish_reason {
        FinishReason::ContentFilter | FinishReason::Refusal if !fits => {
            Err(BranchError::Withheld {
                branch: draft.branch().name().to_owned(),
                finish_reason: response.finish_reason.clone(),
                message: response.message.clone(),
                requests: draft.requests().to_vec(),
            })
        }
        _ => Ok(()),
    }
}

/// What the model is told about an answer that does not fit.
fn re_asking(reason: &str, is_cut: bool) -> String {
    let cut = match is_cut {
        true => " It was cut off at the allowed length: be briefer.",
        false => "",
    };
    format!(
        "Your answer does not fit:\n{reason}\n\
         Answer again, with the whole JSON document and nothing else.{cut}"
    )
}
