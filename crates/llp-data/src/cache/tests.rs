//! What comes from the cache is what decoding gives; what is not whole is never used.

use std::io::Cursor;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use fs_err as fs;
use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};
use proptest::prelude::*;

use super::*;
use crate::{DataNote, Encoded, Fit, Images, Pictures};

fn silent(_: &CacheEvent<'_>) {}

fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A folder of images, and a cache.
struct Setting {
    folder: tempfile::TempDir,
    files: Vec<PathBuf>,
    fit: Fit,
}

impl Setting {
    fn new(images: &[Vec<u8>], fit: Fit) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = |at: usize| folder.path().join(format!("{at}.png"));
        let files: Vec<PathBuf> = (0..images.len()).map(name).collect();
        for (file, image) in files.iter().zip(images) {
            fs::write(file, image).unwrap();
        }
        Self { folder, files, fit }
    }

    /// Gray images, of which each has a shade of its own.
    fn gray(n: u8) -> Self {
        let images: Vec<_> = (0..n).map(|at| png(GrayImage::from_pixel(4, 4, [at].into()))).collect();
        Self::new(&images, Fit::Square { side: 4, channels: None })
    }

    fn cache_folder(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn cache(&self, report: fn(&CacheEvent<'_>)) -> Cache {
        Cache::for_all(self.cache_folder(), report)
    }

    fn key(&self) -> Key {
        let mut key = Key::of_files(self.folder.path(), self.fit);
        self.files.iter().for_each(|file| key.file(file).unwrap());
        key
    }

    fn read(&self, mut pictures: Pictures) -> Result<(Images, Vec<DataNote>), DataError> {
        pictures.append(self.files.len(), |at| Encoded::File(self.files[at].clone()), |_| None)?;
        pictures.into_images()
    }

    fn in_memory(&self) -> (Images, Vec<DataNote>) {
        self.read(Pictures::new(self.fit, self.files.len()).unwrap()).unwrap()
    }

    /// The images, and whether they were known before they were read.
    fn through(&self, cache: &Cache) -> Result<((Images, Vec<DataNote>), bool), DataError> {
        let pictures = Pictures::of_cache(self.fit, self.files.len(), cache, &self.key())?;
        let is_known = pictures.is_known();
        Ok((self.read(pictures)?, is_known))
    }

    /// The files in the cache's folder.
    fn kept(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.cache_folder()).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Gray and color images in any order, of one size or resized: decoded into memory, decoded into the cache and taken
    /// from it they are the same, and so is what is reported.
    #[test]
    fn all_ways_give_the_same_images(
        colors in proptest::collection::vec((any::<bool>(), any::<u8>(), any::<u8>()), 1..20),
        resized in any::<bool>(),
        channels in proptest::option::of(prop_oneof![Just(1_usize), Just(3)]),
    ) {
        let images: Vec<Vec<u8>> = colors
            .iter()
            .map(|&(has_color, a, b)| {
                if has_color {
                    png(RgbImage::from_fn(5, 3, |x, y| [a, b ^ x as u8, y as u8].into()))
                } else {
                    png(GrayImage::from_fn(5, 3, |x, y| [a ^ (x * y) as u8].into()))
                }
            })
            .collect();
        let fit = if resized { Fit::Square { side: 4, channels } } else { Fit::Same { size: None } };
        let setting = Setting::new(&images, fit);
        let expected = setting.in_memory();
        let cache = setting.cache(silent);
        let (built, was_known) = setting.through(&cache).unwrap();
        prop_assert!(!was_known && built == expected);
        let (found, was_known) = setting.through(&cache).unwrap();
        prop_assert!(was_known && found == expected);
        prop_assert_eq!(cache.entries().unwrap().len(), 1);
        prop_assert_eq!(cache.clear().unwrap() >= expected.0.pixels().len() as u64, true);
        prop_assert!(setting.kept().is_empty());
        prop_assert_eq!(found, expected); // still mapped
    }

    /// Whatever byte of an entry changes, wherever it is cut, the entry is not used.
    #[test]
    fn damage_is_found(place in any::<prop::sample::Index>(), bit in 0..8_u32, cut in any::<bool>(), in_index in any::<bool>()) {
        static DAMAGED: AtomicUsize = AtomicUsize::new(0);
        fn report(event: &CacheEvent<'_>) {
            if let CacheEvent::Damaged(_) = event {
                DAMAGED.fetch_add(1, Ordering::Relaxed);
            }
        }
        let setting = Setting::gray(5);
        let cache = setting.cache(report);
        let expected = setting.in_memory(); // a mapping of the entry would change with it
        drop(setting.through(&cache).unwrap());
        let ending = if in_index { "json" } else { "pixels" };
        let kept = setting.kept();
        let file = kept.iter().find(|path| path.extension().unwrap() == ending).unwrap();
        let mut bytes = fs::read(file).unwrap();
        let at = place.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        fs::write(file, bytes).unwrap();
        let before = DAMAGED.load(Ordering::Relaxed);
        let (again, was_known) = setting.through(&cache).unwrap();
        prop_assert_eq!(&again.0, &expected.0);
        // The name of the source and the facts say nothing about pixels, and other JSON may mean the same.
        prop_assert!(in_index || (!was_known && DAMAGED.load(Ordering::Relaxed) == before + 1));
        let (found, was_known) = setting.through(&cache).unwrap();
        prop_assert!(was_known && found.0 == expected.0);
    }
}

/// A file with other content is another entry, even if its size and its time are as before; so is another size of images.
#[test]
fn changed_files_are_read_again() {
    let mut setting = Setting::gray(3);
    let cache = setting.cache(silent);
    setting.through(&cache).unwrap();
    let file = setting.files[1].clone();
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    let other = png(GrayImage::from_pixel(4, 4, [9].into()));
    assert_eq!(other.len() as u64, fs::metadata(&file).unwrap().len());
    std::thread::sleep(std::time::Duration::from_millis(20)); // the system's clock of files has steps
    fs::write(&file, other).unwrap();
    fs::OpenOptions::new().append(true).open(&file).unwrap().file().set_modified(time).unwrap();
    let ((images, _), was_known) = setting.through(&cache).unwrap();
    assert!(!was_known && images.image(1)[0] == 9);
    setting.fit = Fit::Square { side: 2, channels: None };
    let ((images, _), was_known) = setting.through(&cache).unwrap();
    assert!(!was_known && images.shape() == [2, 2, 1]);
}

/// Nothing is left of images that could not all be read, nor of a reader that stops.
#[test]
fn unfinished_entries_leave_nothing() {
    let setting = Setting::gray(3);
    let cache = setting.cache(silent);
    drop(Pictures::of_cache(setting.fit, 3, &cache, &setting.key()).unwrap());
    assert!(setting.kept().is_empty());
    fs::write(&setting.files[1], b"no image").unwrap();
    assert!(setting.through(&cache).is_err());
    assert!(setting.kept().is_empty());
}

/// Of several readers at once one decodes, and the others wait for it.
#[test]
fn one_decodes_and_the_others_wait() {
    static EVENTS: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)]; // waiting, found
    fn report(event: &CacheEvent<'_>) {
        match event {
            CacheEvent::Waiting => EVENTS[0].fetch_add(1, Ordering::Relaxed),
            CacheEvent::Found(_) => EVENTS[1].fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }
    let setting = Setting::gray(8);
    let cache = setting.cache(report);
    let builder = Pictures::of_cache(setting.fit, 8, &cache, &setting.key()).unwrap();
    let expected = setting.in_memory();
    std::thread::scope(|scope| {
        let others: Vec<_> = (0..3).map(|_| scope.spawn(|| setting.through(&cache).unwrap())).collect();
        while EVENTS[0].load(Ordering::Relaxed) < 3 {
            std::thread::yield_now();
        }
        assert_eq!(setting.read(builder).unwrap(), expected);
        for other in others {
            assert_eq!(other.join().unwrap(), (expected.clone(), true));
        }
    });
    assert_eq!(EVENTS[1].load(Ordering::Relaxed), 3);
}

/// Images that a table only names are read every time: the table's time says nothing about them.
#[test]
fn images_beside_a_table_are_not_kept() {
    let setting = Setting::gray(3);
    let cache = setting.cache(silent);
    let table = setting.folder.path().join("table.parquet");
    fs::write(&table, b"names of images").unwrap();
    let mut key = Key::of_tables(setting.folder.path(), setting.fit);
    key.file(&table).unwrap();
    for _ in 0..2 {
        let pictures = Pictures::of_cache(setting.fit, 3, &cache, &key).unwrap();
        assert!(!pictures.is_known());
        assert_eq!(setting.read(pictures).unwrap(), setting.in_memory());
        assert!(setting.kept().is_empty());
    }
}

/// A disk that is too small is an error before anything is decoded, and a folder that cannot be used is one at once; for
/// large data alone, images go into memory.
#[test]
fn no_room() {
    static UNUSED: AtomicUsize = AtomicUsize::new(0);
    fn report(event: &CacheEvent<'_>) {
        if let CacheEvent::Unused(error) = event {
            assert!(error.to_string().contains("--cache none"), "{error}");
            UNUSED.fetch_add(1, Ordering::Relaxed);
        }
    }
    let setting = Setting::gray(3);
    let too_many = Pictures::of_cache(setting.fit, usize::MAX >> 8, &setting.cache(silent), &setting.key());
    assert!(too_many.unwrap_err().to_string().contains("are free"));
    assert!(setting.kept().is_empty());

    let file = setting.folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = setting.through(&Cache::for_all(&file, silent)).unwrap_err();
    assert!(error.to_string().contains("--cache DIR"), "{error}");

    let large = setting.folder.path().join("large");
    fs::File::create(&large).unwrap().set_len(LARGE).unwrap();
    let mut key = setting.key();
    key.file(&large).unwrap();
    let pictures = Pictures::of_cache(setting.fit, 3, &Cache::for_large_data(&file, report), &key).unwrap();
    assert_eq!(setting.read(pictures).unwrap(), setting.in_memory());
    assert_eq!(UNUSED.load(Ordering::Relaxed), 1);
}

/// What is quick to decode is not kept, unless the user asks for it.
#[test]
fn small_data_is_not_kept() {
    let setting = Setting::gray(3);
    let (images, was_known) =
        setting.through(&Cache::for_large_data(setting.cache_folder(), silent)).unwrap();
    assert!(!was_known && images == setting.in_memory());
    assert!(!setting.cache_folder().exists());
}
