//! Manifests: written and read back, damaged in every way, and what is said then.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod messages;

use llp_bags::source::digits::digits;
use llp_bags::{
    BagKind, BagManifest, BagSet, CountedBag, DataError, Recipe, hold_out, partition, partition_by_clusters,
    partition_by_shares, subset,
};
use messages::Messages;
use proptest::prelude::*;

fn recipe(kind: BagKind) -> Recipe {
    Recipe { kind, size: 4, seed: 1, limit: Some(30), held_out: 0.2, split_seed: 3 }
}

fn small() -> BagManifest {
    BagManifest::make(&digits(), recipe(BagKind::Uniform), None).unwrap()
}

/// A column with a value for each digit of the training split.
fn column() -> Vec<String> {
    (0..digits().train.instances.len()).map(|instance| format!("day {}", instance % 3)).collect()
}

fn kinds() -> impl Strategy<Value = BagKind> {
    prop_oneof![
        Just(BagKind::Uniform),
        (0.01..100.0_f64).prop_map(|alpha| BagKind::Dirichlet { alpha }),
        (1_usize..4).prop_map(|n_clusters| BagKind::Cluster { n_clusters }),
        Just(BagKind::Column { name: "day".to_owned() }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Every manifest comes back from its text, and its bags hold the instances that were chosen, with their counts.
    #[test]
    fn manifests_come_back(kind in kinds(), size in 1_usize..12, seed: u32, held_out in 0.0..0.5_f64) {
        let data = digits();
        let recipe = Recipe { kind, size, seed: seed.into(), limit: Some(60), held_out, split_seed: 5 };
        let manifest = BagManifest::make(&data, recipe, Some(&column())).unwrap();
        prop_assert_eq!(&BagManifest::parse(manifest.to_json().as_bytes()).unwrap(), &manifest);
        manifest.check_data(&data).unwrap();

        let split = hold_out(&subset(1437, 60, 5), held_out, 5).unwrap();
        prop_assert_eq!(manifest.train.instances(), split.train);
        prop_assert_eq!(manifest.held_out.instances(), split.held_out);
        let labels = data.train.labels.unwrap();
        for bag in manifest.train.bags.iter().chain(&manifest.held_out.bags) {
            prop_assert_eq!(&bag.counts, &labels.subset(&bag.instances).unwrap().class_counts());
        }
    }

    /// A changed byte is found, or changes nothing that a manifest says (a space, say).
    #[test]
    fn changed_bytes_are_found(place: prop::sample::Index, byte: u8) {
        let manifest = small();
        let mut bytes = manifest.to_json().into_bytes();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(read) = BagManifest::parse(&bytes) {
            prop_assert_eq!(read, manifest);
        }
    }

    /// A manifest that was cut short is refused, wherever the cut is.
    #[test]
    fn cuts_are_found(place: prop::sample::Index) {
        let text = small().to_json();
        prop_assert!(BagManifest::parse(&text.as_bytes()[..place.index(text.len() - 1)]).is_err());
    }
}

/// A bag set from a manifest is that of the partition which the manifest was made from, without any label.
#[test]
fn a_manifest_gives_the_bags_it_was_made_from() {
    let split = digits().train;
    let labels = split.labels.unwrap();
    let chosen = hold_out(&subset(1437, 30, 3), 0.2, 3).unwrap().train;
    let uniform = partition(&chosen, 4, 1).unwrap();
    let skewed = partition_by_shares(&chosen, &labels, 4, 0.3, 1).unwrap();
    let clusters = partition_by_clusters(&chosen, split.instances.as_images().unwrap(), 4, 2, 1).unwrap();
    let kinds = [
        (BagKind::Uniform, uniform),
        (BagKind::Dirichlet { alpha: 0.3 }, skewed),
        (BagKind::Cluster { n_clusters: 2 }, clusters),
    ];
    for (kind, partition) in kinds {
        let manifest = BagManifest::make(&digits(), recipe(kind), None).unwrap();
        let read = BagSet::from_manifest(split.instances.clone(), &manifest.train).unwrap();
        let made = BagSet::from_partition(split.instances.clone(), &partition, &labels).unwrap();
        assert_eq!((read.len(), read.remainder()), (made.len(), made.remainder()));
        for bag in 0..read.len() {
            assert_eq!(read.instances(bag), made.instances(bag));
            assert_eq!(read.proportions(bag), made.proportions(bag));
        }
    }
}

/// The text of a small manifest, pinned: files of this version must stay readable.
#[test]
fn the_format_is_pinned() {
    let text = small().to_json();
    let head = "{\"format\":\"llp-bags manifest\",\"version\":1,\"hash\":\"";
    assert!(text.starts_with(head), "{text}");
    assert_eq!(small().hash(), "b82bd20d7128d8da22e84ec60f6a2b92b3381dd4c8b4cc1de0957999813e62c1");
    let uniform = "\n,\"recipe\":{\"kind\":\"uniform\",\"size\":4,\"seed\":1,\"limit\":30,\"held_out\":0.2,\"split_seed\":3}\n";
    assert!(text.contains(uniform), "{text}");
    let skewed =
        BagManifest::make(&digits(), recipe(BagKind::Dirichlet { alpha: 0.5 }), None).unwrap().to_json();
    assert!(skewed.contains("\"kind\":{\"dirichlet\":{\"alpha\":0.5}}"), "{skewed}");
}

/// Every fault of a manifest has its own message; slips in an edited file are named before the hash.
#[test]
fn faults() {
    let mut messages = Messages::new(env!("CARGO_MANIFEST_DIR"), "manifest", "Bag manifests");
    let good = small();
    let mut edited = |input: &str, edit: &dyn Fn(&mut BagManifest)| {
        let mut manifest = good.clone();
        edit(&mut manifest);
        messages.refused(input, BagManifest::parse(manifest.to_json().as_bytes()));
    };
    edited("an instance in two bags", &|m| m.train.bags[1].instances[0] = m.train.bags[0].instances[2]);
    edited("an instance twice in a bag", &|m| m.train.bags[1].instances[0] = m.train.bags[1].instances[2]);
    edited("an instance in a bag and held out", &|m| {
        m.held_out.bags[0].instances[0] = m.train.bags[0].instances[0];
    });
    edited("an instance in a bag and in none", &|m| m.train.remainder.push(m.train.bags[5].instances[0]));
    edited("an instance that does not exist", &|m| m.train.bags[0].instances[3] = 1437);
    edited("a bag of another size", &|m| m.train.bags[2].instances.truncate(3));
    edited("an empty bag", &|m| m.train.bags[2].instances.clear());
    edited("counts that are not those of the bag", &|m| m.held_out.bags[0].counts[0] += 1);
    edited("counts of too few classes", &|m| m.train.bags[0].counts.truncate(9));
    edited("no bag", &|m| m.train.bags.clear());
    edited("no class", &|m| m.data.class_names.clear());
    edited("bags of the test split", &|m| m.data.split = "test".to_owned());

    let text = good.to_json();
    let mut refuse = |input: &str, text: &str| messages.refused(input, BagManifest::parse(text.as_bytes()));
    refuse("a file cut short", &text[..text.len() / 2]);
    refuse("an empty file", "");
    refuse("another file", "seed = 1");
    refuse("another JSON file", "{\"format\":\"bags\",\"version\":1}");
    refuse("a later version", &text.replacen("\"version\":1", "\"version\":2", 1));
    refuse("an unknown field", &text.replacen("\"size\":4", "\"size\":4,\"weight\":1", 1));
    refuse("a field that is missing", &text.replacen("\"size\":4,", "", 1));
    refuse("an unknown kind", &text.replacen("\"uniform\"", "\"random\"", 1));
    refuse("a number out of range", &text.replacen("\"n_instances\":1437", "\"n_instances\":-1", 1));
    refuse("a changed seed", &text.replacen("\"seed\":1", "\"seed\":2", 1));

    let mut other = digits();
    other.class_names[0] = "null".to_owned();
    messages.refused("the bags of another data set", good.check_data(&other));
    messages.refused("other bags than a run was started with", good.check_hash("0123456789abcdef"));
    messages.compare();
}

/// What cannot be made is refused.
#[test]
fn recipes() {
    let mut messages = Messages::new(env!("CARGO_MANIFEST_DIR"), "recipe", "Recipes of bags");
    let mut refuse = |input: &str, recipe: Recipe, column: Option<&[String]>| {
        let made: Result<_, DataError> = BagManifest::make(&digits(), recipe, column);
        messages.refused(input, made.map(|_| ()));
    };
    for alpha in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        refuse(&format!("a concentration of {alpha}"), recipe(BagKind::Dirichlet { alpha }), None);
    }
    refuse("no clusters", recipe(BagKind::Cluster { n_clusters: 0 }), None);
    refuse("more clusters than instances", recipe(BagKind::Cluster { n_clusters: 25 }), None);
    let by_day = || recipe(BagKind::Column { name: "day".to_owned() });
    refuse("a column that is not there", by_day(), None);
    refuse("a column cut short", by_day(), Some(&column()[1..]));
    refuse("a bag size of 0", Recipe { size: 0, ..recipe(BagKind::Uniform) }, None);
    refuse("a bag size beyond the split", Recipe { size: 25, ..recipe(BagKind::Uniform) }, None);
    refuse("all instances held out", Recipe { held_out: 1.0, ..recipe(BagKind::Uniform) }, None);
    let mut unlabeled = digits();
    unlabeled.train.labels = None;
    messages.refused(
        "data without labels",
        BagManifest::make(&unlabeled, recipe(BagKind::Uniform), None).map(|_| ()),
    );
    messages.compare();
}

/// The first digits of a hash are enough to name bags.
#[test]
fn a_hash_may_be_shortened() {
    let manifest = small();
    manifest.check_hash(&manifest.hash()[..16]).unwrap();
    assert!(manifest.check_hash("no hash").unwrap_err().to_string().contains("the bags have hash"));
}

/// Held-out bags are draws of their own: not the shares of the training bags again.
#[test]
fn held_out_bags_are_drawn_anew() {
    let recipe = Recipe {
        kind: BagKind::Dirichlet { alpha: 0.1 },
        size: 16,
        seed: 0,
        limit: None,
        held_out: 0.5,
        split_seed: 0,
    };
    let manifest = BagManifest::make(&digits(), recipe, None).unwrap();
    let counts = |bags: &[CountedBag]| bags.iter().map(|bag| bag.counts.clone()).collect::<Vec<_>>();
    let (train, held_out) = (counts(&manifest.train.bags), counts(&manifest.held_out.bags));
    let n_equal = train.iter().zip(&held_out).filter(|(a, b)| a == b).count();
    assert!(n_equal < held_out.len() / 4, "{n_equal} of {}", held_out.len());
}
