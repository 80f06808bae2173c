//! Data sets of images by way of the cache: decoded into it and taken from it they are the images that were encoded.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

#[expect(dead_code, reason = "shared with the tests of the hub's layout")]
mod shards;

use std::io::Cursor;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use image::{GrayImage, ImageFormat};
use llp_bags::source::{Dataset, open};
use llp_bags::{Images, own};
use llp_data::Labels;
use llp_data::cache::{Cache, CacheEvent, set_cache};
use shards::{Shard, encoded, folder_of, picture};

static FOUND: AtomicUsize = AtomicUsize::new(0);
static LOCK: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn report(event: &CacheEvent<'_>) {
    if let CacheEvent::Found(_) = event {
        FOUND.fetch_add(1, Ordering::Relaxed);
    }
}

/// Runs `read` with the cache of this program and says how many entries it found there.
fn counted<T>(read: impl FnOnce() -> T) -> (T, usize) {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let _alone = LOCK.lock().unwrap();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().unwrap());
    set_cache(Cache::for_all(folder.path(), report));
    let before = FOUND.load(Ordering::Relaxed);
    let value = read();
    (value, FOUND.load(Ordering::Relaxed) - before)
}

fn images(data: &Dataset) -> [Images; 2] {
    [&data.train, &data.test].map(|split| split.instances.as_images().unwrap().clone())
}

/// Training images that are gray beside test images in color: both have three channels, also when the entries are found.
#[test]
fn a_data_set_of_the_hub() {
    let gray = |seed: u8| {
        let mut bytes = Cursor::new(Vec::new());
        GrayImage::from_pixel(4, 4, [seed].into()).write_to(&mut bytes, ImageFormat::Png).unwrap();
        Some(bytes.into_inner())
    };
    let train = Shard { images: vec![gray(7), gray(9)], ..Shard::right() };
    let test = Shard {
        images: vec![Some(encoded(1, 4, 4, ImageFormat::Png)), Some(encoded(2, 4, 4, ImageFormat::WebP))],
        ..Shard::right()
    };
    let folder = folder_of(&[("train-0.parquet", &train), ("test-0.parquet", &test)]);
    let read = || open(folder.path(), Labels::Fine).unwrap();
    let (built, n_found) = counted(read);
    assert_eq!(n_found, 0);
    let [train, test] = images(&built);
    assert_eq!((train.shape(), test.shape()), ([4, 4, 3], [4, 4, 3]));
    assert_eq!((train.image(1), test.image(0)), (&[9; 48][..], &picture(1, 4, 4).into_raw()[..]));
    let (found, n_found) = counted(read);
    assert_eq!(n_found, 2);
    assert_eq!(images(&found), images(&built));
    assert_eq!(found.fingerprint(), built.fingerprint());
    assert_eq!(found.notes.len(), built.notes.len());
}

/// Own bags in several Parquet files.
#[test]
fn own_parquet_files() {
    const SCHEMA: &str = "message schema {
        optional group img { optional binary bytes; optional binary path (STRING); }
        optional int64 label; optional int64 bag; }";
    let shard = |first: u8| Shard {
        schema: SCHEMA,
        images: (first..first + 4).map(|seed| Some(encoded(seed, 4, 4, ImageFormat::Png))).collect(),
        labels: [0, 1, 1, 0].map(Some).to_vec(),
        ..Shard::right()
    };
    let folder = folder_of(&[("train-0.parquet", &shard(0)), ("train-1.parquet", &shard(4))]);
    fs_err::write(folder.path().join("proportions.csv"), "bag,cat,dog\n0,4,0\n1,0,4\n").unwrap();
    check_own(folder.path(), 8);
}

/// Own bags in folders of image files; those for testing are read after those for training.
#[test]
fn own_folders() {
    let folder = tempfile::tempdir().unwrap();
    for (at, bag) in ["train/a", "test/c", "train/b"].iter().enumerate() {
        let place = folder.path().join(bag);
        fs_err::create_dir_all(&place).unwrap();
        for image in 0..3 {
            picture(10 * at as u8 + image, 4, 4).save(place.join(format!("{image}.png"))).unwrap();
        }
    }
    fs_err::write(folder.path().join("proportions.csv"), "bag,x,y\na,1,2\nb,2,1\n").unwrap();
    let data = check_own(folder.path(), 6);
    let seeds = [[0, 1, 2], [20, 21, 22], [10, 11, 12]];
    let expected = seeds.concat().into_iter().flat_map(|seed| picture(seed, 4, 4).into_raw());
    let got = images(&data).iter().flat_map(|images| images.pixels().to_vec()).collect::<Vec<_>>();
    assert_eq!(got, expected.collect::<Vec<_>>());
}

fn check_own(folder: &Path, n_train: usize) -> Dataset {
    let read = || own::read(folder, None, 4).unwrap();
    let (built, n_found) = counted(read);
    assert_eq!(n_found, 0);
    let (found, n_found) = counted(read);
    assert_eq!(n_found, 1);
    assert_eq!(built.data.train.instances.len(), n_train);
    assert_eq!(images(&found.data), images(&built.data));
    assert_eq!(found.bags[0].instances, built.bags[0].instances);
    built.data
}
