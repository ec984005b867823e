use super::StepView;

impl StepView {
    /// How many steps are within it, in words.
    pub(crate) fn within(&self) -> Option<String> {
        match self.nested.len() + self.hidden {
            0 => None,
            1 => Some("1 step within".to_owned()),
            count => Some(format!("{count} steps within")),
        }
    }

    /// Which of the steps within it were left out, in words.
    pub(crate) fn left_out(&self) -> Option<String> {
        let total = self.nested.len() + self.hidden;
        (self.hidden > 0).then(|| {
            format!(
                "{} of these {total} steps are shown: those that failed or were cancelled first, then in order",
                self.nested.len()
            )
        })
    }
}
