use std::str::Chars;

/// A name with `*` for any characters, and `?` for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob(Vec<char>);

impl Glob {
    pub(crate) fn new(pattern: &str) -> Self {
        Self(pattern.chars().collect())
    }

    /// Goes back to the last star alone when it does not fit, so it takes at most the product of both lengths.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let (mut at, mut rest) = (0, name.chars());
        let mut star: Option<(usize, Chars<'_>)> = None;
        loop {
            let before = rest.clone();
            let Some(next) = rest.next() else { break };
            match self.0.get(at) {
                Some('*') => {
                    star = Some((at, before.clone()));
                    rest = before;
                    at += 1;
                }
                Some(&wanted) if wanted == '?' || wanted == next => at += 1,
                _ => {
                    let Some((starred, taken)) = &mut star else {
                        return false;
                    };
                    taken.next();
                    rest = taken.clone();
                    at = *starred + 1;
                }
            }
        }
        self.0[at..].iter().all(|&wanted| wanted == '*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_what_they_say() {
        let fits = |pattern: &str, name: &str| Glob::new(pattern).matches(name);
        assert!(fits("read_*", "read_file") && fits("*", "") && fits("**", "a"));
        assert!(fits("a?c", "abc") && fits("*b*b", "abab") && fits("gpt-4*mini", "gpt-4o-mini"));
        assert!(!fits("read_*", "write_file") && !fits("a?c", "ac") && !fits("", "a"));
        assert!(!fits("a*b", "abc") && fits("é*", "été") && !fits("a", "A"));
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = Glob::new(&"*a".repeat(30));
        assert!(!pattern.matches(&format!("{}b", "a".repeat(10_000))));
    }
}
