//! One call of ours: its size is what is measured.

#![expect(clippy::print_stdout, reason = "its answer")]

use fascine_http::{AsyncIoNet, H1Transport, Tls};
use fascine_message::Message;
use fascine_model::{ApiKey, Model, ModelService, OpenAi, Request};
use fascine_rt::{Rt, Smol};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rt = Rt::new(Smol);
    let key = ApiKey::new(std::env::var("OPENAI_API_KEY")?);
    let provider = OpenAi::new("https://api.openai.com/v1", "gpt-4o-mini")?.with_api_key(&key)?;
    let transport = H1Transport::new(&rt, AsyncIoNet).with_tls(Tls::new()?);
    let service = ModelService::builder(&rt, provider, transport).build()?;
    let question = Request::new([Message::user("Hello!")]);
    println!("{}", smol::block_on(service.invoke(question))?.text());
    Ok(())
}
