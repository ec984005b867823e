use fascine::message::{Message, Part, Reasoning, Role};
use fascine::model::{Effort, Request};
use serde_json::{Value, json};

use super::anthropic_requests::{hello, messages, written};

#[test]
fn effort_becomes_what_the_model_understands() {
    let thinking = |request: Request| {
        let written = written(&request);
        (
            written["thinking"].clone(),
            written["output_config"]["effort"].clone(),
            written["max_tokens"].clone(),
        )
    };
    let enabled = |tokens: u32| json!({ "type": "enabled", "budget_tokens": tokens });
    let none = Value::Null;
    let low = hello().with_effort(Effort::Low);
    assert_eq!(
        thinking(low.clone()),
        (enabled(2048), none.clone(), json!(6144))
    );
    // A length that is set is kept, and half of it is for the answer.
    assert_eq!(
        thinking(low.clone().with_max_tokens(3000)),
        (enabled(1500), none.clone(), json!(3000))
    );
    assert_eq!(
        thinking(low.with_model("claude-opus-4-6")),
        (json!({ "type": "adaptive" }), json!("low"), json!(4096))
    );
    let budget = hello()
        .with_model("claude-opus-4-6")
        .with_effort(Effort::Budget(2000));
    assert_eq!(thinking(budget), (enabled(2000), none.clone(), json!(6096)));
    for not_at_all in [Effort::None, Effort::Budget(0)] {
        let request = hello().with_effort(not_at_all);
        assert_eq!(thinking(request), (none.clone(), none.clone(), json!(4096)));
    }
}

#[test]
fn thoughts_go_back_only_with_anthropics_own_seal() {
    let thought = |reasoning: Reasoning| Part::Reasoning(reasoning);
    let sealed = Reasoning::new("hm").with_signature("s1");
    let written = messages([
        Message::user("x"),
        Message::new(
            Role::Assistant,
            vec![
                thought(sealed.clone().with_provider("anthropic")),
                thought(sealed.clone()),
                thought(Reasoning::default().with_signature("withheld")),
                thought(Reasoning::default().with_encrypted("e1")),
                thought(sealed.clone().with_provider("gemini")),
                thought(sealed.with_id("rs_1")),
                thought(Reasoning::new("from a server without seals")),
                Part::Other {
                    provider: "gemini".into(),
                    value: json!({ "executableCode": 1 }),
                },
                Part::text("done"),
            ],
        ),
    ]);
    let expected = json!([
        { "type": "thinking", "thinking": "hm", "signature": "s1" },
        { "type": "thinking", "thinking": "hm", "signature": "s1" },
        { "type": "thinking", "thinking": "", "signature": "withheld" },
        { "type": "redacted_thinking", "data": "e1" },
        { "type": "text", "text": "done" },
    ]);
    assert_eq!(written[1]["content"], expected);
}
