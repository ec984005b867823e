use std::time::Instant;

use fascine_message::{Message, Part};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use fascine_model::Response;

use crate::draft::Draft;
use crate::operations::react::{React, Validation, prompts};
use crate::operations::turn_loop::TurnLoop;
use crate::operations::typed_turn::{Judged, TypedTurn};
use crate::structured::Shape;
use crate::yielding::Items;
use crate::{
    Analysis, Branch, BranchError, Completion, OnLimit, ReactMetrics, ReactReport, ReactStep,
    SchemaDelivery,
};

/// A run that goes on.
pub(super) struct Run<'a> {
    what: &'a React,
    draft: Draft,
    turn_loop: TurnLoop<'a>,
    began: Instant,
    /// How the schema is delivered: a provider that refuses it is not asked to take it again.
    delivery: SchemaDelivery,
    /// How many rounds may follow.
    left: u32,
    steps: Vec<ReactStep>,
    metrics: ReactMetrics,
    /// Who wants to know of each round.
    items: Option<Items<ReactStep>>,
}

impl<'a> Run<'a> {
    pub(super) async fn begin(
        branch: &Branch,
        what: &'a React,
        items: Option<Items<ReactStep>>,
    ) -> Result<Self, BranchError> {
        let began = branch.rt().now();
        let mut instruction = what.instruction.clone();
        let mut interpreting = Vec::new();
        if let Some(how) = &what.interpret {
            let mut how = how.clone();
            how.text = what.instruction.message().text();
            let interpreted = branch.interpret(how).await?;
            let asked = branch.model_name(&what.call);
            interpreting.push(crate::RequestUsage::answered(asked, &interpreted));
            let text = format!("\n\nIn other words:\n{}", interpreted.text());
            instruction = instruction.with_part(Part::text(text));
        }
        let mut draft = Draft::begin(branch, instruction.message(), what.turn.when_busy).await?;
        draft.count(interpreting);
        Ok(Self {
            turn_loop: TurnLoop::new(&draft, &what.call, &what.turn),
            delivery: what.answer.delivery,
            what,
            draft,
            began,
            left: what.max_extensions,
            steps: Vec::new(),
            metrics: ReactMetrics::default(),
            items,
        })
    }

    pub(super) async fn report<T>(mut self) -> Result<ReactReport<T>, BranchError>
    where
        T: DeserializeOwned + JsonSchema,
    {
        loop {
            self.reason().await?;
            let (value, response) = self.answer::<T>().await?;
            let completion = self.check(&response).await?;
            match &completion {
                Some(incomplete) if !incomplete.is_complete && self.may_go_on()? => {
                    self.left -= 1;
                    let going_on = prompts::completing(incomplete, self.left);
                    self.tell(&going_on)?;
                }
                _ => return self.end(value, response, completion),
            }
        }
    }

    /// Rounds, until the model needs no more or may have no more.
    async fn reason(&mut self) -> Result<(), BranchError> {
        loop {
            self.turn_loop.allow_tools();
            let before = self.draft.requests().len();
            let (analysis, response) = self.ask::<Analysis>().await?;
            let step = ReactStep {
                analysis,
                actions: self.turn_loop.take_acted(),
                requests: self.draft.requests()[before..].to_vec(),
            };
            self.metrics.count_step(&step);
            if let Some(items) = &self.items {
                items.give(step.clone()).await;
            }
            let needs_more = step.analysis.extension_needed;
            self.steps.push(step);
            self.hear(response)?;
            if !needs_more || !self.may_go_on()? {
                return Ok(());
            }
            self.left -= 1;
            self.tell(&prompts::going_on(self.left))?;
        }
    }

    async fn answer<T>(&mut self) -> Result<(T, Response), BranchError>
    where
        T: DeserializeOwned + JsonSchema,
    {
        self.turn_loop.forbid_tools();
        self.tell(prompts::ANSWERING)?;
        self.ask().await
    }

    /// What the model thinks of its answer.
    async fn check(&mut self, answer: &Response) -> Result<Option<Completion>, BranchError> {
        if self.what.validation == Validation::None || !self.may_spend()? {
            return Ok(None);
        }
        self.hear(answer.clone())?;
        self.tell(prompts::CHECKING)?;
        let before = self.draft.requests().len();
        let (completion, response) = self.ask::<Completion>().await?;
        let checks = self.draft.requests().len() - before;
        self.metrics.completion_checks += u32::try_from(checks).unwrap_or(u32::MAX);
        self.hear(response)?;
        Ok(Some(completion))
    }

    fn end<T>(
        mut self,
        value: T,
        response: Response,
        completion: Option<Completion>,
    ) -> Result<ReactReport<T>, BranchError> {
        let needs_more = self.steps.last().map(|step| step.analysis.extension_needed);
        let is_complete = match &completion {
            Some(completion) => completion.is_complete,
            None => needs_more == Some(false),
        };
        self.metrics.task_completed = is_complete;
        self.metrics.iterations_to_completion = is_complete.then_some(self.metrics.iterations);
        self.metrics.count_requests(self.draft.requests());
        let now = self.draft.branch().rt().now();
        self.metrics.elapsed = now.saturating_duration_since(self.began);
        Ok(ReactReport {
            value,
            reply: self.draft.commit(response)?,
            steps: self.steps,
            completion,
            metrics: self.metrics,
        })
    }

    async fn ask<V>(&mut self) -> Result<(V, Response), BranchError>
    where
        V: DeserializeOwned + JsonSchema,
    {
        let shape = Shape::of::<V>()?;
        let note = prompts::beginning(self.what.max_extensions);
        let options = self.what.answer.with_delivery(self.delivery);
        let mut typed = TypedTurn::new(&shape, options, Some(&note));
        let judge = |text: &str| shape.decode(text);
        let asked = typed.answer(&mut self.turn_loop, &mut self.draft, judge);
        let asked = asked.await;
        self.delivery = typed.delivery();
        let Judged { response, judged } = asked?;
        match judged {
            Ok(fit) => Ok((fit.value, response)),
            Err(misfit) => Err(self.draft.invalid(&response, misfit)),
        }
    }

    fn may_go_on(&self) -> Result<bool, BranchError> {
        Ok(self.left > 0 && self.may_spend()?)
    }

    fn may_spend(&self) -> Result<bool, BranchError> {
        let limits = self.turn_loop.limits();
        match limits.check_spent(self.draft.requests()) {
            Ok(()) => Ok(true),
            Err(_) if limits.on_limit == OnLimit::Answer => Ok(false),
            Err(limit) => Err(self.draft.at_limit(limit)),
        }
    }

    /// What the model said on the way.
    fn hear(&mut self, response: Response) -> Result<(), BranchError> {
        match response.message.content().is_empty() {
            true => Ok(()),
            false => {
                let remember = self.what.answer.remember;
                self.draft.say_for(remember, response.message)
            }
        }
    }

    /// What it is told on the way.
    fn tell(&mut self, text: &str) -> Result<(), BranchError> {
        let remember = self.what.answer.remember;
        self.draft.say_for(remember, Message::user(text))
    }
}
