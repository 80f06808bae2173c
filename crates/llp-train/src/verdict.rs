//! Whether bags can teach anything, in words.

use llp_bags::own::OwnData;
use llp_bags::{Diagnostics, Finding, Verdict, diagnose};

/// Classes that are listed by name; of more, only the number is given.
const N_LISTED: usize = 5;

/// Classes of which the proportions are looked at before a training.
const N_CLASSES_MAX: usize = 256;

/// What the bags and the columns of one's own data mean for a training.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// What the proportions of the training bags show.
    pub diagnostics: Diagnostics,
    /// The worst that proportions and columns mean.
    pub verdict: Verdict,
    /// What is behind the verdict and what else is worth a look, as sentences.
    pub sentences: Vec<String>,
}

impl Outlook {
    /// Looks at the training bags and the columns of features.
    pub fn of(data: &OwnData) -> Self {
        let shares: Vec<f64> = data.bags.iter().flat_map(|bag| bag.proportions.as_slice()).copied().collect();
        let sizes: Vec<usize> = data.bags.iter().map(|bag| bag.instances.len()).collect();
        let diagnostics = diagnose(&shares, &sizes);
        let of_notes = data.notes.iter().map(llp_bags::own::ColumnNote::verdict).max();
        let verdict = of_notes.unwrap_or(Verdict::Possible).max(diagnostics.verdict());
        let findings = diagnostics.findings();
        let are_single = sizes.iter().all(|size| *size == 1);
        let findings = findings.iter().map(|finding| match finding {
            Finding::AsChance { .. } if are_single => {
                "every bag has one instance, so that each has its label: this is full supervision".to_owned()
            }
            finding => sentence(finding, &data.data.class_names),
        });
        let sentences = findings.chain(data.notes.iter().map(ToString::to_string)).collect();
        Self { diagnostics, verdict, sentences }
    }

    /// What to say before a training: notes on columns, and the verdict unless training can work. Also why it cannot, if
    /// that is so. Of very many classes the proportions are not looked at, which would take as long as a training.
    pub(crate) fn before_training(data: &OwnData) -> (Vec<String>, Option<String>) {
        let notes = || data.notes.iter().map(ToString::to_string).collect();
        if data.data.class_names.len() > N_CLASSES_MAX {
            return (notes(), None);
        }
        let Self { verdict, sentences, .. } = Self::of(data);
        let reasons = sentences.join("; ");
        match verdict {
            Verdict::Possible => (notes(), None),
            Verdict::Doubtful => (vec![format!("{}: {reasons}", title(verdict))], None),
            Verdict::Impossible => (vec![format!("{}: {reasons}", title(verdict))], Some(reasons)),
        }
    }
}

/// A verdict as people read it.
pub fn title(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Possible => "training can work",
        Verdict::Doubtful => "training may teach little",
        Verdict::Impossible => "training cannot work as it is",
    }
}

/// A finding as a sentence, with what helps.
fn sentence(finding: &Finding, names: &[String]) -> String {
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
            "the share of {} is the same in all bags: it cannot be distinguished from the rest; make bags that differ in it",
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
