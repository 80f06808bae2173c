//! A process that measures on request, so that several can take turns without starting again each time.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::announce;

/// A child that answers each line with lines of JSON and an empty line.
pub(super) struct Server {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Server {
    pub(super) fn start(mut command: Command) -> Result<Self> {
        announce(&command);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let requests = child.stdin.take().context("no standard input")?;
        let answers = BufReader::new(child.stdout.take().context("no standard output")?);
        Ok(Self { child, requests, answers })
    }

    pub(super) fn ask(&mut self, request: &str) -> Result<Vec<Value>> {
        writeln!(self.requests, "{request}")?;
        let mut rows = Vec::new();
        loop {
            let mut line = String::new();
            if self.answers.read_line(&mut line)? == 0 {
                bail!("it ended with {} before it answered {request:?}", self.child.wait()?);
            }
            if line.trim().is_empty() {
                return Ok(rows);
            }
            rows.push(serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))?);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It waits for a request; nothing of it is worth keeping.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
