//! Parquet data sets, written here and read back: right ones, and each kind of wrong one with its message.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod shards;

use std::path::Path;

use image::ImageFormat;
use llp_bags::source::parquet::read;
use shards::{Shard, encoded, folder_of, metadata, picture};

/// The message of the refusal, with the folder's path as `DIR`.
fn refusal(folder: &Path) -> String {
    read(folder).unwrap_err().to_string().replace(&folder.display().to_string(), "DIR")
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
    assert_eq!(data.train.images.shape(), [2, 3, 3]);
    assert_eq!((data.train.images.len(), data.test.images.len()), (10, 2));
    for instance in 0..10 {
        let expected = picture(instance as u8, 3, 2).into_raw();
        assert_eq!(data.train.images.image(instance), expected);
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
    let pixel = &data.test.images.image(0)[..3];
    assert!(
        pixel.iter().zip([200_u8, 100, 50]).all(|(&got, expected)| got.abs_diff(expected) < 40),
        "{pixel:?}"
    );
}

/// Grayscale images have one channel; transparency is dropped.
#[test]
fn gray_images_have_one_channel() {
    let gray = image::GrayAlphaImage::from_pixel(4, 5, image::LumaA([77, 10]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    gray.write_to(&mut bytes, ImageFormat::Png).unwrap();
    let shard = Shard { images: vec![Some(bytes.into_inner())], labels: vec![Some(1)], ..Shard::right() };
    let data = read(folder_of(&[("train-0.parquet", &shard), ("test-0.parquet", &shard)]).path()).unwrap();
    assert_eq!(data.train.images.shape(), [5, 4, 1]);
    assert!(data.train.images.pixels().iter().all(|&pixel| pixel == 77));
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

/// The shards may lie in a folder of the folder, as on the hub; then there must be one such folder.
#[test]
fn a_folder_in_the_folder() {
    let folder =
        folder_of(&[("plain/train-0.parquet", &Shard::right()), ("plain/test-0.parquet", &Shard::right())]);
    assert_eq!(read(folder.path()).unwrap().train.images.len(), 2);
    Shard::right().write(&folder.path().join("other/train-0.parquet"));
    Shard::right().write(&folder.path().join("other/test-0.parquet"));
    assert_eq!(
        refusal(folder.path()),
        "both DIR/other and DIR/plain hold *.parquet files: name the one to read"
    );
}

/// Folders without the files of both splits are refused.
#[test]
fn missing_files() {
    let needed = "or in a folder in it: both train-*.parquet and test-*.parquet are needed";
    let empty = folder_of(&[]);
    assert_eq!(refusal(empty.path()), format!("no file train-*.parquet in DIR {needed}"));
    let half = folder_of(&[("train-0.parquet", &Shard::right())]);
    assert_eq!(refusal(half.path()), format!("no file test-*.parquet in DIR {needed}"));
    let nowhere = empty.path().join("nowhere");
    assert!(refusal(&nowhere).starts_with("failed to read directory `DIR`: "), "{}", refusal(&nowhere));
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
        let expected = "DIR/train-00000-of-00001.parquet is not a readable Parquet file: ";
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
    let refused = |schema| refusal(with_train(&Shard { schema, ..Shard::empty() }).path());
    assert_eq!(
        refused("message schema { optional binary picture; optional int64 label; }"),
        "DIR/train-00000-of-00001.parquet has no column img or image (a struct of bytes and path); its columns are picture, label"
    );
    assert_eq!(
        refused(
            "message schema { optional group img { optional binary bytes; } optional int64 coarse_label; }"
        ),
        "DIR/train-00000-of-00001.parquet has no column label or fine_label; its columns are img.bytes, coarse_label"
    );
    assert_eq!(
        refused("message schema { optional group img { optional binary bytes; } optional binary label; }"),
        "column label of DIR/train-00000-of-00001.parquet is BYTE_ARRAY, expected one integer a row"
    );
    assert_eq!(
        refused("message schema { optional group img { repeated binary bytes; } optional int64 label; }"),
        "column img.bytes of DIR/train-00000-of-00001.parquet is repeated BYTE_ARRAY, expected one byte string a row"
    );
}

/// Nulls, broken images, images of another size and labels of no class are refused with file and row.
#[test]
fn wrong_rows() {
    let good = || Some(encoded(1, 3, 2, ImageFormat::Png));
    let refused = |images: Vec<Option<Vec<u8>>>, labels: Vec<Option<i64>>| {
        refusal(with_train(&Shard { images, labels, ..Shard::right() }).path())
    };
    let file = "DIR/train-00000-of-00001.parquet";
    let two = vec![Some(0), Some(1)];
    let five = || vec![good(), good(), good(), good(), good()];
    assert_eq!(
        refused(vec![good(), None], two.clone()),
        format!("column img.bytes of {file} is null in row 1: drop such rows, or fill them")
    );
    assert_eq!(
        refused(five(), vec![Some(0), Some(0), Some(0), Some(0), None]), // in the second row group
        format!("column label of {file} is null in row 4: drop such rows, or fill them")
    );
    let broken = refused(vec![good(), Some(b"no image".to_vec())], two.clone());
    assert!(broken.starts_with(&format!("the image in row 1 of {file} cannot be decoded: ")), "{broken}");
    assert_eq!(
        refused(vec![good(), Some(encoded(2, 4, 2, ImageFormat::Png))], two),
        format!(
            "the image in row 1 of {file} has height, width and channels [2, 4, 3], the first image [2, 3, 3]: all must have one size"
        )
    );
    assert_eq!(
        refused(five(), vec![Some(0), Some(0), Some(0), Some(2), Some(0)]),
        format!("row 3 of {file} has label 2, but labels go from 0 to 1")
    );
    assert_eq!(
        refused(vec![good()], vec![Some(-1)]),
        format!("row 0 of {file} has label -1, but labels go from 0 to 1")
    );
    assert_eq!(refused(vec![], vec![]), format!("{file} has no rows, nor has any other file of its split"));
}

/// Test images must have the size of the training images.
#[test]
fn splits_of_different_sizes() {
    let large = Shard {
        images: vec![Some(encoded(1, 9, 9, ImageFormat::Png))],
        labels: vec![Some(0)],
        ..Shard::right()
    };
    assert_eq!(
        refusal(with_train(&large).path()),
        "the image in row 0 of DIR/test-00000-of-00001.parquet has height, width and channels [2, 3, 3], the first image [9, 9, 3]: all must have one size"
    );
}

/// Metadata that is no JSON or names classes with gaps, and files that name different classes, are refused.
#[test]
fn wrong_metadata() {
    let refused = |text: &str| refusal(with_train(&Shard { metadata: Some(text), ..Shard::right() }).path());
    let start =
        "the class names in the metadata `huggingface` of DIR/train-00000-of-00001.parquet cannot be read: ";
    assert!(refused("{").starts_with(start));
    let gap = r#"{"features": {"label": {"names": {"0": "cat", "2": "dog"}}}}"#;
    assert!(refused(gap).starts_with(start), "{}", refused(gap));
    assert_eq!(
        refused(&metadata(&["cat", "cow"])),
        "DIR/test-00000-of-00001.parquet names other classes than DIR/train-00000-of-00001.parquet: the two are not of one data set"
    );
    let swapped = metadata(&["dog", "cat"]);
    let folder = folder_of(&[
        ("train-0.parquet", &Shard::right()),
        ("train-1.parquet", &Shard { metadata: Some(&swapped), ..Shard::right() }),
        ("test-0.parquet", &Shard::right()),
    ]);
    assert_eq!(
        refusal(folder.path()),
        "DIR/train-1.parquet names other classes than DIR/train-0.parquet: the two are not of one data set"
    );
}
