//! What the benchmark ran on: without it the numbers mean nothing.

use crate::error::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// How many small writes tell how fast the disk flushes.
const FLUSHES: usize = 101;

/// Facts about machine and programs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Machine {
    /// Model of the processor.
    pub processor: String,
    /// Number of processor cores this process may use.
    pub cores: usize,
    /// Installed memory in MiB.
    pub memory_mib: u64,
    /// Kernel and its release.
    pub kernel: String,
    /// Type and options of the file system under the data folders.
    pub file_system: String,
    /// Median milliseconds to write 4 KiB and flush them: the floor under every durable call that
    /// has nobody to share its flush with.
    pub flush_ms: f64,
    /// Version of Pileus.
    pub pileus: String,
    /// Version of nginx.
    pub nginx: String,
}

impl Machine {
    /// Looks at this machine and the programs; `dir` lies on the disk under test.
    pub fn look(dir: &Path, pileus: &Path, nginx: &Path) -> Result<Self> {
        let name = rustix::system::uname();
        Ok(Self {
            processor: proc_field("/proc/cpuinfo", "model name")?,
            cores: std::thread::available_parallelism()?.get(),
            memory_mib: memory_mib(&proc_field("/proc/meminfo", "MemTotal")?)?,
            kernel: format!(
                "{} {}",
                name.sysname().to_string_lossy(),
                name.release().to_string_lossy()
            ),
            file_system: file_system(&fs::read_to_string("/proc/mounts")?, &dir.canonicalize()?)
                .ok_or("the data folder is on no known file system")?,
            flush_ms: flush_ms(dir)?,
            pileus: version(pileus, "--version")?,
            nginx: version(nginx, "-v")?,
        })
    }
}

fn proc_field(file: &str, name: &str) -> Result<String> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
        .ok_or_else(|| format!("{file} has no {name}").into())
}

fn memory_mib(total: &str) -> Result<u64> {
    let kib: u64 = total
        .strip_suffix(" kB")
        .ok_or("unreadable /proc/meminfo")?
        .parse()?;
    Ok(kib / 1024)
}

/// Type and options of the mount with the longest mount point above `dir`.
fn file_system(mounts: &str, dir: &Path) -> Option<String> {
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let (point, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
            dir.starts_with(point).then_some((point, kind, options))
        })
        // Of mounts on the same point the last one covers the others, and `max_by_key` keeps it.
        .max_by_key(|(point, ..)| point.len())
        .map(|(_, kind, options)| format!("{kind} ({options})"))
}

fn flush_ms(dir: &Path) -> Result<f64> {
    let path = dir.join("flush-test");
    let mut file = File::create(&path)?;
    let mut times_ms = Vec::with_capacity(FLUSHES);
    for _ in 0..FLUSHES {
        let begin = Instant::now();
        file.write_all(&[0x5a; 4096])?;
        file.sync_data()?;
        times_ms.push(begin.elapsed().as_secs_f64() * 1000.0);
    }
    fs::remove_file(path)?;
    times_ms.sort_unstable_by(f64::total_cmp);
    Ok(times_ms[FLUSHES / 2])
}

/// The first line that the program prints about its version; nginx uses standard error.
fn version(program: &Path, flag: &str) -> Result<String> {
    let name = program.display().to_string();
    let output = Command::new(program).arg(flag).output().context(&name)?;
    let text = if output.stdout.is_empty() {
        output.stderr
    } else {
        output.stdout
    };
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("nginx version: ").unwrap_or(line);
    Ok(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{file_system, memory_mib};
    use crate::error::Result;
    use std::path::Path;

    #[test]
    fn the_nearest_mount_above_a_folder_counts() {
        let mounts = "/dev/a / ext4 rw,relatime 0 0\n\
            tmpfs /srv tmpfs rw 0 0\n\
            /dev/b /srvx xfs rw 0 0\n\
            /dev/c /srv btrfs ro 0 0\n";
        let found = |dir: &str| file_system(mounts, Path::new(dir));
        assert_eq!(found("/srv/x").as_deref(), Some("btrfs (ro)"));
        assert_eq!(found("/srvx").as_deref(), Some("xfs (rw)"));
        assert_eq!(found("/home").as_deref(), Some("ext4 (rw,relatime)"));
        assert_eq!(file_system("", Path::new("/")), None);
    }

    #[test]
    fn memory_is_told_in_mib() -> Result<()> {
        assert_eq!(memory_mib("2048 kB")?, 2);
        assert!(memory_mib("2048").is_err());
        Ok(())
    }
}
