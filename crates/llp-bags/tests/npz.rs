//! Archives of NumPy arrays: what is written is read back, and each kind of wrong one.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod messages;

use std::io::Write as _;
use std::path::Path;

use llp_bags::source::open;
use llp_bags::{DataNote, InstanceShape};
use llp_data::Labels;
use messages::Messages;
use npyz::{AutoSerialize, WriteOptions, WriterBuilder};
use proptest::prelude::*;
use tempfile::{TempDir, tempdir};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

type Writer = ZipWriter<std::fs::File>;

fn array<T: AutoSerialize + Clone>(npz: &mut Writer, name: &str, shape: &[u64], values: &[T]) {
    npz.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
    let mut bytes = Vec::new();
    let mut array = WriteOptions::new().default_dtype().shape(shape).writer(&mut bytes).begin_nd().unwrap();
    array.extend(values.iter().cloned()).unwrap();
    array.finish().unwrap();
    npz.write_all(&bytes).unwrap();
}

/// A folder with the archive `pictures.npz`.
fn archive(write: impl FnOnce(&mut Writer)) -> TempDir {
    let folder = tempdir().unwrap();
    let file = fs_err::File::create(folder.path().join("pictures.npz")).unwrap();
    let mut npz = ZipWriter::new(file.into_parts().0);
    write(&mut npz);
    npz.finish().unwrap();
    folder
}

fn file(folder: &TempDir) -> std::path::PathBuf {
    folder.path().join("pictures.npz")
}

/// Bytes that differ from image to image.
fn pixels(n: u64, image_len: u64) -> Vec<u8> {
    (0..n * image_len).map(|at| (at * 7 + at / image_len) as u8).collect()
}

proptest! {
    /// Pixels and labels come back, gray or in color, with the names of MedMNIST or of Keras, whatever integers the labels
    /// are and whether or not they are a column; the validation split is left out beside a test split, and replaces
    /// a missing one.
    #[test]
    fn arrays_come_back(
        labels in prop::collection::vec(0..5_i64, 2..9),
        has_color: bool,
        is_column: bool,
        is_keras: bool,
        has_test: bool,
    ) {
        let n = labels.len() as u64;
        let (image_len, channels) = if has_color { (18, 3) } else { (6, 1) };
        let images: Vec<u64> = if has_color { vec![n, 2, 3, 3] } else { vec![n, 2, 3] };
        let of_labels = if is_column { vec![n, 1] } else { vec![n] };
        let pixels = pixels(n, image_len);
        let names = |split: &str| {
            if is_keras { [format!("x_{split}"), format!("y_{split}")] } else { [format!("{split}_images"), format!("{split}_labels")] }
        };
        let folder = archive(|npz| {
            let [x, y] = names("train");
            array(npz, &x, &images, &pixels);
            array(npz, &y, &of_labels, &labels);
            let [x, y] = names("val");
            array(npz, &x, &images, &pixels);
            array(npz, &y, &of_labels, &labels.iter().map(|&label| label as u8).collect::<Vec<_>>());
            if has_test {
                let [x, y] = names("test");
                array(npz, &x, &images, &pixels);
                array(npz, &y, &of_labels, &labels.iter().map(|&label| label as i32).collect::<Vec<_>>());
            }
        });
        let data = open(&file(&folder), Labels::Fine).unwrap();
        prop_assert_eq!(data.train.instances.shape(), InstanceShape::Image([2, 3, channels]));
        let classes: Vec<u32> = labels.iter().map(|&label| label as u32).collect();
        for split in [&data.train, &data.test] {
            prop_assert_eq!(split.instances.as_images().unwrap().pixels(), &pixels[..]);
            let accuracy = split.labels.as_ref().unwrap().accuracy(&classes).unwrap();
            prop_assert!((accuracy - 1.0).abs() < f64::EPSILON);
        }
        prop_assert_eq!(data.class_names.len(), *classes.iter().max().unwrap() as usize + 1);
        let is_stand_in = data.notes.contains(&DataNote::ValidationAsTest);
        prop_assert_eq!(is_stand_in, !has_test);
        prop_assert_eq!(data.notes.len(), 1);
    }
}

/// Archives that hold no images and labels are refused with what they hold.
#[test]
fn wrong_archives() {
    let mut messages = Messages::new(env!("CARGO_MANIFEST_DIR"), "npz", "Archives of NumPy arrays");
    let mut refuse = |input: &str, folder: &TempDir| {
        messages.named(folder.path().display(), "DIR");
        messages.refused(input, open(&file(folder), Labels::Fine));
    };
    let images = pixels(2, 4);
    let labels = [0_i64, 1];
    let with = |shape: &[u64], pixels: &[u8], of_labels: &[u64], labels: &[i64]| {
        archive(|npz| {
            array(npz, "train_images", shape, pixels);
            array(npz, "train_labels", of_labels, labels);
        })
    };
    refuse("other arrays", &archive(|npz| array(npz, "X", &[2], &[1.0_f64, 2.0])));
    refuse("images that are volumes", &with(&[2, 2, 2, 2], &pixels(2, 8), &[2], &labels));
    let floats = archive(|npz| {
        array(npz, "x_train", &[2, 1, 1], &[0.5_f32, 1.0]);
        array(npz, "y_train", &[2], &labels);
    });
    refuse("images of floating point numbers", &floats);
    refuse("several labels an image", &with(&[2, 2, 2], &images, &[2, 2], &[0, 1, 1, 0]));
    refuse("a negative label", &with(&[2, 2, 2], &images, &[2], &[0, -1]));
    refuse("fewer labels than images", &with(&[2, 2, 2], &images, &[1], &[0]));
    let text = archive(|_| {});
    fs_err::write(file(&text), "no archive").unwrap();
    refuse("text", &text);
    messages.compare();
}

/// Archives that are cut short or changed anywhere give an error or a data set, never a panic.
#[test]
fn changed_bytes_do_not_panic() {
    let folder = archive(|npz| {
        array(npz, "train_images", &[2, 2, 2], &pixels(2, 4));
        array(npz, "train_labels", &[2], &[0_u8, 1]);
    });
    let whole = fs_err::read(file(&folder)).unwrap();
    let read = |bytes: &[u8]| {
        fs_err::write(file(&folder), bytes).unwrap();
        open(Path::new(&file(&folder)), Labels::Fine)
    };
    for len in (0..whole.len()).step_by(11) {
        assert!(read(&whole[..len]).is_err(), "{len}");
    }
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 0x81;
        let _ = read(&changed);
    }
}
