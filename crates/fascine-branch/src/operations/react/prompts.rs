use crate::Completion;

/// What is said along with the instruction.
pub(super) fn beginning(extensions: u32) -> String {
    let more = match extensions {
        0 => "There is one round.".to_owned(),
        more => format!("After the first round you may have up to {more} more."),
    };
    format!(
        "Work on this in rounds. In each round think, have tools called if there are any that help, and then say what \
         you found, and whether you need another round. {more} You will be asked for the answer at the end."
    )
}

/// What is said before another round.
pub(super) fn going_on(left: u32) -> String {
    match left {
        0 => "Go on. This is the last round.".to_owned(),
        left => format!("Go on. After this round you may have up to {left} more."),
    }
}

/// What is said before the answer.
pub(super) const ANSWERING: &str = "Now give the answer, by all that you found.";

/// What is said before the check.
pub(super) const CHECKING: &str =
    "Check your answer against the task: say whether something is missing.";

/// What is said when the check has found something.
pub(super) fn completing(completion: &Completion, left: u32) -> String {
    let missing = completion.missing_steps.iter();
    let missing: String = missing.map(|step| format!("\n- {step}")).collect();
    let next = completion.next_action.as_deref();
    let next = next.map(|next| format!("\nNext: {next}"));
    let next = next.unwrap_or_default();
    format!(
        "Your answer is not complete.{missing}{next}\n{}",
        going_on(left)
    )
}
