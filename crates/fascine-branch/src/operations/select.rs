use serde_json::Value;

use crate::draft::Draft;
use crate::operations::turn_loop::TurnLoop;
use crate::operations::typed_turn::{Judged, TypedTurn};
use crate::structured::{Fit, Misfit, Shape};
use crate::{
    AnswerOptions, Branch, BranchError, CallOptions, Choices, Incomplete, Instruction, JsonPath,
    RepairError, RepairLimits, Reply, TurnOptions, Violation, repair_json,
};

/// What [`Branch::select`] is to do.
///
/// # Defaults
///
/// - one choice is selected
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Select<C> {
    /// What is said.
    pub instruction: Instruction,
    /// What there is to choose from.
    pub choices: Choices<C>,
    /// How many may be selected.
    pub max_selections: usize,
    /// How the model is asked.
    pub call: CallOptions,
    /// How the turn goes.
    pub turn: TurnOptions,
    /// How the answer becomes data.
    pub answer: AnswerOptions,
}

/// What a model has selected.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Selection<C> {
    /// What it has selected, at least one, each once, in its order.
    pub selected: Vec<C>,
    /// The turn it was given in.
    pub reply: Reply,
}

impl<C> Select<C> {
    /// Says `instruction` and gives the choices.
    pub fn new(instruction: impl Into<Instruction>, choices: Choices<C>) -> Self {
        Self {
            instruction: instruction.into(),
            choices,
            max_selections: 1,
            call: CallOptions::default(),
            turn: TurnOptions::default(),
            answer: AnswerOptions::default(),
        }
    }

    /// Sets how many may be selected.
    #[must_use]
    pub fn with_max_selections(mut self, most: usize) -> Self {
        self.max_selections = most;
        self
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

impl Branch {
    /// Has the model choose.
    ///
    /// What it answers means the choice that is called so, or else the one that is called nearly so: by Jaro and Winkler
    /// at least 0.85, and nearer than any other. For anything else, and for too many, the model is asked again.
    ///
    /// # Errors
    ///
    /// [`BranchError::InvalidOperation`] when there is nothing to choose from, two choices have one label, or none may be
    /// selected; [`BranchError::Invalid`] when the model does not choose; else as for [`operate`](Self::operate).
    ///
    /// # Cancel safety
    ///
    /// As for [`communicate`](Self::communicate).
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_branch::{Branch, Choices, Select};
    /// # use fascine_model::ScriptedModel;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let model = ScriptedModel::new(&rt).with_answer(r#"{"selected": ["Spidr"]}"#);
    /// let branch = Branch::new(&rt, "zoology", model);
    /// let legs = Choices::labelled([("spider", 8), ("beetle", 6)]);
    /// let selection = branch.select(Select::new("Which one spins?", legs)).await.unwrap();
    /// assert_eq!(selection.selected, [8]);
    /// # });
    /// ```
    pub async fn select<C>(&self, what: Select<C>) -> Result<Selection<C>, BranchError> {
        what.choices.check()?;
        if what.max_selections == 0 {
            return Err(BranchError::InvalidOperation {
                field: "max_selections",
                reason: "is zero".to_owned(),
            });
        }
        let (choices, most) = (&what.choices, what.max_selections);
        let shape = Shape::new("selection", choices.schema())?;
        let note = format!(
            "Select {} of these, by the exact names:\n{}",
            at_most(most),
            choices.list()
        );
        let instruction = what.instruction.message();
        let mut draft = Draft::begin(self, instruction, what.turn.when_busy).await?;
        let mut turn_loop = TurnLoop::new(&draft, &what.call, &what.turn);
        let mut typed = TypedTurn::new(&shape, what.answer, Some(&note));
        let judge = |text: &str| {
            let Fit { value, repairs } = selected(text)?;
            let value = choices.chosen(&value, most)?;
            Ok(Fit { value, repairs })
        };
        let answer = typed.answer(&mut turn_loop, &mut draft, judge).await?;
        let Judged { response, judged } = answer;
        match judged {
            Ok(chosen) => Ok(Selection {
                selected: what.choices.take(&chosen.value),
                reply: draft.commit(response)?,
            }),
            Err(misfit) => Err(draft.invalid(&response, misfit)),
        }
    }
}

fn at_most(most: usize) -> String {
    match most {
        1 => "one".to_owned(),
        most => format!("at most {most}"),
    }
}

/// The texts that an answer selects: also those of a model that names what it selects without the document round it.
fn selected(text: &str) -> Result<Fit<Vec<String>>, Misfit> {
    let (value, repairs) = match repair_json(text, &RepairLimits::default()) {
        Ok(read) => (read.value, read.repairs),
        Err(_) if is_label(text) => (Value::String(text.trim().to_owned()), Vec::new()),
        Err(error) => return Err(no_list(Value::Null, text, Some(&error))),
    };
    let selected = value.get("selected").unwrap_or(&value);
    let texts = match selected {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let texts = items.iter().filter_map(Value::as_str);
            texts.map(str::to_owned).collect()
        }
        _ => return Err(no_list(value, text, None)),
    };
    Ok(Fit {
        value: texts,
        repairs: repairs.iter().map(ToString::to_string).collect(),
    })
}

fn no_list(value: Value, text: &str, error: Option<&RepairError>) -> Misfit {
    let found: String = text.chars().take(LONGEST).collect();
    let why = error.map(|error| format!(" ({error})")).unwrap_or_default();
    Misfit::of(Incomplete {
        value,
        missing: Vec::new(),
        invalid: vec![Violation {
            path: JsonPath::default(),
            found: Some(format!("{found:?}{why}")),
            expected: "an object with the names in a list called `selected`".to_owned(),
        }],
    })
}

/// Whether a text may be the name of a choice alone.
fn is_label(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && !text.contains('\n') && !text.starts_with(['{', '['])
}

/// How many characters are shown of an answer that selects nothing.
const LONGEST: usize = 80;
