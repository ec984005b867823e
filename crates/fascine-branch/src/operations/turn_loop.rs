use fascine_message::{Message, Part, Role, ToolCall, ToolResult};
use fascine_model::{OutputFormat, Response};

use crate::act::{ActScope, act};
use crate::draft::{Asking, Draft, ToolUse};
use crate::yielding::Items;
use crate::{
    BranchError, BranchEvent, CallOptions, LimitReached, OnLimit, ToolSet, TurnItem, TurnLimits,
    TurnOptions,
};

/// Asks, has tools called and asks again, until there is an answer or a limit.
pub(crate) struct TurnLoop<'a> {
    call: &'a CallOptions,
    options: &'a TurnOptions,
    tools: ToolSet,
    items: Option<Items<TurnItem>>,
    /// How many times the model asked for tools.
    rounds: u32,
    /// How many tools were called.
    called: u32,
    /// Whether the model may ask for more.
    may_call: bool,
    /// Whether it came to a limit: it may never again.
    at_limit: bool,
    /// The calls and what came of them.
    acted: Vec<(ToolCall, ToolResult)>,
}

impl<'a> TurnLoop<'a> {
    pub(crate) fn new(draft: &Draft, call: &'a CallOptions, options: &'a TurnOptions) -> Self {
        let capabilities = draft.branch().capabilities();
        let own = &draft.branch().settings().tools;
        let tools = options.tools.as_ref().unwrap_or(own).clone();
        Self {
            call,
            options,
            tools: capabilities.permitted(tools),
            items: None,
            rounds: 0,
            called: 0,
            may_call: true,
            at_limit: false,
            acted: Vec::new(),
        }
    }

    /// Gives the answer in pieces, and says what happens on the way.
    pub(crate) fn with_items(mut self, items: Option<Items<TurnItem>>) -> Self {
        self.items = items;
        self
    }

    /// From here on the model has to do without tools.
    pub(crate) fn forbid_tools(&mut self) {
        self.may_call = false;
    }

    /// From here on the model may ask for tools, unless it came to a limit of them.
    pub(crate) fn allow_tools(&mut self) {
        self.may_call = !self.at_limit;
    }

    pub(crate) fn limits(&self) -> &'a TurnLimits {
        &self.options.limits
    }

    pub(crate) fn items(&self) -> Option<&Items<TurnItem>> {
        self.items.as_ref()
    }

    /// The calls since this was last asked, and what came of them.
    pub(crate) fn take_acted(&mut self) -> Vec<(ToolCall, ToolResult)> {
        std::mem::take(&mut self.acted)
    }

    /// Goes on until the model asks for no tools. The answer is not said yet.
    pub(crate) async fn answer(
        &mut self,
        draft: &mut Draft,
        output: Option<&OutputFormat>,
        note: Option<&str>,
    ) -> Result<Response, BranchError> {
        loop {
            let asking = Asking {
                call: self.call,
                tools: &self.tools,
                tool_use: self.tool_use(),
                output,
                note,
                items: self.items.as_ref(),
            };
            let response = draft.ask(asking).await?;
            let calls: Vec<ToolCall> = response.message.tool_calls().cloned().collect();
            if calls.is_empty() {
                return Ok(response);
            }
            let limit = self.check(draft, calls.len());
            self.rounds = self.rounds.saturating_add(1);
            let results = match limit {
                Ok(()) => self.act(draft, response.message, &calls).await?,
                Err(limit) if self.options.limits.on_limit == OnLimit::Fail || !self.may_call => {
                    return Err(draft.at_limit(limit));
                }
                Err(limit) => {
                    (self.may_call, self.at_limit) = (false, true);
                    draft.say(response.message)?;
                    let refused = |call: &ToolCall| ToolResult::error(&call.id, refusal(&limit));
                    calls.iter().map(refused).collect()
                }
            };
            let parts = results.iter().cloned().map(Part::ToolResult);
            draft.say(Message::new(Role::Tool, parts.collect()))?;
            self.acted.extend(calls.into_iter().zip(results));
        }
    }

    fn tool_use(&self) -> ToolUse {
        match (self.may_call, self.rounds) {
            (false, _) => ToolUse::Forbidden,
            (true, 0) => ToolUse::AsAsked,
            (true, _) => ToolUse::Free,
        }
    }

    fn check(&self, draft: &Draft, more: usize) -> Result<(), LimitReached> {
        let limits = &self.options.limits;
        if !self.may_call {
            let max = self.rounds;
            return Err(LimitReached::ToolRounds { max });
        }
        limits.check_calls(self.rounds, self.called, more)?;
        limits.check_spent(draft.requests())
    }

    async fn act(
        &mut self,
        draft: &mut Draft,
        message: Message,
        calls: &[ToolCall],
    ) -> Result<Vec<ToolResult>, BranchError> {
        draft.say(message)?;
        self.called = self
            .called
            .saturating_add(u32::try_from(calls.len()).unwrap_or(u32::MAX));
        let branch = draft.branch();
        let emit = |event: BranchEvent| {
            if let (Some(items), Some(item)) = (&self.items, TurnItem::of(&event)) {
                items.push(item);
            }
            branch.emit(|| event);
        };
        let scope = ActScope {
            branch,
            rt: branch.rt(),
            tools: &self.tools,
            turn: Some(draft.id()),
            options: &self.options.act,
            emit: &emit,
        };
        let results = act(&scope, calls).await;
        if let Some(items) = &self.items {
            items.taken().await;
        }
        Ok(results)
    }
}

fn refusal(limit: &LimitReached) -> String {
    format!("the tool was not called: {limit}; answer without it")
}
