use std::fmt;
use std::io;
use std::process::{self, ChildStderr, ChildStdin, ChildStdout, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fascine_rt::Rt;

use crate::mcp::pipe_reader::PipeReader;
use crate::mcp::pipe_writer::PipeWriter;
use crate::mcp::{McpCommand, McpError};

/// A server that is a child of this process. Dropping it kills it, and leaves no zombie.
pub(crate) struct Child {
    rt: Rt,
    /// None once it is left to a thread to bury.
    process: Mutex<Option<process::Child>>,
    errors: Option<PipeReader<ChildStderr>>,
}

/// Both directions of the conversation.
pub(crate) struct Pipes {
    pub(crate) output: PipeReader<ChildStdout>,
    pub(crate) input: PipeWriter<ChildStdin>,
}

impl Child {
    pub(crate) fn start(rt: &Rt, command: McpCommand) -> Result<(Self, Pipes), McpError> {
        let program = command.program();
        let mut command = command.into_std();
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let started = command.spawn();
        let not_started = |source| McpError::Start { program, source };
        let mut process = match started {
            Ok(process) => process,
            Err(error) => return Err(not_started(error)),
        };
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let errors = process.stderr.take();
        let child = Self {
            rt: rt.clone(),
            process: Mutex::new(Some(process)),
            errors: errors.map(|errors| PipeReader::new(rt, errors)),
        };
        let (Some(input), Some(output)) = (input, output) else {
            return Err(not_started(io::Error::other("it has no pipes")));
        };
        let pipes = Pipes {
            output: PipeReader::new(rt, output),
            input: PipeWriter::new(rt, input),
        };
        Ok((child, pipes))
    }

    /// What it writes for people.
    pub(crate) fn take_errors(&mut self) -> Option<PipeReader<ChildStderr>> {
        self.errors.take()
    }

    /// Waits until it has ended by itself, and kills it if it does not.
    pub(crate) async fn end(&self) {
        for _ in 0..GRACE.as_millis() / PAUSE.as_millis() {
            if self.has_ended() {
                return;
            }
            self.rt.sleep(PAUSE).await;
        }
        self.kill();
    }

    fn has_ended(&self) -> bool {
        match &mut *self.process() {
            Some(process) => !matches!(process.try_wait(), Ok(None)),
            None => true,
        }
    }

    pub(crate) fn kill(&self) {
        let process = self.process().take();
        if let Some(process) = process {
            let dead = Dead(process);
            // Ends soon: it waits for a process that has been killed.
            self.rt.unblock(move || drop(dead)).detach();
        }
    }

    fn process(&self) -> MutexGuard<'_, Option<process::Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").finish_non_exhaustive()
    }
}

/// Is killed and buried as it is dropped, also where the runtime does not run what it was given.
struct Dead(process::Child);

impl Drop for Dead {
    fn drop(&mut self) {
        // It may have ended, and been buried, before.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const GRACE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(10);
