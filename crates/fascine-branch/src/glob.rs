/// A name with `*` for any characters, and `?` for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob(Vec<char>);

impl Glob {
    pub(crate) fn new(pattern: &str) -> Self {
        Self(pattern.chars().collect())
    }

    /// Goes back to the last star alone when it does not fit, so it takes at most the product of both lengths.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (&self.0, name.chars().collect::<Vec<_>>());
        let (mut at, mut next) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while next < name.len() {
            match pattern.get(at) {
                Some('*') => {
                    star = Some((at, next));
                    at += 1;
                }
                Some(&wanted) if wanted == '?' || wanted == name[next] => {
                    at += 1;
                    next += 1;
                }
                _ => {
                    let Some((starred, taken)) = star else {
                        return false;
                    };
                    star = Some((starred, taken + 1));
                    at = starred + 1;
                    next = taken + 1;
                }
            }
        }
        pattern[at..].iter().all(|&wanted| wanted == '*')
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
