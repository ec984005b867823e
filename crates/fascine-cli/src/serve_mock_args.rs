use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::ops::RangeInclusive;
use std::time::Duration;

use fascine_mock::Fault;

use crate::args::{RuntimeName, duration};

/// Serves a model that is none: OpenAI's Chat Completions and Responses, Anthropic's Messages, Gemini's generateContent
/// and Ollama's chat, plain and streaming.
///
/// It prints the base URL of each API, answers until Ctrl-C, and prints what it has done. The answers depend on the seed
/// and on what is asked.
#[derive(clap::Args, Debug)]
pub struct ServeMockArgs {
    /// The port to listen at, on the loopback address; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 4010)]
    pub port: u16,

    /// The async runtime to run on
    #[arg(long, value_enum, default_value_t = RuntimeName::Smol)]
    pub runtime: RuntimeName,

    /// What answers, latencies and faults are derived from
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// How long an answer takes: 80ms, or 80ms..260ms
    #[arg(long, value_name = "TIME", value_parser = range)]
    pub latency: Option<RangeInclusive<Duration>>,

    /// How long a stream pauses between events
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub event_delay: Option<Duration>,

    /// Answer TEXT when the last message contains WHEN; the first rule that fits is the one
    #[arg(long = "answer", value_name = "WHEN=TEXT", value_parser = rule)]
    pub answers: Vec<(String, String)>,

    /// Ask for one of these keys, as each API sends them
    #[arg(long = "key", value_name = "KEY")]
    pub keys: Vec<String>,

    /// Let so many requests pass in each --per, for each key
    #[arg(long, value_name = "N")]
    pub requests: Option<NonZeroU32>,

    /// Let so many tokens pass in each --per, for each key
    #[arg(long, value_name = "N")]
    pub tokens: Option<NonZeroU64>,

    /// The stretch of time the quotas hold for
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub per: Duration,

    /// Say nothing of the quotas: no headers, and refusals without a hint
    #[arg(long)]
    pub hidden_quota: bool,

    /// Refuse more requests at once than this
    #[arg(long, value_name = "N")]
    pub concurrency: Option<NonZeroUsize>,

    /// The faults to choose from: html, status:503, delay:250ms, cut-event:3, slow-drip:1:20ms, reset, ...
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<Fault>,

    /// The share of requests that one of the faults befalls, from 0 to 1
    #[arg(long, value_name = "RATE", default_value_t = 1.0, value_parser = rate, requires = "faults")]
    #[arg(allow_negative_numbers = true)]
    pub fault_rate: f64,
}

fn range(text: &str) -> Result<RangeInclusive<Duration>, String> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let (from, to) = (duration(from)?, duration(to)?);
    if from <= to {
        Ok(from..=to)
    } else {
        Err("ends before it begins".to_owned())
    }
}

fn rule(text: &str) -> Result<(String, String), String> {
    let (when, answer) = text.split_once('=').ok_or("there is no `=` in it")?;
    Ok((when.to_owned(), answer.to_owned()))
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.0..=1.0).contains(&rate) => Ok(rate),
        _ => Err("not a number from 0 to 1".to_owned()),
    }
}
