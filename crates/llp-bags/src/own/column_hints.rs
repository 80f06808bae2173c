//! What may be wrong with the columns of a table of proportions whose rows do not add up.

use super::proportion_table::{Entry, ProportionTable};

/// Endings that people give to columns of bounds and standard errors, and those that are read as such.
const LOOKALIKES: [(&str, &str); 12] = [
    ("_low", "_low"),
    ("_lower", "_low"),
    ("_lo", "_low"),
    ("_min", "_low"),
    ("_high", "_high"),
    ("_upper", "_high"),
    ("_hi", "_high"),
    ("_max", "_high"),
    ("_se", "_se"),
    ("_std", "_se"),
    ("_sd", "_se"),
    ("_err", "_se"),
];

/// A sentence part that begins with a semicolon, or nothing.
pub(super) fn hint(table: &ProportionTable) -> String {
    if let Some(class) = total(table) {
        return format!("; column {class:?} is the sum of the others in every row: remove it");
    }
    let of = |name: &String| {
        LOOKALIKES.iter().find_map(|(ending, right)| {
            let class = name.strip_suffix(ending).filter(|class| !class.is_empty())?;
            let is_class = table.class_names.iter().any(|other| other == class);
            Some((name.clone(), class.to_owned(), *right, is_class))
        })
    };
    match table.class_names.iter().find_map(of) {
        None => String::new(),
        Some((name, class, right, true)) => {
            format!(
                "; column {name:?} was taken for a class: if it belongs to {class:?}, call it \"{class}{right}\""
            )
        }
        Some((name, class, right, false)) if name.ends_with(right) => format!(
            "; column {name:?} was taken for a class: if it belongs to a class {class:?}, add a column {class:?}, which may be empty"
        ),
        Some((name, class, right, false)) => format!(
            "; column {name:?} was taken for a class: if it belongs to a class {class:?}, call it \"{class}{right}\" and add a column {class:?}, which may be empty"
        ),
    }
}

/// The class whose value is the sum of all others in every row, of which there are at least two.
fn total(table: &ProportionTable) -> Option<&str> {
    let value = |entry: &Entry| if let Entry::Value(value) = entry { Some(*value) } else { None };
    let is_total = |class: &usize| {
        table.rows.iter().all(|row| {
            let sum: Option<f64> = row.classes.iter().map(value).sum();
            let own = value(&row.classes[*class]);
            sum.zip(own).is_some_and(|(sum, own)| own > 0.0 && (sum - 2.0 * own).abs() <= 1e-6 * own.max(1.0))
        })
    };
    let n_classes = table.class_names.len();
    (0..n_classes).filter(|_| n_classes > 2).find(is_total).map(|class| table.class_names[class].as_str())
}
