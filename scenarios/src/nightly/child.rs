//! The night's side of a worker process: asks, waits as long as it may, and ends a process that does not answer.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam::channel::{self, Receiver, RecvTimeoutError};
use falken_harness::subject::Engine;
use falken_reports::night::Kind;

use super::worker::{Reply, Request};

/// How often somebody who waits looks whether it is to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What a run may use, and on which engine it is.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Wall-clock time of one run.
    pub wall: Duration,
    /// Megabytes of address space of a worker.
    pub memory_mb: u64,
    /// Actions per run after which clients start nothing new, instead of the scenario's.
    pub steps: Option<u64>,
    /// The engine, if it is not the scenario's.
    pub subject: Option<Engine>,
}

/// How a request ended without a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Hung, out of memory, or died.
    pub kind: Kind,
    /// In a few words, the same for the same reason.
    pub what: String,
}

/// One worker process; it is started when it is needed, and again after it was ended.
pub struct Worker {
    limits: Limits,
    /// Where its last words go.
    stderr: PathBuf,
    process: Option<Process>,
}

struct Process {
    child: Child,
    stdin: ChildStdin,
    replies: Receiver<String>,
}

impl Worker {
    /// A worker whose last words go to a file in this directory.
    pub fn new(dir: &Path, job: usize, limits: Limits) -> Self {
        Self { limits, stderr: dir.join(format!("worker-{job}.stderr")), process: None }
    }

    /// Asks for something that may take this many times as long as a run.
    ///
    /// # Errors
    /// There is no answer: the process is gone, and the next request starts another one.
    pub fn ask(&mut self, request: &Request, times: u32) -> Result<Reply, Stopped> {
        self.ask_unless(&AtomicBool::new(false), request, times)
    }

    /// The same, and gives up as soon as somebody says stop.
    ///
    /// # Errors
    /// There is no answer: the process is gone, and the next request starts another one.
    pub fn ask_unless(&mut self, stop: &AtomicBool, request: &Request, times: u32) -> Result<Reply, Stopped> {
        if stop.load(Ordering::Relaxed) {
            return Err(interrupted());
        }
        let process = match &mut self.process {
            Some(process) => process,
            none => {
                none.insert(start(&self.limits, &self.stderr).map_err(|error| died(format!("no worker: {error}")))?)
            }
        };
        let mut line = serde_json::to_string(request).expect("a request has a JSON form");
        line.push('\n');
        let sent = process.stdin.write_all(line.as_bytes()).and_then(|()| process.stdin.flush());
        let reply = match sent {
            Ok(()) => wait(&process.replies, self.limits.wall * times, stop),
            Err(_) => Err(RecvTimeoutError::Disconnected),
        };
        match reply {
            Ok(text) => serde_json::from_str(&text).map_err(|error| {
                self.end();
                died(format!("its reply makes no sense: {error}"))
            }),
            Err(RecvTimeoutError::Timeout) => {
                self.end();
                if stop.load(Ordering::Relaxed) {
                    return Err(interrupted());
                }
                // The same words for a run that is made twice and has more time.
                Err(Stopped { kind: Kind::Hung, what: format!("did not end within {:?} a run", self.limits.wall) })
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.end();
                Err(self.last_words(status))
            }
        }
    }

    /// Ends the process, whatever it does.
    fn end(&mut self) -> Option<ExitStatus> {
        let mut process = self.process.take()?;
        drop(process.stdin);
        // Fails only if it has ended already.
        let _ = process.child.kill();
        process.child.wait().ok()
    }

    fn last_words(&self, status: Option<ExitStatus>) -> Stopped {
        let words = fs::read_to_string(&self.stderr).unwrap_or_default();
        if words.contains("memory allocation of") {
            return Stopped { kind: Kind::Memory, what: format!("wanted more than {} MB", self.limits.memory_mb) };
        }
        let how = status.map_or_else(|| "its process ended".into(), |status| format!("its process ended: {status}"));
        let overflow = if words.contains("overflowed its stack") { ", stack overflow" } else { "" };
        died(how + overflow)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
        let _ = fs::remove_file(&self.stderr);
    }
}

fn interrupted() -> Stopped {
    died("interrupted".into())
}

/// Waits for a reply, and looks now and then whether somebody says stop.
fn wait(replies: &Receiver<String>, limit: Duration, stop: &AtomicBool) -> Result<String, RecvTimeoutError> {
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match replies.recv_timeout(left.min(LOOK_EVERY)) {
            Err(RecvTimeoutError::Timeout) if !left.is_zero() && !stop.load(Ordering::Relaxed) => {}
            reply => return reply,
        }
    }
}

fn died(what: String) -> Stopped {
    Stopped { kind: Kind::Died, what }
}

fn start(limits: &Limits, stderr: &Path) -> std::io::Result<Process> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("worker").arg("--memory-mb").arg(limits.memory_mb.to_string());
    if let Some(steps) = limits.steps {
        command.arg("--steps").arg(steps.to_string());
    }
    if let Some(subject) = limits.subject {
        command.arg("--subject").arg(subject.name());
    }
    // Ctrl-C goes to everybody at the terminal; the night decides when its workers end.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let last_words = File::create(stderr)?;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(last_words).spawn()?;
    let (stdin, stdout) = (child.stdin.take().expect("it is piped"), child.stdout.take().expect("it is piped"));
    let (sender, replies) = channel::unbounded();
    // Ends with the process: its end of the pipe is the only one.
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    Ok(Process { child, stdin, replies })
}
