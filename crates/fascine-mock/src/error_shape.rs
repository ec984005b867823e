use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::Api;
use crate::clock::millis_rounded_up;
use crate::problem::{Problem, ProblemKind};
use crate::reply::Reply;

/// An error as this API has it: status, hint, document.
pub(crate) fn reply(api: Api, problem: &Problem) -> Reply {
    let status = StatusCode::from_u16(problem.status).ok();
    let status = status.filter(|status| !status.is_informational());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut reply = Reply::json(status, &document(api, problem));
    if let Some(wait) = problem.retry_after.filter(|_| api != Api::Gemini) {
        let millis = millis_rounded_up(wait);
        reply.set(header::RETRY_AFTER.as_str(), millis.div_ceil(1000));
        if matches!(api, Api::OpenAi | Api::OpenAiResponses) {
            reply.set("retry-after-ms", millis);
        }
    }
    reply
}

/// An error in the middle of a stream, as this API has it: a whole frame.
pub(crate) fn frame(api: Api, problem: &Problem) -> String {
    let document = document(api, problem);
    match api {
        Api::Anthropic => format!("event: error\ndata: {document}\n\n"),
        Api::Gemini => format!("data: {document}\r\n\r\n"),
        Api::Ollama => format!("{document}\n"),
        Api::OpenAi => format!("data: {document}\n\n"),
        Api::OpenAiResponses => {
            // Here, and only here, the error is flat.
            let event = json!({
                "type": "error",
                "code": openai_code(problem.kind).unwrap_or("server_error"),
                "message": problem.message,
                "param": problem.field,
                "sequence_number": 0,
            });
            format!("event: error\ndata: {event}\n\n")
        }
    }
}

fn document(api: Api, problem: &Problem) -> Value {
    match api {
        Api::Anthropic => json!({
            "type": "error",
            "error": {
                "type": anthropic_type(problem),
                "message": match &problem.field {
                    Some(field) => format!("{}: {}", dotted(field), problem.message),
                    None => problem.message.clone(),
                },
            },
            "request_id": null,
        }),
        Api::Gemini => json!({ "error": {
            "code": gemini_status(problem).0,
            "message": problem.message,
            "status": gemini_status(problem).1,
            "details": gemini_details(problem),
        } }),
        Api::Ollama => json!({ "error": problem.message }),
        Api::OpenAi | Api::OpenAiResponses => json!({ "error": {
            "message": problem.message,
            "type": openai_type(problem),
            "param": problem.field,
            "code": openai_code(problem.kind),
        } }),
    }
}

fn openai_type(problem: &Problem) -> &'static str {
    match problem.kind {
        ProblemKind::RateRequests => "requests",
        ProblemKind::RateTokens => "tokens",
        ProblemKind::Overloaded | ProblemKind::Server => "server_error",
        _ => "invalid_request_error",
    }
}

fn openai_code(kind: ProblemKind) -> Option<&'static str> {
    match kind {
        ProblemKind::Authentication => Some("invalid_api_key"),
        ProblemKind::NoModel => Some("model_not_found"),
        ProblemKind::RateRequests | ProblemKind::RateTokens => Some("rate_limit_exceeded"),
        ProblemKind::UnknownUrl => Some("unknown_url"),
        _ => None,
    }
}

fn anthropic_type(problem: &Problem) -> &'static str {
    match (problem.kind, problem.status) {
        (ProblemKind::Authentication, 403) => "permission_error",
        (ProblemKind::Authentication, _) => "authentication_error",
        (ProblemKind::NoModel | ProblemKind::UnknownUrl, _) => "not_found_error",
        (ProblemKind::Overloaded, _) => "overloaded_error",
        (ProblemKind::RateRequests | ProblemKind::RateTokens, _) => "rate_limit_error",
        (ProblemKind::Server, 504) => "timeout_error",
        (ProblemKind::Server, _) => "api_error",
        (ProblemKind::TooLarge, _) => "request_too_large",
        (ProblemKind::Invalid | ProblemKind::Method, _) => "invalid_request_error",
    }
}

/// The code repeats the HTTP status.
fn gemini_status(problem: &Problem) -> (u16, &'static str) {
    let name = match (problem.kind, problem.status) {
        (ProblemKind::NoModel | ProblemKind::UnknownUrl, _) => "NOT_FOUND",
        (ProblemKind::RateRequests | ProblemKind::RateTokens, _) => "RESOURCE_EXHAUSTED",
        (ProblemKind::Overloaded, _) | (ProblemKind::Server, 503) => "UNAVAILABLE",
        (ProblemKind::Server, 504) => "DEADLINE_EXCEEDED",
        (ProblemKind::Server, _) => "INTERNAL",
        (ProblemKind::Authentication, 401) => "UNAUTHENTICATED",
        (ProblemKind::Authentication, 403) => "PERMISSION_DENIED",
        _ => "INVALID_ARGUMENT",
    };
    (problem.status, name)
}

fn gemini_details(problem: &Problem) -> Vec<Value> {
    const RPC: &str = "type.googleapis.com/google.rpc";
    let mut details = Vec::new();
    if problem.kind == ProblemKind::Authentication {
        details.push(json!({
            "@type": format!("{RPC}.ErrorInfo"),
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
        }));
    }
    if let Some(field) = &problem.field {
        details.push(json!({
            "@type": format!("{RPC}.BadRequest"),
            "fieldViolations": [{ "field": field, "description": problem.message }],
        }));
    }
    if let Some(wait) = problem.retry_after {
        let id = match problem.kind {
            ProblemKind::RateTokens => "GenerateContentInputTokensPerModelPerMinute",
            _ => "GenerateRequestsPerMinutePerProjectPerModel",
        };
        details.push(json!({
            "@type": format!("{RPC}.QuotaFailure"),
            "violations": [{ "quotaId": id }],
        }));
        let seconds = millis_rounded_up(wait) as f64 / 1000.0;
        details.push(json!({
            "@type": format!("{RPC}.RetryInfo"),
            "retryDelay": format!("{seconds}s"),
        }));
    }
    details
}

/// `messages[0].role` as Anthropic writes it: `messages.0.role`.
fn dotted(field: &str) -> String {
    field.replace('[', ".").replace(']', "")
}
