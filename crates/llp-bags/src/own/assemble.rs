//! Rows and proportions, compared and joined into bags.

use std::collections::HashMap;

use llp_data::table::names::similar;
use llp_data::{DataError, is_sign};

use super::bags::OwnBag;
use super::instances::{InstanceNames, check_repeated, instances_of, labels_of};
use super::rows::{Content, Rows, SplitName};
use super::scale::Scale;
use super::{OwnData, ProportionTable, columns, notes};
use crate::source::{Dataset, Split};
use crate::{Instances, LabelOracle};

/// The rows of a bag, at least one; all are of one split.
struct Members {
    split: SplitName,
    rows: Vec<u32>,
}

pub(super) fn assemble(
    name: String,
    rows: Rows,
    proportions: &ProportionTable,
) -> Result<OwnData, DataError> {
    check_repeated(&rows)?;
    let members = members(&rows)?;
    let members = of_proportions(members, &rows, proportions)?;
    let sizes: Vec<Option<usize>> = members.iter().map(|members| Some(members.rows.len())).collect();
    let scale = Scale::of(proportions, &sizes, rows.places.first_file())?;
    let of_split = |is_test: bool| -> Vec<u32> {
        (0..rows.len() as u32)
            .filter(|&row| (rows.splits[row as usize] == SplitName::Test) == is_test)
            .collect()
    };
    let [train_rows, test_rows] = [of_split(false), of_split(true)];
    if !rows.splits.contains(&SplitName::Train) {
        let remedy = "leave the split of what to train on empty, or write train";
        return Err(DataError::of(rows.places.first_file(), "no row is of split `train`").remedy(remedy));
    }
    let ids = ids(&[&train_rows, &test_rows], rows.len());
    let mut bags: [Vec<OwnBag>; 3] = Default::default();
    for (row, members) in proportions.rows.iter().zip(&members) {
        let (proportions, imprecision) = scale.resolve(row, members.rows.len())?;
        let instances = members.rows.iter().map(|&row| ids[row as usize]).collect();
        let bag = OwnBag { name: row.bag.clone(), instances, proportions, imprecision };
        bags[members.split as usize].push(bag);
    }
    for bags in &mut bags {
        bags.sort_by(|a, b| a.name.cmp(&b.name));
    }
    let [bags, held_out, test_bags] = bags;
    let labels = [
        labels_of(&rows, &train_rows, "train or held_out", proportions)?,
        labels_of(&rows, &test_rows, "test", proportions)?,
    ];
    let schema = match &rows.content {
        Content::Features(cells) => Some(columns::schema_of(cells)),
        _ => None,
    };
    let notes = notes::notes(&rows)?;
    let (train_names, test_names) =
        (InstanceNames::of(&rows, &train_rows), InstanceNames::of(&rows, &test_rows));
    let (instances, data_notes) = instances_of(rows, [train_rows, test_rows])?;
    let [train, test] = splits(instances, labels)?;
    let mirror_preserves_class =
        schema.is_none() && !proportions.class_names.iter().any(|class| is_sign(class));
    Ok(OwnData {
        data: Dataset {
            name,
            class_names: proportions.class_names.clone(),
            mirror_preserves_class,
            train,
            test,
            notes: data_notes,
        },
        bags,
        held_out,
        test_bags,
        train_names,
        test_names,
        schema,
        notes,
        unit: scale.unit,
        share_step: scale.step.filter(|&step| step > 0.0),
        share_is_cut: scale.is_cut,
        other_columns: proportions.other_columns.clone(),
        proportions_path: proportions.path.clone(),
    })
}

/// The bags by their codes, as the rows name them.
fn members(rows: &Rows) -> Result<Vec<Members>, DataError> {
    let mut members: Vec<Members> = Vec::with_capacity(rows.bags.texts().len());
    for row in 0..rows.len() {
        let split = rows.splits[row];
        let Some(bag) = rows.bags.code(row) else {
            if split == SplitName::Test {
                continue;
            }
            let remedy = "name the bag, drop the row, or give it the split `test`";
            return Err(DataError::at(rows.places.of(row), "column \"bag\" is empty").remedy(remedy));
        };
        if bag == members.len() {
            members.push(Members { split, rows: vec![] }); // codes count up with their first rows
        }
        let other = &mut members[bag];
        if other.split != split {
            let (bag, other_row) = (&rows.bags.texts()[bag], rows.places.of(other.rows[0] as usize).row);
            let (split, other) = (split.name(), other.split.name());
            let problem =
                format!("bag {bag:?} is in split {split} here and in split {other} in row {other_row}");
            let remedy = "give a bag one split, or two names";
            return Err(DataError::at(rows.places.of(row), problem).remedy(remedy));
        }
        other.rows.push(row as u32);
    }
    Ok(members)
}

/// The bags in the order of the rows of `proportions`; test bags without a row are left out.
fn of_proportions(
    members: Vec<Members>,
    rows: &Rows,
    proportions: &ProportionTable,
) -> Result<Vec<Members>, DataError> {
    let mut by_name: HashMap<&str, Members> =
        rows.bags.texts().iter().map(String::as_str).zip(members).collect();
    let mut found = Vec::with_capacity(proportions.rows.len());
    for row in &proportions.rows {
        found.push(by_name.remove(row.bag.as_str()).ok_or_else(|| {
            let hint = did_you_mean(&row.bag, rows.bags.texts().iter().map(String::as_str));
            let problem =
                format!("bag {:?} has no instance in {}", row.bag, rows.places.first_file().display());
            DataError::at(row.place.clone(), problem)
                .remedy(format!("drop the row, or correct the name{hint}"))
        })?);
    }
    let left = by_name.into_iter().filter(|(_, members)| members.split != SplitName::Test);
    match left.min_by_key(|(_, members)| members.rows[0]) {
        None => Ok(found),
        Some((bag, members)) => {
            let hint = did_you_mean(bag, proportions.rows.iter().map(|row| row.bag.as_str()));
            let problem = format!("bag {bag:?} has no row in {}", proportions.path.display());
            let remedy = format!("add its proportions, or correct the name{hint}");
            Err(DataError::at(rows.places.of(members.rows[0] as usize), problem).remedy(remedy))
        }
    }
}

fn did_you_mean<'a>(bag: &str, known: impl Iterator<Item = &'a str>) -> String {
    similar(bag, known).map_or_else(String::new, |other| format!("; there is a bag {other:?}"))
}

/// The id that each row gets in its split.
fn ids(splits: &[&[u32]], n_rows: usize) -> Vec<u32> {
    let mut ids = vec![0; n_rows];
    for rows in splits {
        for (id, &row) in rows.iter().enumerate() {
            ids[row as usize] = id as u32;
        }
    }
    ids
}

fn splits(instances: [Instances; 2], labels: [Option<LabelOracle>; 2]) -> Result<[Split; 2], DataError> {
    let [train, test] = instances;
    let [train_labels, test_labels] = labels;
    let split = |instances: Instances, labels: Option<LabelOracle>| match labels {
        Some(labels) => Split::labeled(instances, labels),
        None => Ok(Split::unlabeled(instances)),
    };
    Ok([split(train, train_labels)?, split(test, test_labels)?])
}
