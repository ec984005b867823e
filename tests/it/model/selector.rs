use std::sync::Arc;

use fascine::message::{Message, Part, Role};
use fascine::model::{
    Complexity, ComplexityRules, Model, ModelError, ModelFailure, ModelSelector, NamedModel,
    Request, ScriptedModel, max_tokens_for,
};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};

fn ask(text: &str) -> Request {
    Request::new([Message::user(text)])
}

fn words(count: usize) -> String {
    "word ".repeat(count)
}

fn saying(rt: &Rt, text: &str) -> ScriptedModel {
    ScriptedModel::new(rt).with_name(text).with_rule("", text)
}

fn by_complexity(rt: &Rt) -> ModelSelector {
    ModelSelector::by_complexity(
        saying(rt, "simple"),
        saying(rt, "medium"),
        saying(rt, "complex"),
    )
}

async fn chosen(model: &ModelSelector, text: &str) -> String {
    model.invoke(ask(text)).await.unwrap().text()
}

#[test]
fn the_guides_thresholds_are_the_default() {
    TestRuntime::run(|rt| async move {
        let model = by_complexity(&rt);
        for (text, expected) in [
            (String::new(), "simple"),
            (words(30), "simple"),
            (words(31), "medium"),
            (words(100), "medium"),
            (words(101), "complex"),
            ("Analyze this".to_owned(), "complex"),
            ("please COMPARE, if you can".to_owned(), "complex"),
            ("synthesize".to_owned(), "complex"),
            ("Do evaluate.".to_owned(), "complex"),
            ("design".to_owned(), "complex"),
        ] {
            assert_eq!(chosen(&model, &text).await, expected, "{text}");
        }
    });
}

#[test]
fn a_word_inside_of_another_does_not_count() {
    let rules = ComplexityRules::default();
    for text in [
        "Who redesigned the logo?",
        "Is it incomparable?",
        "a designer",
        "set design_mode to 1",
        "reevaluated",
    ] {
        assert_eq!(rules.classify(text), Complexity::Simple, "{text}");
    }
}

#[test]
fn words_count_in_scripts_without_spaces() {
    let rules = ComplexityRules::default();
    for (count, expected) in [
        (60, Complexity::Simple),
        (61, Complexity::Medium),
        (200, Complexity::Medium),
        (201, Complexity::Complex),
    ] {
        assert_eq!(rules.classify(&"天".repeat(count)), expected, "{count}");
    }
    assert_eq!(max_tokens_for(&ask(&"天".repeat(19))), 1500);
}

#[test]
fn the_rules_can_be_changed() {
    let rules =
        ComplexityRules::default()
            .with_lengths(2, 4)
            .with_words(["Vergleiche", "比较", ""]);
    for (text, expected) in [
        ("a b", Complexity::Simple),
        ("a b c", Complexity::Medium),
        ("a b c d e", Complexity::Complex),
        ("vergleiche!", Complexity::Complex),
        ("请比较", Complexity::Complex),
        ("design", Complexity::Simple),
    ] {
        assert_eq!(rules.classify(text), expected, "{text}");
    }
}

#[test]
fn what_the_user_said_last_decides() {
    TestRuntime::run(|rt| async move {
        let model = by_complexity(&rt);
        let request = Request::new([
            Message::system("Compare and evaluate everything."),
            Message::user(words(500)),
            Message::assistant("design"),
            Message::user("thanks"),
            Message::tool("c1", words(200)),
        ]);
        assert_eq!(model.invoke(request).await.unwrap().text(), "simple");
        // Two texts in a row are not put together to one word.
        let content = vec![Part::text("wanted: a de"), Part::text("sign")];
        let request = Request::new([Message::new(Role::User, content)]);
        assert_eq!(model.invoke(request).await.unwrap().text(), "simple");
        let content = vec![Part::text("please compare"), Part::text("these")];
        let request = Request::new([Message::new(Role::User, content)]);
        assert_eq!(model.invoke(request).await.unwrap().text(), "complex");
    });
}

#[test]
fn the_first_rule_that_applies_is_the_one() {
    TestRuntime::run(|rt| async move {
        let long = |request: &Request| request.messages.len() > 1;
        let model = ModelSelector::new(saying(&rt, "otherwise"))
            .with_rule(long, saying(&rt, "first"))
            .with_rule(|_| true, saying(&rt, "second"));
        assert_eq!(chosen(&model, "x").await, "second");
        let two = Request::new([Message::user("x"), Message::user("y")]);
        let streamed = model.stream(two).await.unwrap().collect().await;
        assert_eq!(streamed.unwrap().text(), "first");
        let none = ModelSelector::new(saying(&rt, "otherwise"));
        assert_eq!(chosen(&none, "x").await, "otherwise");
    });
}

#[test]
fn a_function_may_wait_and_may_fail() {
    TestRuntime::run(|rt| async move {
        let model: Arc<dyn Model> = Arc::new(saying(&rt, "found"));
        let selector = ModelSelector::by_function("mine", {
            let rt = rt.clone();
            move |request| {
                let (rt, model) = (rt.clone(), Arc::clone(&model));
                let is_known = request.messages[0].text() == "known";
                async move {
                    rt.sleep(std::time::Duration::from_secs(1)).await;
                    let unknown = ModelFailure::invalid("model", "is not known");
                    is_known
                        .then_some(model)
                        .ok_or_else(|| ModelError::new(unknown, 0))
                }
            }
        });
        assert_eq!(chosen(&selector, "known").await, "found");
        let error = selector.invoke(ask("x")).await.unwrap_err();
        assert!(matches!(
            error.failure(),
            ModelFailure::InvalidRequest { field: "model", .. }
        ));
        assert_eq!(selector.identity(), "mine");
    });
}

#[test]
fn the_length_of_the_answer_follows_the_question_unless_it_is_set() {
    TestRuntime::run(|rt| async move {
        for (count, expected) in [(0, 500), (9, 500), (10, 1500), (49, 1500), (50, 4000)] {
            assert_eq!(max_tokens_for(&ask(&words(count))), expected, "{count}");
        }
        let script = saying(&rt, "x");
        let model = ModelSelector::new(script.clone()).with_max_tokens(max_tokens_for);
        model.invoke(ask(&words(50))).await.unwrap();
        model.invoke(ask("x").with_max_tokens(7)).await.unwrap();
        let asked: Vec<_> = script
            .requests()
            .iter()
            .map(|asked| asked.max_tokens)
            .collect();
        assert_eq!(asked, [Some(4000), Some(7)]);
    });
}

#[test]
fn a_named_model_names_what_is_not_named() {
    TestRuntime::run(|rt| async move {
        let script = saying(&rt, "x");
        let model = NamedModel::new(script.clone(), "large");
        model.invoke(ask("x")).await.unwrap();
        model.stream(ask("x").with_model("own")).await.unwrap();
        let asked: Vec<_> = script
            .requests()
            .into_iter()
            .map(|asked| asked.model)
            .collect();
        assert_eq!(asked, [Some("large".to_owned()), Some("own".to_owned())]);
        assert_eq!(model.identity(), "x/large");
    });
}

#[test]
fn a_selector_is_dropped_with_the_call() {
    drop_after_every_poll(|rt, cut| async move {
        let script = saying(&rt, "x").with_delay(std::time::Duration::from_secs(1));
        let model = ModelSelector::new(script.clone());
        cut.apply(model.invoke(ask("x"))).await;
        assert_eq!(script.in_flight(), 0);
    });
}
