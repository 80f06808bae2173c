//! Every method on small tables in bags: accuracy on test instances, and what the bags allow.
//!
//! ```sh
//! python fixtures/baseline/tables.py --to FOLDER
//! cargo run --release -p llp-classic --features rayon --example small_tables -- FOLDER digits wine cancer
//! ```
//!
//! Reads `FOLDER/NAME/instances.csv` (bag, split, label, then numbers) and `proportions.csv` (bag, then counts of classes).
//! Labels of training instances are not there. The first table is of default settings, the second of penalties that five
//! folds of held-out bags choose, the third of the methods without a penalty to choose or without a linear model.
#![expect(clippy::print_stdout, reason = "a command")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use llp_classic::{
    AlterSvmConfig, AmmConfig, Bags, ClassicError, EmConfig, Fit, GicfConfig, InvCalConfig, KMeansConfig,
    L2_PATH, LinearKlConfig, LinearModel, LmmConfig, MeanMapConfig, alter_svm, amm, choose_l2, diagnose, em,
    gicf, inv_cal, linear_kl, llp_kmeans, lmm, mean_map,
};
use llp_ot::Proportions;

/// A set as its files have it.
struct Table {
    n_columns: usize,
    features: Vec<f64>,
    bag_of: Vec<u32>,
    proportions: Vec<Proportions>,
    test_features: Vec<f64>,
    test_labels: Vec<usize>,
}

fn read(folder: &Path) -> Result<Table, Box<dyn Error>> {
    let proportions = fs_err::read_to_string(folder.join("proportions.csv"))?;
    let mut lines = proportions.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let classes = lines.next().ok_or("no header")?.split_off(1);
    let mut number_of = BTreeMap::new();
    let mut shares = Vec::new();
    for row in lines {
        number_of.insert(row[0].to_owned(), shares.len() as u32);
        let counts = row[1..].iter().map(|count| count.parse()).collect::<Result<Vec<u32>, _>>()?;
        shares.push(Proportions::from_counts(&counts)?);
    }
    let instances = fs_err::read_to_string(folder.join("instances.csv"))?;
    let mut table = Table {
        n_columns: instances.lines().next().ok_or("no header")?.split(',').count() - 3,
        features: Vec::new(),
        bag_of: Vec::new(),
        proportions: shares,
        test_features: Vec::new(),
        test_labels: Vec::new(),
    };
    for line in instances.lines().skip(1) {
        let row: Vec<&str> = line.split(',').collect();
        let values = row[3..].iter().map(|value| value.parse()).collect::<Result<Vec<f64>, _>>()?;
        if row[1] == "train" {
            table.bag_of.push(*number_of.get(row[0]).ok_or("a bag without proportions")?);
            table.features.extend(values);
        } else {
            let label = classes.iter().position(|class| *class == row[2]);
            table.test_labels.push(label.ok_or_else(|| format!("no class {}", row[2]))?);
            table.test_features.extend(values);
        }
    }
    Ok(table)
}

type Method = fn(&Bags<'_, f64>, Option<f64>) -> Result<Fit, ClassicError>;

/// Each method with a penalty, or with its default; InvCal's weight is one over a penalty.
const METHODS: [(&str, Method); 8] = [
    ("MeanMap", |bags, l2| {
        let default = MeanMapConfig::default();
        mean_map(bags, &MeanMapConfig { l2: l2.unwrap_or(default.l2), ..default })
    }),
    ("LMM", |bags, l2| lmm(bags, &lmm_config(l2))),
    ("LMM, gamma 0.01", |bags, l2| lmm(bags, &LmmConfig { gamma: 0.01, ..lmm_config(l2) })),
    ("AMM", |bags, l2| amm(bags, &AmmConfig { lmm: lmm_config(l2), ..AmmConfig::default() })),
    ("InvCal", |bags, l2| {
        let default = InvCalConfig::default();
        inv_cal(bags, &InvCalConfig { c: l2.map_or(default.c, f64::recip), tolerance: 1e-4, ..default })
    }),
    ("KL", |bags, l2| {
        let default = LinearKlConfig::default();
        linear_kl(bags, &LinearKlConfig { l2: l2.unwrap_or(default.l2), ..default })
    }),
    ("EM", |bags, l2| {
        let default = EmConfig::default();
        em(bags, &EmConfig { l2: l2.unwrap_or(default.l2), ..default })
    }),
    ("alter-pSVM", |bags, l2| {
        let default = AlterSvmConfig::default();
        alter_svm(bags, &AlterSvmConfig { c: l2.map_or(default.c, f64::recip), ..default })
    }),
];

fn lmm_config(l2: Option<f64>) -> LmmConfig {
    let default = LmmConfig::default();
    LmmConfig { l2: l2.unwrap_or(default.l2), ..default }
}

fn accuracy(model: &LinearModel, table: &Table) -> Result<f64, ClassicError> {
    Ok(share_right(&model.predict(&table.test_features)?, table))
}

fn share_right(predicted: &[usize], table: &Table) -> f64 {
    let right = predicted.iter().zip(&table.test_labels).filter(|(a, b)| a == b).count();
    100.0 * right as f64 / predicted.len() as f64
}

/// Test accuracies of GICF with its default weight and with others, and of LLP-KMeans with one, two and four clusters for each
/// class, as cells.
fn others(bags: &Bags<'_, f64>, table: &Table) -> Result<Vec<String>, ClassicError> {
    let mut cells = Vec::new();
    for lambda in [1.0, 10.0, 100.0] {
        let fit = gicf(bags, &GicfConfig { lambda, ..GicfConfig::default() })?;
        cells.push(format!("{:.1}", accuracy(&fit.model, table)?));
    }
    for factor in [1, 2, 4] {
        let n_clusters = Some(factor * bags.n_classes());
        let found = llp_kmeans(bags, &KMeansConfig { n_clusters, ..KMeansConfig::default() })?;
        cells.push(format!("{:.1}", share_right(&found.model.predict(&table.test_features)?, table)));
    }
    Ok(cells)
}

/// The accuracy of a method as a cell; a reason if it refuses.
fn cell(method: Method, bags: &Bags<'_, f64>, table: &Table, chosen: bool) -> Result<String, ClassicError> {
    let choose = || choose_l2(bags, &L2_PATH, 5.min(bags.n_bags()), |bags, l2, _| method(bags, Some(l2)));
    let fit = match chosen.then(choose).transpose() {
        Ok(choice) => method(bags, choice.as_ref().map(|choice| choice.l2)),
        Err(error) => Err(error),
    };
    match fit {
        Ok(fit) => Ok(format!("{:.1}", accuracy(&fit.model, table)?)),
        Err(ClassicError::BagsAlike(_)) => Ok("bags alike".to_owned()),
        Err(error) => Err(error),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: small_tables FOLDER NAME ...")?;
    let names: Vec<String> = arguments.collect();
    for chosen in [false, true] {
        // alter-pSVM has no probabilities that held-out bags could judge.
        let methods = if chosen { &METHODS[..7] } else { &METHODS[..] };
        let header: Vec<&str> = methods.iter().map(|(name, _)| *name).collect();
        println!("| set | bags | amplification | {} |", header.join(" | "));
        println!("|---|---|---|{}", "---|".repeat(methods.len()));
        for name in &names {
            let table = read(&Path::new(&folder).join(name)).map_err(|error| format!("{name}: {error}"))?;
            let bags = Bags::new(&table.features, table.n_columns, &table.bag_of, &table.proportions)?;
            let amplification = diagnose(&bags).amplification;
            let mut line = vec![format!("| {name} | {} | {amplification:.1}", bags.n_bags())];
            for (_, method) in methods {
                line.push(cell(*method, &bags, &table, chosen)?);
            }
            println!("{} |", line.join(" | "));
        }
        println!();
    }
    println!(
        "| set | GICF, lambda 1 | 10 | 100 | LLP-KMeans, K clusters | 2 K | 4 K |\n|{}",
        "---|".repeat(7)
    );
    for name in &names {
        let table = read(&Path::new(&folder).join(name))?;
        let bags = Bags::new(&table.features, table.n_columns, &table.bag_of, &table.proportions)?;
        println!("| {name} | {} |", others(&bags, &table)?.join(" | "));
    }
    Ok(())
}
