/// Who runs the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runner {
    Libtest,
    Nextest,
}

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// What a line of a test runner's output says; `None` if it is not one of its closing lines.
    ///
    /// libtest: `test result: ok. 3 passed; 0 failed; ..`.
    /// nextest: `Summary [   0.1s] 4 tests run: 3 passed (1 slow), 1 failed, 2 timed out, 0 skipped`; it also repeats
    /// what libtest says of each failed test, which does not count.
    pub(crate) fn read(runner: Runner, line: &str) -> Option<Self> {
        let line = line.trim();
        let counted = match runner {
            Runner::Libtest => line.strip_prefix("test result:")?,
            Runner::Nextest => line.strip_prefix("Summary [")?.split_once("run:")?.1,
        };
        let count = |word: &str| {
            let words: Vec<&str> = counted
                .split([' ', ',', ';', '.', '(', ')'])
                .filter(|word| !word.is_empty())
                .collect();
            let pairs = words.windows(2).filter(|pair| pair[1] == word);
            pairs
                .filter_map(|pair| pair[0].parse::<u64>().ok())
                .sum::<u64>()
        };
        // `2 timed out` and `1 exec failed` are failures too.
        Some(Self {
            passed: count("passed"),
            failed: count("failed") + count("timed") + count("exec"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(runner: Runner, line: &str, expected: Option<(u64, u64)>) {
        let expected = expected.map(|(passed, failed)| Counts { passed, failed });
        assert_eq!(Counts::read(runner, line), expected, "{line}");
    }

    #[test]
    fn the_closing_lines_of_libtest_are_read() {
        let check = |line, expected| check(Runner::Libtest, line, expected);
        check(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 2 filtered out; finished in 0.01s",
            Some((3, 0)),
        );
        check(
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured",
            Some((3, 2)),
        );
        check("running 3 tests", None);
        check("", None);
    }

    #[test]
    fn the_closing_line_of_nextest_is_read_and_nothing_else() {
        let check = |line, expected| check(Runner::Nextest, line, expected);
        check(
            "     Summary [   0.117s] 9 tests run: 9 passed, 0 skipped",
            Some((9, 0)),
        );
        check(
            "     Summary [   1.117s] 9/12 tests run: 6 passed (2 slow), 1 failed, 2 timed out, 3 skipped",
            Some((6, 3)),
        );
        check(
            "     Summary [   1.117s] 3 tests run: 2 passed (1 flaky), 1 exec failed, 0 skipped",
            Some((2, 1)),
        );
        check(
            "        PASS [   0.004s] fascine-it::it rt::smol::a_test",
            None,
        );
        check(
            "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured",
            None,
        );
    }
}
