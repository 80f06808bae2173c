//! Own data in words, for people.

use llp_bags::own::{FeatureColumn, Unit};
use llp_bags::{Finding, InstanceShape, Verdict};

use crate::own_inspect::{BagsDescription, OwnDescription};

/// Classes that are listed by name; of more, only the number is told.
const N_LISTED: usize = 5;

/// The lines of a description.
pub(crate) fn lines(told: &OwnDescription) -> Vec<String> {
    let mut lines = vec![
        format!("data          {}", told.data),
        format!("instances     {}", instances(told)),
        format!("proportions   {} in {}", unit(told), told.proportions),
        format!("train         {}", bags(&told.train)),
        format!("held out      {}", bags(&told.held_out)),
        format!("test          {}", test(told)),
        format!("fingerprint   {}", told.fingerprint),
        format!("classes       {}", told.class_names.len()),
    ];
    lines.extend(classes(told));
    lines.extend(numbers(told));
    let verdict = match told.verdict {
        Verdict::Possible => "training can work",
        Verdict::Doubtful => "training may teach little",
        Verdict::Impossible => "training cannot work as it is",
    };
    lines.push(format!("verdict       {verdict}"));
    lines.extend(told.findings.iter().map(|finding| format!("  - {}", sentence(finding, &told.class_names))));
    lines
}

fn instances(told: &OwnDescription) -> String {
    match (told.shape, &told.columns) {
        (InstanceShape::Image([height, width, channels]), _) => {
            format!("images, {height} x {width} pixels after resizing, {channels} channels")
        }
        (InstanceShape::Features(n_values), columns) => {
            let columns = columns.as_deref().unwrap_or_default();
            let is_text = |column: &&FeatureColumn| matches!(column, FeatureColumn::Categorical { .. });
            let n_text = columns.iter().filter(is_text).count();
            format!(
                "{} columns of numbers and {n_text} of categories: {n_values} values",
                columns.len() - n_text
            )
        }
    }
}

fn unit(told: &OwnDescription) -> String {
    match (told.unit, told.share_step) {
        (Unit::Counts, _) => "counts".to_owned(),
        (Unit::Shares, Some(step)) if step >= 1e-4 => format!("shares, in steps of {step}"),
        (Unit::Shares, _) => "shares".to_owned(),
    }
}

fn bags(told: &BagsDescription) -> String {
    let Some([least, median, largest]) = told.sizes else { return "no bag".to_owned() };
    let sizes = format!(
        "{} bags of {least} to {largest} instances (median {median}), {} in all",
        told.n_bags, told.n_instances
    );
    let kinds = [
        (told.n_with_errors, "with standard errors or unknown classes"),
        (told.n_with_bounds, "with bounds"),
    ];
    let kinds =
        kinds.iter().filter(|(n_bags, _)| *n_bags > 0).map(|(n_bags, what)| format!("{n_bags} {what}"));
    std::iter::once(sizes).chain(kinds).collect::<Vec<_>>().join("; ")
}

fn test(told: &OwnDescription) -> String {
    let labeled = if told.test.class_counts.is_some() { "with labels" } else { "without labels" };
    match told.test.n_instances {
        0 => "no instance".to_owned(),
        n => format!("{n} instances {labeled}, {} bags of known proportions", told.test.n_bags),
    }
}

fn classes(told: &OwnDescription) -> Vec<String> {
    let mut lines = vec![format!(
        "  {:<24} {:>8} {:>8} {:>8} {:>10} {:>13}",
        "", "mean", "least", "largest", "deviation", "if at random"
    )];
    for (name, class) in told.class_names.iter().zip(&told.diagnostics.classes) {
        lines.push(format!(
            "  {name:<24} {:>8.4} {:>8.4} {:>8.4} {:>10.4} {:>13.4}",
            class.mean,
            class.min,
            class.max,
            class.variance.sqrt(),
            class.floor.sqrt()
        ));
    }
    lines
}

fn numbers(told: &OwnDescription) -> Vec<String> {
    let diagnostics = &told.diagnostics;
    let condition = match diagnostics.condition {
        Some(condition) => format!("condition {condition:.1}"),
        None => "no finite condition".to_owned(),
    };
    let (chance, floor) = (diagnostics.chance_loss, diagnostics.entropy_floor);
    vec![
        format!("rank          {} of {} classes, {condition}", diagnostics.rank, diagnostics.n_classes),
        format!(
            "variance      {:.2e} between bags, {:.2e} if bags were drawn at random",
            diagnostics.variation.between, diagnostics.variation.floor
        ),
        format!(
            "KL loss       {chance:.4} at chance (every instance gets the mean proportions), at least {floor:.4}: {:.4} nats to learn",
            chance - floor
        ),
    ]
}

/// A finding as a sentence, with what helps.
pub(crate) fn sentence(finding: &Finding, names: &[String]) -> String {
    match finding {
        Finding::AllBagsEqual => {
            "all bags have the same proportions: nothing tells the classes apart; make bags that differ"
                .to_owned()
        }
        Finding::FewerBagsThanClasses => {
            "there are fewer bags than classes: make more bags, or merge classes".to_owned()
        }
        Finding::NeverPresent { class } => {
            format!("no bag has an instance of {}: it cannot be learned, the others can", names[*class])
        }
        Finding::NeverVaries { class } => format!(
            "the share of {} is the same in all bags: it cannot be told from the rest; make bags that differ in it",
            names[*class]
        ),
        Finding::Confused { classes } if classes.len() > N_LISTED => {
            format!(
                "no bags tell {} of the classes apart: merge some, or add bags that differ in them",
                classes.len()
            )
        }
        Finding::Confused { classes } => {
            let names: Vec<&str> = classes.iter().map(|&class| names[class].as_str()).collect();
            format!("no bags tell {} apart: merge them, or add bags that differ in them", names.join(", "))
        }
        Finding::IllConditioned { condition } => format!(
            "some classes hardly change independently (condition {condition:.0}): merge classes, or add bags that differ more"
        ),
        Finding::LittleToLearn { gain } => {
            format!(
                "bags say little: perfect learning lowers the KL loss by {gain:.4} nats only; smaller bags say more"
            )
        }
        Finding::MoreAlikeThanChance { ratio } => format!(
            "bags are more alike than random draws ({ratio:.2} of their variance): they seem to be balanced, or sizes are wrong"
        ),
        Finding::AsChance { ratio } => format!(
            "bags differ as random draws do ({ratio:.2} of their variance): each bag teaches little, many and small ones are needed"
        ),
        Finding::MoreThanChance { ratio } => {
            format!("bags differ by more than random draws ({ratio:.1} times their variance): that helps")
        }
    }
}
