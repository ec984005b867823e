use std::error::Error;
use std::fmt;
use std::future::Future;

use fascine_rt::BoxFuture;

/// Says something that the model should know now: the date, who asks, what was found.
///
/// A function is one, by [`Context::new`](crate::Context::new).
pub trait ContextProvider: fmt::Debug + Send + Sync + 'static {
    /// What it is about: the heading in the system prompt. It does not change.
    fn title(&self) -> &str;

    /// Says it. An empty text is left out, with its heading.
    ///
    /// # Errors
    ///
    /// Why it cannot be said; [`OnContextError`](crate::OnContextError) decides what becomes of the turn.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    fn info(&self) -> BoxFuture<Result<String, Box<dyn Error + Send + Sync>>>;
}

/// What a function may give that is a context provider: a text, or a result.
pub trait ContextInfo {
    /// Makes a result of it.
    ///
    /// # Errors
    ///
    /// If it is an error.
    fn into_info(self) -> Result<String, Box<dyn Error + Send + Sync>>;
}

impl ContextInfo for String {
    fn into_info(self) -> Result<String, Box<dyn Error + Send + Sync>> {
        Ok(self)
    }
}

impl ContextInfo for &str {
    fn into_info(self) -> Result<String, Box<dyn Error + Send + Sync>> {
        Ok(self.to_owned())
    }
}

impl<T: Into<String>, E: Into<Box<dyn Error + Send + Sync>>> ContextInfo for Result<T, E> {
    fn into_info(self) -> Result<String, Box<dyn Error + Send + Sync>> {
        match self {
            Ok(text) => Ok(text.into()),
            Err(error) => Err(error.into()),
        }
    }
}

/// A function, as a provider.
pub(crate) struct FnProvider<F> {
    pub(crate) title: String,
    pub(crate) function: F,
}

impl<F, Fut> ContextProvider for FnProvider<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: ContextInfo> + Send + 'static,
{
    fn title(&self) -> &str {
        &self.title
    }

    fn info(&self) -> BoxFuture<Result<String, Box<dyn Error + Send + Sync>>> {
        let said = (self.function)();
        Box::pin(async move { said.await.into_info() })
    }
}

impl<F> fmt::Debug for FnProvider<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnProvider")
            .field("title", &self.title)
            .finish_non_exhaustive()
    }
}
