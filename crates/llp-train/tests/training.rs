//! Theorems about training: what it depends on, and that stopping does not change it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod small;

use common::{bits, weights};
use llp_bags::source::digits::digits;
use llp_bags::{hold_out, partition, subset};
use llp_sweep::record::Outcome;
use llp_sweep::run_dir::RunDir;
use llp_train::{Checkpoint, ChosenEpoch, RunEnd, TrainError, TrainingData};
use proptest::prelude::*;
use small::{config, run_beside, run_in, train, whole_and_stopped};
use tempfile::tempdir;

/// No instance label reaches training: permuting the labels inside every bag, which leaves the proportions and
/// nothing else, leaves the trained weights bit for bit. Permuting them between bags does not.
#[test]
fn training_sees_proportions_and_no_labels() {
    let config = config(&[]);
    let data = |labels: Option<llp_bags::LabelOracle>| {
        let mut dataset = digits();
        dataset.train.labels = labels.or(dataset.train.labels);
        TrainingData::new(dataset, &config).unwrap()
    };
    let split = digits().train;
    let labels = split.labels.unwrap();
    let instances =
        subset(split.instances.len() as u32, config.data.train_limit.unwrap(), config.data.split_seed);
    let held_out = hold_out(&instances, config.data.held_out, config.data.split_seed).unwrap();
    let mut bags = partition(&held_out.train, config.bags.size, config.bags.seed).unwrap().bags;
    bags.extend(partition(&held_out.held_out, config.bags.size, config.bags.seed).unwrap().bags);

    let original = train(&data(None), &[]);
    let inside = labels.shuffled_within(&bags, 1).unwrap();
    assert!(inside != labels, "the permutation must change something");
    assert_eq!(train(&data(Some(inside)), &[]), original);
    let between = labels.shuffled_within(&[bags.concat()], 1).unwrap();
    assert_ne!(train(&data(Some(between)), &[]), original);
}

/// The weights do not depend on the number of threads.
#[test]
fn threads_do_not_change_the_weights() {
    // Wide enough that convolutions are split among threads.
    let settings = ["network.width=16", "optim.epochs=1", "bags.size=2"];
    let data = TrainingData::new(digits(), &config(&settings)).unwrap();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| train(&data, &settings))
    };
    assert_eq!(with(1), with(3));
}

/// Every seed, loss and optimizer trains other weights; the same seed the same.
#[test]
fn weights_depend_on_seed_loss_and_optimizer() {
    let data = TrainingData::new(digits(), &config(&[])).unwrap();
    let settings = [
        ["seed=0", "loss.name=kl"],
        ["seed=1", "loss.name=kl"],
        ["seed=0", "loss.name=rot"],
        ["seed=0", "loss.name=avg-kl"],
        ["seed=0", "optim.name=adamw"],
        ["seed=0", "loss.add=l2:0.5"],
        ["loss.name=l2", "loss.add=kl:1"],
    ];
    let trained: Vec<_> = settings.iter().map(|settings| train(&data, settings)).collect();
    for (a, first) in trained.iter().enumerate() {
        assert!(trained[..a].iter().all(|second| first != second), "{:?}", settings[a]);
    }
    assert_eq!(train(&data, &settings[1]), trained[1]);
}

/// A network that sees four bags again and again fits their proportions.
#[test]
fn training_fits_four_bags() {
    for loss in ["kl", "rot"] {
        let dir = tempdir().unwrap();
        let loss = format!("loss.name={loss}");
        let settings = [
            "network.width=8",
            "data.train_limit=20",
            "data.held_out=0.2",
            "bags.size=4",
            "optim.epochs=150",
            "optim.lr=0.05",
            "optim.weight_decay=0.0",
            "checkpoint.every_epochs=150",
            &loss,
        ];
        let RunEnd::Ended(result) = run_in(dir.path(), &config(&settings), None).end.unwrap() else {
            panic!()
        };
        assert_eq!((result.n_bags, result.remainder), (4, 0));
        let records = RunDir::at(dir.path()).read_metrics().unwrap();
        let (first, last) = (records.first().unwrap().train_loss, records.last().unwrap().train_loss);
        // The least KL loss is the mean entropy of the proportions, at most log 4 for four instances.
        assert!(last < first - 0.3, "{loss}: {first} -> {last}");
    }
}

/// The steps of an epoch cover its bags once, evenly; the order is a permutation, another one every epoch.
#[test]
fn an_epoch_visits_every_bag_once() {
    let optim = config(&["optim.images_per_step=64", "optim.epochs=10"]).optim;
    let check = |n_bags: usize, bag_size: usize| {
        let schedule = llp_train::Schedule::new(vec![bag_size; n_bags], 3, &optim);
        let sizes: Vec<usize> = schedule.steps(1).iter().map(Vec::len).collect();
        assert_eq!((sizes.iter().sum::<usize>(), sizes.len()), (n_bags, schedule.n_steps(1)));
        assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
        assert!(sizes.iter().max().unwrap() * bag_size <= 64.max(bag_size), "{sizes:?}");
        let mut order = schedule.steps(1).concat();
        assert!(n_bags < 10 || order != schedule.steps(2).concat());
        order.sort_unstable();
        assert_eq!(order, (0..n_bags).collect::<Vec<_>>());
    };
    for n_bags in [1, 2, 17, 100] {
        for bag_size in [1, 3, 16, 64, 1000] {
            check(n_bags, bag_size);
        }
    }
}

/// Section 4.1: the learning rate is divided by ten once, mid-training.
#[test]
fn the_learning_rate_drops_once_mid_training() {
    let optim = config(&["optim.lr=0.3", "optim.epochs=10"]).optim;
    let schedule = llp_train::Schedule::new(vec![1; 5], 0, &optim);
    let rates: Vec<f64> = (1..=10).map(|epoch| schedule.lr(epoch, 0)).collect();
    assert_eq!(rates, [vec![0.3; 5], vec![0.3 / 10.0; 5]].concat());
}

/// The learning rate of every step of a training.
fn rates(settings: &[&str], n_bags: usize) -> Vec<f64> {
    let schedule = llp_train::Schedule::new(vec![8; n_bags], 0, &config(settings).optim);
    let of_epoch = |epoch| {
        let schedule = &schedule;
        (0..schedule.n_steps(epoch)).map(move |step| schedule.lr(epoch, step))
    };
    (1..=schedule.n_epochs()).flat_map(of_epoch).collect()
}

/// A training makes at least the steps that it is asked for, in whole epochs, and never fewer epochs than configured.
#[test]
fn epochs_are_added_until_there_are_enough_steps() {
    let n_epochs = |min_steps: usize| {
        let settings =
            ["optim.epochs=3", "optim.images_per_step=16", &format!("optim.min_steps={min_steps}")];
        llp_train::Schedule::new(vec![8; 9], 0, &config(&settings).optim).n_epochs() // five steps an epoch
    };
    assert_eq!([1, 15, 16, 100].map(n_epochs), [3, 3, 4, 20]);
}

proptest! {
    /// Without a drop, the learning rate rises along a line from a fifth of its peak, falls to its end, and is never
    /// above the peak; without a warm-up it starts there.
    #[test]
    fn the_learning_rate_rises_and_falls(
        epochs in 1_usize..30, n_bags in 1_usize..40, warmup in 0.0_f64..0.9, end in 0.0_f64..0.9, is_cosine: bool,
    ) {
        let schedule = if is_cosine { "cosine" } else { "triangle" };
        let settings = [
            format!("optim.epochs={epochs}"), format!("optim.warmup={warmup}"), format!("optim.lr_end={end}"),
            format!("optim.schedule={schedule}"), "optim.lr=0.5".to_owned(), "optim.images_per_step=16".to_owned(),
        ];
        let rates = rates(&settings.iter().map(String::as_str).collect::<Vec<_>>(), n_bags);
        let n = rates.len() as f64;
        let first = if warmup > 0.0 { 0.1 } else { 0.5 };
        prop_assert!((rates[0] - first).abs() < 1e-12, "{}", rates[0]);
        prop_assert!(rates.iter().all(|rate| *rate <= 0.5 + 1e-12 && *rate >= 0.5 * end.min(0.2) - 1e-12));
        let peak = (warmup * n).ceil() as usize;
        prop_assert!(rates[..peak.min(rates.len())].windows(2).all(|pair| pair[0] < pair[1] + 1e-12));
        prop_assert!(rates[peak.min(rates.len())..].windows(2).all(|pair| pair[0] > pair[1] - 1e-12));
    }
}

proptest! {
    /// Bags of any sizes are each visited once; no step is beyond the limit unless by a bag that is alone, no
    /// fewer steps would do for this order, and the steps of all epochs add up.
    #[test]
    fn steps_take_whole_bags_by_their_true_sizes(sizes in prop::collection::vec(1_usize..90, 1..60), limit in 1_usize..200) {
        let optim = config(&[&format!("optim.images_per_step={limit}")]).optim;
        let schedule = llp_train::Schedule::new(sizes.clone(), 7, &optim);
        let steps = schedule.steps(3);
        let n_instances = |bags: &[usize]| bags.iter().map(|bag| sizes[*bag]).sum::<usize>();
        prop_assert!(steps.iter().all(|bags| bags.len() == 1 || n_instances(bags) <= limit));
        let mut visited = steps.concat();
        let (mut least, mut filled) = (1, 0);
        for bag in &visited {
            if filled > 0 && filled + sizes[*bag] > limit {
                (least, filled) = (least + 1, 0);
            }
            filled += sizes[*bag];
        }
        prop_assert_eq!(steps.len(), least);
        visited.sort_unstable();
        prop_assert_eq!(visited, (0..sizes.len()).collect::<Vec<_>>());
        let n_steps: usize = (1..=5).map(|epoch| schedule.n_steps(epoch)).sum();
        prop_assert_eq!(schedule.n_steps_before(6), n_steps as u64);
        prop_assert_eq!(schedule.n_steps(3), steps.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    /// Stopped at any steps and resumed, a run ends with the same bits, metrics and result as one that was not.
    #[test]
    fn stopping_does_not_change_the_result(
        stops in prop::collection::vec(0_usize..7, 1..4),
        loss in prop::sample::select(vec!["kl", "rot"]),
        optimizer in prop::sample::select(vec!["sgd", "adamw"]),
    ) {
        let config = config(&[&format!("loss.name={loss}"), &format!("optim.name={optimizer}")]);
        let (whole, stopped) = whole_and_stopped(&config, &stops);
        prop_assert_eq!(weights(stopped.path()), weights(whole.path()));
        let metrics = |dir: &std::path::Path| -> Vec<_> {
            let records = RunDir::at(dir).read_metrics().unwrap();
            records.into_iter().map(|r| (r.epoch, r.train_loss.to_bits(), r.held_out_kl.map(f64::to_bits), r.test_accuracy)).collect()
        };
        prop_assert_eq!(metrics(stopped.path()), metrics(whole.path()));
        let result = |dir: &std::path::Path| {
            let result = RunDir::at(dir).result().unwrap().unwrap();
            (result.outcome, result.epochs, result.n_bags)
        };
        prop_assert_eq!(result(stopped.path()), result(whole.path()));
    }
}

/// The chosen weights of a run: those of the epoch with the best criterion.
fn chosen_weights(dir: &std::path::Path) -> (ChosenEpoch, Vec<(String, Vec<u32>)>) {
    let newest = Checkpoint::list(&dir.join("checkpoints")).unwrap().remove(0);
    let checkpoint = Checkpoint::read(&newest).unwrap();
    let chosen = checkpoint.state.chosen.unwrap();
    (chosen, bits(checkpoint.with_chosen_weights().unwrap().weights))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    /// Stopped at any steps and resumed from checkpoints that are rarer than epochs, a run keeps the same epoch as one
    /// that was not stopped, with the same bits: those with which a run of this many epochs ends.
    #[test]
    fn stopping_does_not_change_the_chosen_epoch(
        stops in prop::collection::vec(0_usize..9, 1..4),
        criterion in prop::sample::select(vec!["kl", "count-l1", "count-likelihood"]),
    ) {
        // The learning rate never drops, so that a shorter run is the beginning of a longer one.
        let settings = |epochs: usize| {
            let epochs = format!("optim.epochs={epochs}");
            let criterion = format!("checkpoint.chosen_by={criterion}");
            config(&[&epochs, &criterion, "optim.lr_drop_at=1", "checkpoint.every_epochs=2", "optim.lr=0.3"])
        };
        let (whole, stopped, short) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
        let config = settings(5);
        let RunEnd::Ended(result) = run_in(whole.path(), &config, None).end.unwrap() else { panic!() };
        for stop in stops {
            run_in(stopped.path(), &config, Some(stop)).end.unwrap();
        }
        run_in(stopped.path(), &config, None).end.unwrap();
        let (chosen, bits) = chosen_weights(whole.path());
        prop_assert_eq!(&(chosen, bits.clone()), &chosen_weights(stopped.path()));
        let metrics = RunDir::at(whole.path()).read_metrics().unwrap();
        let best = config.checkpoint.chosen_by().best_epoch(&metrics).unwrap();
        prop_assert_eq!((chosen.epoch, result.chosen.as_ref()), (best.epoch, Some(best)));
        run_in(short.path(), &settings(chosen.epoch), None).end.unwrap();
        prop_assert_eq!(bits, weights(short.path()));
    }
}

/// Without held-out bags no epoch is chosen, and nothing else changes.
#[test]
fn without_held_out_bags_no_epoch_is_chosen() {
    let dir = tempdir().unwrap();
    let RunEnd::Ended(result) = run_in(dir.path(), &config(&["data.held_out=0"]), None).end.unwrap() else {
        panic!()
    };
    assert_eq!((result.n_held_out_bags, result.chosen), (0, None));
    let newest = Checkpoint::list(&dir.path().join("checkpoints")).unwrap().remove(0);
    let checkpoint = Checkpoint::read(&newest).unwrap();
    assert!(checkpoint.state.chosen.is_none());
    let last = bits(checkpoint.weights.clone());
    assert_eq!(bits(checkpoint.with_chosen_weights().unwrap().weights), last);
}

/// A fold's held-out bags are training bags of the same run without folds; all folds together hold out each of them once.
#[test]
fn folds_hold_out_training_bags() {
    let bags_of = |settings: &[&str]| TrainingData::new(digits(), &config(settings)).unwrap();
    let bags =
        |set: &llp_bags::BagSet| (0..set.len()).map(|bag| set.instances(bag).to_vec()).collect::<Vec<_>>();
    let all = bags(&bags_of(&["data.held_out=0"]).bags);
    let mut held_out = Vec::new();
    for fold in 0..4 {
        let data = bags_of(&["data.folds=4", &format!("data.fold={fold}")]);
        let fold = bags(data.held_out.as_ref().unwrap());
        assert_eq!(data.n_held_out, fold.concat().len());
        let mut both = [bags(&data.bags), fold.clone()].concat();
        both.sort();
        let mut expected = all.clone();
        expected.sort();
        assert_eq!(both, expected);
        held_out.extend(fold);
    }
    held_out.sort();
    let mut all = all;
    all.sort();
    assert_eq!(held_out, all);
}

/// A damaged newest checkpoint is reported and the one before is taken; the weights come out the same.
#[test]
fn a_damaged_checkpoint_is_passed_over() {
    let config = config(&[]);
    let (whole, damaged) = (tempdir().unwrap(), tempdir().unwrap());
    run_in(whole.path(), &config, None).end.unwrap();
    // Three steps an epoch: stop in the middle of the last one.
    assert!(matches!(run_in(damaged.path(), &config, Some(8)).end.unwrap(), RunEnd::Stopped(_)));
    let newest = Checkpoint::list(&damaged.path().join("checkpoints")).unwrap().remove(0);
    let model = newest.join("model.safetensors");
    let mut bytes = fs_err::read(&model).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs_err::write(&model, bytes).unwrap();
    let report = run_in(damaged.path(), &config, None);
    assert!(report.warnings[0].contains("model.safetensors is damaged"), "{:?}", report.warnings);
    assert!(matches!(report.end.unwrap(), RunEnd::Ended(_)));
    assert_eq!(weights(damaged.path()), weights(whole.path()));
}

/// A run that has its result is left alone.
#[test]
fn a_complete_run_is_not_repeated() {
    let dir = tempdir().unwrap();
    let config = config(&["optim.epochs=1"]);
    let RunEnd::Ended(first) = run_in(dir.path(), &config, None).end.unwrap() else { panic!() };
    let again = run_in(dir.path(), &config, None);
    assert_eq!(again.end.unwrap(), RunEnd::AlreadyEnded(first));
    assert_eq!(again.epochs, 0);
}

/// A learning rate far too large is a result with the place where it happened, not an error.
#[test]
fn divergence_is_detected_and_named() {
    for loss in ["kl", "rot"] {
        let dir = tempdir().unwrap();
        let config = config(&["optim.lr=1e30", &format!("loss.name={loss}")]);
        let RunEnd::Ended(result) = run_in(dir.path(), &config, None).end.unwrap() else { panic!() };
        assert_eq!(result.outcome, Outcome::Diverged);
        let place = result.diverged_at.unwrap();
        assert!(place.epoch == 1 && place.first_step <= place.last_step && place.last_step < 4, "{place:?}");
    }
}

/// What cannot work is refused with the remedy, and recorded as permanent.
#[test]
fn impossible_runs_are_refused() {
    let refuse = |settings: &[&str]| {
        let dir = tempdir().unwrap();
        let error = run_in(dir.path(), &config(settings), None).end.unwrap_err();
        assert!(error.is_permanent());
        let status = RunDir::at(dir.path()).status().unwrap().unwrap();
        assert!(status.fails_again && status.reason == Some(error.to_string()), "{status:?}");
        error.to_string()
    };
    assert_eq!(
        refuse(&["augment.mirror=true"]),
        "mirroring an image of \"digits\" changes its class: set augment.mirror = false"
    );
    assert_eq!(
        refuse(&["data.name=mnist"]),
        "the data set \"mnist\" is not known by name: give its folder with --data PATH"
    );
    assert_eq!(
        refuse(&["augment.shift=8"]),
        "augment.shift is 8, the images have 8x8 pixels: it must be smaller than both"
    );
    let too_large = refuse(&["bags.size=500"]);
    assert!(too_large.contains("500") && too_large.contains("192"), "{too_large}");
}

/// Held-out bags of every size are made of the same instances; where there are too few for one, there is none.
#[test]
fn held_out_bags_share_their_instances() {
    let held_out = |size: usize| {
        let data = TrainingData::new(digits(), &config(&[&format!("bags.size={size}")])).unwrap();
        let bags = data.held_out?;
        let mut instances: Vec<u32> = (0..bags.len()).flat_map(|bag| bags.instances(bag).to_vec()).collect();
        instances.sort_unstable();
        Some(instances)
    };
    let of_one = held_out(1).unwrap();
    assert_eq!(of_one.len(), 48, "a fifth of 240");
    for size in [2, 4, 16] {
        assert_eq!(held_out(size).unwrap(), of_one, "{size} divides 48");
    }
    assert!(held_out(64).is_none());
}

/// A checkpoint of another configuration, data set or schema is refused.
#[test]
fn foreign_checkpoints_are_refused() {
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let mine = config(&[]);
    run_in(a.path(), &mine, Some(4)).end.unwrap();
    let source = Checkpoint::list(&a.path().join("checkpoints")).unwrap().remove(0);
    let other = config(&["optim.lr=0.05"]);
    run_in(b.path(), &other, Some(0)).end.unwrap();
    let place = |edit: &dyn Fn(String) -> String| {
        let target = b.path().join("checkpoints/e0009");
        fs_err::create_dir_all(&target).unwrap();
        for file in ["model.safetensors", "optimizer.safetensors", "chosen.safetensors"] {
            fs_err::copy(source.join(file), target.join(file)).unwrap();
        }
        let state = fs_err::read_to_string(source.join("state.json")).unwrap();
        fs_err::write(target.join("state.json"), edit(state)).unwrap();
        run_in(b.path(), &other, None)
    };
    let error = place(&|state| state).end.unwrap_err();
    assert!(
        matches!(&error, TrainError::Checkpoint(error) if error.to_string().contains("belongs to a run"))
    );
    let (mine, other_hash) = (mine.hash8(), other.hash8());
    let error = place(&|state| {
        state.replace(&mine, &other_hash).replace("\"data_fingerprint\": \"", "\"data_fingerprint\": \"0")
    });
    assert!(error.end.unwrap_err().to_string().contains("the data has fingerprint"));
    let newer = place(&|state| state.replace("\"schema\": 1", "\"schema\": 2"));
    assert!(
        newer.warnings[0].contains("schema 2 is not supported, this program reads schema 1"),
        "{:?}",
        newer.warnings
    );
}

/// Chunks that hold every step change no bit; smaller ones train in two passes, to other weights but the same end.
#[test]
fn chunks_that_hold_a_step_change_nothing() {
    let data = TrainingData::new(digits(), &config(&[])).unwrap();
    let whole = train(&data, &[]);
    assert_eq!(train(&data, &["optim.images_per_chunk=64"]), whole);
    assert_ne!(train(&data, &["optim.images_per_chunk=24"]), whole);
}

/// A run whose claim another host has taken over, because this process was frozen for long, writes nothing any more:
/// neither metrics nor a status nor a checkpoint nor a result.
#[test]
fn a_run_that_was_taken_over_writes_nothing() {
    let dir = tempdir().unwrap();
    let path = dir.path();
    let claims = || fs_err::read_to_string(path.join("claim-1.json")).unwrap();
    let files = || {
        let read = |file: &str| fs_err::read(path.join(file)).unwrap();
        let checkpoints = Checkpoint::list(&path.join("checkpoints")).unwrap();
        (read("metrics.jsonl"), read("status.json"), checkpoints)
    };
    let mut before = None;
    let report = run_beside(path, &config(&["optim.epochs=5"]), None, &mut |epoch| {
        if epoch == 2 {
            fs_err::write(path.join("claim-2.json"), claims().replace("\"here\"", "\"there\"")).unwrap();
            before = Some(files());
        }
    });
    assert!(matches!(report.end, Err(TrainError::Sweep(llp_sweep::SweepError::ClaimLost(_)))));
    assert_eq!((report.epochs, Some(files())), (2, before));
    assert_eq!(RunDir::at(path).result().unwrap(), None);
    assert!(path.join("claim-2.json").exists());
}

/// A run that is cancelled saves, stops before its next step, and says so in its status.
#[test]
fn a_cancelled_run_stops_with_a_checkpoint() {
    let dir = tempdir().unwrap();
    let run = RunDir::at(dir.path());
    let report = run_beside(dir.path(), &config(&["optim.epochs=50"]), None, &mut |epoch| {
        if epoch == 2 {
            run.cancel().unwrap();
        }
    });
    assert!(matches!(report.end, Ok(RunEnd::Stopped(position)) if position.epoch < 50));
    assert_eq!(run.status().unwrap().unwrap().reason.as_deref(), Some("cancelled"));
    assert!(!Checkpoint::list(&run.checkpoints_dir()).unwrap().is_empty());
}

/// The recorded confusion is of every test instance, and its diagonal is the recorded accuracy; a run that diverged has
/// none.
#[test]
fn confusion_agrees_with_accuracy() {
    let dir = tempdir().unwrap();
    let RunEnd::Ended(result) = run_in(&dir.path().join("complete"), &config(&[]), None).end.unwrap() else {
        panic!()
    };
    let confusion = result.test_confusion.unwrap();
    let sum = |counts: &mut dyn Iterator<Item = u32>| counts.map(f64::from).sum::<f64>();
    let n_all = sum(&mut confusion.counts.iter().flatten().copied());
    let n_correct = sum(&mut confusion.counts.iter().enumerate().map(|(class, row)| row[class]));
    assert_eq!((n_all, confusion.classes.len()), (360.0, 10));
    assert_eq!(result.last.unwrap().test_accuracy, Some(n_correct / n_all));

    let diverging = config(&["optim.lr=1e30"]);
    let RunEnd::Ended(result) = run_in(&dir.path().join("diverged"), &diverging, None).end.unwrap() else {
        panic!()
    };
    assert_eq!(result.test_confusion, None);
}
