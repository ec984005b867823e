use crate::context::Info;
use crate::system_prompt::Parts;

/// How a system prompt is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PromptLayout {
    /// As `SystemPromptGenerator` of Atomic Agents 2 does it, byte for byte: the same headings and dashes, its sentence for a
    /// prompt without background, its two lines at the end of the output instructions.
    AtomicAgents,
    /// The background as it is, a line for each item; then `Steps:`, numbered, `Answer:`, with dashes, and what each
    /// context provider says under its title. What is empty is left out, so that a text alone stays that text.
    #[default]
    Plain,
}

impl PromptLayout {
    pub(super) fn write(self, parts: &Parts, infos: &[Info]) -> String {
        match self {
            Self::AtomicAgents => atomic_agents(parts, infos),
            Self::Plain => plain(parts, infos),
        }
    }
}

fn plain(parts: &Parts, infos: &[Info]) -> String {
    let mut sections = Vec::new();
    if !parts.background.is_empty() {
        sections.push(parts.background.join("\n"));
    }
    if !parts.steps.is_empty() {
        let steps = parts.steps.iter().enumerate();
        let steps = steps.map(|(index, step)| format!("{}. {step}", index + 1));
        sections.push(section("Steps", steps));
    }
    if !parts.output_instructions.is_empty() {
        let instructions = parts.output_instructions.iter();
        sections.push(section(
            "Answer",
            instructions.map(|item| format!("- {item}")),
        ));
    }
    for info in infos.iter().filter(|info| !info.text.is_empty()) {
        sections.push(format!("{}:\n{}", info.title, info.text));
    }
    sections.join("\n\n")
}

fn section(title: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<_> = lines.collect();
    format!("{title}:\n{}", lines.join("\n"))
}

/// The lines of every section, an empty one after it; all joined, and stripped.
fn atomic_agents(parts: &Parts, infos: &[Info]) -> String {
    let or_default = match parts.background.as_slice() {
        [] => vec![NO_BACKGROUND],
        items => items.iter().map(String::as_str).collect(),
    };
    let steps = parts.steps.iter().map(String::as_str).collect();
    let instructions = parts.output_instructions.iter().map(String::as_str);
    let instructions = instructions.chain(ALWAYS).collect();
    let mut lines = Vec::new();
    for (title, items) in [
        ("IDENTITY and PURPOSE", or_default),
        ("INTERNAL ASSISTANT STEPS", steps),
        ("OUTPUT INSTRUCTIONS", instructions),
    ] {
        if items.is_empty() {
            continue;
        }
        lines.push(format!("# {title}"));
        lines.extend(items.iter().map(|item| format!("- {item}")));
        lines.push(String::new());
    }
    if !infos.is_empty() {
        // It stands there also when no provider has anything to say.
        lines.push("# EXTRA INFORMATION AND CONTEXT".to_owned());
    }
    for info in infos.iter().filter(|info| !info.text.is_empty()) {
        lines.push(format!("## {}", info.title));
        lines.push(info.text.to_string());
        lines.push(String::new());
    }
    lines.join("\n").trim_matches(is_python_space).to_owned()
}

/// What Python's `str.strip` takes away: Unicode's white space, and four separators of ASCII.
fn is_python_space(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

const NO_BACKGROUND: &str = "This is a conversation with a helpful and friendly AI assistant.";
const ALWAYS: [&str; 2] = [
    "Always respond using the proper JSON schema.",
    "Always use the available additional information and context to enhance the response.",
];
