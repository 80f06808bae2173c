//! From a configuration to what a training needs of its data.

mod own;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use llp_bags::own::FeatureSchema;
use llp_bags::rng::{Purpose, Rng, stream};
use llp_bags::source::{self, Dataset, Split, digits::digits};
use llp_bags::{
    BagManifest, BagPart, BagSet, InstanceShape, Instances, LabelOracle, Noise, Normalization, fold,
    hold_out, partition, subset,
};
use llp_data::{DataError, Labels};
use llp_sweep::config::{BagNoise, DataConfig, MethodName, RunConfig, Views};

use crate::own::OwnNames;
use crate::{TrainError, batch};

/// Bags to train on, held-out bags to choose by, test instances to evaluate on.
#[derive(Debug)]
pub struct TrainingData {
    /// All that training sees.
    pub bags: BagSet,
    /// Bags of the same size from instances that are set aside; none where there are fewer than one bag's.
    pub held_out: Option<BagSet>,
    /// Instances set aside for held-out bags.
    pub n_held_out: usize,
    /// Statistics of the training instances, held-out ones left out.
    pub normalization: Normalization,
    /// Test instances.
    pub test: Arc<Instances>,
    /// Their labels, where they exist: for evaluation alone.
    pub test_labels: Option<LabelOracle>,
    /// Names of the classes.
    pub class_names: Vec<String>,
    /// What the columns are, where instances are rows of one's own table.
    pub features: Option<FeatureSchema>,
    /// The names of bags and instances, where they are of one's own tables.
    pub names: Option<OwnNames>,
    /// Why one's own bags cannot teach the classes, if that is so.
    pub refusal: Option<String>,
    /// Identifies the content of the data set.
    pub fingerprint: String,
    /// What people should know of the data, as sentences.
    pub warnings: Vec<String>,
}

/// The location of a data set or a pretrained network that is known by name only. Returns `None` for an unknown name.
pub type Locate<'a> = &'a dyn Fn(&str) -> Result<Option<PathBuf>, TrainError>;

/// Suffix of the name of a data set whose classes are its coarse labels.
const COARSE: &str = "-coarse";

/// Reads the data set that a configuration names: from its path if it has one, else one that is embedded, else from
/// where `locate` says. A path that ends with `#coarse`, or a name that ends with `-coarse`, asks for coarse labels.
///
/// # Errors
/// When the data set is not embedded and not found, or cannot be read.
pub fn load_dataset(config: &DataConfig, locate: Locate<'_>) -> Result<Dataset, TrainError> {
    if let Some(path) = &config.path {
        let (path, labels) = Labels::split(path);
        return Ok(source::open(Path::new(path), labels)?);
    }
    if config.name == "digits" {
        return Ok(digits());
    }
    let (name, labels) = match config.name.strip_suffix(COARSE) {
        Some(name) => (name, Labels::Coarse),
        None => (&*config.name, Labels::Fine),
    };
    let path = locate(name)?.ok_or_else(|| unknown_name(&config.name))?;
    Ok(source::open(&path, labels)?)
}

/// What to say of a data set whose name means nothing.
pub fn unknown_name(name: &str) -> DataError {
    DataError::new(format!("the data set {name:?} is not known by name"))
        .remedy("give its folder with --data PATH")
}

impl TrainingData {
    /// Reads the data that a configuration names, and makes its bags or takes them as they are: [`load_dataset`] and
    /// [`TrainingData::new`], or [`read_own`](crate::read_own) and [`TrainingData::from_own`].
    ///
    /// # Errors
    /// When the data cannot be read, or does not suit the configuration.
    pub fn load(config: &RunConfig, locate: Locate<'_>) -> Result<Self, TrainError> {
        if let Some(path) = crate::own::place(&config.data) {
            return Self::from_own(crate::own::read_own(path, &config.data)?, config);
        }
        if let Some(path) = &config.data.proportions {
            let problem = format!("{path} has proportions, but the data is no table");
            let remedy = "give a CSV, Parquet or NumPy file with --data, or a folder with instances.csv, \
                          instances.parquet or instances.npy";
            return Err(DataError::new(problem).remedy(remedy).into());
        }
        Self::new(load_dataset(&config.data, locate)?, config)
    }

    /// Makes the bags of section 4.1: from the training split (or a subset of it) some instances are set aside,
    /// the same for every bag size, and both parts are cut into bags. Or takes the bags of a manifest, if the
    /// configuration names one; then no instance label of the training split is looked at. With folds, the held-out bags
    /// are one fold of the bags to train on, and no instances are set aside before. Noise on the proportions, if the
    /// configuration asks for it, is that of both parts.
    ///
    /// # Errors
    /// When the training split has no labels to count, or no bag can be made, or the manifest is not one of this
    /// data and configuration, or the augmentation does not suit the data.
    pub fn new(dataset: Dataset, config: &RunConfig) -> Result<Self, TrainError> {
        check_augmentation(&dataset, config)?;
        check_method(&dataset, config)?;
        let bags = match &config.bags.hash {
            Some(hash) => Bags::read(&dataset, config.bags.manifest.as_deref(), hash)?,
            None => Bags::draw(&dataset, config)?,
        };
        let bags = bags.folded(&config.data)?;
        let bags = match config.bags.noise {
            Some(noise) => bags.with_noise(noise, config.bags.seed)?,
            None => bags,
        };
        Ok(Self {
            normalization: Normalization::from_instances(&dataset.train.instances, &bags.instances)?,
            bags: bags.train,
            held_out: bags.held_out,
            n_held_out: bags.n_held_out,
            fingerprint: dataset.fingerprint(),
            test: dataset.test.instances,
            test_labels: dataset.test.labels,
            class_names: dataset.class_names,
            features: None,
            names: None,
            refusal: None,
            warnings: dataset.notes.iter().map(ToString::to_string).collect(),
        })
    }

    /// Refuses bags that cannot teach the classes, unless the user trains anyway.
    pub(crate) fn check_verdict(&self, trains_anyway: bool) -> Result<(), DataError> {
        let Some(reasons) = self.refusal.as_ref().filter(|_| !trains_anyway) else { return Ok(()) };
        let hint = "llp data inspect says more; llp train --anyway trains all the same";
        Err(DataError::new(format!("training cannot work as it is: {reasons} ({hint})")))
    }
}

struct Bags {
    train: BagSet,
    held_out: Option<BagSet>,
    n_held_out: usize,
    /// All instances to train on, also those that filled no bag.
    instances: Vec<u32>,
}

impl Bags {
    fn draw(dataset: &Dataset, config: &RunConfig) -> Result<Self, TrainError> {
        let Split { instances: data, labels } = &dataset.train;
        let labels = labels.as_ref().ok_or_else(|| {
            DataError::new(format!(
                "the data set {:?} has no instance labels to make bags from",
                dataset.name
            ))
        })?;
        let limit = config.data.train_limit.unwrap_or(data.len());
        let instances = subset(data.len() as u32, limit, config.data.split_seed);
        let split = hold_out(&instances, config.data.held_out, config.data.split_seed)?;
        let bags = |instances: &[u32]| -> Result<BagSet, TrainError> {
            let partition = partition(instances, config.bags.size, config.bags.seed)?;
            Ok(BagSet::from_partition(Arc::clone(data), &partition, labels)?)
        };
        Ok(Self {
            train: bags(&split.train)?,
            held_out: (split.held_out.len() >= config.bags.size)
                .then(|| bags(&split.held_out))
                .transpose()?,
            n_held_out: split.held_out.len(),
            instances: split.train,
        })
    }

    /// The bags of a fold, if the configuration asks for one: held-out bags are then some of those to train on.
    fn folded(self, config: &DataConfig) -> Result<Self, TrainError> {
        let (Some(n_folds), Some(index)) = (config.folds, config.fold) else { return Ok(self) };
        let fold = fold(self.train.len(), n_folds, index, config.split_seed)?;
        let (train, held_out) = (self.train.select(&fold.train)?, self.train.select(&fold.held_out)?);
        let mut instances = batch::instances(&train, &(0..train.len()).collect::<Vec<_>>());
        instances.sort_unstable();
        Ok(Self { n_held_out: held_out.n_instances(), held_out: Some(held_out), instances, train })
    }

    fn read(dataset: &Dataset, path: Option<&str>, hash: &str) -> Result<Self, TrainError> {
        let no_path = || {
            let problem = format!("the bags of this run (hash {hash}) are in a file");
            DataError::new(problem).remedy("give it with --bags FILE")
        };
        let path = Path::new(path.ok_or_else(no_path)?);
        let manifest = BagManifest::read(path)?;
        let fault = |error: DataError| error.in_file(path);
        manifest.check_hash(hash).map_err(fault)?;
        manifest.check_data(dataset).map_err(fault)?;
        let bags = |part: &BagPart| BagSet::from_manifest(Arc::clone(&dataset.train.instances), part);
        let BagManifest { train, held_out, .. } = &manifest;
        Ok(Self {
            train: bags(train)?,
            held_out: (!held_out.bags.is_empty()).then(|| bags(held_out)).transpose()?,
            n_held_out: held_out.instances().len(),
            instances: train.instances(),
        })
    }
}

impl Bags {
    /// The same bags with imprecise proportions, of held-out bags by other draws.
    fn with_noise(self, noise: BagNoise, seed: u64) -> Result<Self, TrainError> {
        let noise = match noise {
            BagNoise::Rounded(step) => Noise::Rounded { step },
            BagNoise::Laplace(scale) => Noise::Laplace { scale },
            BagNoise::Gaussian(sd) => Noise::Gaussian { sd },
            BagNoise::Missing(fraction) => Noise::Missing { fraction },
            BagNoise::Imputed(fraction) => Noise::Imputed { fraction },
        };
        let held_out_seed = stream(seed, Purpose::HeldOutBags, 0).next_u64();
        Ok(Self {
            train: self.train.with_noise(noise, seed)?,
            held_out: self.held_out.map(|bags| bags.with_noise(noise, held_out_seed)).transpose()?,
            ..self
        })
    }
}

fn check_augmentation(dataset: &Dataset, config: &RunConfig) -> Result<(), DataError> {
    let (shift, mirror) = (config.augment.shift, config.augment.mirror);
    let InstanceShape::Image([height, width, _]) = dataset.train.instances.shape() else {
        if config.consistency.name.is_some() && !config.consistency.is_adversarial() {
            let problem = "dc and ahil compare two views of an image, the data set has rows of features";
            return Err(DataError::new(problem).remedy("take --consistency vat, or leave it out"));
        }
        let changes = shift > 0 || mirror || config.evaluate.views() != Views::One;
        if !changes {
            return Ok(());
        }
        let problem = "the data set has feature columns, which cannot be augmented";
        return Err(DataError::new(problem).remedy("set augment.shift = 0 and augment.mirror = false"));
    };
    if (mirror || config.evaluate.views() != Views::One) && !dataset.mirror_preserves_class {
        let problem = format!("mirroring an image of {:?} changes its class", dataset.name);
        return Err(DataError::new(problem).remedy("set augment.mirror = false"));
    }
    if shift >= height.min(width) || u8::try_from(shift).is_err() {
        let problem = format!("augment.shift is {shift}, the images have {height}x{width} pixels");
        return Err(DataError::new(problem).remedy("it must be smaller than both"));
    }
    Ok(())
}

/// Refuses data that the method of a configuration does not take.
fn check_method(dataset: &Dataset, config: &RunConfig) -> Result<(), DataError> {
    match (config.method.name, dataset.train.instances.shape()) {
        (Some(method), InstanceShape::Image(_)) => Err(needs_features(method)),
        _ => Ok(()),
    }
}

/// Images where a method takes rows of features.
pub(crate) fn needs_features(method: MethodName) -> DataError {
    let problem = format!("the method {} needs rows of features, the data set has images", method.as_str());
    DataError::new(problem)
        .remedy("give embeddings of the images as a table with --data, or leave out --method")
}
