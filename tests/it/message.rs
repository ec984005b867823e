//! Messages as data.

use fascine::message::{Message, MessageId, Part, Role, ToolCall, Usage};

#[test]
fn a_message_survives_the_trip_through_json() {
    let call = ToolCall::new("c1", "weather", "{\"x\":1");
    let messages = [
        Message::system(""),
        Message::user("zwölf \u{1F577}\n\"quoted\""),
        Message::new(
            Role::Assistant,
            vec![Part::text("let me see"), Part::ToolCall(call)],
        ),
        Message::tool("c1", "21 C").with_id(MessageId::from_u128(u128::MAX)),
        Message::new(Role::User, vec![]),
    ];
    for message in messages {
        let json = serde_json::to_string(&message).unwrap();
        assert_eq!(
            serde_json::from_str::<Message>(&json).unwrap(),
            message,
            "{json}"
        );
    }
}

#[test]
fn a_message_says_what_it_is() {
    let json =
        serde_json::to_value(Message::user("hi").with_id(MessageId::from_u128(0x1234))).unwrap();
    let expected = serde_json::json!({
        "id": "00000000-0000-0000-0000-000000001234",
        "role": "user",
        "content": [{ "type": "text", "text": "hi" }],
    });
    assert_eq!(json, expected);
}

#[test]
fn what_is_not_a_message_is_refused_by_name() {
    for (json, named) in [
        (r#"{"role": "king", "content": []}"#, "king"),
        (
            r#"{"role": "user", "content": [{"type": "smell"}]}"#,
            "smell",
        ),
        (r#"{"role": "user"}"#, "content"),
        (
            r#"{"id": "not-an-id", "role": "user", "content": []}"#,
            "not-an-id",
        ),
    ] {
        let error = serde_json::from_str::<Message>(json)
            .unwrap_err()
            .to_string();
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn ids_are_read_as_they_are_written_and_nothing_else_is() {
    let id = MessageId::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    assert_eq!(id.to_string(), "01234567-89ab-cdef-0123-456789abcdef");
    assert_eq!(id.to_string().parse(), Ok(id));
    for text in [
        "",
        "0123",
        "01234567-89ab-cdef-0123-456789abcdeg",
        "+1234567-89ab-cdef-0123-456789abcdef",
        "éé",
    ] {
        assert!(text.parse::<MessageId>().is_err(), "{text}");
    }
}

#[test]
fn usage_adds_up_and_never_overflows() {
    let some = Usage::new(3, 4);
    let all = Usage::new(u64::MAX, u64::MAX);
    assert_eq!([some, some].into_iter().sum::<Usage>().total(), 14);
    assert_eq!((some + all).total(), u64::MAX);
}
