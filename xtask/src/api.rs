use std::fs;
use std::path::Path;

use crate::manifest::libraries;
use crate::process::{Done, Failed, root};
use crate::tidy_sources::rust_files;

/// Compares the public API of each library with what was last accepted, or accepts it.
///
/// It reads the sources: every `pub` item counts, which is sound because `unreachable_pub` is a warning that `lint`
/// does not let pass. It does not see what macros, derives and blanket implementations add.
pub(crate) fn run(bless: bool) -> Done {
    println!("== api");
    let folder = root().join("docs").join("public-api");
    fs::create_dir_all(&folder).map_err(|error| Failed(format!("api: {error}")))?;
    let mut changed = Vec::new();
    for library in libraries() {
        let now = extract(&root().join("crates").join(&library).join("src"));
        let path = folder.join(format!("{library}.txt"));
        let before = fs::read_to_string(&path).unwrap_or_default();
        if now == before {
            continue;
        }
        if bless {
            fs::write(&path, &now).map_err(|error| Failed(format!("api: {error}")))?;
            continue;
        }
        changed.push(library.clone());
        let gone = before
            .lines()
            .filter(|line| !now.lines().any(|other| other == *line));
        let new = now
            .lines()
            .filter(|line| !before.lines().any(|other| other == *line));
        gone.for_each(|line| eprintln!("{library}: - {line}"));
        new.for_each(|line| eprintln!("{library}: + {line}"));
    }
    match changed.len() {
        0 => Ok(()),
        _ => Err(Failed(format!(
            "the public API changed in {}: `cargo xtask api --bless` if it was meant to",
            changed.join(", ")
        ))),
    }
}

fn extract(folder: &Path) -> String {
    let mut lines = Vec::new();
    for path in rust_files().iter().filter(|path| path.starts_with(folder)) {
        let text = fs::read_to_string(path).unwrap_or_default();
        let shown = path
            .strip_prefix(folder)
            .unwrap_or(path)
            .display()
            .to_string();
        lines.extend(
            items(&text)
                .into_iter()
                .map(|item| format!("{shown}: {item}")),
        );
    }
    lines.join("\n") + "\n"
}

/// The public items of a file, each on one line, under the type whose they are.
fn items(text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut items = Vec::new();
    let mut owner = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if !line.starts_with([' ', '}']) && !trimmed.is_empty() && !trimmed.starts_with(['/', '#'])
        {
            owner.clear();
        }
        let header = ["impl", "pub trait", "pub enum", "pub struct"];
        let opens = header.iter().any(|word| line.starts_with(word));
        let in_trait = owner.starts_with("pub trait") && trimmed.starts_with("fn ");
        let variant = owner.starts_with("pub enum")
            && line.starts_with("    ")
            && !line.starts_with("     ")
            && trimmed.starts_with(char::is_uppercase);
        if !opens && !trimmed.starts_with("pub ") && !in_trait && !variant {
            continue;
        }
        let mut item = trimmed.to_owned();
        let whole = |item: &str| {
            let ends: &[char] = match opens || item.contains("fn ") {
                true => &['{', ';', '}'],
                false => &['{', ';', '}', ','],
            };
            item.matches('(').count() == item.matches(')').count() && item.ends_with(ends)
        };
        while !whole(&item) {
            let Some(more) = lines.next() else { break };
            item.push(' ');
            item.push_str(more.trim());
        }
        let item = item.trim_end_matches(['{', ';', ',']).trim_end().to_owned();
        if opens {
            owner.clone_from(&item);
        }
        if opens && item.starts_with("impl") && !item.contains(" for ") {
            continue; // What is public in it comes under its name.
        }
        match line.starts_with(' ') && !owner.is_empty() {
            true => items.push(format!("{owner} :: {item}")),
            false => items.push(item),
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_items_are_found_under_their_owners() {
        let text = "use a;\npub struct A {\n    pub b: u8,\n    c: u8,\n}\n\nimpl A {\n    /// Docs.\n    \
                    pub fn new(\n        b: u8,\n    ) -> Self {\n        A { b }\n    }\n    fn hidden() {}\n}\n\
                    pub enum E {\n    One,\n    Two(u8),\n}\n#[cfg(test)]\npub fn test() {}\n";
        assert_eq!(
            items(text),
            [
                "pub struct A",
                "pub struct A :: pub b: u8",
                "impl A :: pub fn new( b: u8, ) -> Self",
                "pub enum E",
                "pub enum E :: One",
                "pub enum E :: Two(u8)",
            ]
        );
    }
}
