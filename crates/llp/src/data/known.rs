//! What is known of published data sets, and whether what was read agrees.

/// A data set that is recognized by its classes.
struct Known {
    title: &'static str,
    n_classes: usize,
    first_and_last: [&'static str; 2],
    /// Images of each class, for training and for testing.
    n_per_class: [u32; 2],
}

const KNOWN: [Known; 3] = [
    Known {
        title: "CIFAR-10",
        n_classes: 10,
        first_and_last: ["airplane", "truck"],
        n_per_class: [5000, 1000],
    },
    Known { title: "CIFAR-100", n_classes: 100, first_and_last: ["apple", "worm"], n_per_class: [500, 100] },
    Known {
        title: "CIFAR-100 with coarse labels",
        n_classes: 20,
        first_and_last: ["aquatic_mammals", "vehicles_2"],
        n_per_class: [2500, 500],
    },
];

/// What is wrong with the numbers of images per class, `[split][class]`; a split without labels has none.
pub(crate) fn findings(class_names: &[String], counts: [&[u32]; 2]) -> Vec<String> {
    let known = KNOWN.iter().find(|known| {
        let ends = [class_names.first(), class_names.last()].map(|name| name.map_or("", String::as_str));
        known.n_classes == class_names.len() && known.first_and_last == ends
    });
    let mut findings = Vec::new();
    for (split, counts) in [("train", counts[0]), ("test", counts[1])] {
        for (&count, name) in counts.iter().zip(class_names) {
            let expected = known.map(|known| (known.title, known.n_per_class[usize::from(split == "test")]));
            match expected {
                Some((title, expected)) if expected != count => {
                    findings.push(format!("{split}: {count} images of {name}, {title} has {expected}"));
                }
                None if count == 0 => findings.push(format!("{split}: no image of {name}")),
                _ => {}
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// The ten classes of CIFAR-10 must have 5,000 and 1,000 images each.
    #[test]
    fn known_data_is_counted() {
        let classes = names(&[
            "airplane",
            "automobile",
            "bird",
            "cat",
            "deer",
            "dog",
            "frog",
            "horse",
            "ship",
            "truck",
        ]);
        let (mut train, test) = ([5000; 10], [1000; 10]);
        assert_eq!(findings(&classes, [&train, &test]), names(&[]));
        train[3] = 4999;
        let expected = ["train: 4999 images of cat, CIFAR-10 has 5000"];
        assert_eq!(findings(&classes, [&train, &test]), expected);
    }

    /// Any other data needs an image of every class that has labels.
    #[test]
    fn other_data_has_every_class() {
        let classes = names(&["left", "right"]);
        assert_eq!(findings(&classes, [&[3, 1], &[]]), names(&[]));
        assert_eq!(findings(&classes, [&[3, 1], &[0, 1]]), ["test: no image of left"]);
    }
}
