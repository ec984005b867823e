//! What the server answers fits the schemas of the APIs, as the requests of our clients do.

use fascine_mock::Answer;

use super::apis::events;
use super::*;
use crate::model::schemas::Schema;

fn server() -> MockServerBuilder {
    let calls = Answer::new("Let me look.")
        .with_reasoning("The weather is asked for. Twice.")
        .with_tool_call("weather", json!({ "city": "Oslo", "days": [1, 2, 3] }))
        .with_tool_call("weather", json!({ "city": "Zürich" }));
    let call_alone = Answer::new("").with_tool_call("weather", json!({}));
    MockServer::builder()
        .with_answer(
            "sky",
            "It is blue today, and it will be so for as long as it is.",
        )
        .with_answer("silence", "")
        .with_answer("call", call_alone)
        .with_answer("weather", calls)
}

/// Every kind of answer: a text, none, one that is cut off, thoughts with calls, a call alone, and one that nobody wrote.
const QUESTIONS: [(&str, u32); 6] = [
    ("sky?", 999),
    ("silence?", 999),
    ("sky?", 3),
    ("weather?", 999),
    ("call!", 999),
    ("What?", 999),
];

/// Asks all questions, whole and streamed, at `path(stream)` with `body(question, max_tokens, stream)`.
fn check(
    [answer, event]: [&'static str; 2],
    path: fn(bool) -> &'static str,
    body: fn(&str, u32, bool) -> Value,
) {
    on_memory(|rt, net| async move {
        let (server, transport) = start(&rt, &net, server()).await;
        let headers: &[_] = match path(false) {
            "POST /v1/messages" => &[("anthropic-version", "2023-06-01")],
            _ => &[],
        };
        let (answer, event) = (Schema::read(answer), Schema::read(event));
        for (question, max_tokens) in QUESTIONS {
            let whole = body(question, max_tokens, false);
            let whole = call(&transport, &server, path(false), headers, &whole).await;
            assert_eq!(whole.status(), 200, "{question}");
            answer.check(&json_of(whole).await, question);
            let stream = body(question, max_tokens, true);
            let stream = call(&transport, &server, path(true), headers, &stream).await;
            assert_eq!(stream.status(), 200, "{question}");
            let text = text_of(stream).await.replace("\r\n", "\n");
            let documents = match text.starts_with('{') {
                true => text
                    .lines()
                    .map(|line| serde_json::from_str(line).unwrap())
                    .collect(),
                false => events(&text),
            };
            assert!(!documents.is_empty(), "{question}");
            for document in &documents {
                event.check(document, question);
            }
        }
        server.shutdown().await;
    });
}

fn messages(question: &str) -> Value {
    json!([{ "role": "user", "content": question }])
}

#[test]
fn answers_of_openai_fit_its_schemas() {
    check(
        ["openai_chat.answer", "openai_chat.event"],
        |_| "POST /v1/chat/completions",
        |question, max_tokens, stream| {
            let mut body =
                json!({ "model": "m", "messages": messages(question), "max_tokens": max_tokens });
            if stream {
                body["stream"] = true.into();
                body["stream_options"] = json!({ "include_usage": true });
            }
            body
        },
    );
}

#[test]
fn answers_of_the_responses_api_fit_its_schemas() {
    check(
        ["openai_responses.answer", "openai_responses.event"],
        |_| "POST /v1/responses",
        |question, max_tokens, stream| {
            let tool = json!({ "type": "function", "name": "weather", "parameters": {} });
            json!({
                "model": "m",
                "input": question,
                "max_output_tokens": max_tokens,
                "stream": stream,
                "tools": [tool],
            })
        },
    );
}

#[test]
fn answers_of_anthropic_fit_its_schemas() {
    check(
        ["anthropic_messages.answer", "anthropic_messages.event"],
        |_| "POST /v1/messages",
        |question, max_tokens, stream| {
            let messages = messages(question);
            json!({ "model": "m", "messages": messages, "max_tokens": max_tokens, "stream": stream })
        },
    );
}

#[test]
fn answers_of_gemini_fit_its_schemas() {
    check(
        ["gemini_generate.answer", "gemini_generate.answer"],
        |stream| match stream {
            true => "POST /v1beta/models/m:streamGenerateContent?alt=sse",
            false => "POST /v1beta/models/m:generateContent",
        },
        |question, max_tokens, _| {
            json!({
                "contents": [{ "role": "user", "parts": [{ "text": question }] }],
                "generationConfig": { "maxOutputTokens": max_tokens },
            })
        },
    );
}

#[test]
fn answers_of_ollama_fit_its_schemas() {
    check(
        ["ollama_chat.answer", "ollama_chat.answer"],
        |_| "POST /api/chat",
        |question, max_tokens, stream| {
            let options = json!({ "num_predict": max_tokens });
            json!({ "model": "m", "messages": messages(question), "options": options, "stream": stream })
        },
    );
}

#[test]
fn embeddings_fit_the_schemas() {
    on_memory(|rt, net| async move {
        let (server, transport) = start(&rt, &net, MockServer::builder()).await;
        let texts = json!(["one", "two"]);
        let content =
            |text: &str| json!({ "model": "models/e", "content": { "parts": [{ "text": text }] } });
        for (schema, path, body) in [
            (
                "openai_embeddings",
                "POST /v1/embeddings",
                json!({ "model": "e", "input": texts }),
            ),
            (
                "openai_embeddings",
                "POST /v1/embeddings",
                json!({ "model": "e", "input": texts, "encoding_format": "base64" }),
            ),
            (
                "gemini_embed",
                "POST /v1beta/models/e:batchEmbedContents",
                json!({ "requests": [content("one"), content("two")] }),
            ),
            (
                "ollama_embed",
                "POST /api/embed",
                json!({ "model": "e", "input": texts }),
            ),
        ] {
            Schema::read(&format!("{schema}.request")).check(&body, path);
            let answer = call(&transport, &server, path, &[], &body).await;
            assert_eq!(answer.status(), 200, "{path}");
            Schema::read(&format!("{schema}.answer")).check(&json_of(answer).await, path);
        }
        server.shutdown().await;
    });
}
