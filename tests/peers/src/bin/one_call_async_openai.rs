//! The same call by async-openai: its size is what is measured.

#![expect(clippy::print_stdout, reason = "its answer")]

use async_openai::types::chat::{
    ChatCompletionRequestUserMessageArgs, CreateChatCompletionRequestArgs,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(async {
        let message = ChatCompletionRequestUserMessageArgs::default()
            .content("Hello!")
            .build()?;
        let request = CreateChatCompletionRequestArgs::default()
            .model("gpt-4o-mini")
            .messages([message.into()])
            .build()?;
        let answer = async_openai::Client::new().chat().create(request).await?;
        println!(
            "{}",
            answer.choices[0]
                .message
                .content
                .as_deref()
                .unwrap_or_default()
        );
        Ok(())
    })
}
