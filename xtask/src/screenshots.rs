use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{Done, Failed, cargo, root, stage};

/// Draws runs of several sizes, opens their pages in a headless Chromium, light and dark, and takes pictures for people to
/// look at. Fails if a page complains or asks the network for anything. Without a browser it is skipped, and says so.
pub(crate) fn run() -> Done {
    let Some(browser) = Browser::find() else {
        eprintln!(
            "xtask: SKIPPED the screenshots: none of {} is installed",
            NAMES.join(", ")
        );
        return Ok(());
    };
    let folder = root().join("target/screenshots");
    fs::create_dir_all(&folder)
        .map_err(|error| Failed(format!("{}: {error}", folder.display())))?;
    browser.check_itself(&folder)?;
    for (name, args) in CASES {
        let pages = folder.join(name);
        let mut draw = cargo(&[
            "run",
            "-q",
            "--locked",
            "-p",
            "fascine-flow",
            "--example",
            "report",
            "--",
        ]);
        stage(&format!("screenshots: {name}"), draw.arg(&pages).args(args))?;
        for theme in [Theme::Light, Theme::Dark] {
            let picture = folder.join(format!("{name}-{}.png", theme.name()));
            let complaints = browser.open(&pages.join("report.html"), &picture, theme)?;
            if !complaints.is_empty() {
                let page = picture.display();
                return Err(Failed(format!("{page}: {}", complaints.join("\n"))));
            }
            println!("{}", picture.display());
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Theme {
    Dark,
    Light,
}

impl Theme {
    fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
        }
    }
}

struct Browser {
    program: PathBuf,
}

impl Browser {
    fn find() -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let programs = NAMES
            .iter()
            .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        let program = programs.into_iter().find(|program| program.is_file())?;
        Some(Self { program })
    }

    /// A page that does what is forbidden must be found out: otherwise finding nothing would mean nothing.
    fn check_itself(&self, folder: &Path) -> Done {
        let page = folder.join("forbidden.html");
        fs::write(&page, FORBIDDEN)
            .map_err(|error| Failed(format!("{}: {error}", page.display())))?;
        let complaints = self.open(&page, &folder.join("forbidden.png"), Theme::Light)?;
        for wanted in ["CONSOLE", "http://127.0.0.1:9/"] {
            if !complaints
                .iter()
                .any(|complaint| complaint.contains(wanted))
            {
                return Err(Failed(format!(
                    "the browser does not tell of {wanted}: {complaints:?}"
                )));
            }
        }
        Ok(())
    }

    /// Takes a picture of a page. Returns what the page wrote to the console, and what it asked the network for.
    fn open(&self, page: &Path, picture: &Path, theme: Theme) -> Result<Vec<String>, Failed> {
        let failed = |error: std::io::Error| Failed(format!("{}: {error}", self.program.display()));
        let requests = picture.with_extension("requests.json");
        let mut command = Command::new(&self.program);
        command
            .args(ALONE)
            .arg(format!(
                "--user-data-dir={}",
                picture.with_extension("profile").display()
            ))
            .arg(format!("--log-net-log={}", requests.display()))
            .arg(format!("--screenshot={}", picture.display()));
        if matches!(theme, Theme::Dark) {
            command.arg("--blink-settings=preferredColorScheme=0");
        }
        command.arg(format!("file://{}", page.display()));
        let output = command.stdin(Stdio::null()).output().map_err(failed)?;
        if !output.status.success() || !picture.is_file() {
            return Err(Failed(format!(
                "no picture of {}: {}",
                page.display(),
                output.status
            )));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let mut complaints: Vec<String> = said
            .lines()
            .filter(|line| line.contains("CONSOLE"))
            .map(str::to_owned)
            .collect();
        let log = fs::read_to_string(&requests).map_err(failed)?;
        // The browser has requests of its own; those of a page say who began them.
        let asked = log.lines().filter(|line| {
            line.contains("\"initiator\":")
                && !line.contains("\"initiator\":\"not an origin\"")
                && !line.contains("\"url\":\"file:")
        });
        complaints.extend(asked.map(str::to_owned));
        Ok(complaints)
    }
}

/// What the pictures are called, and which run is drawn.
const CASES: [(&str, &[&str]); 4] = [
    ("7", &["7"]),
    ("50", &["50"]),
    ("200", &["200"]),
    ("growing", &["120", "growing"]),
];

const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// What keeps it from talking to anybody of its own accord, and from asking anything.
const ALONE: [&str; 12] = [
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--enable-logging=stderr",
    "--hide-scrollbars",
    "--window-size=1440,3000",
    "--timeout=20000",
];

const FORBIDDEN: &str = "<!DOCTYPE html><meta charset=utf-8><img src=http://127.0.0.1:9/><script>console.error('no')</script>";
