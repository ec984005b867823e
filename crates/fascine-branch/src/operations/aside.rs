use std::sync::Arc;

use fascine_message::Message;
use fascine_model::{Request, Response};

use crate::structured::Misfit;
use crate::{Branch, BranchError, CallOptions, RequestUsage, foreign};

impl Branch {
    /// A request with all that was said, as far as it fits, and `message`.
    pub(crate) async fn request_aside(
        &self,
        mut request: Request,
        message: Message,
    ) -> Result<Request, BranchError> {
        let system = self.write_system(None).await?;
        request.messages = system.into_iter().collect();
        let said = [message];
        let before = self.fit(&self.history(), &said, &mut request)?;
        request.messages.extend(before.iter().cloned().chain(said));
        Ok(request)
    }

    /// Asks outside of any turn.
    pub(crate) async fn ask_aside(
        &self,
        call: &CallOptions,
        request: Request,
    ) -> Result<Response, BranchError> {
        let model = call.model.as_ref();
        let model = Arc::clone(model.unwrap_or(&self.settings().model));
        let admission = self.admit(&*model, &request)?;
        let asked = foreign::await_it(async { model.invoke(request).await }).await;
        if let Ok(asked) = &asked {
            admission.settle(asked);
        }
        match asked {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(source)) => Err(BranchError::Model {
                branch: self.name().to_owned(),
                model: model.name().to_owned(),
                requests: vec![RequestUsage::failed(model.name(), &source)],
                source,
            }),
            Err(panic) => Err(BranchError::Panicked {
                branch: self.name().to_owned(),
                what: format!("model `{}`", model.name()),
                message: panic.message().to_owned(),
                requests: Vec::new(),
            }),
        }
    }

    /// The model that is asked.
    pub(crate) fn model_name<'a>(&'a self, call: &'a CallOptions) -> &'a str {
        let model = call.model.as_ref();
        model.unwrap_or(&self.settings().model).name()
    }

    pub(crate) fn invalid(
        &self,
        text: String,
        misfit: Misfit,
        requests: Vec<RequestUsage>,
    ) -> BranchError {
        BranchError::Invalid {
            branch: self.name().to_owned(),
            text,
            reason: misfit.reason,
            incomplete: Box::new(misfit.incomplete),
            requests,
        }
    }
}
