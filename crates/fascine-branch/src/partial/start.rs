/// Looks for the beginning of the document, in prose and fenced blocks, one character at a time.
#[derive(Debug)]
pub(super) struct Start {
    /// Whether nothing but space came since the beginning of the text, or of a block.
    fresh: bool,
    /// A bracket in prose, which is a beginning if the right thing follows.
    opener: Option<char>,
    /// How many backticks in a row.
    ticks: usize,
    /// Whether a fence is open, and the rest of its line to be passed.
    fenced: bool,
    in_language: bool,
    thoughts: Thoughts,
    /// Whether a bracket was passed over.
    pub(super) skipped: bool,
}

/// `<think>` at the very beginning, up to `</think>`.
#[derive(Debug)]
enum Thoughts {
    /// So many characters of the opening tag have come.
    Opening(usize),
    /// So many characters of the closing tag have come.
    Closing(usize),
    Over,
}

/// What begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begins {
    /// A document, with this bracket.
    Now(char),
    /// A document, with this bracket, and the character at hand is the next one in it.
    Before(char),
    /// Nothing yet.
    Nothing,
}

impl Start {
    pub(super) fn read(&mut self, char: char) -> Begins {
        if self.is_thinking(char) {
            return Begins::Nothing;
        }
        self.ticks = if char == '`' { self.ticks + 1 } else { 0 };
        if self.ticks == 3 {
            self.fenced = !self.fenced;
            self.in_language = self.fenced;
            return Begins::Nothing;
        }
        let is_bracket = matches!(char, '{' | '[');
        if self.in_language {
            self.in_language = char != '\n' && !is_bracket;
            self.fresh = true;
            if !is_bracket {
                return Begins::Nothing;
            }
        }
        if char.is_whitespace() || char == '\u{FEFF}' {
            return Begins::Nothing;
        }
        if let Some(opener) = self.opener.take() {
            let fits = match opener {
                '{' => matches!(char, '"' | '}'),
                _ => matches!(char, '"' | '{' | '['),
            };
            if fits {
                return Begins::Before(opener);
            }
            self.skipped = true;
        }
        match is_bracket {
            true if self.fresh => return Begins::Now(char),
            true => self.opener = Some(char),
            false => self.fresh = false,
        }
        Begins::Nothing
    }

    fn is_thinking(&mut self, char: char) -> bool {
        let next = |tag: &str, seen: usize| tag.chars().nth(seen) == Some(char);
        match &mut self.thoughts {
            Thoughts::Over => return false,
            Thoughts::Opening(0) if char.is_whitespace() => return false,
            Thoughts::Opening(seen) if next(OPENING, *seen) => {
                *seen += 1;
                if *seen == OPENING.len() {
                    self.thoughts = Thoughts::Closing(0);
                }
            }
            Thoughts::Opening(seen) => {
                self.fresh &= *seen == 0;
                self.thoughts = Thoughts::Over;
                return false;
            }
            Thoughts::Closing(seen) => {
                *seen = match next(CLOSING, *seen) {
                    true => *seen + 1,
                    false => usize::from(char == '<'),
                };
                if *seen == CLOSING.len() {
                    self.thoughts = Thoughts::Over;
                    self.fresh = true;
                }
            }
        }
        true
    }
}

impl Default for Start {
    fn default() -> Self {
        Self {
            fresh: true,
            opener: None,
            ticks: 0,
            fenced: false,
            in_language: false,
            thoughts: Thoughts::Opening(0),
            skipped: false,
        }
    }
}

const OPENING: &str = "<think>";
const CLOSING: &str = "</think>";
