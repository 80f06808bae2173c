//! Instances that another program holds in memory.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use llp_bags::own::{
    self, Impute, InMemory, MemoryColumn, MemoryValues, OwnData, ProportionTable, instances_in_memory,
};

fn column(name: &str, values: MemoryValues) -> MemoryColumn {
    MemoryColumn { name: name.to_owned(), values }
}

/// Two bags of two rows with these numbers in the columns `a` and `b`, for training or for a network with a schema.
fn join([a, b]: [Vec<f64>; 2], schema: Option<&own::FeatureSchema>) -> OwnData {
    let columns = vec![column("a", MemoryValues::Reals(a)), column("b", MemoryValues::Reals(b))];
    let bags = ["x", "x", "y", "y"].map(str::to_owned);
    let shares = [("cat".to_owned(), vec![0.5, 1.0]), ("dog".to_owned(), vec![0.5, 0.0])];
    let proportions =
        ProportionTable::from_columns("proportions", &["x".to_owned(), "y".to_owned()], &shares).unwrap();
    own::join(InMemory::Columns(columns), &bags, &proportions, schema, Some(Impute::Mean)).unwrap()
}

/// A column without any value, for a network that knows what stands for missing ones: each row gets that.
#[test]
fn a_column_that_is_missing_everywhere() {
    let a = vec![1.0, 2.0, 4.0, 8.0];
    let trained = join([a.clone(), vec![3.0, f64::NAN, 5.0, 7.0]], None);
    let used = join([a, vec![f64::NAN; 4]], trained.schema.as_ref());
    let features = used.data.train.instances.as_features().unwrap();
    let expected: Vec<[f32; 2]> = [1.0, 2.0, 4.0, 8.0].map(|a| [a, 5.0]).to_vec();
    assert_eq!(features.values(), expected.as_flattened());
}

/// Texts are no features before a training has said what they stand for.
#[test]
fn texts_without_a_schema() {
    let texts = MemoryValues::Texts(vec![Some("red".to_owned()), Some("blue".to_owned())]);
    let message = instances_in_memory(InMemory::Columns(vec![column("color", texts)]), None).unwrap_err();
    assert!(message.to_string().contains("without columns"), "{message}");
}
