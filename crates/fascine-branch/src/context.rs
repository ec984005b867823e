use std::future::{Future, ready};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use fascine_concurrency::{fail_after, unscoped};
use fascine_rt::{Panic, Rt};
use futures_lite::FutureExt;

use crate::context_provider::FnProvider;
use crate::{ContextInfo, ContextProvider};

mod cell;
mod error;

use cell::Cell;
pub use error::{ContextError, PromptError, UnknownContextProvider};

/// A context provider, and how it is asked.
///
/// It is asked once for a turn, at the same time as the others. Clones share what is kept: one of them is asked for all,
/// in whichever branch.
///
/// # Defaults
///
/// - nothing is kept: it is asked in every turn
/// - no time limit
/// - the turn fails if the provider does
///
/// # Examples
///
/// ```
/// use fascine_branch::{Branch, Context, OnContextError};
/// use fascine_model::ScriptedModel;
/// use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let weather = Context::new("Weather", || async { "Rain." })
///     .with_ttl(Duration::from_secs(600))
///     .with_timeout(Duration::from_secs(2))
///     .with_on_error(OnContextError::LastGood);
/// let model = ScriptedModel::new(&rt).with_answer("Take an umbrella.");
/// let branch = Branch::builder(&rt, "chat", model.clone())
///     .system("Be brief.")
///     .register_context_provider("weather", weather)
///     .build();
/// branch.communicate("What do I need?").await.unwrap();
/// assert_eq!(model.requests()[0].messages[0].text(), "Be brief.\n\nWeather:\nRain.");
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Context {
    provider: Arc<dyn ContextProvider>,
    title: Arc<str>,
    keep: Keep,
    timeout: Option<Duration>,
    on_error: OnContextError,
    cell: Arc<Cell>,
}

/// What becomes of a turn whose context provider fails, panics or takes too long.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnContextError {
    /// The turn fails before the model is asked.
    #[default]
    Fail,
    /// The model is told what the provider said last, and an [event](crate::BranchEvent::ContextSkipped) says so. The
    /// turn fails if it has never said anything.
    LastGood,
    /// The model is told nothing of it, and an [event](crate::BranchEvent::ContextSkipped) says so.
    Skip,
}

/// How long what a provider said is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    For(Duration),
    Never,
    UntilInvalidated,
}

/// What a turn gets of a provider.
#[derive(Clone, Debug)]
pub(crate) struct Info {
    pub(crate) title: Arc<str>,
    pub(crate) text: Arc<str>,
    /// What went wrong, if the turn does not fail for it.
    pub(crate) skipped: Option<ContextError>,
}

impl Context {
    /// Makes one of an async function that gives a text, or a result.
    pub fn new<F, Fut>(title: impl Into<String>, function: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output: ContextInfo> + Send + 'static,
    {
        let title = title.into();
        Self::from(FnProvider { title, function })
    }

    /// Makes one of a function that gives a text, or a result, at once. It must not block.
    pub fn from_fn<F, T>(title: impl Into<String>, function: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: ContextInfo + Send + 'static,
    {
        Self::new(title, move || ready(function()))
    }

    /// Keeps what the provider said for so long. Turns that come while it is being asked wait for what it says.
    #[must_use]
    pub fn with_ttl(self, ttl: Duration) -> Self {
        self.keeping(Keep::For(ttl))
    }

    /// Keeps what the provider said until it is [invalidated](Self::invalidate).
    #[must_use]
    pub fn with_cache(self) -> Self {
        self.keeping(Keep::UntilInvalidated)
    }

    /// Sets how long the provider may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets what becomes of a turn for which the provider fails.
    #[must_use]
    pub fn with_on_error(mut self, what: OnContextError) -> Self {
        self.on_error = what;
        self
    }

    /// What it is about.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Forgets what is kept: the next turn asks the provider, also if it is being asked just now.
    pub fn invalidate(&self) {
        self.cell.invalidate();
    }

    /// Asks for a turn.
    pub(crate) async fn info(&self, rt: &Rt) -> Result<Info, ContextError> {
        let said = match self.keep {
            Keep::Never => self.cell.remember(self.ask(rt).await),
            Keep::For(ttl) => self.cell.get(rt, Some(ttl), self.ask_for_all(rt)).await,
            Keep::UntilInvalidated => self.cell.get(rt, None, self.ask_for_all(rt)).await,
        };
        let (text, skipped) = match (said, self.on_error) {
            (Ok(text), _) => (text, None),
            (Err(error), OnContextError::Fail) => return Err(error),
            (Err(error), OnContextError::LastGood) => match self.cell.last_good() {
                Some(text) => (text, Some(error)),
                None => return Err(error),
            },
            (Err(error), OnContextError::Skip) => (Arc::from(""), Some(error)),
        };
        let title = Arc::clone(&self.title);
        Ok(Info {
            title,
            text,
            skipped,
        })
    }

    /// What is kept is of all turns: no deadline of the one that happens to ask reaches inside.
    async fn ask_for_all(&self, rt: &Rt) -> Result<Arc<str>, ContextError> {
        unscoped(self.ask(rt)).await
    }

    async fn ask(&self, rt: &Rt) -> Result<Arc<str>, ContextError> {
        let said = async { self.provider.info().await };
        let said = AssertUnwindSafe(said).catch_unwind();
        let said = match self.timeout {
            Some(limit) => fail_after(rt, limit, said)
                .await
                .map_err(|_| ContextError::TimedOut { limit })?,
            None => said.await,
        };
        match said {
            Ok(Ok(text)) => Ok(text.into()),
            Ok(Err(source)) => Err(ContextError::Failed(source.into())),
            Err(payload) => Err(ContextError::Panicked {
                message: Panic::new(payload).message().to_owned(),
            }),
        }
    }

    /// One that keeps otherwise keeps for itself.
    fn keeping(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self.cell = Arc::default();
        self
    }
}

impl<P: ContextProvider> From<P> for Context {
    fn from(provider: P) -> Self {
        Self {
            title: provider.title().into(),
            provider: Arc::new(provider),
            keep: Keep::Never,
            timeout: None,
            on_error: OnContextError::default(),
            cell: Arc::default(),
        }
    }
}
