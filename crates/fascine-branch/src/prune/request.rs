use fascine_message::Message;
use fascine_model::Request;

use crate::{Branch, BranchError, History};

impl Branch {
    /// What of `history` is sent with `said`; `frame` is the rest of the request, and its messages are the system prompt.
    pub(crate) fn fit(
        &self,
        history: &History,
        said: &[Message],
        frame: &mut Request,
    ) -> Result<History, BranchError> {
        let Some(prune) = &self.settings().prune else {
            return Ok(history.clone());
        };
        // Somebody else's counter is asked while nothing is locked.
        let mut overhead = std::mem::take(&mut self.state().overhead);
        if let Some(system) = frame.messages.pop() {
            frame.messages.push(overhead.system(system));
        }
        let fitted = prune.for_request(history, said, frame, &mut overhead);
        self.state().overhead = overhead;
        match fitted {
            Ok(fitted) => Ok(fitted.kept),
            Err(source) => Err(BranchError::DoesNotFit {
                branch: self.name().to_owned(),
                source,
                requests: Vec::new(),
            }),
        }
    }
}
