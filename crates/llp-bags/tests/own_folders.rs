//! Own images without a table: folders are bags. And tables in capital letters, validation files, images elsewhere.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod messages;
#[expect(dead_code, reason = "shared with the tests of the hub's layout")]
mod shards;

use std::path::Path;

use image::{GrayImage, ImageFormat, Luma};
use llp_bags::DataNote;
use llp_bags::own::{self, Like};
use messages::Messages;
use shards::{Shard, encoded, picture};
use tempfile::{TempDir, tempdir};

const SHARES: &str = "bag,cat,dog\na,0.5,0.5\nb,0,1\n";

fn write(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) {
    let path = folder.path().join(name);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, content).unwrap();
}

/// A gray image of one value.
fn gray(value: u8, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    GrayImage::from_pixel(2, 2, Luma([value])).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// The first pixel of every image.
fn values(split: &llp_bags::source::Split) -> Vec<u8> {
    let images = split.instances.as_images().unwrap();
    (0..images.len() as u32).map(|instance| images.image(instance)[0]).collect()
}

/// Each folder is a bag of all images below it, in the order of their paths; other files are left out, and said.
#[test]
fn each_folder_is_a_bag() {
    let folder = tempdir().unwrap();
    write(&folder, "proportions.csv", SHARES);
    for (name, value, format) in [
        ("b/2.PNG", 30, ImageFormat::Png),
        ("a/1.png", 10, ImageFormat::Png),
        ("a/deep/0.TIF", 20, ImageFormat::Tiff),
        ("b/1.bmp", 40, ImageFormat::Bmp),
    ] {
        write(&folder, name, gray(value, format));
    }
    write(&folder, "a/.hidden.png", "no image");
    write(&folder, "a/notes.txt", "no image");
    assert!(own::is_own(folder.path()));
    let outline = own::outline(folder.path()).unwrap();
    assert_eq!((outline.has_images, outline.largest_bag), (true, 2));
    let data = own::read(folder.path(), None, 2).unwrap();
    let bags: Vec<(&str, &[u32])> = data.bags.iter().map(|bag| (&*bag.name, &bag.instances[..])).collect();
    assert_eq!(bags, [("a", &[0, 1][..]), ("b", &[2, 3])]);
    assert_eq!(values(&data.data.train), [10, 20, 40, 30]);
    let [DataNote::Skipped { files }] = &data.data.notes[..] else { panic!("{:?}", data.data.notes) };
    assert!(files.starts_with("1 file is skipped") && files.contains("notes.txt"), "{files}");

    let rows = ["bag,path", "a,a/1.png", "a,a/deep/0.TIF", "b,b/1.bmp", "b,b/2.PNG"];
    write(&folder, "instances.csv", rows.join("\n"));
    assert_eq!(own::read(folder.path(), None, 2).unwrap().fingerprint(), data.fingerprint());
}

/// Folders that are named after splits hold the bags of these; test folders named after classes are labels.
#[test]
fn folders_of_splits() {
    let folder = tempdir().unwrap();
    write(&folder, "proportions.csv", SHARES);
    for (name, value) in [
        ("train/a/1.png", 1),
        ("validation/b/1.png", 2),
        ("test/dog/1.png", 3),
        ("test/cat/1.png", 4),
        ("test/dog/2.png", 5),
    ] {
        write(&folder, name, gray(value, ImageFormat::Png));
    }
    let data = own::read(folder.path(), None, 2).unwrap();
    assert_eq!((data.bags.len(), data.held_out.len(), &*data.held_out[0].name), (1, 1, "b"));
    assert_eq!((values(&data.data.train), values(&data.data.test)), (vec![1, 2], vec![4, 3, 5]));
    let accuracy = data.data.test.labels.unwrap().accuracy(&[0, 1, 1]).unwrap();
    assert!((accuracy - 1.0).abs() < f64::EPSILON);

    write(&folder, "test/zebra/1.png", gray(6, ImageFormat::Png));
    let data = own::read(folder.path(), None, 2).unwrap();
    assert!(data.data.test.labels.is_none(), "not all of these folders are classes");
    let table = own::list_instances(folder.path(), Like::Images { side: 2, channels: 1 }).unwrap();
    assert_eq!(table.names.len(), 6);
}

/// Names in capital letters are as good.
#[test]
fn tables_in_capital_letters() {
    let folder = tempdir().unwrap();
    write(&folder, "INSTANCES.CSV", "bag,path\na,1.TIFF\nb,2.GIF\n");
    write(&folder, "Proportions.Csv", SHARES);
    write(&folder, "1.TIFF", gray(7, ImageFormat::Tiff));
    let mut gif = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(2, 2, image::Rgb([8; 3])).write_to(&mut gif, ImageFormat::Gif).unwrap();
    write(&folder, "2.GIF", gif.into_inner());
    assert!(own::is_own(folder.path()) && own::is_own(&folder.path().join("INSTANCES.CSV")));
    let data = own::read(folder.path(), None, 2).unwrap();
    assert_eq!(values(&data.data.train), [7, 8]);
    let of_file = own::read(&folder.path().join("INSTANCES.CSV"), None, 2).unwrap();
    assert_eq!(of_file.fingerprint(), data.fingerprint());
}

/// Every integer column has the labels.
const SCHEMA: &str = "message schema {
    optional group image { optional binary bytes; optional binary path (STRING); }
    optional int64 bag; }";

/// Rows of the bags 0 and 1 in turn, whose images have these seeds.
fn shard(seeds: &[u8]) -> Shard<'static> {
    let images = seeds.iter().map(|&seed| Some(encoded(seed, 4, 4, ImageFormat::Png))).collect();
    let labels = (0..seeds.len()).map(|row| Some(row as i64 % 2)).collect();
    Shard { schema: SCHEMA, metadata: None, images, labels, ..Shard::right() }
}

/// Validation files replace missing test files, and are held out beside them: their bags need names of
/// their own then.
#[test]
fn validation_files_are_used() {
    let folder = tempdir().unwrap();
    write(&folder, "proportions.csv", "bag,cat,dog\n0,1,0\n1,0.5,0.5\n");
    shard(&[1, 2, 3]).write(&folder.path().join("train-0.parquet"));
    shard(&[4]).write(&folder.path().join("validation-0.parquet"));
    let error = own::read(folder.path(), None, 4).unwrap_err().to_string();
    assert!(error.contains("bag \"0\" is in split test here and in split train"), "{error}");
    let other = Shard { labels: vec![Some(5)], ..shard(&[4]) };
    other.write(&folder.path().join("validation-0.parquet"));
    let data = own::read(folder.path(), None, 4).unwrap();
    assert_eq!((values(&data.data.train), values(&data.data.test)), (vec![1, 2, 3], vec![4]));
    assert!(data.data.notes.contains(&DataNote::ValidationAsTest));

    Shard { labels: vec![Some(9)], ..shard(&[6]) }.write(&folder.path().join("test-0.parquet"));
    write(&folder, "proportions.csv", "bag,cat,dog\n0,1,0\n1,0.5,0.5\n5,1,0\n");
    let data = own::read(folder.path(), None, 4).unwrap();
    assert_eq!((data.held_out.len(), values(&data.data.test)), (1, vec![6]));
    assert!(data.data.notes.contains(&DataNote::ValidationAsHeldOut));
}

/// An image without bytes is in the file that its path names.
#[test]
fn images_may_be_in_files_of_their_own() {
    let folder = tempdir().unwrap();
    write(&folder, "proportions.csv", "bag,cat,dog\n0,1,0\n1,0.5,0.5\n");
    let mut rows = shard(&[1, 2, 3]);
    rows.images[1] = None;
    rows.path = Some("far/a.webp");
    rows.write(&folder.path().join("train-0.parquet"));
    let error = own::read(folder.path(), None, 4).unwrap_err().to_string();
    assert!(error.contains("train-0.parquet, row 2") && error.contains("far/a.webp"), "{error}");
    write(&folder, "far/a.webp", encoded(9, 4, 4, ImageFormat::WebP));
    let data = own::read(folder.path(), None, 4).unwrap();
    assert_eq!(values(&data.data.train), [1, 9, 3]);
    assert_eq!(data.data.train.instances.as_images().unwrap().image(1), &picture(9, 4, 4).into_raw()[..]);
}

/// All images that cannot be read are listed; of equal images it is said that they are.
#[test]
fn all_broken_images_are_listed() {
    let folder = tempdir().unwrap();
    write(&folder, "proportions.csv", SHARES);
    for (name, content) in
        [("a/1.png", gray(3, ImageFormat::Png)), ("a/2.png", b"text".to_vec()), ("b/3.png", vec![])]
    {
        write(&folder, name, content);
    }
    let error = own::read(folder.path(), None, 2).unwrap_err();
    let all = error.several().unwrap();
    let texts: Vec<String> = all.iter().map(ToString::to_string).collect();
    assert!(texts.len() == 2 && texts[0].contains("a/2.png") && texts[1].contains("b/3.png"), "{texts:?}");
    for name in ["a/2.png", "b/3.png"] {
        write(&folder, name, gray(3, ImageFormat::Png));
    }
    let data = own::read(folder.path(), None, 2).unwrap();
    assert_eq!(data.data.notes, [DataNote::Alike { n_images: 3 }]);
}

/// Folders of images of which too little is known, and paths that lead nowhere.
#[test]
fn folders_of_images_that_say_too_little() {
    let mut messages = Messages::new(env!("CARGO_MANIFEST_DIR"), "own-folders", "Own folders of images");
    let mut refuse = |input: &str, folder: &Path| {
        messages.named(folder.display(), "DIR");
        messages.refused(input, own::read(folder, None, 2));
    };
    let folder = tempdir().unwrap();
    write(&folder, "1.png", gray(1, ImageFormat::Png));
    refuse("images and nothing else", folder.path());
    write(&folder, "proportions.csv", SHARES);
    refuse("an image in no folder", folder.path());
    write(&folder, "instances.csv", "bag,path\nb,1.png\na,a\\1.png\n");
    refuse("a path with backslashes", folder.path());
    write(&folder, "instances.csv", "bag,path\nb,1.png\na,https://example.org/1.png\n");
    refuse("the address of an image", folder.path());
    write(&folder, "instances.csv", "bag,path\nb,1.png\na,1.heic\n");
    write(&folder, "1.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic");
    refuse("an image of an iPhone", folder.path());
    write(&folder, "instances.csv", "bag,path\na,1.png\nb,2.png\nb,3.png\n");
    write(&folder, "3.png", "text");
    refuse("two images that cannot be read", folder.path());
    let folder = tempdir().unwrap();
    write(&folder, "a/1.png", gray(1, ImageFormat::Png));
    write(&folder, "c/1.png", gray(1, ImageFormat::Png));
    refuse("folders without proportions", folder.path());
    write(&folder, "proportions.csv", SHARES);
    refuse("a folder that is no bag of the proportions", folder.path());
    messages.compare();
}
