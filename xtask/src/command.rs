use crate::rows::{self, Row};

pub(crate) const HELP: &str = "\
cargo xtask COMMAND

  ci                       every check below, fastest first; stops at the first red
  fmt                      formatting
  tidy                     the invariants of docs/architecture.md
  lint                     clippy on all targets and features, warnings are errors
  test [ROW]               the runtime matrix, or one row: none, smol, async-std, tokio, embedded, all
  doc                      rustdoc, warnings are errors
  features                 each crate with no features, each feature alone, all together
  deny                     licences, bans and sources, by cargo-deny
  api [--bless]            the public API against docs/public-api; --bless accepts it
  loom                     the models under `cfg(loom)`: every interleaving
  asan                     tests under AddressSanitizer, of what is built on unsafe code; needs a nightly
  miri                     the tests of the unsafe code in an interpreter; needs a nightly with miri and rust-src
  shuttle                  the models under `cfg(shuttle)`: many random schedules
  peers                    tests against model servers that somebody else wrote; installs them by npm and pip
  screenshots              pictures of reports in target/screenshots, taken by a headless Chromium if there is one
  bench [NAME] [--quick] [--json]
                           ratios against named peers, measured in one run; NAME is a suite or a figure
";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command<'a> {
    Api {
        bless: bool,
    },
    Asan,
    /// With what the benchmarks are told.
    Bench(&'a [&'a str]),
    Ci,
    Deny,
    Doc,
    Features,
    Fmt,
    Help,
    Lint,
    Loom,
    Miri,
    Peers,
    Screenshots,
    Shuttle,
    /// One row, or all of them.
    Test(Option<Row>),
    Tidy,
}

impl<'a> Command<'a> {
    /// Reads the words of a call; if they make none, says what was expected.
    pub(crate) fn parse(words: &'a [&'a str]) -> Result<Self, String> {
        let Some((&name, args)) = words.split_first() else {
            return Ok(Self::Help);
        };
        let (command, expected) = match name {
            "api" if args == ["--bless"] => return Ok(Self::Api { bless: true }),
            "api" => (Self::Api { bless: false }, "`--bless`"),
            "asan" => (Self::Asan, NOTHING),
            "bench" => return check_bench(args).map(|()| Self::Bench(args)),
            "ci" => (Self::Ci, NOTHING),
            "deny" => (Self::Deny, NOTHING),
            "doc" => (Self::Doc, NOTHING),
            "features" => (Self::Features, NOTHING),
            "fmt" => (Self::Fmt, NOTHING),
            "help" | "--help" | "-h" => (Self::Help, NOTHING),
            "lint" => (Self::Lint, NOTHING),
            "loom" => (Self::Loom, NOTHING),
            "miri" => (Self::Miri, NOTHING),
            "peers" => (Self::Peers, NOTHING),
            "screenshots" => (Self::Screenshots, NOTHING),
            "shuttle" => (Self::Shuttle, NOTHING),
            "test" => return row(args).map(Self::Test),
            "tidy" => (Self::Tidy, NOTHING),
            _ => return Err(format!("unknown command `{name}`: one of those below")),
        };
        match args {
            [] => Ok(command),
            _ => Err(format!(
                "`{name}` takes {expected}, not `{}`",
                args.join(" ")
            )),
        }
    }
}

fn row(args: &[&str]) -> Result<Option<Row>, String> {
    let problem = match args {
        [] => return Ok(None),
        [name] => match rows::find(name) {
            Some(row) => return Ok(Some(row)),
            None => format!("unknown row `{name}`"),
        },
        _ => format!("`test` does not take `{}`", args.join(" ")),
    };
    Err(format!("{problem}: {}", rows::names()))
}

/// Looks at what the benchmarks are told before they are built, which takes its time.
fn check_bench(args: &[&str]) -> Result<(), String> {
    let is_flag = |arg: &&&str| arg.starts_with('-');
    let unknown = args
        .iter()
        .filter(is_flag)
        .find(|flag| !BENCH_FLAGS.contains(flag));
    if let Some(flag) = unknown {
        let flags = BENCH_FLAGS.join("`, `");
        return Err(format!("`bench` takes a name, `{flags}`, not `{flag}`"));
    }
    match args.iter().filter(|arg| !is_flag(arg)).nth(1) {
        Some(name) => Err(format!("`bench` takes one name, `{name}` is a second")),
        None => Ok(()),
    }
}

const NOTHING: &str = "nothing";
const BENCH_FLAGS: [&str; 2] = ["--quick", "--json"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_of_the_help_is_one() {
        let names = HELP.lines().filter_map(|line| {
            let line = line.strip_prefix("  ")?;
            line.split(' ').next().filter(|name| !name.is_empty())
        });
        let mut found = 0;
        for name in names {
            assert!(Command::parse(&[name]).is_ok(), "{name}");
            found += 1;
        }
        assert!(found >= 14, "{found}");
    }

    #[test]
    fn arguments_are_read() {
        assert_eq!(Command::parse(&[]), Ok(Command::Help));
        assert_eq!(
            Command::parse(&["api", "--bless"]),
            Ok(Command::Api { bless: true })
        );
        assert_eq!(
            Command::parse(&["test", "smol"]),
            Ok(Command::Test(rows::find("smol")))
        );
        let words = ["bench", "--json", "gather", "--quick"];
        assert_eq!(Command::parse(&words), Ok(Command::Bench(&words[1..])));
    }

    #[track_caller]
    fn check_problem(words: &[&str], expected: &str) {
        assert_eq!(Command::parse(words), Err(expected.to_owned()));
    }

    #[test]
    fn what_is_no_call_is_told_what_was_expected() {
        check_problem(&["bogus"], "unknown command `bogus`: one of those below");
        check_problem(
            &["--bless"],
            "unknown command `--bless`: one of those below",
        );
        check_problem(
            &["loom", "--bogus", "x"],
            "`loom` takes nothing, not `--bogus x`",
        );
        check_problem(&["api", "--bogus"], "`api` takes `--bless`, not `--bogus`");
        let rows = rows::names();
        check_problem(&["test", "bogus"], &format!("unknown row `bogus`: {rows}"));
        check_problem(
            &["test", "smol", "all"],
            &format!("`test` does not take `smol all`: {rows}"),
        );
        check_problem(
            &["bench", "--bogus"],
            "`bench` takes a name, `--quick`, `--json`, not `--bogus`",
        );
        check_problem(
            &["bench", "a", "--json", "b"],
            "`bench` takes one name, `b` is a second",
        );
    }
}
