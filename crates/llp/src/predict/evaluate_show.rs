//! An evaluation for people.

use std::io;

use llp_bags::N_BINS;
use llp_train::scores::Scores;

use crate::environment::print;
use crate::predict::evaluate::Evaluation;

/// A matrix of more classes than this is left to `--output json`.
const N_CLASSES_SHOWN_MAX: usize = 20;

pub(crate) fn show(evaluation: &Evaluation) -> io::Result<()> {
    print(&format!("checkpoint        {} ({} epochs)", evaluation.checkpoint, evaluation.epochs))?;
    print(&format!("test accuracy     {}", number(evaluation.test_accuracy)))?;
    if let Some(test) = &evaluation.test {
        print(&format!("  macro-F1        {}", number(test.macro_f1)))?;
        show_probabilities(test)?;
    }
    print(&format!("held-out bags     {}", evaluation.n_held_out_bags))?;
    print(&format!("  training loss   {}", number(evaluation.held_out_loss)))?;
    print(&format!("  KL (nats)       {}", number(evaluation.held_out_kl)))?;
    print(&format!("  L1              {}", number(evaluation.held_out_l1)))?;
    if let Some(calibrated) = &evaluation.calibration {
        print(&calibrated.calibration.describe())?;
        calibrated.test.as_ref().map(show_probabilities).transpose()?;
    }
    evaluation.test.as_ref().map(show_classes).transpose()?;
    Ok(())
}

fn number(value: Option<f64>) -> String {
    value.map_or("none".to_owned(), |value| format!("{value:.4}"))
}

fn show_probabilities(scores: &Scores) -> io::Result<()> {
    let scores = &scores.probabilities;
    print(&format!("  NLL (nats)      {:.4}", scores.negative_log_likelihood))?;
    print(&format!("  Brier score     {:.4}", scores.brier))?;
    print(&format!("  ECE             {:.4} ({N_BINS} bins of equal width)", scores.ece))
}

fn show_classes(scores: &Scores) -> io::Result<()> {
    let width = scores.classes.iter().map(|class| class.class.chars().count()).max().unwrap_or(0).max(5);
    print("")?;
    print(&format!("{:width$}  instances  precision  recall  F1", "class"))?;
    for class in &scores.classes {
        let score = class.score;
        print(&format!(
            "{:width$}  {:>9}  {:>9}  {:>6}  {}",
            class.class,
            score.n_instances,
            number(score.precision),
            number(score.recall),
            number(score.f1)
        ))?;
    }
    print("")?;
    let n_classes = scores.classes.len();
    if n_classes > N_CLASSES_SHOWN_MAX {
        return print(&format!("confusion: {n_classes} x {n_classes}, see --output json"));
    }
    print("confusion: a row for each class, a column for each predicted class")?;
    let digits = scores.confusion.iter().flatten().map(|count| count.to_string().len()).max().unwrap_or(1);
    for (class, counts) in scores.classes.iter().zip(&scores.confusion) {
        let counts: Vec<String> = counts.iter().map(|count| format!("{count:>digits$}")).collect();
        print(&format!("{:width$}  {}", class.class, counts.join("  ")))?;
    }
    Ok(())
}
