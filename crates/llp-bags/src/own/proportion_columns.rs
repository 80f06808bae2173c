//! Which columns of a table of proportions are classes, and which describe their errors.

use std::path::Path;

use llp_data::DataError;
use llp_data::table::Head;

use super::ProportionsError;

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
    pub(super) fn of(path: &Path, head: &Head) -> Result<Self, ProportionsError> {
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
            let found = found.map(|(_, name)| name.clone()).collect();
            return Err(ProportionsError::TooFewClasses {
                path: path.to_owned(),
                n_classes: classes.len(),
                found,
            });
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
    fn check_parts(&self, path: &Path) -> Result<(), ProportionsError> {
        let column = |wanted: Role| self.roles.iter().position(|&role| role == wanted);
        let (mut interval, mut error) = (None, None);
        for (class, name) in self.class_names.iter().enumerate() {
            let [low, high] = [Part::Low, Part::High].map(|part| column(Role::Class(class, part)));
            if let (Some(one), None) | (None, Some(one)) = (low, high) {
                let missing = format!("{name}_{}", if low.is_some() { "high" } else { "low" });
                let (path, column) = (path.to_owned(), self.names[one].clone());
                return Err(ProportionsError::OneBound { path, column, missing });
            }
            interval = interval.or(low);
            error = error.or(column(Role::Class(class, Part::Error)));
        }
        if let (Some(interval), Some(error)) = (interval, error) {
            let (interval, error) = (self.names[interval].clone(), self.names[error].clone());
            return Err(ProportionsError::TwoKinds { path: path.to_owned(), interval, error });
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
