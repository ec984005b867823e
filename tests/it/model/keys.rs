//! Keys from the environment, by the names that each provider's own tools read.

use std::env;
use std::process::Command;

use fascine::message::Message;
use fascine::model::{
    Anthropic, Compatible, Delivery, Gemini, Ollama, OpenAi, Provider, Request, Responses,
};

/// The usual names, and a key for each.
const KEYS: [&str; 15] = [
    "ANTHROPIC_API_KEY",
    "DEEPSEEK_API_KEY",
    "GEMINI_API_KEY",
    "GROQ_API_KEY",
    "LLAMA_API_KEY",
    "LM_STUDIO_API_KEY",
    "MISTRAL_API_KEY",
    "NVIDIA_API_KEY",
    "OLLAMA_API_KEY",
    "OPENAI_API_KEY",
    "OPENROUTER_API_KEY",
    "PERPLEXITY_API_KEY",
    "TOGETHER_API_KEY",
    "VLLM_API_KEY",
    "XAI_API_KEY",
];

/// Where a provider may be said to be.
const PLACES: [&str; 4] = [
    "ANTHROPIC_BASE_URL",
    "GOOGLE_GEMINI_BASE_URL",
    "OLLAMA_HOST",
    "OPENAI_BASE_URL",
];

/// An environment is a process's own: the test is made again in another one.
const AGAIN: &str = "FASCINE_IT_WITH_KEYS";

#[test]
fn each_provider_finds_its_key_under_its_usual_name() {
    if env::var_os(AGAIN).is_some() {
        return check();
    }
    let name = "model::keys::each_provider_finds_its_key_under_its_usual_name";
    let mut again = Command::new(env::current_exe().unwrap());
    again.args([name, "--exact", "--nocapture"]).env(AGAIN, "1");
    for place in PLACES {
        again.env_remove(place);
    }
    for key in KEYS {
        again.env(key, format!(" {} \n", key.to_lowercase()));
    }
    let output = again.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

fn check() {
    let sends = |provider: &dyn Provider, header: &str, value: String| {
        let request = Request::new([Message::user("x")]);
        let written = provider.request(&request, Delivery::Whole).unwrap();
        let sent = written.headers()[header].to_str().unwrap().to_owned();
        assert_eq!(sent, value, "{}", provider.name());
    };
    for server in Compatible::ALL {
        let provider = OpenAi::from_env(server, "m").unwrap();
        let key = server.key_variable();
        assert!(KEYS.contains(&key), "{key}");
        let bearer = format!("Bearer {}", key.to_lowercase());
        sends(&provider, "authorization", bearer);
    }
    let bearer = |key: &str| format!("Bearer {key}");
    let responses = Responses::from_env("m").unwrap();
    sends(&responses, "authorization", bearer("openai_api_key"));
    let ollama = Ollama::from_env("m").unwrap();
    sends(&ollama, "authorization", bearer("ollama_api_key"));
    let anthropic = Anthropic::from_env("m").unwrap();
    sends(&anthropic, "x-api-key", "anthropic_api_key".to_owned());
    let gemini = Gemini::from_env("m").unwrap();
    sends(&gemini, "x-goog-api-key", "gemini_api_key".to_owned());
}
