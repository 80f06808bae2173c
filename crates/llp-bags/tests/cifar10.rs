//! The real CIFAR-10, if the environment variable `LLP_CIFAR10` names its folder (Parquet files in the layout of
//! `uoft-cs/cifar10` on the Hugging Face hub).

use std::path::PathBuf;
use std::time::Instant;

use llp_bags::InstanceShape;
use llp_bags::source::open;
use llp_data::Labels;

/// 50,000 and 10,000 color images of 32x32, 5,000 and 1,000 of each of ten classes, and the channel means that are
/// commonly used for CIFAR-10 (0.4914, 0.4822, 0.4465; atol 1e-3). Archives of the same images are the same data.
#[test]
#[expect(clippy::print_stdout, reason = "says why the test did nothing, and how long it took")]
fn cifar10_is_complete() {
    let Some(folder) = std::env::var_os("LLP_CIFAR10").map(PathBuf::from) else {
        println!("skipped: LLP_CIFAR10 does not name a folder with CIFAR-10 in Parquet files");
        return;
    };
    let start = Instant::now();
    let data = open(&folder, Labels::Fine).unwrap();
    println!("read in {:.1} s, fingerprint {}", start.elapsed().as_secs_f64(), data.fingerprint());

    let classes = "airplane automobile bird cat deer dog frog horse ship truck";
    assert_eq!(data.class_names.join(" "), classes);
    assert!(data.mirror_preserves_class);
    assert_eq!(data.train.instances.shape(), InstanceShape::Image([32, 32, 3]));
    assert_eq!((data.train.instances.len(), data.test.instances.len()), (50_000, 10_000));
    assert_eq!(data.train.labels.as_ref().unwrap().class_counts(), [5000; 10]);
    assert_eq!(data.test.labels.as_ref().unwrap().class_counts(), [1000; 10]);

    // The archives of the same images, if they were written: `fixtures/cifar/generate.py --from FOLDER --to ARCHIVES`.
    if let Some(archives) = std::env::var_os("LLP_CIFAR10_ARCHIVES").map(PathBuf::from) {
        let archive = archives.join("cifar-10-binary.tar.gz");
        assert_eq!(open(&archive, Labels::Fine).unwrap().fingerprint(), data.fingerprint());
        let archive = archives.join("cifar-100-binary.tar.gz");
        let hundred = open(&archive, Labels::Fine).unwrap();
        assert!(
            hundred.train.instances == data.train.instances && hundred.test.instances == data.test.instances
        );
        let coarse = open(&archive, Labels::Coarse).unwrap();
        assert_eq!(coarse.test.labels.unwrap().class_counts(), [500; 20]);
        assert_eq!(hundred.train.labels.unwrap().class_counts(), [500; 100]);
    }

    let images = &data.train.instances;
    let normalization = llp_bags::Normalization::from_instances(images, &images.ids()).unwrap();
    for (mean, expected) in normalization.mean().iter().zip([0.4914, 0.4822, 0.4465]) {
        assert!((mean - expected).abs() < 1e-3, "{:?}", normalization.mean());
    }
}
