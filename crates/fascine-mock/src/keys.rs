use http::{HeaderMap, Uri, header};

use crate::Api;
use crate::problem::{Problem, ProblemKind};

/// Finds which of the keys a request came with; 0 where none is asked for.
pub(crate) fn check(
    keys: &[String],
    api: Api,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<usize, Problem> {
    if keys.is_empty() {
        return Ok(0);
    }
    let given = given(api, headers, uri);
    let found = given.and_then(|given| keys.iter().position(|key| *key == given));
    found.ok_or_else(|| {
        // Gemini takes a key that it does not know for a wrong argument.
        let status = if api == Api::Gemini { 400 } else { 401 };
        let message = match given {
            Some(_) => "The API key is not valid.",
            None => "There is no API key in the request.",
        };
        Problem::new(status, ProblemKind::Authentication, message)
    })
}

fn given<'a>(api: Api, headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let bearer = || header(header::AUTHORIZATION.as_str())?.strip_prefix("Bearer ");
    match api {
        Api::Anthropic => header("x-api-key").or_else(bearer),
        Api::Gemini => header("x-goog-api-key").or_else(|| {
            let mut pairs = uri.query()?.split('&');
            pairs.find_map(|pair| pair.strip_prefix("key="))
        }),
        Api::Ollama | Api::OpenAi | Api::OpenAiResponses => bearer(),
    }
}
