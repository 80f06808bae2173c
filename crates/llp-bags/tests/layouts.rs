//! Image data sets in the layouts that the hub has: which files are read, and what their rows may hold.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod messages;
#[expect(dead_code, reason = "shared with the tests of the hub's layout")]
mod shards;

use std::path::Path;

use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use llp_bags::source::{Dataset, Split, open};
use llp_bags::{DataError, DataNote};
use llp_data::Labels;
use messages::Messages;
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use proptest::prelude::*;
use shards::{Shard, encoded, folder_of, metadata, picture};

/// The data set in a folder.
fn read(folder: &Path) -> Result<Dataset, DataError> {
    open(folder, Labels::Fine)
}

/// One row, whose image has this seed.
fn row(seed: u8) -> Shard<'static> {
    let images = vec![Some(encoded(seed, 3, 2, ImageFormat::Png))];
    Shard { images, labels: vec![Some(0)], ..Shard::right() }
}

/// The seeds of the images of a split.
fn seeds(split: &Split) -> Vec<u8> {
    let images = split.instances.as_images().unwrap();
    (0..images.len() as u32).map(|instance| images.image(instance)[0]).collect()
}

/// Every name by which the hub's data sets call a split, in names of files or of folders, in small or in capital letters.
#[test]
fn names_of_files_and_folders_tell_the_split() {
    for [train, test] in [
        ["train-00000-of-00001.parquet", "test-00000-of-00001.parquet"],
        ["train.parquet", "test.parquet"],
        ["data/train-0.PARQUET", "data/test-0.PARQUET"],
        ["default/train/0000.parquet", "default/test/0000.parquet"],
        ["training/a.parquet", "testing/a.parquet"],
        ["pets_train.parquet", "pets_eval.parquet"],
        ["Train-0.parquet", "Test-0.parquet"],
        ["a/b/c/train-0.parquet", "a/b/c/test-0.parquet"],
    ] {
        let folder = folder_of(&[(train, &row(1)), (test, &row(2))]);
        let data = read(folder.path()).unwrap();
        assert_eq!((seeds(&data.train), seeds(&data.test)), (vec![1], vec![2]), "{train}");
        assert_eq!(data.notes, [], "{train}");
    }
}

/// The split of validation replaces a missing test split, and is left out beside one; both are reported.
#[test]
fn validation_is_used_or_said_to_be_left_out() {
    for [train, name] in [
        ["train-0.parquet", "val-0.parquet"],
        ["train.parquet", "dev.parquet"],
        ["train/0.parquet", "valid/0.parquet"],
    ] {
        let data = read(folder_of(&[(train, &row(1)), (name, &row(3))]).path()).unwrap();
        assert_eq!((seeds(&data.train), seeds(&data.test)), (vec![1], vec![3]), "{name}");
        assert_eq!(data.notes, [DataNote::ValidationAsTest]);
    }
    let folder = folder_of(&[("train-0.parquet", &row(1)), ("validation-0.parquet", &row(3))]);
    let data = read(folder.path()).unwrap();
    assert_eq!((seeds(&data.test), data.test.labels.unwrap().class_counts()), (vec![3], vec![1, 0]));
    row(2).write(&folder.path().join("test-0.parquet"));
    row(9).write(&folder.path().join("extra-0.parquet"));
    let data = read(folder.path()).unwrap();
    assert_eq!((seeds(&data.train), seeds(&data.test)), (vec![1], vec![2]));
    let said: Vec<String> = data.notes.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 2);
    assert!(said[0].contains("extra-0.parquet") && said[1].contains("validation"), "{said:?}");
}

/// A file whose name counts more files than there are is said to miss the others.
#[test]
fn missing_shards_are_said() {
    let folder = folder_of(&[
        ("data/train-00000-of-00003.parquet", &row(1)),
        ("data/train-00002-of-00003-0a1b2c.parquet", &row(2)),
        ("data/test-00000-of-00001.parquet", &row(3)),
    ]);
    let data = read(folder.path()).unwrap();
    assert_eq!(seeds(&data.train), [1, 2]);
    let first = "train-00000-of-00003.parquet".to_owned();
    assert_eq!(data.notes, [DataNote::MissingFiles { first, n_files: 2, n_expected: 3 }]);
}

/// Without a test split and without any split at all, everything is for training, and there is no test instance.
#[test]
fn a_data_set_may_have_no_test_split() {
    for name in ["train-0.parquet", "0000.parquet", "data/pictures.parquet"] {
        let folder = folder_of(&[(name, &row(4))]);
        let data = read(folder.path()).unwrap();
        assert_eq!((seeds(&data.train), seeds(&data.test)), (vec![4], vec![]), "{name}");
        assert!(data.test.labels.is_none());
        assert_eq!(data.notes, [DataNote::NoTest]);
    }
}

/// An image without bytes is in the file that its path names, from the folder of the Parquet file.
#[test]
fn images_may_be_in_files_of_their_own() {
    let right = Shard::right();
    let images = vec![right.images[0].clone(), None];
    let folder =
        folder_of(&[("train-0.parquet", &Shard { images, path: Some("far/a.png"), ..right.clone() })]);
    let message = read(folder.path()).unwrap_err().to_string();
    assert!(message.contains("row 2") && message.contains("far/a.png"), "{message}");
    fs_err::create_dir(folder.path().join("far")).unwrap();
    fs_err::write(folder.path().join("far/a.png"), encoded(8, 3, 2, ImageFormat::Bmp)).unwrap();
    let data = read(folder.path()).unwrap();
    let images = data.train.instances.as_images().unwrap();
    assert_eq!(images.image(1), &picture(8, 3, 2).into_raw()[..]);
    assert_eq!(images.image(0), &picture(100, 3, 2).into_raw()[..]);
}

/// Whatever pages are compressed with, the data set is the same.
#[test]
fn compressions_agree() {
    let read = |compression| {
        let shard = Shard { compression, ..Shard::right() };
        read(folder_of(&[("train-0.parquet", &shard), ("test-0.parquet", &shard)]).path())
            .unwrap()
            .fingerprint()
    };
    let expected = read(Compression::UNCOMPRESSED);
    for compression in [
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
    ] {
        assert_eq!(read(compression), expected, "{compression}");
    }
}

proptest! {
    /// Gray images among color ones have three equal channels, wherever they are: pixels are those of a data set in
    /// which they were written in color.
    #[test]
    fn gray_images_among_color_ones(is_gray in prop::collection::vec(any::<bool>(), 2..12)) {
        let gray = |seed: usize| GrayImage::from_fn(3, 2, |x, y| Luma([(seed as u32 * 20 + 3 * x + y) as u8]));
        let write = |image: DynamicImage| {
            let mut bytes = std::io::Cursor::new(Vec::new());
            image.write_to(&mut bytes, ImageFormat::Png).unwrap();
            Some(bytes.into_inner())
        };
        let shard = |in_color: bool| {
            let image = |(seed, &is_gray): (usize, &bool)| match (is_gray, in_color) {
                (true, false) => write(gray(seed).into()),
                (true, true) => write(DynamicImage::from(gray(seed)).into_rgb8().into()),
                _ => Some(encoded(seed as u8, 3, 2, ImageFormat::Png)),
            };
            let labels = vec![Some(0); is_gray.len()];
            Shard { images: is_gray.iter().enumerate().map(image).collect(), labels, ..Shard::right() }
        };
        let read = |in_color: bool| {
            let (all, last) = (shard(in_color), Shard { images: vec![write(gray(5).into())], labels: vec![Some(1)], ..shard(false) });
            read(folder_of(&[("train-0.parquet", &all), ("test-0.parquet", &last)]).path()).unwrap()
        };
        let (mixed, color) = (read(false), read(true));
        let n_gray = 1 + is_gray.iter().filter(|&&is_gray| is_gray).count();
        if n_gray <= is_gray.len() {
            prop_assert_eq!(mixed.fingerprint(), color.fingerprint());
            let note = DataNote::GrayToColor { n: n_gray, n_images: is_gray.len() + 1 };
            prop_assert_eq!(mixed.notes, [note]);
        }
    }
}

/// Every row that cannot be read is listed, and the message for people counts them.
#[test]
fn all_broken_rows_are_listed() {
    let mut images: Vec<_> = (0..6).map(|seed| Some(encoded(seed, 3, 2, ImageFormat::Png))).collect();
    images[1] = Some(b"no image".to_vec());
    images[4] = Some(encoded(4, 4, 4, ImageFormat::Png));
    let shard = Shard { images, labels: vec![Some(0); 6], ..Shard::right() };
    let folder = folder_of(&[("train-0.parquet", &shard), ("test-0.parquet", &shard)]);
    let error = read(folder.path()).unwrap_err();
    let texts: Vec<String> = error.several().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 4);
    for (text, (file, row)) in
        texts.iter().zip([("train-0", 2), ("train-0", 5), ("test-0", 2), ("test-0", 5)])
    {
        assert!(text.contains(file) && text.contains(&format!("row {row}:")), "{text}");
    }
    assert!(error.to_string().contains("nor can 3 other images be read"), "{error}");
}

/// Folders that no data set can be read from.
#[test]
fn folders_without_a_data_set() {
    let mut messages =
        Messages::new(env!("CARGO_MANIFEST_DIR"), "parquet-layouts", "Layouts of Parquet files");
    let folder = folder_of(&[("validation-0.parquet", &row(1))]);
    messages.named(folder.path().display(), "DIR");
    messages.refused("a validation split alone", read(folder.path()));
    let arrow = folder_of(&[]);
    messages.named(arrow.path().display(), "DIR");
    fs_err::write(arrow.path().join("dataset_dict.json"), "{}").unwrap();
    messages.refused("what save_to_disk writes", read(arrow.path()));
    let other = metadata(&["cow"]);
    let folder = folder_of(&[
        ("train-0.parquet", &row(1)),
        ("validation-0.parquet", &Shard { metadata: Some(&other), ..row(1) }),
    ]);
    messages.named(folder.path().display(), "DIR");
    messages.refused("other classes in the validation split that stands in", read(folder.path()));
    messages.compare();
}
