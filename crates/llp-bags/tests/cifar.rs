//! CIFAR's binary archives: those of `fixtures/cifar` against their Parquet references, and each kind of wrong one.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod messages;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::{Compression, write::GzEncoder};
use llp_bags::source::{Dataset, open};
use llp_data::{Labels, cifar};
use messages::Messages;
use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

const TEN: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
const TEN_LEN: usize = 1 + 3072;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/cifar").join(name)
}

/// The Parquet reference of a fixture.
fn reference(name: &str, labels: Labels) -> Dataset {
    let folder = tempdir().unwrap();
    for split in ["train", "test"] {
        let file = folder.path().join(format!("{split}-0.parquet"));
        fs_err::copy(fixture(&format!("{name}-{split}.parquet")), file).unwrap();
    }
    open(folder.path(), labels).unwrap()
}

/// Unpacks an archive of the fixtures.
fn unpacked(name: &str) -> TempDir {
    let folder = tempdir().unwrap();
    let file = fs_err::File::open(fixture(name)).unwrap();
    tar::Archive::new(flate2::read::GzDecoder::new(file)).unpack(folder.path()).unwrap();
    folder
}

/// The archive, the folder that it unpacks into, the folder in that, and the Parquet files of the same images are one
/// data set: the fingerprint covers class names, pixels, labels and their order.
#[test]
fn archive_folder_and_parquet_are_the_same() {
    for (archive, inner, name, labels) in [
        ("cifar-10-binary.tar.gz", "cifar-10-batches-bin", "cifar10", Labels::Fine),
        ("cifar-100-binary.tar.gz", "cifar-100-binary", "cifar100", Labels::Fine),
        ("cifar-100-binary.tar.gz", "cifar-100-binary", "cifar100", Labels::Coarse),
    ] {
        let expected = reference(name, labels);
        assert_eq!((expected.train.instances.len(), expected.test.instances.len()), (100, 20));
        let folder = unpacked(archive);
        for path in [fixture(archive), folder.path().to_owned(), folder.path().join(inner)] {
            let data = open(&path, labels).unwrap();
            assert_eq!(data.class_names, expected.class_names);
            assert_eq!(
                data.train.instances.as_images().unwrap().image(99),
                expected.train.instances.as_images().unwrap().image(99)
            );
            assert!(
                data.train.instances == expected.train.instances && data.test.labels == expected.test.labels
            );
            assert_eq!(data.fingerprint(), expected.fingerprint());
            assert!(data.mirror_preserves_class);
        }
    }
}

/// Files of CIFAR-10, ten records each, and their class names.
struct Files(Vec<(String, Vec<u8>)>);

impl Files {
    fn right() -> Self {
        let records: Vec<u8> =
            (0..10).flat_map(|label| std::iter::once(label).chain([label; TEN_LEN - 1])).collect();
        let mut files = vec![("batches.meta.txt".to_owned(), (TEN.join("\n") + "\n\n").into_bytes())];
        files.extend((1..=5).map(|number| (format!("data_batch_{number}.bin"), records.clone())));
        files.push(("test_batch.bin".to_owned(), records));
        Self(files)
    }

    /// The same, but for one file.
    fn with(name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut files = Self::right();
        change(&mut files.0.iter_mut().find(|(other, _)| other == name).unwrap().1);
        files
    }

    fn without(name: &str) -> Self {
        let mut files = Self::right();
        files.0.retain(|(other, _)| other != name);
        files
    }

    fn tar(&self) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, content) in &self.0 {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            archive.append_data(&mut header, format!("cifar-10-batches-bin/{name}"), &content[..]).unwrap();
        }
        archive.into_inner().unwrap()
    }

    fn archive(&self) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&self.tar()).unwrap();
        packed.finish().unwrap()
    }
}

/// Each kind of wrong archive has its message, with file, record, what was expected and what to do.
#[test]
fn wrong_archives() {
    let folder = tempdir().unwrap();
    let mut messages = Messages::new(env!("CARGO_MANIFEST_DIR"), "cifar", "Archives of CIFAR");
    messages.named(folder.path().display(), "DIR");
    let path = folder.path().join("cifar-10-binary.tar.gz");
    let mut refuse = |input: &str, bytes: &[u8], labels| {
        fs_err::write(&path, bytes).unwrap();
        messages.refused(input, open(&path, labels));
    };
    let mut wrong = |input: &str, files: &Files| refuse(input, &files.archive(), Labels::Fine);
    let batch = "data_batch_2.bin";
    wrong("a file cut short", &Files::with(batch, |bytes| bytes.truncate(3 * TEN_LEN + 17)));
    wrong("a file with a byte too much", &Files::with(batch, |bytes| bytes.push(0)));
    wrong("an empty file", &Files::with(batch, Vec::clear));
    wrong("an oversized file", &Files::with(batch, |bytes| bytes.resize(10_001 * TEN_LEN, 0)));
    wrong("a label that names no class", &Files::with(batch, |bytes| bytes[4 * TEN_LEN] = 10));
    wrong("a file that is missing", &Files::without("test_batch.bin"));
    wrong("no class names", &Files::without("batches.meta.txt"));
    wrong("too few class names", &Files::with("batches.meta.txt", |text| text.truncate(20)));
    wrong("class names that are no text", &Files::with("batches.meta.txt", |text| text[0] = 0xff));
    let mut twice = Files::right();
    twice.0.push(twice.0[1].clone());
    wrong("a file that is there twice", &twice);
    wrong("an archive of other files", &Files(vec![("readme.html".to_owned(), b"hello".to_vec())]));
    let whole = Files::right().archive();
    refuse("an archive cut short", &whole[..whole.len() / 2], Labels::Fine);
    refuse("an archive without content", &whole[..10], Labels::Fine);
    refuse("an empty archive", b"", Labels::Fine);
    refuse("a file that is no archive", b"PK\x03\x04", Labels::Fine);
    refuse("coarse labels of CIFAR-10", &whole, Labels::Coarse);
    fs_err::remove_file(&path).unwrap();
    messages.refused("a path where nothing is", open(&path, Labels::Fine));
    messages
        .refused("a file of records by another name", cifar::read_records(&b""[..], "a.bin", Labels::Fine));
    messages.compare();
}

/// CIFAR-100 has two labels to check, whichever is used.
#[test]
fn both_labels_of_cifar100_are_checked() {
    let record = |coarse, fine| [vec![coarse, fine], vec![0; 3072]].concat();
    let read =
        |bytes: &[u8]| cifar::read_records(bytes, "train.bin", Labels::Fine).map_err(|e| e.to_string());
    assert_eq!(read(&record(19, 99)).unwrap().labels, [99]);
    let end = "the file is damaged, or another one";
    let expected = format!("train.bin: record 0 has label 20, but labels go from 0 to 19: {end}");
    assert_eq!(read(&record(20, 99)).unwrap_err(), expected);
    let expected = format!("train.bin: record 0 has label 100, but labels go from 0 to 99: {end}");
    assert_eq!(read(&record(19, 100)).unwrap_err(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Pixel `[row, column, channel]` of a record is its byte `1 + 1024 channel + 32 row + column`, and its label the
    /// first byte.
    #[test]
    fn planes_become_pixels(label in 0_u8..10, planes in prop::collection::vec(any::<u8>(), 3072)) {
        let record = [&[label][..], &planes].concat();
        let split = cifar::read_records(&record[..], "test_batch.bin", Labels::Fine).unwrap();
        for (place, &pixel) in split.images.image(0).iter().enumerate() {
            let (row, column, channel) = (place / 96, place / 3 % 32, place % 3);
            prop_assert_eq!(pixel, record[1 + 1024 * channel + 32 * row + column]);
        }
        prop_assert_eq!(split.labels, [u32::from(label)]);
    }

    /// A tar archive cut anywhere, or with any byte changed, is an error or a data set of the same size: no panic.
    #[test]
    fn damaged_archives_do_not_panic(cut in any::<prop::sample::Index>(), bits in 0_u8..) {
        let whole = Files::right().tar();
        let place = cut.index(whole.len());
        let mut damaged = whole.clone();
        damaged[place] ^= bits;
        for bytes in [&whole[..place], &damaged] {
            if let Ok(data) = cifar::read_tar(bytes, Path::new("a.tar"), Labels::Fine) {
                prop_assert_eq!((data.train.images.len(), data.test.images.len()), (50, 10));
            }
        }
    }
}

/// The Python version is named, whether as an archive, a folder, a folder in a folder or a single file.
#[test]
fn the_python_version_is_named() {
    let mut messages = Messages::new(env!("CARGO_MANIFEST_DIR"), "cifar-python", "CIFAR for Python");
    let folder = tempdir().unwrap();
    messages.named(folder.path().display(), "DIR");
    let pickle = b"\x80\x02}q\x01U\x04data";
    let inner = folder.path().join("cifar-10-batches-py");
    fs_err::create_dir(&inner).unwrap();
    for name in ["data_batch_1", "test_batch", "batches.meta"] {
        fs_err::write(inner.join(name), pickle).unwrap();
    }
    let mut refuse = |input: &str, path: &Path| messages.refused(input, open(path, Labels::Fine));
    refuse("the folder of the Python version", &inner);
    refuse("a folder with that folder in it", folder.path());
    refuse("a file of the Python version", &inner.join("data_batch_1"));
    let archive = folder.path().join("cifar-100-python.tar.gz");
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for name in ["meta", "train", "test"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(pickle.len() as u64);
        header.set_cksum();
        tar.append_data(&mut header, format!("cifar-100-python/{name}"), &pickle[..]).unwrap();
    }
    fs_err::write(&archive, tar.into_inner().unwrap().finish().unwrap()).unwrap();
    refuse("the archive of the Python version", &archive);
    messages.compare();
}
