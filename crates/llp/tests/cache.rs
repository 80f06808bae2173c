//! The cache of decoded images as programs use it: several at once, killed ones, and trainings that do not notice it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../llp-train/tests/common/mod.rs"]
mod common;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use common::weights;
use image::{Rgb, RgbImage};
use tempfile::{TempDir, tempdir};

/// Bags of images in folders; noise, which takes long to decode for its size.
fn images(n_bags: u32, n_images: u32, side: u32) -> TempDir {
    let folder = tempdir().unwrap();
    let mut shares = "bag,red,blue\n".to_owned();
    let mut state = 1_u32;
    for bag in 0..n_bags {
        let place = folder.path().join(format!("data/bag{bag:02}"));
        fs_err::create_dir_all(&place).unwrap();
        for at in 0..n_images {
            let is_red = at < bag * n_images / n_bags;
            let picture = RgbImage::from_fn(side, side, |_, _| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (state >> 25) as u8;
                Rgb(if is_red { [200 - noise, noise, noise / 2] } else { [noise, noise / 2, 200 - noise] })
            });
            picture.save(place.join(format!("{at:03}.png"))).unwrap();
        }
        let n_red = bag * n_images / n_bags;
        writeln!(shares, "bag{bag:02},{n_red},{}", n_images - n_red).unwrap();
    }
    fs_err::write(folder.path().join("data/proportions.csv"), shares).unwrap();
    folder
}

fn llp(folder: &Path, args: &[&str]) -> Command {
    let mut llp = Command::new(env!("CARGO_BIN_EXE_llp"));
    llp.args(args).current_dir(folder).env_remove("LLP_CACHE");
    llp
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let end = llp(folder, args).output().unwrap();
    assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
    end
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The files of the cache with this ending.
fn kept(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(folder.join("cache")).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|own| own == ending)).collect()
}

const INSPECT: [&str; 6] = ["data", "inspect", "data", "--output=json", "--image-size=16", "--cache=cache"];

/// The same training without a cache, with an empty one and with a full one ends with the same weights, and each says
/// where its images are from. The cache can be listed and emptied.
#[test]
fn trainings_do_not_depend_on_the_cache() {
    let folder = images(4, 12, 12);
    let train = |cache: &str, out: &str| {
        let cache = format!("--cache={cache}");
        let short = ["--preset=table", "--epochs=2", "--set=optim.min_steps=1", "--set=data.image_size=8"];
        let args = [&["train", "--data=data", "--out", out, &cache, "--progress=lines"], &short[..]].concat();
        let said = text(&run(folder.path(), &args).stderr);
        (weights(&folder.path().join(out)), said)
    };
    let (expected, said) = train("none", "a");
    assert!(!said.contains("cache"), "{said}");
    let (built, said) = train("cache", "b");
    assert!(said.contains("decoding 48 images into cache"), "{said}");
    let (found, said) = train("cache", "c");
    assert!(said.contains("48 images of 8x8x3 from the cache"), "{said}");
    assert_eq!((&built, &found), (&expected, &expected));

    let list = text(&run(folder.path(), &["data", "cache", "list", "--cache=cache"]).stdout);
    assert!(list.contains("48 images of 8x8x3 of data") && list.contains("in cache"), "{list}");
    run(folder.path(), &["data", "cache", "clear", "--cache=cache"]);
    assert!(kept(folder.path(), "pixels").is_empty() && kept(folder.path(), "json").is_empty());
}

/// Two programs that need the same images at once: one decodes them, the other waits and says so.
#[test]
fn two_programs_at_once() {
    let folder = images(2, 200, 96);
    let start =
        || llp(folder.path(), &INSPECT).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = start();
    wait_for_decoding(folder.path(), &mut first);
    let second = start();
    let (first, second) = (first.wait_with_output().unwrap(), second.wait_with_output().unwrap());
    assert!(first.status.success() && second.status.success());
    assert_eq!(text(&first.stdout), text(&second.stdout));
    let said = [text(&first.stderr), text(&second.stderr)].concat();
    assert_eq!(said.matches("decoding 400 images").count(), 1, "{said}");
    assert_eq!(said.matches("from the cache").count(), 1, "{said}");
}

/// Killed while it decodes, the program leaves nothing that is ever used; the next one says the same as without a cache.
#[test]
fn killed_while_it_decodes() {
    let folder = images(2, 200, 96);
    let expected = text(&run(folder.path(), &[&INSPECT[..5], &["--cache=none"]].concat()).stdout);
    let is_killed_in_time = || {
        let _ = fs_err::remove_dir_all(folder.path().join("cache"));
        let mut llp = llp(folder.path(), &INSPECT);
        let mut child = llp.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_for_decoding(folder.path(), &mut child);
        child.kill().unwrap();
        child.wait().unwrap();
        kept(folder.path(), "unfinished").len() == 1 && kept(folder.path(), "pixels").is_empty()
    };
    assert!((0..50).any(|_| is_killed_in_time()), "it always ended before it was killed");
    let after = run(folder.path(), &INSPECT);
    assert_eq!(text(&after.stdout), expected);
    assert!(kept(folder.path(), "unfinished").is_empty());
    assert_eq!(text(&run(folder.path(), &INSPECT).stdout), expected);
}

/// Waits until a program decodes images into the cache, or has ended.
fn wait_for_decoding(folder: &Path, program: &mut Child) {
    let has_begun = || ["unfinished", "pixels"].iter().any(|ending| !kept(folder, ending).is_empty());
    while !has_begun() && program.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
}

/// `llp data verify` reads the files themselves, whatever the cache holds.
#[test]
fn verify_reads_the_files() {
    let folder = images(2, 4, 8);
    run(folder.path(), &INSPECT);
    let says_so = |command: &str| {
        let end = run(folder.path(), &["data", command, "data", "--image-size=16", "--cache=cache"]);
        text(&end.stderr).contains("8 images of 16x16x3 from the cache")
    };
    assert_eq!((says_so("inspect"), says_so("verify")), (true, false));
}
