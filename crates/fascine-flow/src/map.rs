use std::error::Error;
use std::future::Future;
use std::iter;
use std::sync::Arc;

use crate::expand::Expand;
use crate::step_builder::StepBuilder;
use crate::{Each, GraphBuilder, StepContext, StepId, StepOutput, StepResult};

/// Steps for each item of a list that another step gives.
impl GraphBuilder {
    /// Adds a step that runs a function for each item of a list, and gives what they gave in the order of the items.
    ///
    /// Each item is a step of its own within the run, from `name[0]` on. The first that fails fails this step, with
    /// [`GrowthError::Failed`](crate::GrowthError::Failed), and cancels the others.
    ///
    /// ```
    /// use fascine_flow::{Each, Flow, GraphBuilder};
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// let mut graph = GraphBuilder::new();
    /// let words = graph.step("words", |_| async { Ok(vec!["a".to_owned(), "bc".to_owned()]) }).id();
    /// let each = Each::concurrent();
    /// graph.map("lengths", words, each, |_, word| async move { Ok(word.len()) });
    /// let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
    /// assert_eq!(report.step("lengths").unwrap().json(), Some([1, 2][..].into()));
    /// # });
    /// ```
    pub fn map<I, F, Fut, O>(
        &mut self,
        name: impl Into<Arc<str>>,
        list: StepId<Vec<I>>,
        each: Each,
        work: F,
    ) -> StepBuilder<'_, Vec<O>>
    where
        I: StepOutput + Clone,
        F: Fn(StepContext, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = StepResult<O>> + Send + 'static,
        O: StepOutput + Clone,
    {
        self.over(name, list, each, work, |expand| async {
            Ok(expand.collect().await?)
        })
    }

    /// Adds a step that runs a function for each item of a list, and gives what came of each, in the order of the items:
    /// an error is given as its text and the texts of its causes. This step does not fail when they do.
    pub fn map_settled<I, F, Fut, O>(
        &mut self,
        name: impl Into<Arc<str>>,
        list: StepId<Vec<I>>,
        each: Each,
        work: F,
    ) -> StepBuilder<'_, Vec<Result<O, String>>>
    where
        I: StepOutput + Clone,
        F: Fn(StepContext, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = StepResult<O>> + Send + 'static,
        O: StepOutput + Clone,
    {
        self.over(name, list, each, work, |expand| async {
            let settled = expand.settle().await?.into_iter();
            let settled = settled.map(|outcome| outcome.map_err(|error| text(&*error)));
            Ok(settled.collect())
        })
    }

    /// Adds a step that runs a function for each item of a list, and makes one value of what they gave, in the order of
    /// the items. It begins with `start`.
    ///
    /// The first that fails fails this step, and cancels the others.
    pub fn map_reduce<I, F, Fut, O, R>(
        &mut self,
        name: impl Into<Arc<str>>,
        list: StepId<Vec<I>>,
        each: Each,
        work: F,
        start: R,
        reduce: impl Fn(R, O) -> R + Send + Sync + 'static,
    ) -> StepBuilder<'_, R>
    where
        I: StepOutput + Clone,
        F: Fn(StepContext, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = StepResult<O>> + Send + 'static,
        O: StepOutput + Clone,
        R: StepOutput + Clone,
    {
        let reduce = Arc::new(reduce);
        self.over(name, list, each, work, move |expand| {
            let (start, reduce) = (start.clone(), Arc::clone(&reduce));
            async move { Ok(expand.fold(start, |sum, next| reduce(sum, next)).await?) }
        })
    }

    fn over<I, F, Fut, O, E, Ends, T>(
        &mut self,
        name: impl Into<Arc<str>>,
        list: StepId<Vec<I>>,
        each: Each,
        work: F,
        end: E,
    ) -> StepBuilder<'_, T>
    where
        I: StepOutput + Clone,
        F: Fn(StepContext, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = StepResult<O>> + Send + 'static,
        O: StepOutput + Clone,
        E: Fn(Expand<I, F>) -> Ends + Send + Sync + 'static,
        Ends: Future<Output = StepResult<T>> + Send + 'static,
        T: StepOutput,
    {
        let work = Arc::new(work);
        let step = self.then(name, list, move |context, list| {
            let work = Arc::clone(&work);
            end(Expand::new(&context, list.to_vec(), work).with(each.clone()))
        });
        step.structural()
    }
}

/// The error and its causes, down to the root. A chain that bites its tail is cut.
fn text(error: &(dyn Error + 'static)) -> String {
    let causes = iter::successors(Some(error), |error: &&(dyn Error + 'static)| {
        (*error).source()
    });
    let texts: Vec<_> = causes.take(DEPTH).map(ToString::to_string).collect();
    texts.join(": ")
}

const DEPTH: usize = 32;
