//! Which columns of a table of proportions are classes, and which describe their errors.

use std::path::Path;

use llp_data::table::Head;
use llp_data::{DataError, listed};

/// What a column is for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Role {
    Bag,
    /// The class, and what is said of it.
    Class(usize, Part),
    /// Row numbers.
    Other,
}

/// Also its place among the four cells of a class.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Part {
    Value = 0,
    Low = 1,
    High = 2,
    Error = 3,
}

const SUFFIXES: [(&str, Part); 3] = [("_low", Part::Low), ("_high", Part::High), ("_se", Part::Error)];

/// The columns of a table of proportions.
#[derive(Default)]
pub(super) struct ClassColumns {
    pub(super) names: Vec<String>, // [column]
    pub(super) roles: Vec<Role>,   // [column]
    pub(super) class_names: Vec<String>,
    pub(super) is_named: bool,
}

impl ClassColumns {
    /// # Errors
    /// No column of bags, fewer than two classes, one bound without the other, bounds beside standard errors.
    pub(super) fn of(path: &Path, head: &Head) -> Result<Self, DataError> {
        let names = head.names();
        let bag = if head.is_named { head.find("bag") } else { Some(0) };
        let bag = bag.ok_or_else(|| DataError::missing_column(path, "bag", &head.names()))?;
        let is_other = |column: usize| column != bag && head.is_row_numbers(column);
        let is_class = |column: &usize| {
            *column != bag && !is_other(*column) && of_class(&names, &names[*column]).is_none()
        };
        let classes: Vec<usize> = (0..names.len()).filter(is_class).collect();
        if classes.len() < 2 {
            let found = names.iter().enumerate().filter(|(column, _)| *column != bag);
            let found: Vec<String> = found.map(|(_, name)| name.clone()).collect();
            let there_is = if classes.is_empty() { "there is no" } else { "there is one" };
            let problem = format!("{there_is} column of a class, only {} beside \"bag\"", listed(&found));
            return Err(DataError::of(path, problem).remedy(
                "give every class a column, and at least two; a table with a row for each bag and class must be turned \
                 into one with a column for each class",
            ));
        }
        let role = |column: usize| {
            if column == bag {
                return Role::Bag;
            }
            if is_other(column) {
                return Role::Other;
            }
            let name = names[column].as_str();
            let (class, part) = of_class(&names, name).unwrap_or((name, Part::Value));
            Role::Class(classes.iter().position(|&other| names[other] == class).unwrap_or(0), part)
        };
        let roles = (0..names.len()).map(role).collect();
        let class_name = |(class, &column): (usize, &usize)| {
            if head.is_named { names[column].clone() } else { class.to_string() }
        };
        let class_names = classes.iter().enumerate().map(class_name).collect();
        let columns = Self { roles, class_names, is_named: head.is_named, names };
        columns.check_parts(path)?;
        Ok(columns)
    }

    /// Whether there is a column for this part of a class.
    pub(super) fn has(&self, class: usize, part: Part) -> bool {
        self.roles.contains(&Role::Class(class, part))
    }

    /// Bounds come in pairs, and no table has both bounds and errors.
    fn check_parts(&self, path: &Path) -> Result<(), DataError> {
        let column = |wanted: Role| self.roles.iter().position(|&role| role == wanted);
        let (mut interval, mut error) = (None, None);
        for (class, name) in self.class_names.iter().enumerate() {
            let [low, high] = [Part::Low, Part::High].map(|part| column(Role::Class(class, part)));
            if let (Some(one), None) | (None, Some(one)) = (low, high) {
                let missing = format!("{name}_{}", if low.is_some() { "high" } else { "low" });
                let problem = format!("there is a column {:?} but none {missing:?}", self.names[one]);
                return Err(DataError::of(path, problem).remedy("an interval has both"));
            }
            interval = interval.or(low);
            error = error.or(column(Role::Class(class, Part::Error)));
        }
        if let (Some(interval), Some(error)) = (interval, error) {
            let (interval, error) = (&self.names[interval], &self.names[error]);
            let problem = format!("there are both intervals ({interval:?}) and standard errors ({error:?})");
            return Err(DataError::of(path, problem).remedy(
                "keep one kind, for instance the value plus and minus two standard errors as the interval",
            ));
        }
        Ok(())
    }
}

/// The class and the part of a column beside that of a class.
fn of_class<'a>(names: &[String], name: &'a str) -> Option<(&'a str, Part)> {
    let of = |(suffix, part): &(&str, Part)| {
        let class = name.strip_suffix(suffix)?;
        names.iter().any(|other| other == class && class != "bag").then_some((class, *part))
    };
    SUFFIXES.iter().find_map(of)
}

/// Classes that a message lists by name.
const N_LISTED: usize = 8;

/// The columns that were taken for classes, for people.
pub(super) fn classes_of(classes: &[String]) -> String {
    let listed = listed(&classes[..classes.len().min(N_LISTED)]);
    match classes.len().saturating_sub(N_LISTED) {
        0 => format!("classes: {listed}"),
        n_more => format!("classes: {listed} and {n_more} more"),
    }
}
