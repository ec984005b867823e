use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::process::{Done, cargo, now, root, stage};

/// Runs the tests that need model servers which nobody here wrote: installs them under `target`, starts them, and stops
/// them. What cannot be installed or started is skipped, and says so here and at the end.
pub(crate) fn run() -> Done {
    let folder = root().join("target/peers");
    let peers = [
        aimock(&folder),
        mcp_everything(&folder),
        mock_ai_api(&folder),
    ];
    let mut filters = Vec::new();
    let mut skipped = Vec::new();
    let mut environment = Vec::new();
    // Dropping them stops them, however this function ends.
    let mut running = Vec::new();
    for peer in &peers {
        println!("== peers: {}", peer.name);
        match fs::create_dir_all(&folder)
            .map_err(|error| error.to_string())
            .and_then(|()| peer.start())
        {
            Ok(server) => {
                let urls = peer.variables.iter().zip(&server.ports);
                environment
                    .extend(urls.map(|(name, port)| (*name, format!("http://127.0.0.1:{port}"))));
                filters.push(peer.module);
                running.push(server);
            }
            Err(reason) => {
                eprintln!("xtask: SKIPPED the tests against {}: {reason}", peer.name);
                skipped.push(peer.name);
            }
        }
    }
    let done = if filters.is_empty() {
        Ok(())
    } else {
        let mut tests = cargo(&["test", "--locked", "-p", "fascine-it", "--test", "peers"]);
        tests.args(["--features", "smol,tokio", "--"]).args(filters);
        stage("peers: tests", tests.envs(environment))
    };
    drop(running);
    match skipped.as_slice() {
        [] => println!("\nno peer was skipped"),
        names => {
            let names = names.join(", ");
            eprintln!("\nxtask: SKIPPED, because they could not be installed or started: {names}");
            println!("\nskipped: {names}");
        }
    }
    done
}

/// A server that somebody else wrote.
struct Peer {
    name: &'static str,
    /// Of its tests.
    module: &'static str,
    /// The environment variables that tell the tests where it is, one for each port.
    variables: &'static [&'static str],
    /// What is there when it is installed.
    installed: PathBuf,
    install: Vec<Vec<String>>,
    /// The command, without the ports.
    start: Vec<String>,
    /// The option before each port, or the variable that holds it.
    port_options: &'static [&'static str],
}

fn aimock(folder: &Path) -> Peer {
    let program = folder.join("node_modules/@copilotkit/aimock/dist/cli.js");
    let fixtures = root().join("tests/it/peers/aimock.json");
    Peer {
        name: "@copilotkit/aimock",
        module: "aimock::",
        variables: &["FASCINE_AIMOCK"],
        install: vec![words(&[
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            "--prefix",
            &text(folder),
            "@copilotkit/aimock@1.43.0",
        ])],
        start: words(&[
            "node",
            &text(&program),
            "--host",
            "127.0.0.1",
            "--fixtures",
            &text(&fixtures),
            // It refuses what it was not told to answer, and requests that the original would refuse.
            "--strict",
            "--log-level",
            "silent",
            "--journal-max",
            "100",
        ]),
        port_options: &["--port"],
        installed: program,
    }
}

fn mcp_everything(folder: &Path) -> Peer {
    let program = folder.join("node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    Peer {
        name: "@modelcontextprotocol/server-everything",
        module: "mcp_everything::",
        variables: &["FASCINE_MCP_EVERYTHING"],
        install: vec![words(&[
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            "--prefix",
            &text(folder),
            "@modelcontextprotocol/server-everything@2026.8.31",
        ])],
        start: words(&["node", &text(&program), "streamableHttp"]),
        port_options: &["PORT"],
        installed: program,
    }
}

fn mock_ai_api(folder: &Path) -> Peer {
    let environment = folder.join("venv");
    let program = environment.join("bin/mock-ai-api");
    let pip = environment.join("bin/pip");
    Peer {
        name: "mock-ai-api",
        module: "mock_ai_api::",
        variables: &["FASCINE_MOCK_AI_OPENAI", "FASCINE_MOCK_AI_ANTHROPIC"],
        install: vec![
            words(&["python3", "-m", "venv", &text(&environment)]),
            words(&[&text(&pip), "install", "--quiet", "mock-ai-api==0.1.1"]),
        ],
        start: words(&[&text(&program)]),
        port_options: &["--openai-port", "--anthropic-port"],
        installed: program,
    }
}

impl Peer {
    fn start(&self) -> Result<Server, String> {
        if !self.installed.exists() {
            for command in &self.install {
                execute(command)?;
            }
        }
        let mut command = to_command(&self.start);
        let mut ports = Vec::new();
        for option in self.port_options {
            let port = free_port().map_err(|error| format!("no free port: {error}"))?;
            match option.starts_with('-') {
                true => command.arg(option).arg(port.to_string()),
                false => command.env(option, port.to_string()),
            };
            ports.push(port);
        }
        // A group of its own: what it starts is stopped with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("`{}` does not start: {error}", self.start[0]))?;
        let mut server = Server { child, ports };
        server.wait_until_it_answers()?;
        Ok(server)
    }
}

/// A running server. Dropping it stops it.
struct Server {
    child: Child,
    ports: Vec<u16>,
}

impl Server {
    #[expect(
        clippy::disallowed_methods,
        reason = "a process that somebody else wrote can only be asked again and again"
    )]
    fn wait_until_it_answers(&mut self) -> Result<(), String> {
        let started = now();
        for port in &self.ports {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
            while TcpStream::connect_timeout(&address, PATIENCE).is_err() {
                if let Ok(Some(status)) = self.child.try_wait() {
                    return Err(format!("it ended at once: {status}"));
                }
                if started.elapsed() > PATIENCE {
                    return Err(format!("it does not listen at port {port}"));
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(())
    }
}

impl Drop for Server {
    #[expect(
        clippy::disallowed_methods,
        reason = "a process that somebody else wrote can only be asked again and again"
    )]
    fn drop(&mut self) {
        // Asked first: a server may have started others, in groups of their own, which it stops itself.
        #[cfg(unix)]
        if signal("-INT", &self.child.id().to_string()) {
            let asked = now();
            while asked.elapsed() < LAST_WORDS && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(50));
            }
            // The group has the number of the process that was its first.
            signal("-KILL", &format!("-{}", self.child.id()));
        }
        // It may be gone already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process, or to a group; whether there was one.
#[cfg(unix)]
fn signal(name: &str, to: &str) -> bool {
    let mut kill = Command::new("kill");
    let sent = kill.args([name, "--", to]).stderr(Stdio::null()).status();
    sent.is_ok_and(|status| status.success())
}

fn execute(words: &[String]) -> Result<(), String> {
    let line = words.join(" ");
    let output = to_command(words)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`{line}`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    Err(format!(
        "`{line}` failed: {}",
        last.unwrap_or("without a word")
    ))
}

fn to_command(words: &[String]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).current_dir(root());
    command
}

fn free_port() -> std::io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// How long a server may take to stop.
#[cfg(unix)]
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_installed_or_started_says_why() {
        let mut peer = aimock(Path::new("nowhere"));
        peer.install = vec![words(&["no-such-program", "install"])];
        let reason = peer.start().err().unwrap_or_default();
        assert!(reason.contains("no-such-program install"), "{reason}");
        peer.installed = root();
        peer.start = words(&["false"]);
        assert!(peer.start().is_err());
    }
}
