use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::draft::Draft;
use crate::operations::turn_loop::TurnLoop;
use crate::operations::typed_turn::{Judged, TypedTurn};
use crate::structured::Shape;
use crate::yielding::Items;
use crate::{
    Answer, AnswerOptions, Branch, BranchError, CallOptions, HandleValidation, Instruction,
    Outcome, TurnItem, TurnOptions,
};

/// What [`Branch::operate`] is to do. A text is one.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Operate {
    /// What is said.
    pub instruction: Instruction,
    /// How the model is asked.
    pub call: CallOptions,
    /// How the turn goes.
    pub turn: TurnOptions,
    /// How the answer becomes data.
    pub answer: AnswerOptions,
}

impl Operate {
    /// Says `instruction`.
    pub fn new(instruction: impl Into<Instruction>) -> Self {
        Self {
            instruction: instruction.into(),
            ..Self::default()
        }
    }

    /// Sets how the model is asked.
    #[must_use]
    pub fn with_call(mut self, call: CallOptions) -> Self {
        self.call = call;
        self
    }

    /// Sets how the turn goes.
    #[must_use]
    pub fn with_turn(mut self, turn: TurnOptions) -> Self {
        self.turn = turn;
        self
    }

    /// Sets how the answer becomes data.
    #[must_use]
    pub fn with_answer(mut self, answer: AnswerOptions) -> Self {
        self.answer = answer;
        self
    }
}

impl<T: Into<Instruction>> From<T> for Operate {
    fn from(instruction: T) -> Self {
        Self::new(instruction)
    }
}

impl Branch {
    /// Says something to the model and waits for an answer that is a `T`. Tools are called on the way.
    ///
    /// The schema of `T` goes to the model as [`SchemaDelivery`](crate::SchemaDelivery) says. An answer that does not fit
    /// is told what is wrong with it, and the model is asked again within the same turn, so often and no more; the
    /// usage of every attempt is in the reply. A type that is no object is asked for in the field `answer` of one.
    ///
    /// # Errors
    ///
    /// [`BranchError::Invalid`] when no answer fits, with what there is of the last; [`BranchError::Withheld`] when the
    /// model refuses; the others as for [`communicate`](Self::communicate). The history is then as it was.
    ///
    /// # Cancel safety
    ///
    /// As for [`communicate`](Self::communicate).
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_branch::Branch;
    /// # use fascine_model::ScriptedModel;
    /// use schemars::JsonSchema;
    /// use serde::Deserialize;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// #[derive(Debug, Deserialize, JsonSchema, PartialEq)]
    /// struct Animal {
    ///     name: String,
    ///     legs: u32,
    /// }
    ///
    /// let model = ScriptedModel::new(&rt)
    ///     .with_answer(r#"{"name": "spider"}"#)
    ///     .with_answer(r#"{"name": "spider", "legs": 8}"#);
    /// let branch = Branch::new(&rt, "zoology", model);
    /// let answer = branch.operate::<Animal>("Describe a spider.").await.unwrap();
    /// assert_eq!(answer.value, Animal { name: "spider".into(), legs: 8 });
    /// assert_eq!((answer.re_asked, answer.reply.attempts), (1, 2));
    /// assert_eq!(branch.history().len(), 2);
    /// # });
    /// ```
    pub async fn operate<T>(&self, what: impl Into<Operate>) -> Result<Answer<T>, BranchError>
    where
        T: DeserializeOwned + JsonSchema,
    {
        let what = what.into();
        let (draft, judged, re_asked) = operate_turn(self, &what, None).await?;
        let Judged { response, judged } = judged;
        match judged {
            Ok(fit) => Ok(Answer {
                value: fit.value,
                reply: draft.commit(response)?,
                re_asked,
            }),
            Err(misfit) => Err(draft.invalid(&response, misfit)),
        }
    }

    /// As [`operate`](Self::operate), but what becomes of an answer that does not fit is the caller's choice.
    ///
    /// # Errors
    ///
    /// As for [`operate`](Self::operate); [`BranchError::Invalid`] only with [`HandleValidation::Raise`].
    ///
    /// # Cancel safety
    ///
    /// As for [`communicate`](Self::communicate).
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_branch::{AnswerOptions, Branch, HandleValidation, Operate, Outcome};
    /// # use fascine_model::ScriptedModel;
    /// # use schemars::JsonSchema;
    /// # use serde::Deserialize;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// #[derive(Debug, Deserialize, JsonSchema)]
    /// struct Animal {
    ///     name: String,
    ///     legs: u32,
    /// }
    ///
    /// let model = ScriptedModel::new(&rt).with_answer(r#"{"name": "spider"}"#);
    /// let branch = Branch::new(&rt, "zoology", model);
    /// let once = AnswerOptions::default().with_re_asks(0);
    /// let what = Operate::new("Describe a spider.").with_answer(once);
    /// let answer = branch.operate_as::<Animal>(what, HandleValidation::ReturnValue).await.unwrap();
    /// let Outcome::Incomplete(incomplete) = answer.value else { panic!("it has no legs") };
    /// assert_eq!(incomplete.value["name"], "spider");
    /// assert_eq!(incomplete.missing[0].as_str(), "/legs");
    /// # });
    /// ```
    pub async fn operate_as<T>(
        &self,
        what: impl Into<Operate>,
        handle: HandleValidation,
    ) -> Result<Answer<Outcome<T>>, BranchError>
    where
        T: DeserializeOwned + JsonSchema,
    {
        let what = what.into();
        let (draft, judged, re_asked) = operate_turn(self, &what, None).await?;
        let Judged { response, judged } = judged;
        match Outcome::of(judged, handle) {
            Ok(value) => Ok(Answer {
                value,
                reply: draft.commit(response)?,
                re_asked,
            }),
            Err(misfit) => Err(draft.invalid(&response, misfit)),
        }
    }
}

/// A turn up to its last answer, how that was judged, and how many times the model was asked again.
pub(crate) async fn operate_turn<T>(
    branch: &Branch,
    what: &Operate,
    items: Option<Items<TurnItem>>,
) -> Result<(Draft, Judged<T>, u32), BranchError>
where
    T: DeserializeOwned + JsonSchema,
{
    let shape = Shape::of::<T>()?;
    let instruction = what.instruction.message();
    let mut draft = Draft::begin(branch, instruction, what.turn.when_busy).await?;
    let mut turn_loop = TurnLoop::new(&draft, &what.call, &what.turn).with_items(items);
    let mut typed = TypedTurn::new(&shape, what.answer, None);
    let judge = |text: &str| shape.decode(text);
    let judged = typed.answer(&mut turn_loop, &mut draft, judge).await?;
    Ok((draft, judged, typed.re_asked()))
}
