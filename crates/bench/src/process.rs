//! Servers as child processes: started with a log, measured through `/proc`, always ended.

use crate::error::{Context, Error, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// How long a server may take to end after SIGTERM before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// How often a condition outside this process is looked at.
const POLL: Duration = Duration::from_millis(2);

/// A running child process. Dropping it kills the whole process group at once.
pub struct Server {
    name: &'static str,
    child: Child,
    pid: Pid,
    log: PathBuf,
    ended: bool,
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// What it occupies now (`VmRSS`).
    pub resident: u64,
    /// The most it ever occupied since the last [`Server::reset_peak`] (`VmHWM`).
    pub peak: u64,
}

impl Server {
    /// Starts `command` in a process group of its own. All its output goes to the file `log`.
    pub fn start(name: &'static str, mut command: Command, log: PathBuf) -> Result<Self> {
        let out = File::create(&log).context("log file")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .context(name)?;
        let pid = child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
            .ok_or("a child without a process id")?;
        Ok(Self {
            name,
            child,
            pid,
            log,
            ended: false,
        })
    }

    /// Waits until `ready` answers something. Fails with the end of the log when the process ends
    /// before that, or when it takes longer than `limit`.
    pub async fn wait_until<T>(
        &mut self,
        limit: Duration,
        mut ready: impl AsyncFnMut() -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(found) = ready().await {
                return Ok(found);
            }
            if let Some(status) = self.child.try_wait()? {
                self.ended = true;
                return Err(self.trouble(&format!("ended with {status}")));
            }
            if Instant::now() > deadline {
                return Err(self.trouble("did not get ready in time"));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits for a line of output that begins with `prefix`, and answers the rest of that line.
    pub async fn wait_for_line(&mut self, prefix: &str, limit: Duration) -> Result<String> {
        let log = self.log.clone();
        self.wait_until(limit, async || line_after(&log, prefix))
            .await
    }

    /// Asks the process to end (SIGTERM) and waits for it; kills it if it does not obey.
    pub async fn stop(mut self) -> Result<()> {
        kill_process_group(self.pid, Signal::TERM)?;
        let Ok(status) = tokio::time::timeout(STOP_LIMIT, self.child.wait()).await else {
            return Err(self.trouble("did not end after SIGTERM and was killed"));
        };
        self.ended = true;
        let status = status?;
        if status.success() {
            Ok(())
        } else {
            Err(self.trouble(&format!("ended with {status}")))
        }
    }

    /// Memory in use.
    pub fn memory(&self) -> Result<Memory> {
        let status = fs::read_to_string(self.proc("status"))?;
        Ok(Memory {
            resident: kib_field(&status, "VmRSS:")?,
            peak: kib_field(&status, "VmHWM:")?,
        })
    }

    /// Lets [`Memory::peak`] start again from what is resident now.
    pub fn reset_peak(&self) -> Result<()> {
        // 5 is the kernel's code for "reset the peak resident set size".
        fs::write(self.proc("clear_refs"), "5").context("resetting the memory peak")
    }

    /// Processor time used so far, in user and kernel mode, by all threads.
    pub fn cpu_time(&self) -> Result<Duration> {
        let stat = fs::read_to_string(self.proc("stat"))?;
        cpu_ticks(&stat)
            .map(|ticks| {
                let per_second = rustix::param::clock_ticks_per_second();
                Duration::from_secs_f64(ticks as f64 / per_second as f64)
            })
            .ok_or_else(|| "unreadable /proc/PID/stat".into())
    }

    fn proc(&self, file: &str) -> PathBuf {
        format!("/proc/{}/{file}", self.pid.as_raw_nonzero()).into()
    }

    fn trouble(&self, what: &str) -> Error {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(15).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        format!("{} {what}; its log ends:\n{}", self.name, tail.join("\n")).into()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.ended {
            // The group may hold more than the child, as nginx has workers. An error means that
            // nothing is left to kill.
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
    }
}

fn line_after(log: &Path, prefix: &str) -> Option<String> {
    let text = fs::read_to_string(log).ok()?;
    // A line without its end may still be in the middle of being written.
    text.split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'))
        .find_map(|line| Some(line.split_once(prefix)?.1.trim().to_owned()))
}

fn kib_field(status: &str, name: &str) -> Result<u64> {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .map(|kib| kib * 1024)
        .ok_or_else(|| format!("/proc/PID/status has no {name}").into())
}

/// Sum of `utime` and `stime`, fields 14 and 15. The command's name, field 2, stands in
/// parentheses and may contain blanks, so counting begins behind the last one.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    user.checked_add(system)
}

#[cfg(test)]
mod tests {
    use super::{Server, cpu_ticks, kib_field};
    use crate::error::Result;
    use std::time::Duration;
    use tokio::process::Command;

    #[test]
    fn proc_files_are_understood() -> Result<()> {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t     100 kB\n";
        assert_eq!(kib_field(status, "VmRSS:")?, 102_400);
        assert_eq!(kib_field(status, "VmHWM:")?, 2 << 20);
        assert!(kib_field(status, "VmSwap:").is_err());
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 1 0 0 0 11 22 0 0 20 0 1 0 5 6 7";
        assert_eq!(cpu_ticks(stat), Some(33));
        assert_eq!(cpu_ticks("7 (x) S 1"), None);
        Ok(())
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_line_of_output_is_awaited_and_the_process_measured_and_stopped() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let script = "trap 'exit 0' TERM; echo starting; echo listening on x:1; \
            while :; do sleep 0.05; done";
        let mut server = Server::start("shell", shell(script), dir.path().join("log"))?;
        let found = server
            .wait_for_line("listening on ", Duration::from_secs(10))
            .await?;
        assert_eq!(found, "x:1");
        let memory = server.memory()?;
        assert!(memory.resident > 0 && memory.peak >= memory.resident);
        server.cpu_time()?;
        server.stop().await
    }

    #[tokio::test]
    async fn an_early_end_is_told_with_the_log() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let script = "echo no such disk >&2; exit 3";
        let mut server = Server::start("shell", shell(script), dir.path().join("log"))?;
        let waited = server
            .wait_for_line("listening on ", Duration::from_secs(10))
            .await;
        let Err(error) = waited else {
            panic!("the line never came");
        };
        assert!(error.to_string().contains("no such disk"), "{error}");
        Ok(())
    }

    #[tokio::test]
    async fn dropping_kills_the_whole_group() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let mut server = Server::start(
            "shell",
            shell("sleep 60 & echo pid $!; wait"),
            dir.path().join("log"),
        )?;
        let grandchild = server
            .wait_for_line("pid ", Duration::from_secs(10))
            .await?;
        drop(server);
        let stat = format!("/proc/{grandchild}/stat");
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        // A killed orphan stays as a zombie where nobody collects it, which is dead as well.
        while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(std::time::Instant::now() < deadline, "still alive");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}
