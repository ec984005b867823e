use super::*;

const ANTHROPIC: &[(&str, &str)] = &[("anthropic-version", "2023-06-01")];

#[test]
fn errors_have_the_form_of_their_api() {
    on_memory(|rt, net| async move {
        let (server, transport) = start(&rt, &net, MockServer::builder()).await;
        for (path, status, kind, expected) in [
            ("POST /v1/nowhere", 404, "/error/code", "unknown_url"),
            ("POST /v1/responses/7", 404, "/error/code", "unknown_url"),
            ("POST /v1/messages/7", 404, "/error/type", "not_found_error"),
            (
                "POST /v1beta/models/m:fly",
                404,
                "/error/status",
                "NOT_FOUND",
            ),
            (
                "POST /api/fly",
                404,
                "/error",
                "Unknown request URL: /api/fly.",
            ),
            (
                "GET /api/chat",
                405,
                "/error",
                "Not allowed to GET on this URL.",
            ),
            (
                "GET /v1/messages",
                405,
                "/error/type",
                "invalid_request_error",
            ),
            (
                "POST /v1beta/models/m:generateContent",
                400,
                "/error/status",
                "INVALID_ARGUMENT",
            ),
        ] {
            let answer = call(&transport, &server, path, &[], &json!({})).await;
            assert_eq!(answer.status(), status, "{path}");
            let error = json_of(answer).await;
            assert_eq!(
                error.pointer(kind),
                Some(&json!(expected)),
                "{path}: {error}"
            );
        }
        assert_eq!(server.rejected(), 8);
    });
}

/// Sends what is wrong and returns what the server says of it.
async fn complaint(
    transport: &H1Transport,
    server: &MockServer,
    path: &str,
    body: Value,
) -> (u16, Value) {
    let answer = call(transport, server, path, ANTHROPIC, &body).await;
    (answer.status().as_u16(), json_of(answer).await)
}

#[test]
fn anthropic_wants_its_version_a_limit_and_results_for_its_calls() {
    on_memory(|rt, net| async move {
        let (server, transport) = start(&rt, &net, MockServer::builder()).await;
        let call_of = |id: &str| json!({ "type": "tool_use", "id": id, "name": "t", "input": {} });
        let result = json!({ "type": "tool_result", "tool_use_id": "1", "content": "x" });
        let image = |kind: &str, data: &str| {
            let source = json!({ "type": "base64", "media_type": kind, "data": data });
            json!([{ "role": "user", "content": [{ "type": "image", "source": source }] }])
        };
        let user = json!({ "role": "user", "content": "x" });
        for (messages, field) in [
            (json!([]), "messages: "),
            (
                json!([{ "role": "system", "content": "x" }]),
                "messages.0.role: ",
            ),
            (json!([{ "role": "user" }]), "messages.0.content: "),
            (
                json!([{ "role": "user", "content": [result] }]),
                "messages.0.content.0.tool_use_id: ",
            ),
            (
                json!([user, { "role": "assistant", "content": [call_of("1")] }]),
                "messages.1.content.0: ",
            ),
            (
                json!([user, { "role": "assistant", "content": [call_of("1"), call_of("2")] }, { "role": "user", "content": [result] }]),
                "messages.1.content.1: ",
            ),
            (
                json!([{ "role": "user", "content": [{ "type": "text", "text": "" }] }]),
                "messages.0.content.0.text: ",
            ),
            (
                image("image/tiff", "aGk="),
                "messages.0.content.0.source.media_type: ",
            ),
            (
                image("image/png", "not base64"),
                "messages.0.content.0.source.media_type: ",
            ),
        ] {
            let body = json!({ "model": "m", "max_tokens": 9, "messages": messages });
            let (status, error) = complaint(&transport, &server, "POST /v1/messages", body).await;
            let said = error["error"]["message"].as_str().unwrap();
            assert!(status == 400 && said.starts_with(field), "{field}: {error}");
        }
        let whole = json!([user, { "role": "assistant", "content": [call_of("1")] }, { "role": "user", "content": [result] }]);
        let body = json!({ "model": "m", "max_tokens": 9, "messages": whole });
        assert_eq!(
            complaint(&transport, &server, "POST /v1/messages", body)
                .await
                .0,
            200
        );
        let body = json!({ "model": "m", "messages": [user] });
        let (_, error) = complaint(&transport, &server, "POST /v1/messages", body.clone()).await;
        assert_eq!(
            error["error"]["message"],
            "max_tokens: Missing required parameter: 'max_tokens'."
        );
        let without = call(&transport, &server, "POST /v1/messages", &[], &body).await;
        assert!(text_of(without).await.contains("anthropic-version"));
    });
}

#[test]
fn openai_wants_results_for_its_calls_and_calls_for_its_results() {
    on_memory(|rt, net| async move {
        let (server, transport) = start(&rt, &net, MockServer::builder()).await;
        let user = json!({ "role": "user", "content": "x" });
        let function = json!({ "name": "t", "arguments": "{}" });
        let calls = json!([{ "id": "1", "type": "function", "function": function }]);
        let assistant = json!({ "role": "assistant", "content": null, "tool_calls": calls });
        let tool = |id: &str| json!({ "role": "tool", "tool_call_id": id, "content": "x" });
        let picture = |url: &str| {
            let part = json!({ "type": "image_url", "image_url": { "url": url } });
            json!([{ "role": "user", "content": [part] }])
        };
        for (messages, field) in [
            (json!([user, tool("1")]), "messages[1].tool_call_id"),
            (
                json!([user, assistant, tool("2")]),
                "messages[2].tool_call_id",
            ),
            (json!([user, assistant, user]), "messages[1].tool_calls[0]"),
            (picture("ftp://x"), "messages[0].content[0].image_url.url"),
            (
                picture("data:image/bmp;base64,aGk="),
                "messages[0].content[0].image_url.url",
            ),
        ] {
            let body = json!({ "model": "m", "messages": messages });
            let (status, error) =
                complaint_plain(&transport, &server, "POST /v1/chat/completions", body).await;
            assert_eq!(
                (status, &error["error"]["param"]),
                (400, &json!(field)),
                "{error}"
            );
        }
        let body = json!({ "model": "m", "messages": [user, assistant, tool("1")] });
        assert_eq!(
            complaint_plain(&transport, &server, "POST /v1/chat/completions", body)
                .await
                .0,
            200
        );
        let output = json!({ "type": "function_call_output", "call_id": "1", "output": "x" });
        let body = json!({ "model": "m", "input": [output] });
        let (_, error) = complaint_plain(&transport, &server, "POST /v1/responses", body).await;
        assert_eq!(error["error"]["param"], "input[0].call_id");
        let body = json!({ "model": "m", "input": [output], "previous_response_id": "resp_1" });
        assert_eq!(
            complaint_plain(&transport, &server, "POST /v1/responses", body)
                .await
                .0,
            200
        );
        let body = json!({ "model": "m", "input": "x", "tool_choice": "required" });
        let (_, error) = complaint_plain(&transport, &server, "POST /v1/responses", body).await;
        assert_eq!(error["error"]["param"], "tool_choice");
    });
}

async fn complaint_plain(
    transport: &H1Transport,
    server: &MockServer,
    path: &str,
    body: Value,
) -> (u16, Value) {
    let answer = call(transport, server, path, &[], &body).await;
    (answer.status().as_u16(), json_of(answer).await)
}

#[test]
fn gemini_wants_as_many_results_as_calls() {
    on_memory(|rt, net| async move {
        let (server, transport) = start(&rt, &net, MockServer::builder()).await;
        let turn = |role: &str, parts: Value| json!({ "role": role, "parts": parts });
        let call_part = json!({ "functionCall": { "name": "t", "args": {} } });
        let result = json!({ "functionResponse": { "name": "t", "response": { "result": 1 } } });
        let scalar = json!({ "functionResponse": { "name": "t", "response": 1 } });
        for (contents, field) in [
            (json!([]), "contents"),
            (
                json!([turn("assistant", json!([{ "text": "x" }]))]),
                "contents[0].role",
            ),
            (json!([turn("user", json!([result]))]), "contents[0]"),
            (
                json!([
                    turn("model", json!([call_part, call_part])),
                    turn("user", json!([result]))
                ]),
                "contents[1]",
            ),
            (
                json!([
                    turn("model", json!([call_part])),
                    turn("user", json!([scalar]))
                ]),
                "contents[1].parts[0].functionResponse.response",
            ),
        ] {
            let body = json!({ "contents": contents });
            let path = "POST /v1beta/models/m:generateContent";
            let (status, error) = complaint_plain(&transport, &server, path, body).await;
            let named = &error["error"]["details"][0]["fieldViolations"][0]["field"];
            assert_eq!((status, named), (400, &json!(field)), "{error}");
        }
    });
}

#[test]
fn keys_are_asked_for_as_each_api_does() {
    on_memory(|rt, net| async move {
        let settings = MockServer::builder()
            .with_api_key("right")
            .with_api_key("other");
        let (server, transport) = start(&rt, &net, settings).await;
        for (path, name, value, refusal) in [
            ("GET /v1/models", "authorization", "Bearer ", 401),
            ("GET /api/tags", "authorization", "Bearer ", 401),
            ("GET /v1beta/models", "x-goog-api-key", "", 400),
            ("GET /v1/models/m", "x-api-key", "", 401),
        ] {
            for (key, status) in [("right", 200), ("other", 200), ("wrong", refusal)] {
                let value = format!("{value}{key}");
                let mut headers = vec![(name, value.as_str())];
                if name == "x-api-key" {
                    headers.extend(ANTHROPIC);
                }
                let answer = call(&transport, &server, path, &headers, &Value::Null).await;
                assert_eq!(answer.status(), status, "{path} {value}");
                text_of(answer).await;
            }
            let none = call(&transport, &server, path, &[], &Value::Null).await;
            assert!(none.status().is_client_error());
        }
    });
}
