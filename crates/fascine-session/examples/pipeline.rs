//! Stages, each of which has the value of the one before it: a text becomes data, and the data a text.
//!
//! ```sh
//! cargo run -p fascine-session --example pipeline
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]
#![allow(clippy::unwrap_used, reason = "an example says where it ends")]

use fascine_branch::Branch;
use fascine_flow::StepContext;
use fascine_model::ScriptedModel;
use fascine_session::{Operation, OperationGraph, OperationOutput, Session};
use fascine_testing::TestRuntime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
struct Invoice {
    customer: String,
    euros: u32,
}

fn main() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_rule("Read the mail", r#"{"customer": "Ada", "euros": 1200}"#)
            .with_rule("Write a reminder", "Dear Ada, 1428 euros are due.");
        let session = Session::new(&rt, Branch::new(&rt, "office", model.clone()));
        // A stage may be a function of the program: the next one has what it gives.
        let tax = |_, context: StepContext| async move {
            let input = OperationOutput::input(&context, "read").ok_or("there is no invoice")?;
            let mut invoice: Invoice = input.value()?;
            invoice.euros = invoice.euros * 119 / 100;
            Ok(OperationOutput::from_data(&invoice)?)
        };
        let graph = OperationGraph::new().chain([
            (
                "read",
                Operation::operate::<Invoice>("Read the mail: Ada owes us 1200 euros."),
            ),
            ("tax", Operation::function(tax)),
            (
                "write",
                Operation::communicate("Write a reminder.").with_answers(),
            ),
        ]);

        let report = session.flow(&graph).await.unwrap();
        let invoice: Invoice = OperationOutput::of(&report, "tax")
            .unwrap()
            .value()
            .unwrap();
        let reminder = OperationOutput::of(&report, "write").unwrap().text;
        println!("{invoice:?}: {reminder}");
        assert_eq!(invoice.euros, 1428);
        assert_eq!(reminder, "Dear Ada, 1428 euros are due.");
        let asked = model.requests()[1].messages[0].text();
        let (_, data) = asked.split_once("# tax\n\n").unwrap();
        assert_eq!(serde_json::from_str::<Value>(data).unwrap()["euros"], 1428);
    });
}

#[test]
fn it_does_what_it_says() {
    main();
}
