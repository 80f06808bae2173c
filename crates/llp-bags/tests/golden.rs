//! Pinned outputs: published seeds and fingerprints must stay valid.
//!
//! The values come from a second implementation, in Python: `fixtures/digits/golden.py`.

use llp_bags::rng::{Purpose, Rng, below, normal, shuffle, stream, uniform};
use llp_bags::source::digits::digits;
use llp_bags::{
    Augmentation, Edge, Images, InstanceShape, Instances, Mirror, Normalization, hold_out, partition,
    prepare, subset,
};

/// The first output of each purpose, for one seed and index.
#[test]
fn streams_are_pinned() {
    let first = |purpose| stream(42, purpose, 7).next_u64();
    let purposes = [
        Purpose::Subset,
        Purpose::HeldOut,
        Purpose::Bags,
        Purpose::BagOrder,
        Purpose::Augment,
        Purpose::Init,
        Purpose::LabelShuffle,
    ];
    let expected = [
        15_665_348_688_657_375_912_u64,
        16_869_062_341_767_852_195,
        7_640_791_549_251_097_721,
        14_750_686_845_136_727_814,
        17_386_961_383_693_551_567,
        1_467_160_909_732_883_451,
        7_143_267_896_896_464_192,
    ];
    assert_eq!(purposes.map(first), expected);
}

/// Every distribution on one stream. Normal numbers are compared to 1e-12, for `ln` differs between platforms.
#[test]
fn distributions_are_pinned() {
    let mut rng = stream(0, Purpose::Init, 0);
    let integers: Vec<u32> = (0..4).map(|_| below(&mut rng, 1000)).collect();
    assert_eq!(integers, [608, 652, 24, 128]);
    let mut items: Vec<u32> = (0..8).collect();
    shuffle(&mut items, &mut rng);
    assert_eq!(items, [3, 7, 4, 6, 5, 1, 0, 2]);
    assert_eq!(uniform(&mut rng).to_bits(), 4_603_539_492_211_029_515); // 0.5955539023886457
    let x = normal(&mut rng);
    assert!((x - -0.375_524_731_167_313_4).abs() < 1e-12, "{x}");
}

/// Choices of instances for one seed.
#[test]
fn choices_are_pinned() {
    assert_eq!(subset(20, 6, 1), [0, 1, 10, 11, 13, 16]);
    let instances: Vec<u32> = (0..10).collect();
    assert_eq!(hold_out(&instances, 0.3, 1).unwrap().held_out, [3, 5, 8]);
    let partition = partition(&instances, 4, 1).unwrap();
    assert_eq!(partition.bags, [[0, 6, 8, 9], [3, 4, 5, 7]]);
    assert_eq!(partition.remainder, [1, 2]);
}

/// Augmentation of the first six instances: a single bright pixel in the middle shows where each image went, a darker
/// one beside it whether it was mirrored.
#[test]
fn augmentation_is_pinned() {
    let image = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]; // 5x5
    let images = Instances::from(Images::new(5, 5, 1, image.repeat(6)).unwrap());
    let bytes = Normalization::new(vec![0.0], vec![1.0 / 255.0]).unwrap();
    let epoch = Augmentation { shift: 1, edge: Edge::Repeat, mirror: Mirror::Random }.epoch(5, 0);
    let mut values = vec![0.0; 6 * 25];
    prepare(&images, &images.ids(), Some(&epoch), &bytes, &mut values).unwrap();
    let place = |image: &[f32], value: f32| {
        let place = image.iter().position(|v| (v - value).abs() < 1.0).unwrap();
        (place / 5, place % 5)
    };
    let found = values.chunks(25).map(|image| {
        let ((y, x), (_, x_dark)) = (place(image, 200.0), place(image, 100.0));
        (y, x, x_dark < x)
    });
    let expected = [(1, 2, true), (1, 1, true), (1, 1, false), (3, 2, false), (2, 3, false), (1, 1, false)];
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

/// The embedded digits: size, classes, content.
#[test]
fn digits_are_pinned() {
    let digits = digits();
    assert_eq!((digits.train.instances.len(), digits.test.instances.len()), (1437, 360));
    assert_eq!(digits.train.instances.shape(), InstanceShape::Image([8, 8, 1]));
    let counts = |split: &llp_bags::source::Split| split.labels.as_ref().unwrap().class_counts();
    assert_eq!(counts(&digits.train), [142, 146, 141, 147, 145, 146, 145, 143, 138, 144]);
    assert_eq!(counts(&digits.test), [36; 10]);
    assert_eq!(digits.fingerprint(), "7fe823e3f39fe46dd313f917de3aec89b04dcc48c6531062ed1d4cbc5b22398e");
}

/// No test image is among the training images.
#[test]
fn digits_share_no_image_between_splits() {
    let digits = digits();
    let seen: std::collections::BTreeSet<&[u8]> =
        digits.train.instances.as_images().unwrap().pixels().chunks(64).collect();
    assert_eq!(seen.len(), 1437);
    assert!(
        digits.test.instances.as_images().unwrap().pixels().chunks(64).all(|image| !seen.contains(image))
    );
}

/// The fingerprint changes with a pixel, a label, a class name and a missing label.
#[test]
fn fingerprints_tell_contents_apart() {
    use llp_bags::LabelOracle;
    use llp_bags::source::{Dataset, Split};

    let dataset = |pixel, label, name: &str, labelled: bool| {
        let split = |pixel| {
            let images = Images::new(1, 1, 1, vec![pixel, 0]).unwrap();
            if !labelled {
                return Split::unlabeled(images);
            }
            Split::labeled(images, LabelOracle::new(vec![label, 0], 2).unwrap()).unwrap()
        };
        let class_names = vec![name.to_owned(), "b".to_owned()];
        let (train, test) = (split(pixel), split(9));
        let (name, notes) = (String::new(), vec![]);
        Dataset { name, class_names, mirror_preserves_class: true, train, test, notes }.fingerprint()
    };
    let prints = [
        dataset(1, 0, "a", true),
        dataset(2, 0, "a", true),
        dataset(1, 1, "a", true),
        dataset(1, 0, "c", true),
        dataset(1, 0, "a", false),
    ];
    assert_eq!(prints.iter().collect::<std::collections::BTreeSet<_>>().len(), prints.len());
    assert_eq!(prints[0], dataset(1, 0, "a", true));
}
