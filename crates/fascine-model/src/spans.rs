//! Spans after the OpenTelemetry semantic conventions for generative AI, status "development", as of 2025.

use tracing::field::Empty;
use tracing::{Span, info_span};

use crate::{EmbedRequest, Embeddings, ModelFailure, Request, Response};

/// The span of one call. What was said is in it only if `content` is set.
pub(crate) fn chat_span(
    provider: &str,
    model: &str,
    request: &Request,
    streams: bool,
    content: bool,
) -> Span {
    let span = info_span!(
        "chat",
        otel.name = Empty,
        otel.kind = "client",
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = provider,
        gen_ai.request.model = model,
        gen_ai.request.stream = streams,
        gen_ai.request.max_tokens = request.max_tokens,
        gen_ai.request.temperature = request.temperature,
        gen_ai.request.top_p = request.top_p,
        gen_ai.request.seed = request.seed,
        gen_ai.request.stop_sequences = Empty,
        gen_ai.input.messages = Empty,
        gen_ai.output.messages = Empty,
        gen_ai.response.id = Empty,
        gen_ai.response.model = Empty,
        gen_ai.response.finish_reasons = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        gen_ai.usage.cache_read.input_tokens = Empty,
        gen_ai.usage.cache_creation.input_tokens = Empty,
        server.address = Empty,
        server.port = Empty,
        error.type = Empty,
    );
    if span.is_disabled() {
        return span;
    }
    span.record("otel.name", format!("chat {model}"));
    if !request.stop.is_empty() {
        span.record(
            "gen_ai.request.stop_sequences",
            format!("{:?}", request.stop),
        );
    }
    if content && let Ok(messages) = serde_json::to_string(&request.messages) {
        span.record("gen_ai.input.messages", messages);
    }
    span
}

/// The span of one call for embeddings; texts are never in it.
pub(crate) fn embeddings_span(provider: &str, model: &str, request: &EmbedRequest) -> Span {
    let span = info_span!(
        "embeddings",
        otel.name = Empty,
        otel.kind = "client",
        gen_ai.operation.name = "embeddings",
        gen_ai.provider.name = provider,
        gen_ai.request.model = model,
        gen_ai.embeddings.dimension.count = request.dimensions,
        gen_ai.response.model = Empty,
        gen_ai.usage.input_tokens = Empty,
        server.address = Empty,
        server.port = Empty,
        error.type = Empty,
    );
    if !span.is_disabled() {
        span.record("otel.name", format!("embeddings {model}"));
    }
    span
}

/// Adds what embeddings came to.
pub(crate) fn record_embeddings(span: &Span, embeddings: &Embeddings) {
    if span.is_disabled() {
        return;
    }
    if !embeddings.model.is_empty() {
        span.record("gen_ai.response.model", embeddings.model.as_str());
    }
    if !embeddings.usage.is_empty() {
        span.record("gen_ai.usage.input_tokens", embeddings.usage.prompt_tokens);
    }
}

/// Adds where the request goes.
pub(crate) fn record_server(span: &Span, url: &http::Uri) {
    if span.is_disabled() {
        return;
    }
    if let Some(host) = url.host() {
        span.record("server.address", host);
    }
    let secure = url.scheme_str() == Some("https");
    let port = url.port_u16().unwrap_or(if secure { 443 } else { 80 });
    span.record("server.port", port);
}

/// Adds what was answered.
pub(crate) fn record_response(span: &Span, response: &Response, content: bool) {
    if span.is_disabled() {
        return;
    }
    span.record("gen_ai.response.id", response.id.as_str());
    span.record("gen_ai.response.model", response.model.as_str());
    let reasons = [response.finish_reason.as_str()];
    span.record("gen_ai.response.finish_reasons", format!("{reasons:?}"));
    let usage = response.usage;
    span.record("gen_ai.usage.input_tokens", usage.prompt_tokens);
    span.record("gen_ai.usage.output_tokens", usage.completion_tokens);
    for (name, tokens) in [
        ("gen_ai.usage.cache_read.input_tokens", usage.cached_tokens),
        (
            "gen_ai.usage.cache_creation.input_tokens",
            usage.cache_write_tokens,
        ),
    ] {
        if tokens > 0 {
            span.record(name, tokens);
        }
    }
    if content && let Ok(message) = serde_json::to_string(&[&response.message]) {
        span.record("gen_ai.output.messages", message);
    }
}

/// Adds what went wrong: the kind alone, for messages may quote the prompt.
pub(crate) fn record_failure(span: &Span, failure: &ModelFailure) {
    span.record("error.type", failure.kind());
}
