use std::time::Duration;

use fascine::branch::Branch;
use fascine::flow::Operations;
use fascine::model::ModelService;
use fascine::rt::Rt;
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::Value;

use crate::args::duration;

/// What the steps of a flow from a file can do.
pub(crate) fn operations(rt: &Rt, service: Option<&ModelService>) -> Operations {
    let (asking, sleeping) = ((rt.clone(), service.cloned()), rt.clone());
    Operations::new()
        .with("ask", move |question: Question, _| {
            let (rt, service) = asking.clone();
            async move {
                let service = service.ok_or("there is nobody to ask")?;
                let (prompt, system) = question.parts();
                let mut branch = Branch::builder(&rt, "flow", service);
                if let Some(system) = system {
                    branch = branch.system(system);
                }
                Ok(branch.build().communicate(prompt).await?.text())
            }
        })
        .with("echo", |value: Value, _| async move { Ok(value) })
        .with("fail", |message: String, _| async move {
            Err::<Value, _>(message.into())
        })
        .with("sleep", move |time: Time, _| {
            let rt = sleeping.clone();
            async move {
                rt.sleep(time.0).await;
                Ok(())
            }
        })
}

/// What to ask: a text alone, or with what the model is to be like.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a text, or a table with `prompt` and, perhaps, `system`"
)]
enum Question {
    Prompt(String),
    Whole(Whole),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    prompt: String,
    system: Option<String>,
}

impl Question {
    fn parts(self) -> (String, Option<String>) {
        match self {
            Self::Prompt(prompt) => (prompt, None),
            Self::Whole(Whole { prompt, system }) => (prompt, system),
        }
    }
}

struct Time(Duration);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        duration(&text).map(Self).map_err(Error::custom)
    }
}
