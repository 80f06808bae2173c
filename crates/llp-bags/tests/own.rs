//! Own data: what is written is read back, whatever the format and the order of the rows.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::path::{Path, PathBuf};

use image::{GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use llp_bags::own::{self, Like, OwnBag, OwnData, Unit};
use llp_bags::{Imprecision, Instances};
use llp_data::table::{Cells, encode};
use proptest::prelude::*;
use tempfile::tempdir;

const CLASSES: [&str; 3] = ["cat", "dog", "owl"];

/// Rows of a table: bag, two numbers, a category; and what is known of the bags.
#[derive(Debug, Clone)]
struct Tables {
    rows: Vec<(usize, [f32; 2], &'static str)>,
    counts: Vec<[u32; 3]>, // [bag]
}

fn tables() -> impl Strategy<Value = Tables> {
    let row =
        (0..3_u32, prop::array::uniform2(-1e6..1e6_f32), prop::sample::select(vec!["red", "blue", "a, b"]));
    prop::collection::vec(prop::collection::vec(row, 1..6), 1..6).prop_map(|bags| {
        let counts = bags.iter().map(|bag| {
            let mut counts = [0; 3];
            for (class, ..) in bag {
                counts[*class as usize] += 1;
            }
            counts
        });
        let counts = counts.collect();
        let rows = bags
            .iter()
            .enumerate()
            .flat_map(|(bag, rows)| rows.iter().map(move |&(_, numbers, color)| (bag, numbers, color)));
        Tables { rows: rows.collect(), counts }
    })
}

fn bag_name(bag: usize) -> String {
    format!("bag {bag}")
}

impl Tables {
    fn instances(&self) -> Vec<(String, Cells)> {
        let text = |cell: &dyn Fn(usize) -> String| Cells::Text((0..self.rows.len()).map(cell).collect());
        let number = |at: usize| Cells::Numbers(self.rows.iter().map(|row| f64::from(row.1[at])).collect());
        vec![
            ("bag".to_owned(), text(&|row| bag_name(self.rows[row].0))),
            ("width".to_owned(), number(0)),
            ("color".to_owned(), text(&|row| self.rows[row].2.to_owned())),
            ("height".to_owned(), number(1)),
        ]
    }

    fn proportions(&self, unit: Unit) -> Vec<(String, Cells)> {
        let value = |counts: &[u32; 3], class: usize| {
            let (count, size) = (f64::from(counts[class]), f64::from(counts.iter().sum::<u32>()));
            match unit {
                Unit::Counts => count,
                Unit::Shares => count / size,
                Unit::Percentages => 100.0 * count / size,
            }
        };
        let class = |class: usize| {
            let cells = self.counts.iter().map(|counts| value(counts, class)).collect();
            (CLASSES[class].to_owned(), Cells::Numbers(cells))
        };
        let bags = Cells::Text((0..self.counts.len()).map(bag_name).collect());
        std::iter::once(("bag".to_owned(), bags)).chain((0..3).map(class)).collect()
    }

    fn read(&self, ending: &str, unit: Unit) -> OwnData {
        let folder = tempdir().unwrap();
        let write = |name: &str, columns: &[(String, Cells)]| {
            let path = folder.path().join(format!("{name}.{ending}"));
            let bytes = if ending == "npy" { structured(columns) } else { encode(&path, columns).unwrap() };
            fs_err::write(&path, bytes).unwrap();
            path
        };
        let proportions = write("p", &self.proportions(unit));
        own::read(&write("i", &self.instances()), Some(&proportions), 8).unwrap()
    }
}

/// A structured array as NumPy writes it: text of fixed width and double precision.
fn structured(columns: &[(String, Cells)]) -> Vec<u8> {
    let len = |cells: &Cells| match cells {
        Cells::Text(cells) => cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0).max(1),
        Cells::Numbers(_) => 0,
    };
    let fields = columns.iter().map(|(name, cells)| match cells {
        Cells::Text(_) => format!("('{name}', '<U{}')", len(cells)),
        Cells::Numbers(_) => format!("('{name}', '<f8')"),
    });
    let n_rows = match &columns[0].1 {
        Cells::Text(cells) => cells.len(),
        Cells::Numbers(cells) => cells.len(),
    };
    let header = format!(
        "{{'descr': [{}], 'fortran_order': False, 'shape': ({n_rows},), }}\n",
        fields.collect::<Vec<_>>().join(", ")
    );
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    for row in 0..n_rows {
        for (_, cells) in columns {
            match cells {
                Cells::Text(texts) => {
                    let letters = texts[row].chars().map(u32::from).chain(std::iter::repeat(0));
                    letters.take(len(cells)).for_each(|letter| bytes.extend(letter.to_le_bytes()));
                }
                Cells::Numbers(numbers) => bytes.extend(numbers[row].to_le_bytes()),
            }
        }
    }
    bytes
}

/// The name of a bag, its rows, sorted, and its proportions.
type Content = (String, Vec<Vec<u32>>, Vec<f64>);

/// What is read but for the ids of instances.
fn content(data: &OwnData) -> Vec<Content> {
    let Instances::Features(features) = &*data.data.train.instances else { panic!("features were written") };
    let bag = |bag: &OwnBag| {
        let row = |&id: &u32| features.row(id).iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let mut rows: Vec<Vec<u32>> = bag.instances.iter().map(row).collect();
        rows.sort();
        (bag.name.clone(), rows, bag.proportions.as_slice().to_vec())
    };
    data.bags.iter().map(bag).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Numbers, categories, bags and proportions are those that were written, and the same from every format.
    #[test]
    fn what_is_written_is_read(tables in tables()) {
        let data = tables.read("csv", Unit::Counts);
        let Instances::Features(features) = &*data.data.train.instances else { panic!("features") };
        let mut levels: Vec<&str> = tables.rows.iter().map(|row| row.2).collect();
        levels.sort_unstable();
        levels.dedup();
        prop_assert_eq!(features.n_columns(), 2 + levels.len());
        for (row, &(bag, [width, height], color)) in tables.rows.iter().enumerate() {
            let values = features.row(row as u32);
            let flags = levels.iter().map(|level| f32::from(u8::from(*level == color)));
            let expected: Vec<f32> = std::iter::once(width).chain(flags).chain([height]).collect();
            prop_assert_eq!(values, &expected[..]);
            let holds = data.bags.iter().find(|bag| bag.instances.contains(&(row as u32))).unwrap();
            prop_assert_eq!(&holds.name, &bag_name(bag));
        }
        for (bag, counts) in tables.counts.iter().enumerate() {
            let read = data.bags.iter().find(|read| read.name == bag_name(bag)).unwrap();
            let proportions = llp_bags::Proportions::from_counts(counts).unwrap();
            prop_assert_eq!(&read.proportions, &proportions);
            prop_assert_eq!(&read.imprecision, &Imprecision::Exact);
        }
        for ending in ["parquet", "npy"] {
            let other = tables.read(ending, Unit::Counts);
            prop_assert_eq!(&other.schema, &data.schema);
            prop_assert_eq!(other.fingerprint(), data.fingerprint());
        }
    }

    /// Shares and percentages in double precision give the proportions of the counts that they were made of, within
    /// rounding.
    #[test]
    fn shares_are_counts_divided(tables in tables()) {
        let counts = tables.read("csv", Unit::Counts);
        for unit in [Unit::Shares, Unit::Percentages] {
            for (a, b) in counts.bags.iter().zip(&tables.read("csv", unit).bags) {
                for (x, y) in a.proportions.as_slice().iter().zip(b.proportions.as_slice()) {
                    prop_assert!((x - y).abs() < 1e-12);
                }
            }
        }
    }

    /// Bags do not depend on the order of the rows of either table; a choice of held-out bags neither.
    #[test]
    fn the_order_of_rows_does_not_matter(tables in tables(), turn in 0..30_usize, seed in any::<u64>()) {
        let mut turned = tables.clone();
        let n_rows = turned.rows.len();
        turned.rows.rotate_left(turn % n_rows);
        turned.rows.reverse();
        let [data, other] = [&tables, &turned].map(|tables| tables.read("csv", Unit::Counts));
        prop_assert_eq!(content(&data), content(&other));
        prop_assert_eq!(&data.schema, &other.schema);
        let names = |data: OwnData| -> Vec<String> {
            data.hold_out(0.4, seed).unwrap().held_out.into_iter().map(|bag| bag.name).collect()
        };
        prop_assert_eq!(names(data), names(other));
    }

    /// Held-out bags are whole, disjoint from the others and of the right number; together they are all.
    #[test]
    fn held_out_bags_are_whole(tables in tables(), fraction in 0.0..1.0_f64, seed in any::<u64>()) {
        let data = tables.read("csv", Unit::Counts);
        let n_bags = data.bags.len();
        let split = data.clone().hold_out(fraction, seed).unwrap();
        let expected = ((n_bags as f64 * fraction).round() as usize).min(n_bags - 1);
        prop_assert_eq!(split.held_out.len(), expected);
        let mut all = [split.bags.clone(), split.held_out.clone()].concat();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        prop_assert_eq!(all, data.bags);
        prop_assert_eq!(split.held_out_bag_set().unwrap().map_or(0, |bags| bags.len()), expected);
    }

    /// A network's table reads as the training table did; a text that it does not know is reported and has no value.
    #[test]
    fn prediction_sees_the_same_values(tables in tables()) {
        let data = tables.read("csv", Unit::Counts);
        let folder = tempdir().unwrap();
        let path = folder.path().join("t.csv");
        let mut columns = tables.instances();
        columns.reverse();
        fs_err::write(&path, encode(&path, &columns).unwrap()).unwrap();
        let schema = data.schema.as_ref().unwrap();
        let table = own::read_instances(&path, Like::Features(schema)).unwrap();
        prop_assert_eq!(&table.instances, &*data.data.train.instances);
        prop_assert!(table.unknown_levels.is_empty());
        fs_err::write(&path, "width,height,color\n1,2,never\n").unwrap();
        let table = own::read_instances(&path, Like::Features(schema)).unwrap();
        prop_assert_eq!(table.unknown_levels, vec![("color".to_owned(), 1)]);
        let sum: f32 = table.instances.as_features().unwrap().values().iter().sum();
        prop_assert_eq!(sum, 3.0);
    }
}

fn read(folder: &Path, instances: &str, proportions: &str) -> OwnData {
    fs_err::write(folder.join("instances.csv"), instances).unwrap();
    fs_err::write(folder.join("proportions.csv"), proportions).unwrap();
    own::read(folder, None, 2).unwrap()
}

/// Splits, labels and names go where they belong; nothing needs a label.
#[test]
fn splits_and_labels() {
    let folder = tempdir().unwrap();
    let instances =
        "bag,split,label,x\nb,,,1\na,train,,2\nh,held_out,,3\n,test,dog,4\nt,test,cat,5\nu,test,cat,6\n";
    let data = read(folder.path(), instances, "bag,cat,dog\na,1,0\nb,0,1\nh,0,1\nt,1,0\n");
    let names = |bags: &[OwnBag]| {
        bags.iter().map(|bag| (bag.name.clone(), bag.instances.clone())).collect::<Vec<_>>()
    };
    assert_eq!(names(&data.bags), [("a".to_owned(), vec![1]), ("b".to_owned(), vec![0])]);
    assert_eq!(names(&data.held_out), [("h".to_owned(), vec![2])]);
    assert_eq!(names(&data.test_bags), [("t".to_owned(), vec![1])]);
    assert!(data.data.train.labels.is_none());
    assert_eq!(data.data.test.labels.as_ref().unwrap().accuracy(&[1, 0, 0]).unwrap(), 1.0);
    assert_eq!(data.data.test.instances.as_features().unwrap().values(), [4.0, 5.0, 6.0]);
    assert_eq!(data.clone().hold_out(0.5, 0).unwrap().held_out, data.held_out);
}

/// What is known of the errors of proportions is read as such.
#[test]
fn imprecise_proportions() {
    let folder = tempdir().unwrap();
    let instances = "bag,x\na,1\na,2\na,3\na,4\n";
    let known = |proportions: &str| {
        let data = read(folder.path(), instances, proportions);
        let bag = data.bags.into_iter().next().unwrap();
        (bag.proportions.as_slice().to_vec(), bag.imprecision)
    };
    let rounded = known("bag,cat,dog,owl\na,0.3,0.3,0.3\n");
    assert!(
        rounded.0.iter().all(|share| (share - 1.0 / 3.0).abs() < 1e-12) && rounded.1 == Imprecision::Exact
    );
    let one_unknown = known("bag,cat,dog,owl\na,1,,1\n");
    assert_eq!(one_unknown, (vec![0.25, 0.5, 0.25], Imprecision::Exact));
    let unknown = known("bag,cat,dog,owl\na,0.5,,\n");
    let errors = vec![0.0, f64::INFINITY, f64::INFINITY];
    assert_eq!(unknown, (vec![0.5, 0.25, 0.25], Imprecision::StandardErrors(errors)));
    let noisy = known("bag,cat,cat_se,dog,dog_se\na,4.5,1,-0.5,1\n");
    assert_eq!(noisy, (vec![1.0, 0.0], Imprecision::StandardErrors(vec![0.25, 0.25])));
    let (proportions, intervals) = known("bag,cat,cat_low,cat_high,dog,dog_low,dog_high\na,,1,3,,1,2\n");
    assert_eq!(intervals, Imprecision::Intervals { low: vec![0.25, 0.25], high: vec![0.75, 0.5] });
    assert!((proportions.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    assert!((0.5..=0.75).contains(&proportions[0]));
}

/// The least difference of shares is that of the decimals that are written.
#[test]
fn steps_of_shares() {
    let folder = tempdir().unwrap();
    let step = |proportions: &str| read(folder.path(), "bag,x\na,1\na,2\n", proportions).share_step;
    assert_eq!(step("bag,cat,dog\na,0.25,0.75\n"), Some(0.01));
    assert_eq!(step("bag,cat,dog\na,1,1\n"), None);
}

/// Percentages may be rounded or cut, to whole numbers too; whole numbers that are the sizes of the bags are counts.
#[test]
fn percentages() {
    let folder = tempdir().unwrap();
    let instances = "bag,x\na,1\na,2\nb,3\nb,4\n";
    let of = |proportions: &str| {
        let data = read(folder.path(), instances, proportions);
        (data.unit, data.bags.iter().map(|bag| bag.proportions.as_slice().to_vec()).collect::<Vec<_>>())
    };
    assert_eq!(
        of("bag,cat,dog\na,12.5,87.5\nb,0,100\n"),
        (Unit::Percentages, vec![vec![0.125, 0.875], vec![0.0, 1.0]])
    );
    let (unit, rounded) = of("bag,cat,dog,owl\na,33,33,33\nb,67,33,0\n");
    assert_eq!(unit, Unit::Percentages);
    assert!((rounded[0][0] - 1.0 / 3.0).abs() < 1e-12 && (rounded[1][0] - 0.67).abs() < 1e-12, "{rounded:?}");
    assert_eq!(of("bag,cat,dog\na,2,0\nb,1,1\n").0, Unit::Counts);
    let hundred = "bag,x\n".to_owned() + &"a,1\n".repeat(99) + "a,2\n";
    assert_eq!(read(folder.path(), &hundred, "bag,cat,dog\na,40,60\n").unit, Unit::Counts);
}

/// A class whose name ends as a bound does is a class, unless it is beside one.
#[test]
fn classes_named_like_bounds() {
    let folder = tempdir().unwrap();
    let data = read(folder.path(), "bag,x\na,1\na,2\n", "bag,income_low,income_high\na,1,1\n");
    assert_eq!(data.data.class_names, ["income_low", "income_high"]);
}

fn gray(path: PathBuf, side: [u32; 2], gray: u8) {
    GrayImage::from_pixel(side[0], side[1], Luma([gray])).save_with_format(path, ImageFormat::Png).unwrap();
}

/// Images of any size become squares of one size; gray ones get three channels if one has color, wherever that is.
#[test]
fn images_of_any_size_and_color() {
    let folder = tempdir().unwrap();
    gray(folder.path().join("a.png"), [2, 2], 7);
    gray(folder.path().join("b.png"), [9, 5], 9);
    let table = "bag,path,photographer\nx,a.png,Ann\nx,b.png,\n";
    let proportions = "bag,cat,dog\nx,1,1\n";
    let data = read(folder.path(), table, proportions);
    let images = data.data.train.instances.as_images().unwrap();
    assert_eq!(images.shape(), [2, 2, 1]);
    assert_eq!(images.pixels(), [7, 7, 7, 7, 9, 9, 9, 9]);
    assert!(data.schema.is_none());

    let red = RgbImage::from_pixel(4, 4, Rgb([200, 10, 20]));
    red.save_with_format(folder.path().join("c.jpg"), ImageFormat::Jpeg).unwrap();
    for table in ["bag,path\nx,a.png\nx,c.jpg\n", "bag,path\nx,c.jpg\nx,a.png\n"] {
        let data = read(folder.path(), table, proportions);
        let images = data.data.train.instances.as_images().unwrap();
        assert_eq!(images.shape(), [2, 2, 3]);
        assert!(images.pixels().windows(12).any(|pixels| pixels == [7; 12]), "{table}");
    }
    let paths = ["c.jpg", "a.png"].map(|name| folder.path().join(name));
    let read = own::read_images(&paths, 2, 1).unwrap();
    assert_eq!((read.images.shape(), read.images.image(1)), ([2, 2, 1], &[7; 4][..]));
    assert!(read.broken.is_empty() && read.facts.n_images == 2);
}
