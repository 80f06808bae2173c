//! A disk that is full, and one that cannot be written: real ones, where this process may mount a file system.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

#[path = "../../llp-train/tests/common/mod.rs"]
mod common;
#[path = "../../llp-bags/tests/messages/mod.rs"]
mod messages;

use std::path::Path;
use std::process::{Command, Output};

use common::weights;
use image::{GrayImage, Luma, Rgb, RgbImage};
use messages::Messages;
use tempfile::{TempDir, tempdir};

/// A small file system in memory, gone with this value.
struct Disk {
    folder: TempDir,
    sudo: bool,
}

impl Disk {
    /// Returns `None` where mounting is not allowed.
    fn mount() -> Option<Self> {
        let folder = tempdir().unwrap();
        let mounts = |sudo: bool| {
            let options = ["-t", "tmpfs", "-o", "size=1m,mode=0777", "tmpfs"];
            root(sudo, "mount")
                .args(options)
                .arg(folder.path())
                .output()
                .is_ok_and(|end| end.status.success())
        };
        let sudo = [false, true].into_iter().find(|&sudo| mounts(sudo));
        if sudo.is_none() {
            eprintln!("skipped: this needs the right to mount a file system");
        }
        Some(Self { sudo: sudo?, folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn make_read_only(&self) {
        let end = root(self.sudo, "mount").args(["-o", "remount,ro"]).arg(self.path()).status().unwrap();
        assert!(end.success());
    }

    /// Leaves this many bytes free, until the file that is returned is removed.
    fn fill(&self, free: usize) -> std::path::PathBuf {
        let ballast = self.path().join("ballast");
        let mut size = 1 << 20;
        while fs_err::write(&ballast, vec![0; size]).is_err() {
            size -= 4096;
        }
        fs_err::write(&ballast, vec![0; size - free]).unwrap();
        ballast
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = root(self.sudo, "umount").arg(self.path()).status();
    }
}

/// A command as root, by asking for it or not.
fn root(sudo: bool, program: &str) -> Command {
    if sudo {
        let mut command = Command::new("sudo");
        command.args(["-n", program]);
        command
    } else {
        Command::new(program)
    }
}

fn train(out: &Path, extra: &[&str]) -> Output {
    let small = [
        "--width=2",
        "--bag-size=8",
        "--epochs=3",
        "--set=data.train_limit=48",
        "--set=checkpoint.every_epochs=1",
    ];
    Command::new(env!("CARGO_BIN_EXE_llp"))
        .arg("train")
        .args(small)
        .args(extra)
        .arg("--out")
        .arg(out)
        .output()
        .unwrap()
}

/// Files in a folder whose writing was begun.
fn half_written(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs_err::read_dir(folder) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(".writing-")).collect()
}

/// A disk that fills up while training, at whatever moment: exit code 1, the message names the file, nothing is
/// half-written, and with room again the same command ends with the weights of a run that was never disturbed.
#[test]
fn a_full_disk() {
    let calm = tempdir().unwrap();
    assert!(train(calm.path(), &[]).status.success());
    let Some(disk) = Disk::mount() else { return };
    let mut messages = Messages::new(env!("CARGO_MANIFEST_DIR"), "full-disk", "A full disk");
    messages.named(disk.path().display(), "DIR");
    let run = disk.path().join("run");
    let cases = [
        ("while the run begins", 0),
        ("when a status is written", 4096),
        ("when a checkpoint is written", 32768),
    ];
    for (input, free) in cases {
        if free > 0 {
            assert_eq!(train(&run, &["--time-limit=0s"]).status.code(), Some(75), "{input}");
        }
        let ballast = disk.fill(free);
        let end = train(&run, &[]);
        messages.ended(input, &end);
        assert_eq!(end.status.code(), Some(1), "{input}");
        assert_eq!((half_written(&run), half_written(&run.join("checkpoints"))), (vec![], vec![]), "{input}");
        fs_err::remove_file(ballast).unwrap();
        assert!(train(&run, &[]).status.success(), "{input}");
        assert_eq!(weights(&run), weights(calm.path()), "{input}");
        fs_err::remove_dir_all(&run).unwrap();
    }
    let ballast = disk.fill(0);
    let out = disk.path().join("bags.json");
    let make = ["bags", "make", "--bag-size=4", "--out"];
    let end = Command::new(env!("CARGO_BIN_EXE_llp")).args(make).arg(&out).output().unwrap();
    messages.ended("when bags are written", &end);
    assert!(!out.exists() && half_written(disk.path()).is_empty());
    fs_err::remove_file(ballast).unwrap();
    messages.compare();
}

/// Two bags of 300 images of 32x32 pixels, the last in color.
fn images() -> TempDir {
    let folder = tempdir().unwrap();
    for (bag, shade) in [("a", 10), ("b", 200)] {
        let place = folder.path().join(bag);
        fs_err::create_dir_all(&place).unwrap();
        for at in 0..300 {
            let path = place.join(format!("{at:03}.png"));
            if (bag, at) == ("b", 299) {
                RgbImage::from_pixel(32, 32, Rgb([200, 10, 10])).save(path).unwrap();
            } else {
                GrayImage::from_pixel(32, 32, Luma([shade + (at % 9) as u8])).save(path).unwrap();
            }
        }
    }
    fs_err::write(folder.path().join("proportions.csv"), "bag,dark,bright\na,200,100\nb,100,200\n").unwrap();
    folder
}

/// A disk that is too small for decoded images: before they are decoded, and when they turn out to have color. Nothing
/// is left there, and with room, or without a cache, the same data is read.
#[test]
fn a_full_disk_of_decoded_images() {
    let Some(disk) = Disk::mount() else { return };
    let mut messages = Messages::new(
        env!("CARGO_MANIFEST_DIR"),
        "full-cache",
        "A full disk below the cache of decoded images",
    );
    let data = images();
    messages.named(disk.path().display(), "DIR");
    let cache = disk.path().join("cache");
    let inspect = |cache: &Path| {
        let mut llp = Command::new(env!("CARGO_BIN_EXE_llp"));
        llp.args(["data", "inspect", "-q"]).arg(data.path()).arg("--cache").arg(cache).output().unwrap()
    };
    let ballast = disk.fill(128 << 10);
    let end = inspect(&cache);
    let said = String::from_utf8_lossy(&end.stderr).into_owned();
    assert_eq!(end.status.code(), Some(1), "{said}");
    assert!(said.contains("decoded images take 600.0 KiB here"), "{said}");
    let entry = fs_err::read_dir(cache.join("locks")).unwrap().next().unwrap().unwrap().file_name();
    messages.named(entry.display(), "ENTRY");
    fs_err::remove_file(ballast).unwrap();
    let end = inspect(&cache);
    messages.ended("images turn out to have color", &end);
    assert_eq!(end.status.code(), Some(1));
    let left = fs_err::read_dir(&cache).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_file());
    assert_eq!(left.count(), 0);
    assert!(inspect(Path::new("none")).status.success());
    disk.make_read_only();
    messages.ended("the cache cannot be written", &inspect(&cache));
    messages.compare();
}

/// A folder that cannot be written is named, and the exit code is that of the machine's fault.
#[test]
fn a_read_only_disk() {
    let Some(disk) = Disk::mount() else { return };
    let mut messages =
        Messages::new(env!("CARGO_MANIFEST_DIR"), "read-only", "A folder that cannot be written");
    messages.named(disk.path().display(), "DIR");
    assert_eq!(train(&disk.path().join("run"), &["--time-limit=0s"]).status.code(), Some(75));
    disk.make_read_only();
    messages.ended("a new run", &train(&disk.path().join("new"), &[]));
    messages.ended("a run to go on with", &train(&disk.path().join("run"), &[]));
    messages.compare();
}
