//! The disk that both sides write to: how fast it is now, and what was written to it.

use std::fmt;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::clock;
use crate::statistics::per_second;

/// Bytes that a probe appends before each `fdatasync`: a page, the least that a database writes.
const PROBE_BYTES: usize = 4_096;

/// How long the probes around a slot take.
pub const PROBE: Duration = Duration::from_millis(300);

/// The directory that is measured in, and what it is on.
#[derive(Debug, Clone)]
pub struct Disk {
    /// The directory.
    dir: PathBuf,
    /// Type of the file system.
    filesystem: String,
    /// `major:minor` of the block device.
    device: String,
}

impl Disk {
    /// The disk of a directory.
    ///
    /// # Errors
    /// A directory that isn't there or is kept in memory, where nothing is durable.
    pub fn of(dir: &Path) -> Result<Self> {
        let dir =
            dir.canonicalize().with_context(|| format!("could not find {}", dir.display()))?;
        let mounts =
            fs::read_to_string("/proc/self/mountinfo").context("could not read the mounts")?;
        let mount = mount_of(&mounts, &dir)
            .with_context(|| format!("no mount is known for {}", dir.display()))?;
        if matches!(mount.filesystem.as_str(), "tmpfs" | "ramfs") {
            bail!("{} is kept in memory: choose a directory on a disk by --dir", dir.display());
        }
        Ok(Self { dir, filesystem: mount.filesystem, device: mount.device })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Bytes that were ever written to the device, by everybody; `None` for a device that keeps no
    /// account, such as an overlay.
    pub fn bytes_written(&self) -> Option<u64> {
        bytes_written(&fs::read_to_string("/proc/diskstats").ok()?, &self.device)
    }

    /// Appends pages to a fresh file, each made durable, for as long as told.
    pub async fn probe(&self, duration: Duration) -> Result<Probe> {
        let dir = self.dir.clone();
        tokio::task::spawn_blocking(move || probe(&dir, duration)).await?
    }
}

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {} (device {})", self.dir.display(), self.filesystem, self.device)
    }
}

/// What a probe found.
#[derive(Debug, Clone)]
pub struct Probe {
    /// `fdatasync` a second.
    pub per_second: f64,
    /// How long each took, in the order of time.
    pub took: Vec<Duration>,
}

fn probe(dir: &Path, duration: Duration) -> Result<Probe> {
    let mut file: File = tempfile::tempfile_in(dir).context("could not make the probe's file")?;
    let page = [0x5a; PROBE_BYTES];
    let mut took = Vec::new();
    let started = clock::now();
    while started.elapsed() < duration {
        file.write_all(&page).context("could not append to the probe's file")?;
        let before = clock::now();
        file.sync_data().context("could not make the probe's file durable")?;
        took.push(before.elapsed());
    }
    let count = u64::try_from(took.len()).unwrap_or(u64::MAX);
    Ok(Probe { per_second: per_second(count, started.elapsed()), took })
}

/// A line of `/proc/self/mountinfo`, as far as wanted.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    device: String,
    filesystem: String,
}

/// The mount that `dir` is on: the last of those with the longest path. See proc(5), mountinfo:
/// field 3 is the device, 5 the mount point, and the first after ` - ` the type.
fn mount_of(mounts: &str, dir: &Path) -> Option<Mount> {
    let parse = |line: &str| -> Option<(usize, Mount)> {
        let (place, kind) = line.split_once(" - ")?;
        let mut fields = place.split(' ');
        let (device, point) = (fields.nth(2)?.to_owned(), Path::new(fields.nth(1)?));
        let filesystem = kind.split(' ').next()?.to_owned();
        dir.starts_with(point).then_some((point.as_os_str().len(), Mount { device, filesystem }))
    };
    mounts.lines().filter_map(parse).max_by_key(|(length, _)| *length).map(|(_, mount)| mount)
}

/// Bytes written to a device. See the kernel's admin-guide/iostats: the tenth column is sectors of
/// 512 bytes.
fn bytes_written(diskstats: &str, device: &str) -> Option<u64> {
    diskstats.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [major, minor, ..] = fields.as_slice() else { return None };
        (format!("{major}:{minor}") == device).then_some(())?;
        fields.get(9)?.parse::<u64>().ok().map(|sectors| sectors * 512)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
31 27 0:28 / /tmp rw,relatime shared:5 - tmpfs tmpfs rw
33 27 8:1 / /var rw,relatime - xfs /dev/sda1 rw
";

    #[test]
    fn the_longest_mount_wins() {
        let check = |dir: &str, device: &str, filesystem: &str| {
            let expected = Mount { device: device.to_owned(), filesystem: filesystem.to_owned() };
            assert_eq!(mount_of(MOUNTS, Path::new(dir)), Some(expected), "{dir}");
        };
        check("/home/x", "254:0", "ext4");
        check("/tmp/x", "0:28", "tmpfs");
        check("/var/tmp", "8:1", "xfs");
        check("/variety", "254:0", "ext4");
        assert_eq!(mount_of("", Path::new("/")), None);
    }

    #[test]
    fn sectors_are_counted_as_bytes() {
        let stats = "   7       0 loop0 1 0 2 0 0 0 0 0 0 0 0
 254       0 vda 44871 18311 2866990 20000 60000 70000 9216000 80000 0 1 2
";
        assert_eq!(bytes_written(stats, "254:0"), Some(9_216_000 * 512));
        assert_eq!(bytes_written(stats, "254:1"), None);
    }

    #[tokio::test]
    async fn a_probe_counts_what_it_timed() {
        let disk = Disk::of(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        let probe = disk.probe(Duration::from_secs(1)).await.unwrap();
        assert!(!probe.took.is_empty());
        assert!(probe.per_second > 0.0);
    }

    #[test]
    fn a_directory_in_memory_is_refused() {
        let refused = Disk::of(Path::new("/dev/shm")).unwrap_err().to_string();
        assert!(refused.contains("kept in memory"), "{refused}");
    }
}
