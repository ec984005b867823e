use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};

use fascine_concurrency::shield;
use futures_lite::FutureExt;

use crate::{Branch, BranchLog, Unflushed};

impl Branch {
    /// Runs `body` with this branch, and then writes its [log](BranchLog), however the body ends.
    ///
    /// The outcome of the body is given back, be it an error; a panic goes on when the log is written. A scope around it
    /// that is cancelled waits for the writing once the body is over.
    ///
    /// # Errors
    ///
    /// [`Unflushed`] when the log cannot be written: it holds what the body gave. After a panic of the body, the
    /// [handler](BranchLog::with_error_handler) is told.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the body, and begins to write the log in the background: nobody can wait in a drop.
    /// [`BranchLog::flush`] waits for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_branch::{Branch, BranchLog, FileLog};
    /// use fascine_model::EchoModel;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// # let folder = std::env::temp_dir().join(format!("fascine-scoped-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let path = folder.join("branch.jsonl");
    ///
    /// let log = BranchLog::new(&rt, FileLog::new(&rt, &path));
    /// let branch = Branch::builder(&rt, "analyst", EchoModel).log(log).build();
    /// let answer = branch
    ///     .scoped(|branch| async move { branch.communicate("Analyze this data").await })
    ///     .await??;
    /// assert_eq!(answer.text(), "Analyze this data");
    /// assert_eq!(std::fs::read_to_string(&path)?.lines().count(), 2);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn scoped<T, F, Fut>(&self, body: F) -> Result<T, Unflushed<T>>
    where
        F: FnOnce(Self) -> Fut,
        Fut: Future<Output = T>,
    {
        let mut unfinished = Unfinished(self.log().cloned());
        let body = async { body(self.clone()).await };
        let outcome = AssertUnwindSafe(body).catch_unwind().await;
        let flushed = match unfinished.0.take() {
            Some(log) => shield(async { log.flush().await }).await,
            None => Ok(()),
        };
        match (outcome, flushed) {
            (Ok(outcome), Ok(())) => Ok(outcome),
            (Ok(outcome), Err(source)) => Err(Unflushed { outcome, source }),
            (Err(payload), flushed) => {
                if let (Err(error), Some(log)) = (flushed, self.log()) {
                    log.report(&error);
                }
                resume_unwind(payload)
            }
        }
    }

    /// Where it writes down what happens, if it does.
    #[must_use]
    pub fn log(&self) -> Option<&BranchLog> {
        self.settings().log.as_ref()
    }
}

/// The body goes on. Whoever drops it cannot wait for the log.
struct Unfinished(Option<BranchLog>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(log) = &self.0 {
            log.flush_in_background();
        }
    }
}
