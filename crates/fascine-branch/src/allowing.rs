use std::sync::Arc;

use fascine_model::{Model, Request};

use crate::capabilities::{Admission, Refused};
use crate::glob::Glob;
use crate::{Branch, BranchBuilder, BranchError, Budget, Capabilities};

/// What a branch may do. What is set for a fork narrows what the branch may that it is made of.
impl BranchBuilder {
    /// Allows the tools alone whose names fit one of these patterns: `*` stands for any characters, `?` for one. The
    /// model is not told of the others, and they are not called.
    pub fn allow_tools(self, patterns: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let patterns = globs(patterns);
        self.narrow(|capabilities| capabilities.narrow_tools(patterns))
    }

    /// Allows the models alone whose names fit one of these patterns, as for [`allow_tools`](Self::allow_tools). If a
    /// request names another model than that of its service, both have to.
    pub fn allow_models(self, patterns: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let patterns = globs(patterns);
        self.narrow(|capabilities| capabilities.narrow_models(patterns))
    }

    /// Adds a budget. A fork spends from those of the branch that it is made of, and from this one.
    pub fn budget(self, budget: Budget) -> Self {
        self.narrow(|capabilities| capabilities.add_budget(budget))
    }
}

impl Branch {
    /// What it may do.
    #[must_use]
    pub fn capabilities(&self) -> &Capabilities {
        &self.settings().capabilities
    }

    /// Asks whether a request may be made, just before it is.
    pub(crate) fn admit(
        &self,
        model: &dyn Model,
        request: &Request,
    ) -> Result<Admission, BranchError> {
        let branch = || self.name().to_owned();
        let admitted = self.capabilities().admit(model, request);
        admitted.map_err(|refused| match refused {
            Refused::Budget(source) => BranchError::Budget {
                branch: branch(),
                source,
                requests: Vec::new(),
            },
            Refused::Model(model) => BranchError::ModelNotAllowed {
                branch: branch(),
                model,
                requests: Vec::new(),
            },
        })
    }
}

fn globs(patterns: impl IntoIterator<Item = impl AsRef<str>>) -> Arc<[Glob]> {
    let patterns = patterns.into_iter();
    patterns
        .map(|pattern| Glob::new(pattern.as_ref()))
        .collect()
}
