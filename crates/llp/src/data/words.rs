//! Own data in words, for people.

use llp_bags::InstanceShape;
use llp_bags::own::{FeatureColumn, Unit};
use llp_train::verdict::title;

use crate::data::inspect::{BagsDescription, OwnDescription};
use crate::units::counted;

/// The lines of a description.
pub(crate) fn lines(description: &OwnDescription) -> Vec<String> {
    let mut lines = vec![
        format!("data          {}", description.data),
        format!("instances     {}", instances(description)),
        format!("proportions   {} in {}", unit(description), description.proportions),
    ];
    lines.extend(categories(description));
    if !description.other_columns.is_empty() {
        lines.push(format!("no classes    {}", description.other_columns.join(", ")));
    }
    lines.extend([
        format!("train         {}", bags(&description.train)),
        format!("held out      {}", bags(&description.held_out)),
        format!("test          {}", test(description)),
        format!("fingerprint   {}", description.fingerprint),
    ]);
    lines.extend(description.data_notes.iter().map(|note| format!("note          {note}")));
    lines.push(format!("classes       {}", description.class_names.len()));
    lines.extend(classes(description));
    lines.extend(numbers(description));
    lines.push(format!("verdict       {}", title(description.verdict)));
    lines.extend(description.sentences.iter().map(|sentence| format!("  - {sentence}")));
    lines
}

fn instances(description: &OwnDescription) -> String {
    match (description.shape, &description.columns) {
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

/// Every column of categories with the number of its texts.
fn categories(description: &OwnDescription) -> Option<String> {
    let category = |column: &FeatureColumn| match column {
        FeatureColumn::Categorical { name, levels } => Some(format!("{name} ({} texts)", levels.len())),
        FeatureColumn::Numeric { .. } => None,
    };
    let categories: Vec<String> = description.columns.iter().flatten().filter_map(category).collect();
    (!categories.is_empty()).then(|| format!("categories    {}", categories.join(", ")))
}

fn unit(description: &OwnDescription) -> String {
    let name = match description.unit {
        Unit::Counts => return "counts".to_owned(),
        Unit::Shares => "shares",
        Unit::Percentages => "percentages",
    };
    match description.share_step {
        Some(step) if description.share_is_cut => format!("{name}, cut off in steps of {step}"),
        Some(step) if step >= 1e-4 => format!("{name}, in steps of {step}"),
        _ => name.to_owned(),
    }
}

fn bags(description: &BagsDescription) -> String {
    let Some([least, median, largest]) = description.sizes else { return "no bag".to_owned() };
    let (n_bags, n_instances) = (description.n_bags, description.n_instances);
    let sizes = if least == largest {
        format!("{n_bags} bags of {}, {n_instances} in all", counted(largest, "instance"))
    } else {
        format!("{n_bags} bags of {least} to {largest} instances (median {median}), {n_instances} in all")
    };
    let kinds = [
        (description.n_with_errors, "with standard errors or unknown classes"),
        (description.n_with_bounds, "with bounds"),
    ];
    let kinds =
        kinds.iter().filter(|(n_bags, _)| *n_bags > 0).map(|(n_bags, what)| format!("{n_bags} {what}"));
    std::iter::once(sizes).chain(kinds).collect::<Vec<_>>().join("; ")
}

fn test(description: &OwnDescription) -> String {
    let labeled = if description.test.class_counts.is_some() { "with labels" } else { "without labels" };
    match description.test.n_instances {
        0 => "no instance".to_owned(),
        n => format!("{n} instances {labeled}, {} bags of known proportions", description.test.n_bags),
    }
}

fn classes(description: &OwnDescription) -> Vec<String> {
    let mut lines = vec![format!(
        "  {:<24} {:>8} {:>8} {:>8} {:>10} {:>13}",
        "", "mean", "least", "largest", "deviation", "if at random"
    )];
    for (name, class) in description.class_names.iter().zip(&description.diagnostics.classes) {
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

fn numbers(description: &OwnDescription) -> Vec<String> {
    let diagnostics = &description.diagnostics;
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
