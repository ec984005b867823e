use fascine::branch::{Branch, Context, PromptLayout, SystemPrompt};
use fascine::model::ScriptedModel;
use fascine::rt::Rt;
use fascine_testing::TestRuntime;

/// Writes a prompt.
async fn render(rt: &Rt, prompt: SystemPrompt) -> String {
    prompt.render(rt).await.unwrap()
}

fn atomic() -> SystemPrompt {
    SystemPrompt::new().with_layout(PromptLayout::AtomicAgents)
}

fn full(prompt: SystemPrompt) -> SystemPrompt {
    prompt
        .with_background(["Expert Python developer.", "Kind."])
        .with_steps(["Analyze request.", "Provide solution."])
        .with_output_instructions(["Be concise.", "Include code."])
}

#[test]
fn the_layout_of_atomic_agents_is_kept_to_the_byte() {
    TestRuntime::run(|rt| async move {
        let prompt = full(atomic())
            .with_context("date", Context::from_fn("Current Date", || "2026-11-25"))
            .with_context("user", Context::from_fn("User", || "Ada\nAdmin"));
        let expected = "\
# IDENTITY and PURPOSE
- Expert Python developer.
- Kind.

# INTERNAL ASSISTANT STEPS
- Analyze request.
- Provide solution.

# OUTPUT INSTRUCTIONS
- Be concise.
- Include code.
- Always respond using the proper JSON schema.
- Always use the available additional information and context to enhance the response.

# EXTRA INFORMATION AND CONTEXT
## Current Date
2026-11-25

## User
Ada
Admin";
        assert_eq!(render(&rt, prompt).await, expected);
    });
}

#[test]
fn without_anything_it_says_what_atomic_agents_says_then() {
    TestRuntime::run(|rt| async move {
        let expected = "\
# IDENTITY and PURPOSE
- This is a conversation with a helpful and friendly AI assistant.

# OUTPUT INSTRUCTIONS
- Always respond using the proper JSON schema.
- Always use the available additional information and context to enhance the response.";
        assert_eq!(render(&rt, atomic()).await, expected);
        let none: [&str; 0] = [];
        assert_eq!(render(&rt, atomic().with_background(none)).await, expected);
    });
}

#[test]
fn a_provider_with_nothing_to_say_leaves_the_heading_of_atomic_agents_alone() {
    TestRuntime::run(|rt| async move {
        let silent = |prompt: SystemPrompt| prompt.with_context("x", Context::from_fn("X", || ""));
        let expected = "\
# IDENTITY and PURPOSE
- This is a conversation with a helpful and friendly AI assistant.

# OUTPUT INSTRUCTIONS
- Always respond using the proper JSON schema.
- Always use the available additional information and context to enhance the response.

# EXTRA INFORMATION AND CONTEXT";
        assert_eq!(render(&rt, silent(atomic())).await, expected);
        let spoken =
            silent(atomic()).with_context("y", Context::from_fn("Y", || " spaced \u{1f}\n"));
        let expected = format!("{expected}\n## Y\n spaced");
        assert_eq!(render(&rt, spoken).await, expected);
        assert_eq!(render(&rt, silent(SystemPrompt::text("Hi"))).await, "Hi");
    });
}

#[test]
fn the_plain_layout_leaves_out_what_is_empty() {
    TestRuntime::run(|rt| async move {
        assert_eq!(render(&rt, SystemPrompt::new()).await, "");
        assert_eq!(
            render(&rt, SystemPrompt::text(" as it is\n")).await,
            " as it is\n"
        );
        let steps = SystemPrompt::new().with_steps(["Look.", "Leap."]);
        assert_eq!(render(&rt, steps).await, "Steps:\n1. Look.\n2. Leap.");
        let expected = "\
Expert Python developer.
Kind.

Steps:
1. Analyze request.
2. Provide solution.

Answer:
- Be concise.
- Include code.";
        assert_eq!(render(&rt, full(SystemPrompt::new())).await, expected);
    });
}

#[test]
fn prompts_of_one_list_do_not_share_what_is_added() {
    TestRuntime::run(|rt| async move {
        let list = vec!["Be concise."];
        let one = atomic().with_output_instructions(list.clone());
        let first = render(&rt, one.clone()).await;
        let two = atomic().with_output_instructions(list);
        assert_eq!(render(&rt, two.clone()).await, first);
        let more = one.clone().with_context("x", Context::from_fn("X", || "y"));
        assert_ne!(render(&rt, more).await, first);
        assert_eq!(render(&rt, one).await, first);
        assert!(two.context("x").is_none());
    });
}

#[test]
fn a_provider_registered_again_keeps_its_place() {
    TestRuntime::run(|rt| async move {
        let fixed = |text: &'static str| Context::from_fn("T", move || text);
        let prompt = SystemPrompt::new()
            .with_context("a", fixed("1"))
            .with_context("b", fixed("2"))
            .with_context("a", fixed("3"));
        assert_eq!(render(&rt, prompt.clone()).await, "T:\n3\n\nT:\n2");
        let without = prompt.without_context("a").unwrap();
        assert_eq!(render(&rt, without.clone()).await, "T:\n2");
        let error = without.without_context("a").unwrap_err();
        assert_eq!(
            error.to_string(),
            "no context provider is registered as `a`"
        );
    });
}

#[test]
fn an_empty_prompt_is_not_sent() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt).with_rule("", "a");
        let branch = Branch::builder(&rt, "b", model.clone()).system("").build();
        branch.communicate("x").await.unwrap();
        assert_eq!(model.requests()[0].messages.len(), 1);
    });
}

#[test]
fn forks_may_have_other_providers_and_do_not_change_the_branch() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt).with_rule("", "a");
        let branch = Branch::builder(&rt, "b", model.clone())
            .system("S")
            .register_context_provider("x", Context::from_fn("X", || "1"))
            .build();
        let fork = branch
            .fork_builder("f")
            .register_context_provider("x", Context::from_fn("X", || "2"));
        let fork = fork.build();
        let bare = branch
            .fork_builder("g")
            .unregister_context_provider("x")
            .unwrap()
            .build();
        for branch in [&branch, &fork, &bare] {
            branch.communicate("x").await.unwrap();
        }
        let heads: Vec<_> = model
            .requests()
            .iter()
            .map(|request| request.messages[0].text())
            .collect();
        assert_eq!(heads, ["S\n\nX:\n1", "S\n\nX:\n2", "S"]);
        assert_eq!(branch.context_provider("x").unwrap().title(), "X");
        assert!(bare.context_provider("x").is_none());
        assert!(
            branch
                .fork_builder("h")
                .unregister_context_provider("y")
                .is_err()
        );
    });
}
