//! The rows that come out: which columns there are, and what they hold.

use llp_data::DataError;
use llp_data::table::{CellType, Cells};
use llp_ot::argmax;

use crate::disaggregate::Disaggregation;

/// Which columns the output has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column that is there or not")]
pub struct Columns {
    /// The classes, in the order of the network's outputs.
    pub class_names: Vec<String>,
    /// Whether instances have bags.
    pub has_bags: bool,
    /// Whether several networks predict together.
    pub has_agreement: bool,
    /// Whether there is a column for each class.
    pub has_probabilities: bool,
    /// Whether proportions are known.
    pub has_posterior: bool,
}

/// What networks say of some instances.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predictions {
    /// What identifies each instance.
    pub ids: Vec<String>,
    /// The bag of each, an empty text where it has none; empty if no instance has one.
    pub bags: Vec<String>,
    /// Row-major `[instance, class]`.
    pub probabilities: Vec<f64>,
    /// The share of the networks that agree with the label, `[instance]`; empty for a single network.
    pub agreements: Vec<f64>,
}

impl Predictions {
    /// Adds those of other instances.
    pub fn append(&mut self, mut other: Self) {
        self.ids.append(&mut other.ids);
        self.bags.append(&mut other.bags);
        self.probabilities.append(&mut other.probabilities);
        self.agreements.append(&mut other.agreements);
    }
}

impl Columns {
    /// Refuses classes of which two columns would have one name.
    ///
    /// # Errors
    /// The name of such a class.
    pub fn check(&self) -> Result<(), DataError> {
        let head = self.head();
        let count = |column: &String| head.iter().filter(|(name, _)| name == column).count();
        let columns = |class: &String| [format!("p_{class}"), format!("posterior_{class}")];
        let twice = |class: &String| columns(class).into_iter().find(|column| count(column) > 1);
        match self.class_names.iter().find_map(|class| twice(class).map(|column| (class.clone(), column))) {
            None => Ok(()),
            Some((class, column)) => {
                let problem = format!("a class called {class:?} would make two columns {column:?}");
                Err(DataError::new(problem)
                    .remedy("predict without --probabilities, or train with another name"))
            }
        }
    }

    /// Their names and types, in the order of [`cells`](Self::cells).
    pub fn head(&self) -> Vec<(String, CellType)> {
        let text = |name: &str| (name.to_owned(), CellType::Text);
        let number = |name: &str| (name.to_owned(), CellType::Numbers);
        let of_classes = |prefix: &'static str| {
            let names = self.class_names.iter().filter(|_| self.has_probabilities);
            names.map(move |class| (format!("{prefix}_{class}"), CellType::Numbers))
        };
        let mut head = vec![text("instance")];
        if self.has_bags {
            head.push(text("bag"));
        }
        head.extend([text("label"), number("probability")]);
        if self.has_agreement {
            head.push(number("agreement"));
        }
        head.extend(of_classes("p"));
        if self.has_posterior {
            head.extend([text("posterior_label"), number("posterior_probability"), text("count_label")]);
            head.extend(of_classes("posterior"));
        }
        head
    }

    /// The cells of some instances; `posterior` is there if [`has_posterior`](Self::has_posterior).
    pub fn cells(&self, predictions: Predictions, posterior: Option<&Disaggregation>) -> Vec<Cells> {
        let Predictions { ids, bags, probabilities, agreements } = predictions;
        let mut cells = vec![Cells::Text(ids)];
        if self.has_bags {
            cells.push(Cells::Text(bags));
        }
        cells.extend(self.best(&probabilities));
        if self.has_agreement {
            cells.push(Cells::Numbers(agreements));
        }
        cells.extend(self.of_classes(&probabilities));
        if let Some(posterior) = posterior {
            cells.extend(self.best(&posterior.posterior));
            let names = posterior.labels.iter().map(|&label| self.class_names[label].clone());
            cells.push(Cells::Text(names.collect()));
            cells.extend(self.of_classes(&posterior.posterior));
        }
        cells
    }

    /// The most probable class and its probability.
    fn best(&self, probabilities: &[f64]) -> [Cells; 2] {
        let rows = probabilities.chunks_exact(self.class_names.len());
        let (names, chances) = rows
            .map(|row| {
                let class = argmax(row);
                (self.class_names[class].clone(), row[class])
            })
            .unzip();
        [Cells::Text(names), Cells::Numbers(chances)]
    }

    /// A column for each class, if they are wanted.
    fn of_classes(&self, probabilities: &[f64]) -> Vec<Cells> {
        if !self.has_probabilities {
            return Vec::new();
        }
        let n_classes = self.class_names.len();
        let column = |class: usize| probabilities.iter().skip(class).step_by(n_classes).copied().collect();
        (0..n_classes).map(|class| Cells::Numbers(column(class))).collect()
    }
}
