use fascine::session::{Operation, OperationGraph};

use crate::readings::READINGS;

/// The name of the last step, whose answer is the report.
pub(crate) const REPORT: &str = "report";

/// The job: *ingest → {statistics, patterns, risks} → report*, and an escalation that the answers do not ask for.
pub fn operations() -> OperationGraph {
    let ingest = format!(
        "Check these hourly readings of a web service for gaps and impossible values.\n\n{READINGS}"
    );
    let look = |instruction: &str| {
        let instruction = format!("{instruction}\n\n# readings\n\n{READINGS}");
        Operation::communicate(instruction)
            .depends_on("ingest")
            .with_answers()
    };
    OperationGraph::new()
        .add_operation("ingest", Operation::communicate(ingest))
        .add_operation(
            "statistics",
            look("Give the key statistics of the readings."),
        )
        .add_operation("patterns", look("Describe the patterns in the readings."))
        .add_operation(
            "risks",
            look(
                "Name the risks that the readings show. \
                 End with a line `severity:` and one of low, moderate, high.",
            ),
        )
        .add_operation(
            REPORT,
            Operation::communicate("Write the report for the service's owners, in a paragraph.")
                .depends_on("statistics")
                .depends_on("patterns")
                .depends_on("risks")
                .with_answers(),
        )
        .add_operation(
            "escalation",
            Operation::communicate("Write a page to whoever is on call.")
                .depends_on_when("risks", |answer| {
                    answer.text.to_lowercase().contains("severity: high")
                })
                .with_answers(),
        )
}
