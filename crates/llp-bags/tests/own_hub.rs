//! Own bags in the hub's layout: files of encoded images with a column of bags.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

#[expect(dead_code, reason = "shared with the tests of the hub's layout")]
mod shards;

use image::ImageFormat;
use llp_bags::own;
use shards::{Shard, encoded, folder_of};

/// Every integer column has the labels: two bags of one class each.
const SCHEMA: &str = "message schema {
    optional group img { optional binary bytes; optional binary path (STRING); }
    optional int64 label;
    optional int64 bag; }";

/// Splits follow from the names of the files, labels by the metadata, and images are those that were encoded.
#[test]
fn a_folder_of_shards_is_own_data() {
    let images = [0, 1, 2, 3, 4].map(|seed| Some(encoded(seed, 4, 4, ImageFormat::Png))).to_vec();
    let labels = [0, 1, 1, 0, 1].map(Some).to_vec();
    let train = Shard { schema: SCHEMA, images, labels, ..Shard::right() };
    let test = Shard { schema: SCHEMA, labels: vec![Some(7), Some(8)], ..Shard::right() };
    let test = Shard { metadata: None, ..test };
    let folder = folder_of(&[("train-0.parquet", &train), ("train-1.parquet", &train)]);
    let proportions = folder.path().join("proportions.csv");
    fs_err::write(&proportions, "bag,cat,dog\n0,4,0\n1,0,6\n").unwrap();
    assert!(own::is_own(folder.path()));
    let data = own::read(folder.path(), None, 4).unwrap();
    let sizes: Vec<usize> = data.bags.iter().map(|bag| bag.instances.len()).collect();
    assert_eq!((data.data.train.instances.len(), sizes), (10, vec![4, 6]));
    let images = data.data.train.instances.as_images().unwrap();
    assert_eq!(images.image(6), &shards::picture(1, 4, 4).into_raw()[..]);
    assert_eq!(data.data.train.labels.as_ref().unwrap().class_counts(), [4, 6]);

    test.write(&folder.path().join("test-0.parquet"));
    let error = own::read(folder.path(), None, 4).unwrap_err().to_string();
    assert!(error.contains("test-0.parquet, row 1: the label is \"7\", but the classes of"), "{error}");
}
