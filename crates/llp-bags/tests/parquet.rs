//! Parquet data sets, written here and read back: right ones, and each kind of wrong one with its message.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod messages;
mod shards;

use std::path::Path;

use image::ImageFormat;
use llp_bags::source::{Dataset, open};
use llp_bags::{DataError, InstanceShape};
use llp_data::Labels;
use messages::Messages;
use shards::{Shard, encoded, folder_of, metadata, picture};

/// The data set in a folder.
fn read(folder: &Path) -> Result<Dataset, DataError> {
    open(folder, Labels::Fine)
}

/// The message of the refusal, with the folder's path as `DIR`.
fn refusal(folder: &Path) -> String {
    read(folder).unwrap_err().to_string().replace(&folder.display().to_string(), "DIR")
}

fn topic(topic: &str, title: &'static str) -> Messages {
    Messages::new(env!("CARGO_MANIFEST_DIR"), topic, title)
}

/// The folder is refused; its path is `DIR` in the message.
fn refuse(messages: &mut Messages, input: &str, folder: &tempfile::TempDir) {
    messages.named(folder.path().display(), "DIR");
    messages.refused(input, read(folder.path()));
}

/// A folder with the given training shard and a test shard that is in order.
fn with_train(shard: &Shard) -> tempfile::TempDir {
    folder_of(&[("train-00000-of-00001.parquet", shard), ("test-00000-of-00001.parquet", &Shard::right())])
}

/// PNG and lossless WebP come back to the byte, in the order of shards and rows, over several row groups; classes have
/// their names, and the fingerprint does not depend on the encoding.
#[test]
fn images_labels_and_names_come_back() {
    let read_as = |format| {
        let train = |first: u8| Shard {
            images: (first..first + 5).map(|seed| Some(encoded(seed, 3, 2, format))).collect(),
            labels: (first..first + 5).map(|seed| Some(i64::from(seed % 2))).collect(),
            ..Shard::right()
        };
        let folder = folder_of(&[
            ("train-00001-of-00002.parquet", &train(5)),
            ("train-00000-of-00002.parquet", &train(0)),
            ("test-00000-of-00001.parquet", &Shard::right()),
            ("README.md", &Shard::right()),
        ]);
        read(folder.path()).unwrap()
    };
    let data = read_as(ImageFormat::Png);
    assert_eq!(data.class_names, ["cat", "dog"]);
    assert!(data.mirror_preserves_class);
    assert_eq!(data.train.instances.shape(), InstanceShape::Image([2, 3, 3]));
    assert_eq!((data.train.instances.len(), data.test.instances.len()), (10, 2));
    for instance in 0..10 {
        let expected = picture(instance as u8, 3, 2).into_raw();
        assert_eq!(data.train.instances.as_images().unwrap().image(instance), expected);
    }
    let labels: Vec<u32> = (0..10).map(|instance| instance % 2).collect();
    let accuracy = data.train.labels.as_ref().unwrap().accuracy(&labels).unwrap();
    assert!((accuracy - 1.0).abs() < f64::EPSILON);
    assert_eq!(data.fingerprint(), read_as(ImageFormat::WebP).fingerprint());
}

/// JPEG is decoded too, by content, whatever the file was called (atol 40: lossy).
#[test]
fn jpeg_is_decoded_by_content() {
    let flat = image::RgbImage::from_pixel(8, 8, image::Rgb([200, 100, 50]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    flat.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    let shard = Shard { images: vec![Some(bytes.into_inner())], labels: vec![Some(1)], ..Shard::right() };
    let data = read(folder_of(&[("train-0.parquet", &shard), ("test-0.parquet", &shard)]).path()).unwrap();
    let pixel = &data.test.instances.as_images().unwrap().image(0)[..3];
    assert!(
        pixel.iter().zip([200_u8, 100, 50]).all(|(&got, expected)| got.abs_diff(expected) < 40),
        "{pixel:?}"
    );
}

/// Grayscale images have one channel; transparent pixels are drawn on white: 77 of alpha 10 is 248.
#[test]
fn gray_images_have_one_channel() {
    let gray = image::GrayAlphaImage::from_pixel(4, 5, image::LumaA([77, 10]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    gray.write_to(&mut bytes, ImageFormat::Png).unwrap();
    let shard = Shard { images: vec![Some(bytes.into_inner())], labels: vec![Some(1)], ..Shard::right() };
    let data = read(folder_of(&[("train-0.parquet", &shard), ("test-0.parquet", &shard)]).path()).unwrap();
    assert_eq!(data.train.instances.shape(), InstanceShape::Image([5, 4, 1]));
    assert!(data.train.instances.as_images().unwrap().pixels().iter().all(|&pixel| pixel == 248));
}

/// The columns of CIFAR-100 (`fine_label` beside `coarse_label`), labels of 32 bits and `image` instead of `img`.
#[test]
fn other_column_names() {
    let shard = Shard {
        schema: "message schema {
            optional group image { optional binary bytes; optional binary path (STRING); }
            optional int32 coarse_label; optional int32 fine_label; }",
        metadata: Some(
            r#"{"info": {"features": {
            "coarse_label": {"names": ["wrong", "also wrong"], "_type": "ClassLabel"},
            "fine_label": {"names": ["apple", "bear"], "_type": "ClassLabel"}}}}"#,
        ),
        ..Shard::right()
    };
    let data = read(folder_of(&[("train-0.parquet", &shard), ("test-0.parquet", &shard)]).path()).unwrap();
    assert_eq!(data.class_names, ["apple", "bear"]);
}

/// Class names are found in every shape that the metadata has; without any, classes are numbered, and then (as for
/// names of one character) mirroring is off.
#[test]
fn shapes_of_class_names() {
    let names = |metadata| {
        let shard = Shard { metadata, ..Shard::right() };
        let data =
            read(folder_of(&[("train-0.parquet", &shard), ("test-0.parquet", &shard)]).path()).unwrap();
        (data.class_names.join(" "), data.mirror_preserves_class)
    };
    let cat_and_dog = ("cat dog".to_owned(), true);
    let list =
        r#"{"features": {"label": {"names": ["cat", "dog"], "num_classes": 2, "_type": "ClassLabel"}}}"#;
    assert_eq!(names(Some(list)), cat_and_dog);
    let card = r#"{"features": [{"name": "img", "dtype": "image"},
        {"name": "label", "dtype": {"class_label": {"names": {"1": "dog", "0": "cat"}}}}]}"#;
    assert_eq!(names(Some(card)), cat_and_dog);
    let signs = r#"{"info": {"features": {"label": {"names": ["a", "b"], "_type": "ClassLabel"}}}}"#;
    assert_eq!(names(Some(signs)), ("a b".to_owned(), false));
    let numbered = ("0 1".to_owned(), false);
    assert_eq!(names(None), numbered);
    assert_eq!(
        names(Some(r#"{"info": {"features": {"label": {"dtype": "int64", "_type": "Value"}}}}"#)),
        numbered
    );
}

/// The shards may be in a folder of the folder, as on the hub.
#[test]
fn a_folder_in_the_folder() {
    let folder =
        folder_of(&[("plain/train-0.parquet", &Shard::right()), ("plain/test-0.parquet", &Shard::right())]);
    assert_eq!(read(folder.path()).unwrap().train.instances.len(), 2);
}

/// Folders without files to train on are refused.
#[test]
fn missing_files() {
    let mut messages = topic("parquet-files", "Folders of Parquet files");
    refuse(&mut messages, "an empty folder", &folder_of(&[]));
    refuse(&mut messages, "no training files", &folder_of(&[("test-0.parquet", &Shard::right())]));
    let right = Shard::right();
    let two = ["one/train-0.parquet", "one/test-0.parquet", "two/train-0.parquet", "two/test-0.parquet"];
    refuse(&mut messages, "two data sets in one folder", &folder_of(&two.map(|name| (name, &right))));
    let empty = folder_of(&[]);
    let nowhere = empty.path().join("nowhere");
    messages.named(empty.path().display(), "DIR");
    messages.refused("a folder that is not there", read(&nowhere));
    messages.compare();
}

/// Files that are not Parquet, or cut short anywhere, are refused by name, without a panic.
#[test]
fn damaged_files() {
    let folder = with_train(&Shard::right());
    let path = folder.path().join("train-00000-of-00001.parquet");
    let whole = fs_err::read(&path).unwrap();
    for len in (0..whole.len()).step_by(7) {
        fs_err::write(&path, &whole[..len]).unwrap();
        let message = refusal(folder.path());
        let expected = "DIR/train-00000-of-00001.parquet: not a Parquet file, or damaged: ";
        assert!(message.starts_with(expected), "{message}");
    }
}

/// Changed bytes give an error or a data set, never a panic.
#[test]
fn changed_bytes_do_not_panic() {
    let folder = with_train(&Shard::right());
    let path = folder.path().join("train-00000-of-00001.parquet");
    let whole = fs_err::read(&path).unwrap();
    let changes = (0..whole.len()).flat_map(|place| [0x55, 0x80].map(|bits| (place, bits)));
    let refused = changes.filter(|&(place, bits)| {
        let mut damaged = whole.clone();
        damaged[place] ^= bits;
        fs_err::write(&path, &damaged).unwrap();
        read(folder.path()).is_err()
    });
    assert!(refused.count() > whole.len() / 2);
}

/// Columns that are not there or of another type are refused with what there is.
#[test]
fn wrong_columns() {
    let mut messages = topic("parquet-columns", "Columns of Parquet files");
    let mut columns =
        |input, schema| refuse(&mut messages, input, &with_train(&Shard { schema, ..Shard::empty() }));
    columns("no image", "message schema { optional binary picture; optional int64 label; }");
    let no_label =
        "message schema { optional group img { optional binary bytes; } optional int64 coarse_label; }";
    columns("no label", no_label);
    let text = "message schema { optional group img { optional binary bytes; } optional binary label; }";
    columns("labels that are texts", text);
    let lists = "message schema { optional group img { repeated binary bytes; } optional int64 label; }";
    columns("several images a row", lists);
    let folder = with_train(&Shard::right());
    messages.named(folder.path().display(), "DIR");
    messages.refused("no coarse label", open(folder.path(), Labels::Coarse));
    messages.compare();
}

/// Nulls, broken images, images of another size and labels of no class are refused with file and row.
#[test]
fn wrong_rows() {
    let good = || Some(encoded(1, 3, 2, ImageFormat::Png));
    let mut messages = topic("parquet-rows", "Rows of Parquet files");
    let mut rows = |input, images: Vec<Option<Vec<u8>>>, labels: &[Option<i64>]| {
        let shard = Shard { images, labels: labels.to_vec(), ..Shard::right() };
        refuse(&mut messages, input, &with_train(&shard));
    };
    let five = || vec![good(), good(), good(), good(), good()];
    let two = [Some(0), Some(1)];
    rows("an image that is null", vec![good(), None], &two);
    let null_in_second_group = [Some(0), Some(0), Some(0), Some(0), None];
    rows("a label that is null", five(), &null_in_second_group);
    rows("an image that is none", vec![good(), Some(b"no image".to_vec())], &two);
    let mut cut = encoded(1, 3, 2, ImageFormat::Png);
    cut.truncate(cut.len() - 20);
    rows("an image cut short", vec![Some(cut), good()], &two);
    rows("images of two sizes", vec![good(), Some(encoded(2, 4, 2, ImageFormat::Png))], &two);
    rows("a label beyond the classes", five(), &[Some(0), Some(0), Some(0), Some(2), Some(0)]);
    rows("a negative label", vec![good()], &[Some(-1)]);
    rows("no rows", vec![], &[]);
    let large = Shard {
        images: vec![Some(encoded(1, 9, 9, ImageFormat::Png))],
        labels: vec![Some(0)],
        ..Shard::right()
    };
    refuse(&mut messages, "test images of another size", &with_train(&large));
    messages.compare();
}

/// Metadata that is no JSON or names classes with gaps, and files that name different classes, are refused.
#[test]
fn wrong_metadata() {
    let mut messages = topic("parquet-metadata", "Class names of Parquet files");
    let named = |text: &str| with_train(&Shard { metadata: Some(text), ..Shard::right() });
    refuse(&mut messages, "metadata that is no JSON", &named("{"));
    let gap = r#"{"features": {"label": {"names": {"0": "cat", "2": "dog"}}}}"#;
    refuse(&mut messages, "a class without a name", &named(gap));
    refuse(&mut messages, "other classes for testing than for training", &named(&metadata(&["cat", "cow"])));
    let swapped = metadata(&["dog", "cat"]);
    let folder = folder_of(&[
        ("train-0.parquet", &Shard::right()),
        ("train-1.parquet", &Shard { metadata: Some(&swapped), ..Shard::right() }),
        ("test-0.parquet", &Shard::right()),
    ]);
    refuse(&mut messages, "classes in another order in the second file", &folder);
    messages.compare();
}
