use fascine_message::{Message, Part, Role};

use crate::draft::Draft;
use crate::{BranchEvent, OnAbort, Turn, TurnKind};

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        if self.branch.settings().on_abort == OnAbort::KeepPartial
            && let Some(turn) = self.partial()
        {
            self.branch.enter(&turn, &self.base);
        }
        self.branch.emit(|| BranchEvent::Aborted { turn: self.id });
    }
}

impl Draft {
    /// What of a turn that broke off can stand in a history: no call without its result.
    fn partial(&mut self) -> Option<Turn> {
        let said = std::mem::take(&mut self.said).into_iter();
        let mut said: Vec<_> = said
            .filter(|said| said.is_kept)
            .map(|said| said.message)
            .collect();
        if let Some(coming) = self.coming.take() {
            let message = coming.message();
            said.push(self.stamp(message.clone()).unwrap_or(message));
        }
        // Only the last can be without results: they come right after the calls.
        if let Some(last) = said.pop_if(|last| last.tool_calls().next().is_some()) {
            said.push(without_calls(&last));
        }
        said.pop_if(|last| last.role() == Role::Assistant && last.text().is_empty());
        let has_more = said.iter().any(|message| message.role() != Role::User);
        has_more.then(|| Turn::new(self.id, said).with_kind(TurnKind::Partial))
    }
}

/// The same message, without the tools that it asks for.
fn without_calls(message: &Message) -> Message {
    let parts = message.content().iter();
    let parts = parts.filter(|part| !matches!(part, Part::ToolCall(_)));
    let without = Message::new(message.role(), parts.cloned().collect()).with_id(message.id());
    match message.timestamp() {
        Some(at) => without.with_timestamp(at),
        None => without,
    }
}
