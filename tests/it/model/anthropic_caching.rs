use fascine::message::{Message, Part, Reasoning, Role};
use fascine::model::{Request, ToolSpec};
use serde_json::{Value, json};

use super::anthropic_requests::{cache_mark, weather, written};

#[test]
fn cache_marks_are_put_on_what_is_before_them() {
    let system = Message::new(Role::System, vec![Part::text("long"), cache_mark()]);
    let thought = Reasoning::new("hm").with_signature("s");
    let hour = Part::CacheMark {
        ttl: Some("1h".into()),
    };
    let written = written(&Request::new([
        system,
        Message::new(Role::User, vec![Part::text("x"), hour]),
        Message::new(
            Role::Assistant,
            vec![Part::text("y"), Part::Reasoning(thought), cache_mark()],
        ),
    ]));
    let mark = json!({ "type": "ephemeral" });
    assert_eq!(
        written["system"],
        json!([{ "type": "text", "text": "long", "cache_control": mark }])
    );
    let hour = json!({ "type": "ephemeral", "ttl": "1h" });
    assert_eq!(
        written["messages"][0]["content"],
        json!([{ "type": "text", "text": "x", "cache_control": hour }])
    );
    // No mark may be on a thought.
    let content = &written["messages"][1]["content"];
    assert_eq!(content[0]["cache_control"], mark);
    assert_eq!(content[1]["cache_control"], Value::Null);
}

#[test]
fn a_mark_with_nothing_before_it_is_on_the_tools() {
    let first = Message::new(Role::User, vec![cache_mark(), Part::text("x")]);
    let now = ToolSpec::new("now", "", Value::Null);
    let request = Request::new([first]).with_tool(now).with_tool(weather());
    let tools = &written(&request)["tools"];
    assert_eq!(tools[0]["cache_control"], Value::Null);
    assert_eq!(tools[1]["cache_control"], json!({ "type": "ephemeral" }));
}
