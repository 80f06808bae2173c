//! The command on images: what it says of them, and what it does with those that cannot be read.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use image::{GrayImage, Luma, LumaA, Rgb, RgbImage};
use tempfile::{TempDir, tempdir};

fn llp(folder: &Path, command: &[&str]) -> Output {
    let mut llp = Command::new(env!("CARGO_BIN_EXE_llp"));
    llp.args(command).current_dir(folder).env_remove("RUST_BACKTRACE").output().unwrap()
}

fn words(end: &Output) -> (String, String) {
    (String::from_utf8_lossy(&end.stdout).into_owned(), String::from_utf8_lossy(&end.stderr).into_owned())
}

/// Two bags of dark and bright gray images in folders, without a table, and a linear network that was trained on them.
fn trained() -> TempDir {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for bag in 0..4_u8 {
        fs_err::create_dir_all(path(&format!("data/bag{bag}"))).unwrap();
        for image in 0..6_u8 {
            let is_bright = image < 2 * bag;
            let value = if is_bright { 200 } else { 40 } + 5 * image + bag;
            let gray = GrayImage::from_fn(4, 4, |x, y| Luma([value + (x * y) as u8]));
            gray.save(path(&format!("data/bag{bag}/{image}.png"))).unwrap();
        }
    }
    let mut shares = "bag,dark,bright\n".to_owned();
    for bag in 0..4 {
        writeln!(shares, "bag{bag},{},{}", 6 - 2 * bag, 2 * bag).unwrap();
    }
    fs_err::write(path("data/proportions.csv"), shares).unwrap();
    let end = llp(
        folder.path(),
        &[
            "train",
            "--data=data",
            "--out=run",
            "--preset=table",
            "--set=network.name=linear",
            "--epochs=30",
            "--set=data.held_out=0",
            "--set=data.image_size=4",
            "-q",
        ],
    );
    assert!(end.status.success(), "{}", words(&end).1);
    folder
}

/// A color image that a network of gray images predicts is its gray by ITU-R 601, here computed in whole numbers; it is
/// said how many there were.
#[test]
fn color_becomes_gray_by_itu_601() {
    let folder = trained();
    let color = [90, 140, 60_u8];
    let [red, green, blue] = color.map(u32::from);
    let gray = ((red * 19595 + green * 38470 + blue * 7471 + (1 << 15)) >> 16) as u8;
    assert_eq!(gray, 116);
    RgbImage::from_pixel(7, 5, Rgb(color)).save(folder.path().join("color.png")).unwrap();
    GrayImage::from_pixel(7, 5, Luma([gray])).save(folder.path().join("gray.png")).unwrap();
    let end = llp(folder.path(), &["predict", "run", "color.png", "gray.png", "--probabilities"]);
    let (out, err) = words(&end);
    let rows: Vec<&str> = out.lines().skip(1).map(|row| row.split_once(',').unwrap().1).collect();
    assert_eq!((rows.len(), rows[0]), (2, rows[1]));
    assert!(err.contains("note: 1 of 2 images have color: they are reduced to gray"), "{err}");
}

/// Files of a folder that cannot be read are named and left out, those that are no images are counted, all others have
/// their rows as if nothing else were there, and the exit code says so.
#[test]
fn prediction_goes_on_after_a_broken_file() {
    let folder = trained();
    let path = |name: &str| folder.path().join(name);
    fs_err::create_dir(path("photos")).unwrap();
    for name in ["1.png", "4.png"] {
        fs_err::copy(path("data/bag1/1.png"), path("photos").join(name)).unwrap();
    }
    let whole = llp(folder.path(), &["predict", "run", "photos", "-q"]);
    assert!(whole.status.success());
    for (name, content) in [("2.jpg", "text"), ("3.tif", ""), ("notes.txt", "text"), (".5.png", "text")] {
        fs_err::write(path("photos").join(name), content).unwrap();
    }
    let end = llp(folder.path(), &["predict", "run", "photos"]);
    let (out, err) = words(&end);
    assert_eq!((end.status.code(), &out), (Some(2), &words(&whole).0));
    for part in
        ["photos/2.jpg", "photos/3.tif", "1 file is skipped, photos/notes.txt", "2 images cannot be read"]
    {
        assert!(err.contains(part), "{part}: {err}");
    }
    let end = llp(folder.path(), &["predict", "run", "photos", "--out=o.csv"]);
    assert_eq!((end.status.code(), fs_err::read_to_string(path("o.csv")).unwrap()), (Some(2), out));
}

/// `verify` lists every image that cannot be read, and is content with data without one; training says what was done to
/// images; bags are not drawn from bags.
#[test]
fn own_images_are_verified() {
    let folder = trained();
    let path = |name: &str| folder.path().join(name);
    let end = llp(folder.path(), &["data", "verify", "data"]);
    assert!(end.status.success() && words(&end).0.ends_with("all is well\n"), "{}", words(&end).1);
    for name in ["bag0/3.png", "bag2/1.png"] {
        fs_err::write(path("data").join(name), "text").unwrap();
    }
    let end = llp(folder.path(), &["data", "verify", "data"]);
    let (out, err) = words(&end);
    assert_eq!((end.status.code(), out.matches("wrong").count()), (Some(2), 2), "{out}{err}");
    assert!(out.contains("bag0/3.png") && out.contains("bag2/1.png"), "{out}");
    let clear = image::GrayAlphaImage::from_pixel(4, 4, LumaA([0, 99]));
    for name in ["bag0/3.png", "bag2/1.png"] {
        clear.save(path("data").join(name)).unwrap();
    }
    let end = llp(folder.path(), &["train", "--data=data", "--out=again", "--preset=table", "--epochs=1"]);
    let (_, err) = words(&end);
    assert!(err.contains("2 of 24 images have transparent pixels: they are drawn on white"), "{err}");
    let (out, _) = words(&llp(folder.path(), &["data", "inspect", "data"]));
    assert!(out.contains("note          2 of 24 images have transparent pixels"), "{out}");
    let end = llp(folder.path(), &["bags", "make", "--data=data", "--bag-size=2", "--out=b.json"]);
    let (_, err) = words(&end);
    assert_eq!(end.status.code(), Some(2));
    assert!(err.contains("data has bags of its own"), "{err}");
}
