//! How many instance labels of its training bags does a trained network get right, before and after disaggregation?
//!
//! `disaggregate_digits SWEEP FOLDER [ALPHA EPSILON]` takes the runs that the sweep's label-free rule chose for KL and
//! ROT. For each it writes `FOLDER/RUN/probabilities.csv` and `proportions.csv`, which `llp disaggregate` reads, reads
//! them back, and prints a table in Markdown: accuracy of the network's own argmax, of the posterior's, and of the
//! exact-count labels, on the instances of the training bags. Labels are used to score, nothing else.
#![expect(clippy::print_stdout, reason = "prints its table")]

use std::path::{Path, PathBuf};

use candle_core::Device;
use llp_bags::LabelOracle;
use llp_data::table::{Cells, encode};
use llp_sweep::claim::Host;
use llp_sweep::collect::collect;
use llp_sweep::config::{Approach, LossName, RunConfig};
use llp_sweep::run_dir::RunDir;
use llp_sweep::select::{Spread, select};
use llp_sweep::sweep_dir::SweepDir;
use llp_train::disaggregate::BaggedPredictions;
use llp_train::{Checkpoint, Predictor, TrainingData, load_dataset};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (sweep, folder, alpha, epsilon) = match arguments.as_slice() {
        [sweep, folder] => (sweep, folder, 0.5, 1.0),
        [sweep, folder, alpha, epsilon] => (sweep, folder, alpha.parse()?, epsilon.parse()?),
        _ => return Err("usage: disaggregate_digits SWEEP FOLDER [ALPHA EPSILON]".into()),
    };
    let sweep = SweepDir::open(sweep)?;
    let no_host = Host { name: String::new(), boot_id: String::new() };
    let rows = collect(&sweep, &no_host);
    println!(
        "| loss | bag size | network's argmax, % | posterior's argmax, % | gain | exact-count labels, % |"
    );
    println!("|---|---:|---:|---:|---:|---:|");
    for group in select(&rows, sweep.criterion())
        .iter()
        .filter(|group| matches!(group.approach, Approach::Loss(LossName::Kl | LossName::Rot)))
    {
        let Some(chosen) = &group.chosen else { continue };
        let mut columns: [Vec<f64>; 4] = Default::default();
        for &row in &chosen.rows {
            let cell = &rows[row].cell;
            let folder = Path::new(folder).join(&cell.run);
            let labels = write_tables(&sweep.run_dir(cell), &cell.config, &folder)?;
            let [own, posterior, exact] = score(&folder, &labels, alpha, epsilon)?;
            for (column, value) in columns.iter_mut().zip([own, posterior, posterior - own, exact]) {
                column.push(100.0 * value);
            }
        }
        let shown = columns.map(|column| show(Spread::of(&column)));
        println!("| {} | {} | {} |", group.approach.title(), group.bag_size, shown.join(" | "));
    }
    Ok(())
}

fn show(spread: Option<Spread>) -> String {
    spread
        .map_or(String::new(), |spread| format!("{:.1} ± {:.1}", spread.mean, spread.sd.unwrap_or_default()))
}

/// Writes both tables of a run, and returns the oracle of the instances in their order.
fn write_tables(run: &RunDir, config: &RunConfig, folder: &PathBuf) -> Result<LabelOracle, Error> {
    let newest = Checkpoint::list(&run.checkpoints_dir())?.into_iter().next().ok_or("no checkpoint")?;
    let predictor = Predictor::new(&newest, Checkpoint::read(&newest)?, &Device::Cpu)?;
    let dataset = load_dataset(&config.data, &|_| Ok(None))?;
    let oracle = dataset.train.labels.clone().ok_or("no labels to score by")?;
    let data = TrainingData::new(dataset, config)?;

    let bags = &data.bags;
    let instances: Vec<u32> = (0..bags.len()).flat_map(|bag| bags.instances(bag).iter().copied()).collect();
    let logits = predictor.evaluator().logits(bags.data(), &instances)?.to_vec2::<f32>()?;
    let probabilities: Vec<Vec<f64>> = logits.iter().map(|row| softmax(row)).collect();
    let name = |class: usize| format!("digit {}", data.class_names[class]);
    let class = |class: usize| Cells::Numbers(probabilities.iter().map(|row| row[class]).collect());
    let share = |class: usize| {
        Cells::Numbers((0..bags.len()).map(|bag| bags.proportions(bag).as_slice()[class]).collect())
    };
    let text = |numbers: Vec<usize>| Cells::Text(numbers.iter().map(ToString::to_string).collect());
    let bag_of = (0..bags.len()).flat_map(|bag| vec![bag; bags.instances(bag).len()]).collect();

    let mut rows = vec![
        ("instance".to_owned(), text(instances.iter().map(|&instance| instance as usize).collect())),
        ("bag".to_owned(), text(bag_of)),
    ];
    rows.extend((0..bags.n_classes()).map(|index| (name(index), class(index))));
    let mut shares = vec![("bag".to_owned(), text((0..bags.len()).collect()))];
    shares.extend((0..bags.n_classes()).map(|index| (name(index), share(index))));
    fs_err::create_dir_all(folder)?;
    for (file, columns) in [("probabilities.csv", &rows), ("proportions.csv", &shares)] {
        let path = folder.join(file);
        fs_err::write(&path, encode(&path, columns)?)?;
    }
    Ok(oracle.subset(&instances)?)
}

fn softmax(logits: &[f32]) -> Vec<f64> {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f64> = logits.iter().map(|&logit| f64::from(logit - top).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// Accuracy of the network's argmax, of the posterior's, and of the exact-count labels.
fn score(folder: &Path, oracle: &LabelOracle, alpha: f64, epsilon: f64) -> Result<[f64; 3], Error> {
    let input = BaggedPredictions::read(&folder.join("probabilities.csv"), &folder.join("proportions.csv"))?;
    let solved = input.disaggregate(alpha, epsilon)?;
    let n_classes = input.class_names().len();
    let own = (0..input.instances().len())
        .map(|instance| argmax(input.probabilities(instance)))
        .collect::<Vec<_>>();
    let posterior: Vec<u32> = solved.posterior.chunks_exact(n_classes).map(argmax).collect();
    let exact: Vec<u32> = solved.labels.iter().map(|&label| label as u32).collect();
    Ok([oracle.accuracy(&own)?, oracle.accuracy(&posterior)?, oracle.accuracy(&exact)?])
}

fn argmax(values: &[f64]) -> u32 {
    let best = values.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or(0, |(class, _)| class as u32)
}
