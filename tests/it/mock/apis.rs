use fascine_mock::Answer;

use super::*;

const ANTHROPIC: &[(&str, &str)] = &[("anthropic-version", "2023-06-01")];

fn answers() -> MockServerBuilder {
    let calls = Answer::new("Let me look.")
        .with_reasoning("The weather is asked for. Twice.")
        .with_tool_call("weather", json!({ "city": "Oslo", "days": [1, 2, 3] }))
        .with_tool_call("weather", json!({ "city": "Zürich" }));
    MockServer::builder()
        .with_answer("sky", "It is blue today.")
        .with_answer("weather", calls)
}

/// The documents of a stream of server-sent events.
pub(super) fn events(stream: &str) -> Vec<Value> {
    stream
        .split_terminator("\n\n")
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

fn strings<'a>(events: &'a [Value], pointer: &str) -> impl Iterator<Item = &'a str> {
    events
        .iter()
        .filter_map(move |event| event.pointer(pointer)?.as_str())
}

#[test]
fn chat_completions_stream_parallel_calls_in_fragments_by_turns() {
    on_memory(|rt, net| async move {
        let (server, transport) = start(&rt, &net, answers()).await;
        let whole = json_of(send(&transport, &server, &ask("weather?", false)).await).await;
        let message = &whole["choices"][0]["message"];
        assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
        let stream = text_of(send(&transport, &server, &ask("weather?", true)).await).await;
        let events = events(&stream);
        let mut arguments = [String::new(), String::new()];
        let mut order = Vec::new();
        for event in &events {
            for call in event["choices"][0]["delta"]["tool_calls"]
                .as_array()
                .into_iter()
                .flatten()
            {
                let index = call["index"].as_u64().unwrap() as usize;
                let piece = call["function"]["arguments"].as_str().unwrap();
                arguments[index].push_str(piece);
                order.push(index);
            }
        }
        assert_eq!(order[..6], [0, 1, 0, 1, 0, 1]);
        for (index, arguments) in arguments.iter().enumerate() {
            assert_eq!(
                message["tool_calls"][index]["function"]["arguments"],
                *arguments
            );
        }
        let reasoning: String = strings(&events, "/choices/0/delta/reasoning_content").collect();
        assert_eq!(message["reasoning_content"], reasoning);
    });
}

#[test]
fn responses_number_their_events_and_repeat_everything_at_the_end() {
    on_memory(|rt, net| async move {
        let (server, transport) = start(&rt, &net, answers()).await;
        let ask = |stream| json!({ "model": "m", "input": "weather?", "stream": stream });
        let path = "POST /v1/responses";
        let whole = json_of(call(&transport, &server, path, &[], &ask(false)).await).await;
        let kinds: Vec<&str> = strings(whole["output"].as_array().unwrap(), "/type").collect();
        assert_eq!(
            kinds,
            ["reasoning", "message", "function_call", "function_call"]
        );
        let stream = call(&transport, &server, path, &[], &ask(true)).await;
        let events = events(&text_of(stream).await);
        assert_eq!(events.last().unwrap()["response"], whole);
        for (number, event) in events.iter().enumerate() {
            assert_eq!(event["sequence_number"], number);
        }
        let text: String = events
            .iter()
            .filter(|event| event["type"] == "response.output_text.delta")
            .map(|event| event["delta"].as_str().unwrap())
            .collect();
        assert_eq!(text, "Let me look.");
        let second: String = events
            .iter()
            .filter(|event| event["type"] == "response.function_call_arguments.delta")
            .filter(|event| event["output_index"] == 3)
            .map(|event| event["delta"].as_str().unwrap())
            .collect();
        assert_eq!(whole["output"][3]["arguments"], second);
    });
}

#[test]
fn messages_come_in_blocks_with_a_signature_and_a_count_of_the_whole() {
    on_memory(|rt, net| async move {
        let (server, transport) = start(&rt, &net, answers()).await;
        let ask = |stream| {
            let messages = json!([{ "role": "user", "content": "weather?" }]);
            json!({ "model": "m", "max_tokens": 999, "messages": messages, "stream": stream })
        };
        let path = "POST /v1/messages";
        let whole = json_of(call(&transport, &server, path, ANTHROPIC, &ask(false)).await).await;
        assert_eq!(whole["stop_reason"], "tool_use");
        let stream = call(&transport, &server, path, ANTHROPIC, &ask(true)).await;
        let events = events(&text_of(stream).await);
        let kinds: Vec<&str> = strings(&events, "/content_block/type").collect();
        assert_eq!(kinds, ["thinking", "text", "tool_use", "tool_use"]);
        let thought: String = strings(&events, "/delta/thinking").collect();
        assert_eq!(whole["content"][0]["thinking"], thought);
        let signature: String = strings(&events, "/delta/signature").collect();
        assert_eq!(whole["content"][0]["signature"], signature);
        for index in [2, 3] {
            let of_block: Vec<Value> = events
                .iter()
                .filter(|event| event["index"] == index)
                .cloned()
                .collect();
            let input: String = strings(&of_block, "/delta/partial_json").collect();
            let input: Value = serde_json::from_str(&input).unwrap();
            assert_eq!(whole["content"][index]["input"], input);
        }
        let [.., delta, stop] = &events[..] else {
            panic!("too short")
        };
        assert_eq!(
            delta["usage"]["output_tokens"],
            whole["usage"]["output_tokens"]
        );
        assert_eq!(stop, &json!({ "type": "message_stop" }));
        let path = "POST /v1/messages/count_tokens";
        let counted = call(&transport, &server, path, ANTHROPIC, &ask(false)).await;
        assert_eq!(json_of(counted).await, json!({ "input_tokens": 2 }));
    });
}

#[test]
fn gemini_streams_whole_documents_as_events_or_as_one_array() {
    on_memory(|rt, net| async move {
        let (server, transport) = start(&rt, &net, answers()).await;
        let ask = json!({ "contents": [{ "role": "user", "parts": [{ "text": "weather?" }] }] });
        let path = |action: &str| format!("POST /v1beta/models/gemini-x:{action}");
        let whole = call(&transport, &server, &path("generateContent"), &[], &ask).await;
        let whole = json_of(whole).await;
        let candidate = &whole["candidates"][0];
        assert_eq!(
            (&candidate["finishReason"], &whole["modelVersion"]),
            (&json!("STOP"), &json!("gemini-x"))
        );
        let parts = candidate["content"]["parts"].as_array().unwrap();
        assert_eq!(parts[0]["thought"], true);
        assert_eq!(parts[2]["functionCall"]["args"]["city"], "Oslo");
        assert!(parts[2]["thoughtSignature"].is_string());

        let stream = call(
            &transport,
            &server,
            &path("streamGenerateContent?alt=sse"),
            &[],
            &ask,
        )
        .await;
        let stream = text_of(stream).await;
        assert!(stream.ends_with("}\r\n\r\n"), "no mark at the end");
        let chunks: Vec<Value> = stream
            .split_terminator("\r\n\r\n")
            .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
            .collect();
        let array = call(
            &transport,
            &server,
            &path("streamGenerateContent"),
            &[],
            &ask,
        )
        .await;
        assert_eq!(json_of(array).await, Value::Array(chunks.clone()));
        assert_eq!(
            chunks.last().unwrap()["usageMetadata"],
            whole["usageMetadata"]
        );
        let text: String = chunks
            .iter()
            .map(|chunk| &chunk["candidates"][0]["content"]["parts"][0])
            .filter(|part| part["thought"] != true)
            .filter_map(|part| part["text"].as_str())
            .collect();
        assert_eq!(text, "Let me look.");
    });
}

#[test]
fn ollama_streams_lines_unless_it_is_told_not_to() {
    on_memory(|rt, net| async move {
        let (server, transport) = start(&rt, &net, answers()).await;
        let messages = json!([{ "role": "user", "content": "weather?" }]);
        let ask = json!({ "model": "m", "messages": messages });
        let stream = call(&transport, &server, "POST /api/chat", &[], &ask).await;
        assert_eq!(stream.headers()["content-type"], "application/x-ndjson");
        let lines: Vec<Value> = text_of(stream)
            .await
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let mut ask = ask.clone();
        ask["stream"] = false.into();
        let whole = json_of(call(&transport, &server, "POST /api/chat", &[], &ask).await).await;
        let text: String = strings(&lines, "/message/content").collect();
        assert_eq!(whole["message"]["content"], text);
        let [.., calls, last] = &lines[..] else {
            panic!("too short")
        };
        assert_eq!(
            calls["message"]["tool_calls"],
            whole["message"]["tool_calls"]
        );
        assert_eq!(
            calls["message"]["tool_calls"][1]["function"]["arguments"]["city"],
            "Zürich"
        );
        assert_eq!(
            (&calls["done"], &last["done"]),
            (&json!(false), &json!(true))
        );
        assert_eq!(last["eval_count"], whole["eval_count"]);
    });
}

#[test]
fn what_a_request_demands_is_what_it_gets() {
    on_memory(|rt, net| async move {
        let (server, transport) = start(&rt, &net, MockServer::builder()).await;
        let messages = json!([{ "role": "user", "content": "one two three four five six" }]);
        let schema = json!({
            "type": "object",
            "properties": { "unit": { "enum": ["c", "f"] }, "days": { "type": "integer", "minimum": 3 } },
        });
        let ask = |field: &str, value: Value| {
            let mut ask = json!({ "model": "m", "messages": messages });
            ask[field] = value;
            ask
        };
        let path = "POST /v1/chat/completions";
        let named = json!({ "name": "n", "schema": schema });
        let format = json!({ "type": "json_schema", "json_schema": named });
        let by_schema = ask("response_format", format);
        let answer = json_of(call(&transport, &server, path, &[], &by_schema).await).await;
        let text = answer["choices"][0]["message"]["content"].as_str().unwrap();
        let document: Value = serde_json::from_str(text).unwrap();
        assert_eq!(document, json!({ "unit": "c", "days": 3 }));

        let function = json!({ "name": "weather", "parameters": schema });
        let mut forced = ask(
            "tools",
            json!([{ "type": "function", "function": function }]),
        );
        forced["tool_choice"] = "required".into();
        let answer = json_of(call(&transport, &server, path, &[], &forced).await).await;
        let function = &answer["choices"][0]["message"]["tool_calls"][0]["function"];
        assert_eq!(function["name"], "weather");
        assert_eq!(
            function["arguments"],
            json!({ "unit": "c", "days": 3 }).to_string()
        );

        let short = ask("max_tokens", 2.into());
        let answer = json_of(call(&transport, &server, path, &[], &short).await).await;
        assert_eq!(answer["choices"][0]["finish_reason"], "length");
        assert_eq!(answer["usage"]["completion_tokens"], 2);
    });
}

#[test]
fn embeddings_are_the_same_in_every_form() {
    on_memory(|rt, net| async move {
        let (server, transport) = start(&rt, &net, MockServer::builder()).await;
        let texts = json!(["a", "b"]);
        let openai = json!({ "model": "m", "input": texts, "dimensions": 3 });
        let openai =
            json_of(call(&transport, &server, "POST /v1/embeddings", &[], &openai).await).await;
        let vector = |at: usize| openai["data"][at]["embedding"].clone();
        assert_ne!(vector(0), vector(1));
        let numbers: Vec<f64> = serde_json::from_value(vector(0)).unwrap();
        let length: f64 = numbers.iter().map(|number| number * number).sum();
        assert!((length - 1.0).abs() < 1e-6, "{length}");
        let ollama = json!({ "model": "m", "input": texts, "dimensions": 3 });
        let ollama =
            json_of(call(&transport, &server, "POST /api/embed", &[], &ollama).await).await;
        assert_eq!(ollama["embeddings"], json!([vector(0), vector(1)]));
        let gemini =
            json!({ "content": { "parts": [{ "text": "a" }] }, "outputDimensionality": 3 });
        let path = "POST /v1beta/models/e:embedContent";
        let gemini = json_of(call(&transport, &server, path, &[], &gemini).await).await;
        assert_eq!(gemini["embedding"]["values"], vector(0));
        let packed =
            json!({ "model": "m", "input": "a", "dimensions": 3, "encoding_format": "base64" });
        let packed =
            json_of(call(&transport, &server, "POST /v1/embeddings", &[], &packed).await).await;
        assert_eq!(packed["data"][0]["embedding"].as_str().unwrap().len(), 16);
    });
}

#[test]
fn models_are_listed_as_each_api_does_and_others_do_not_exist() {
    on_memory(|rt, net| async move {
        let settings = MockServer::builder().with_model("one").with_model("two");
        let (server, transport) = start(&rt, &net, settings).await;
        for (path, headers, first) in [
            ("GET /v1/models", &[][..], "/data/1/id"),
            ("GET /v1/models", ANTHROPIC, "/data/1/display_name"),
            ("GET /v1beta/models", &[], "/models/1/displayName"),
            ("GET /api/tags", &[], "/models/1/name"),
            ("GET /v1/models/two", &[], "/id"),
        ] {
            let list = json_of(call(&transport, &server, path, headers, &Value::Null).await).await;
            assert_eq!(list.pointer(first), Some(&json!("two")), "{path}: {list}");
        }
        let unknown = send(&transport, &server, &ask("x", false)).await;
        assert_eq!(unknown.status(), 404);
        assert_eq!(json_of(unknown).await["error"]["code"], "model_not_found");
    });
}
