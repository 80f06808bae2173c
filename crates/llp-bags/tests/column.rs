//! Columns of Parquet files that bags are made by.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod messages;
mod shards;

use llp_bags::source::open;
use llp_bags::{BagKind, BagManifest, Recipe};
use llp_data::Labels;
use llp_data::shards::column;
use messages::Messages;
use shards::{Shard, encoded, folder_of, metadata};

const WITH_DAY: &str = "message schema {
    optional group img { optional binary bytes; optional binary path (STRING); }
    optional int64 label; optional int64 day; }";

/// Ten images over three row groups and two files, on day 0 and day 1; every integer column has the labels.
fn ten_days() -> tempfile::TempDir {
    let classes = metadata(&["even", "odd"]);
    let shard = |first: u8| Shard {
        schema: WITH_DAY,
        metadata: Some(&classes),
        images: (first..first + 5).map(|seed| Some(encoded(seed, 3, 2, image::ImageFormat::Png))).collect(),
        labels: (first..first + 5).map(|seed| Some(i64::from(seed % 2))).collect(),
        ..Shard::right()
    };
    folder_of(&[
        ("train-1.parquet", &shard(5)),
        ("train-0.parquet", &shard(0)),
        ("test-0.parquet", &shard(0)),
    ])
}

/// A column comes back in the order of the instances, over shards and row groups, and makes the bags that it names.
#[test]
fn a_column_comes_back_in_the_order_of_instances() {
    let folder = ten_days();
    let days = column(folder.path(), "day").unwrap();
    assert_eq!(days, ["0", "1", "0", "1", "0", "1", "0", "1", "0", "1"]);
    let kind = BagKind::Column { name: "day".to_owned() };
    let recipe = Recipe { kind, size: 1, seed: 0, limit: None, held_out: 0.0, split_seed: 0 };
    let manifest =
        BagManifest::make(&open(folder.path(), Labels::Fine).unwrap(), recipe, Some(&days)).unwrap();
    let bags: Vec<_> = manifest.train.bags.iter().map(|bag| bag.instances.clone()).collect();
    assert_eq!(bags, [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]);
    assert_eq!((manifest.recipe.size, &manifest.train.bags[1].counts), (5, &vec![0, 5]));
}

/// A column that names no bags is refused with what there is.
#[test]
fn columns_that_name_no_bags() {
    let mut messages = Messages::new(env!("CARGO_MANIFEST_DIR"), "column", "Columns of Parquet files");
    let folder = ten_days();
    messages.named(folder.path().display(), "DIR");
    messages.refused("a column that is not there", column(folder.path(), "hour"));
    messages.refused("a column of images", column(folder.path(), "img.bytes"));
    messages.refused("a column of nulls", column(folder.path(), "img.path"));
    let wrong = |schema: &'static str| {
        let shard = Shard { schema, ..Shard::empty() };
        folder_of(&[("train-0.parquet", &shard), ("test-0.parquet", &shard)])
    };
    let lists = wrong("message schema { repeated int64 day; }");
    messages.named(lists.path().display(), "DIR");
    messages.refused("a column of lists", column(lists.path(), "day"));
    messages.refused("a folder that is not there", column(&folder.path().join("none"), "day"));
    messages.compare();
}
