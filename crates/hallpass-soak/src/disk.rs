//! A small disk that can be full: a file system in memory, which only root can mount.

use std::{
    fs::OpenOptions,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// A disk of a few megabytes. It goes away when this is dropped.
#[derive(Debug)]
pub(crate) struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None` where it may not be mounted.
    pub(crate) fn mount(megabytes: u32) -> Option<Self> {
        let folder = TempDir::new().ok()?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m,mode=0755"), "tmpfs"]).arg(folder.path());
        let mounted = mount.stdout(Stdio::null()).stderr(Stdio::null()).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Leaves no byte free.
    pub(crate) fn fill(&self) {
        let file = OpenOptions::new().create(true).append(true).open(self.0.path().join("filler"));
        let Ok(mut file) = file else { return };
        // Smaller and smaller pieces, until not even one byte fits.
        for size in [1 << 20, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    pub(crate) fn make_room(&self) {
        std::fs::remove_file(self.0.path().join("filler")).ok();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: whoever still has files open on it is about to end.
        Command::new("umount").arg("-l").arg(self.0.path()).status().ok();
    }
}
