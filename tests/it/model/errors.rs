//! What providers say instead of an answer.

use std::time::Duration;

use bytes::Bytes;
use fascine::model::{ApiError, ApiErrorKind, OpenAi, Provider};

/// The error that an answer with this status, these headers and this body is.
fn error(status: u16, headers: &[(&'static str, &str)], body: &str) -> ApiError {
    let mut head = http::Response::builder().status(status);
    for (name, value) in headers {
        head = head.header(*name, *value);
    }
    let head = head.body(()).unwrap().into_parts().0;
    let openai = OpenAi::new("https://api.example.com/v1", "m").unwrap();
    openai.error(&head, Bytes::copy_from_slice(body.as_bytes()))
}

/// How long an answer of status 429 asks to wait.
fn wait(headers: &[(&'static str, &str)], body: &str) -> Option<Duration> {
    error(429, headers, body).retry_after
}

#[test]
fn every_shape_of_error_is_understood() {
    use ApiErrorKind::*;
    #[rustfmt::skip]
    let shapes = [
        // OpenAI
        (404, r#"{"error":{"message":"No such model","type":"invalid_request_error","param":"model","code":"model_not_found"}}"#,
            NotFound, "model_not_found", "No such model"),
        (401, r#"{"error":{"message":"Wrong key","type":"invalid_request_error","param":null,"code":"invalid_api_key"},"status":401}"#,
            Authentication, "invalid_api_key", "Wrong key"),
        (400, r#"{"error":{"message":"Bad","type":"invalid_request_error","param":null,"code":null}}"#,
            InvalidRequest, "invalid_request_error", "Bad"),
        (429, r#"{"error":{"message":"Slow down","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#,
            RateLimited, "rate_limit_exceeded", "Slow down"),
        (429, r#"{"error":{"message":"No money","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
            QuotaExhausted, "insufficient_quota", "No money"),
        (400, r#"{"error":{"message":"Too long","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
            ContextLength, "context_length_exceeded", "Too long"),
        // Groq
        (413, r#"{"error":{"message":"Request too large","type":"tokens","code":"rate_limit_exceeded"}}"#,
            RateLimited, "rate_limit_exceeded", "Request too large"),
        // xAI: the error is a text, and a wrong key is 400
        (400, r#"{"code":"invalid-argument","error":"Incorrect API key provided: xa***"}"#,
            Authentication, "invalid-argument", "Incorrect API key provided: xa***"),
        (404, r#"{"code":"not-found","error":"Model not found: x"}"#, NotFound, "not-found", "Model not found: x"),
        // Mistral: flat
        (400, r#"{"object":"error","type":"invalid_request_prompt","message":"Odd","code":"1500","param":null,"raw_status_code":400}"#,
            InvalidRequest, "1500", "Odd"),
        (401, r#"{"detail":"Invalid API Key"}"#, Authentication, "", "Invalid API Key"),
        (422, r#"{"detail":[{"type":"missing","loc":["body","messages"],"msg":"Field required"}]}"#,
            InvalidRequest, "", "Field required"),
        // OpenRouter: a number
        (402, r#"{"error":{"code":402,"message":"Insufficient credits"},"user_id":"u"}"#,
            QuotaExhausted, "402", "Insufficient credits"),
        // llama.cpp: a number and a word; mistakes are 500
        (400, r#"{"error":{"code":400,"message":"too big","type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":8}}"#,
            ContextLength, "exceed_context_size_error", "too big"),
        (500, r#"{"error":{"code":500,"message":"tools param requires --jinja flag","type":"server_error"}}"#,
            InvalidRequest, "server_error", "tools param requires --jinja flag"),
        // Ollama
        (404, r#"{"error":"model 'x' not found"}"#, NotFound, "", "model 'x' not found"),
        // Anthropic
        (529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":null}"#,
            Overloaded, "overloaded_error", "Overloaded"),
        (400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#,
            QuotaExhausted, "invalid_request_error", "Your credit balance is too low"),
        (400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens > 8 maximum"}}"#,
            ContextLength, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
        (429, r#"{"type":"error","error":{"type":"rate_limit_error","message":"m","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
            QuotaExhausted, "rate_limit_error", "m"),
        // Gemini, in a list as well
        (404, r#"{"error":{"code":404,"message":"gone","status":"NOT_FOUND","details":[]}}"#, NotFound, "NOT_FOUND", "gone"),
        (400, r#"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT",
            "details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}]"#,
            Authentication, "INVALID_ARGUMENT", "API key not valid."),
        // Responses: in an event
        (500, "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"oops\",\"param\":null}\n\n",
            Server, "server_error", "oops"),
        // No JSON, no body, JSON of nothing
        (502, "upstream connect error", Server, "", "upstream connect error"),
        (503, "<html><h1>oops</h1></html>", Overloaded, "", "Service Unavailable"),
        (500, "", Server, "", "Internal Server Error"),
        (500, "null", Server, "", "null"),
        (520, "{}", Server, "", "no message"),
        (400, r#"{"error":{}}"#, InvalidRequest, "", "Bad Request"),
        (400, r#"{"error":null,"message":"flat"}"#, InvalidRequest, "", "flat"),
    ];
    for (status, body, kind, code, message) in shapes {
        let error = error(status, &[], body);
        let read = (
            error.status,
            error.kind,
            error.code.as_deref().unwrap_or_default(),
        );
        assert_eq!(read, (status, kind, code), "{body}");
        assert_eq!(error.message, message, "{body}");
        assert_eq!(error.body, body.as_bytes());
    }
}

#[test]
fn what_waiting_does_not_help_is_not_retried() {
    let in_vain = [
        (
            429,
            r#"{"error":{"code":"insufficient_quota","message":"try again in 1s"}}"#,
        ),
        (
            500,
            r#"{"error":{"message":"tools param requires --jinja flag"}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"x","code":"rate_limit_exceeded"}}"#,
        ),
        (
            429,
            r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"m","details":[
            {"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"RequestsPerDayPerProject"}]},
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"22s"}]}}"#,
        ),
    ];
    for (status, body) in in_vain {
        let error = error(status, &[], body);
        assert!(!error.is_retryable(), "{body}");
        assert_eq!(error.retry_after, None, "{body}");
    }
    let word = |word: &str| error(400, &[("x-should-retry", word)], "").is_retryable();
    assert!(word("true") && !word("false") && !word("maybe"));
    assert!(!error(503, &[("x-should-retry", "false")], "").is_retryable());
}

#[test]
fn the_wait_is_found_wherever_the_provider_puts_it() {
    let millis = |millis| Some(Duration::from_millis(millis));
    let words = |words: &str| wait(&[], &format!(r#"{{"error":{{"message":"{words}"}}}}"#));
    assert_eq!(
        words("Limit reached. Please try again in 1.5s. Visit .."),
        millis(1500)
    );
    assert_eq!(words("Please try again in 93ms."), millis(93));
    assert_eq!(words("Please Try again in 6m0s"), millis(360_000));
    assert_eq!(words("Please retry after 6 seconds."), millis(6000));
    assert_eq!(words("Please retry in 10.5s."), millis(10_500));
    assert_eq!(words("Please try again in a moment."), None);
    let info = r#"{"error":{"message":"try again in 9s","details":[{"retryDelay":"22s"}]}}"#;
    assert_eq!(wait(&[], info), millis(22_000));
    assert_eq!(wait(&[("retry-after", "3")], info), millis(3000));
    let both = [("retry-after", "3"), ("retry-after-ms", "250")];
    assert_eq!(wait(&both, info), millis(250));
    let buckets = [
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "1s"),
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-reset-tokens", "6m0s"),
    ];
    assert_eq!(wait(&buckets, ""), millis(360_000));
    assert_eq!(wait(&buckets, info), millis(22_000));
    assert_eq!(
        wait(&[("retry-after", "1e300")], "").map(|wait| wait.as_secs() / 86400),
        Some(366)
    );
    assert_eq!(error(503, &[], "try again in 2s").retry_after, millis(2000));
    assert_eq!(error(404, &[], "try again in 2s").retry_after, None);
}

#[test]
fn an_error_says_which_field_and_which_request_it_is_about() {
    let body = r#"{"detail":[{"loc":["body","messages",0],"msg":"Field required"}]}"#;
    assert_eq!(
        error(422, &[], body).param.as_deref(),
        Some("body.messages")
    );
    for name in [
        "x-request-id",
        "request-id",
        "mistral-correlation-id",
        "apim-request-id",
    ] {
        let error = error(400, &[(name, "r1")], "{}");
        assert_eq!(error.request_id.as_deref(), Some("r1"), "{name}");
        assert_eq!(error.headers[name], "r1");
    }
    let body = r#"{"type":"error","error":{"type":"x","message":"m"},"request_id":"r2"}"#;
    assert_eq!(error(400, &[], body).request_id.as_deref(), Some("r2"));
}

#[test]
fn a_huge_error_is_kept_in_part() {
    let long = "x".repeat(1_000_000);
    let error = error(400, &[], &format!(r#"{{"error":{{"message":"{long}"}}}}"#));
    assert_eq!(error.body.len(), 256 * 1024);
    assert_eq!(error.message.len(), 1000);
}
