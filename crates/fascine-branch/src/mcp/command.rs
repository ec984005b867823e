use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;
use std::process::Command;

/// A program that is an MCP server, to be started as a child of this one.
///
/// It sees little of this program's environment: what programs need to find their files, but no keys. What it needs of the
/// rest is [set](Self::env) or [passed on](Self::inherit).
///
/// When the conversation is over its input ends, and it is killed. Programs that it has started itself are not: those that
/// `npx` and the like start see the end of their input, and end by themselves.
///
/// # Examples
///
/// ```
/// use fascine_branch::McpCommand;
///
/// let server = McpCommand::new("npx")
///     .args(["-y", "@modelcontextprotocol/server-filesystem", "/srv/files"])
///     .inherit("NODE_EXTRA_CA_CERTS");
/// ```
#[derive(Clone)]
pub struct McpCommand {
    program: OsString,
    args: Vec<OsString>,
    folder: Option<PathBuf>,
    inherited: Vec<OsString>,
    set: Vec<(OsString, OsString)>,
}

impl McpCommand {
    /// Starts `program`, looked up as the system does.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            folder: None,
            inherited: PASSED_ON.iter().map(Into::into).collect(),
            set: Vec::new(),
        }
    }

    /// Adds an argument. No shell looks at it.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments. No shell looks at them.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        self.args.extend(args);
        self
    }

    /// Sets the folder in which it runs.
    #[must_use]
    pub fn current_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let pair = (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.set.push(pair);
        self
    }

    /// Passes a variable of this program's environment on, if it is there when the server starts.
    #[must_use]
    pub fn inherit(mut self, name: impl AsRef<OsStr>) -> Self {
        self.inherited.push(name.as_ref().to_owned());
        self
    }

    pub(crate) fn program(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    pub(crate) fn into_std(self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear();
        let inherited = self.inherited.iter();
        command.envs(inherited.filter_map(|name| Some((name, env::var_os(name)?))));
        command.envs(self.set);
        if let Some(folder) = self.folder {
            command.current_dir(folder);
        }
        command
    }
}

impl fmt::Debug for McpCommand {
    /// Shows the names of variables, not what is in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set: Vec<_> = self.set.iter().map(|(name, _)| name).collect();
        f.debug_struct("McpCommand")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("folder", &self.folder)
            .field("inherited", &self.inherited)
            .field("set", &set)
            .finish()
    }
}

/// What programs need to find their files, on Unix and on Windows.
const PASSED_ON: [&str; 22] = [
    "HOME",
    "LANG",
    "LC_ALL",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "APPDATA",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "PATHEXT",
    "PROCESSOR_ARCHITECTURE",
    "PROGRAMFILES",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "USERNAME",
    "USERPROFILE",
];
