"""Classifiers in the manner of scikit-learn."""

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("sklearn")

from llp_rs.sklearn import BagKFold, LLPClassifier, LLPSearchCV  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.exceptions import NotFittedError  # noqa: E402
from sklearn.model_selection import ParameterGrid  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402


def blobs(n_bags=40, size=8, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, n_classes, n_bags * size)
    X = rng.normal(size=(len(y), 4)) + 4 * np.eye(n_classes, 4)[y]
    bags = rng.permutation(np.arange(len(y)) % n_bags)
    counts = np.zeros((n_bags, n_classes), dtype=int)
    np.add.at(counts, (bags, y), 1)
    return X, y, bags, counts


X, Y, BAGS, COUNTS = blobs()
SHARES = COUNTS / COUNTS.sum(1, keepdims=True)


def classifier(**parameters):
    return LLPClassifier(**{"epochs": 15, **parameters})


@pytest.fixture(scope="module")
def fitted():
    return classifier().fit(X, BAGS, SHARES)


def test_single_instances_are_learned_from_bags(fitted):
    assert fitted.score(X, Y) > 0.9
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == (len(X), 3)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    assert (fitted.predict(X) == fitted.classes_[probabilities.argmax(1)]).all()
    assert fitted.classes_.tolist() == [0, 1, 2] and fitted.n_features_in_ == 4
    assert [record["epoch"] for record in fitted.history_] == list(range(1, 16))
    assert fitted.history_[-1]["train_loss"] < fitted.history_[0]["train_loss"]


def weights(classifier):
    return classifier.model_.files()["model.safetensors"]


def test_equal_seeds_give_equal_weights(fitted):
    assert weights(classifier().fit(X, BAGS, SHARES)) == weights(fitted)
    assert weights(classifier(random_state=1).fit(X, BAGS, SHARES)) != weights(fitted)
    state = [weights(classifier(random_state=np.random.RandomState(3)).fit(X, BAGS, SHARES)) for _ in range(2)]
    assert state[0] == state[1]


def test_counts_are_shares(fitted):
    assert weights(classifier().fit(X, BAGS, COUNTS)) == weights(fitted)


def test_the_order_of_classes_and_rows_of_bags_does_not_matter():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(SHARES, columns=["a", "b", "c"])
    plain = classifier().fit(X, BAGS, frame)
    shuffled = classifier().fit(X, BAGS, frame.sample(frac=1, random_state=0))
    assert weights(plain) == weights(shuffled)
    assert set(plain.predict(X)) == {"a", "b", "c"}


def test_frames_of_pandas():
    pandas = pytest.importorskip("pandas")
    features = pandas.DataFrame(X, columns=list("pqrs")).assign(kind=np.where(X[:, 0] > 2, "high", "low"), flag=X[:, 1] > 0)
    names = pandas.Series([f"bag {bag}" for bag in BAGS])
    known = pandas.DataFrame(COUNTS, index=[f"bag {bag}" for bag in range(40)], columns=[10, 20, 30])
    model = classifier().fit(features, names, known)
    assert model.classes_.tolist() == [10, 20, 30]
    assert model.feature_names_in_.tolist() == [*"pqrs", "kind", "flag"]
    other_order = features[["flag", "kind", *"srqp"]]
    assert (model.predict_proba(features) == model.predict_proba(other_order)).all()
    with pytest.raises(ValueError, match=r"X lacks \['s'\] and has \['t'\] besides"):
        model.predict(features.rename(columns={"s": "t"}))
    with pytest.raises(ValueError, match="two columns called 'p'"):
        model.predict(features.rename(columns={"q": "p"}))


def test_frames_of_polars_are_those_of_pandas():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    columns = {"p": X[:, 0], "kind": np.where(X[:, 1] > 2, "high", "low").tolist(), "n": np.arange(len(X)) % 7}
    shares = {"bag": [str(bag) for bag in range(40)], **{f"c{at}": COUNTS[:, at] for at in range(3)}}
    names = [str(bag) for bag in BAGS]
    by_pandas = classifier().fit(pandas.DataFrame(columns), names, pandas.DataFrame(shares))
    by_polars = classifier().fit(polars.DataFrame(columns), polars.Series(names), polars.DataFrame(shares))
    assert weights(by_pandas) == weights(by_polars)
    assert by_polars.score_bags(polars.DataFrame(columns), names, polars.DataFrame(shares))["kl"] < 1


def test_unknown_shares():
    unknown = SHARES.copy()
    unknown[::2, :2] = np.nan
    assert classifier().fit(X, BAGS, unknown).score(X, Y) > 0.8


def test_bounds_and_standard_errors_stand_beside_the_classes():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(SHARES, columns=list("abc"))
    for name in "abc":
        frame[f"{name}_low"], frame[f"{name}_high"] = (frame[name] - 0.05).clip(0), (frame[name] + 0.05).clip(upper=1)
    model = classifier(loss="interval").fit(X, BAGS, frame)
    assert model.classes_.tolist() == list("abc")
    assert model.score_bags(X, BAGS, frame)["l1"] < 0.5


def test_one_dimension_is_the_share_of_class_1():
    binary = (Y > 0).astype(int)
    share = np.array([binary[BAGS == bag].mean() for bag in range(40)])
    model = classifier().fit(X, BAGS, share)
    assert model.score(X, binary) > 0.9


@pytest.mark.parametrize("parameters", [{"network": "linear"}, {"loss": "rot", "alpha": 0.5}, {"hidden_layer_sizes": (16,)}])
def test_parameters_reach_the_training(parameters, fitted):
    model = classifier(**parameters).fit(X, BAGS, SHARES)
    assert model.score(X, Y) > 0.7 and weights(model) != weights(fitted)


@pytest.mark.parametrize("method", ["mean-map", "lmm", "amm", "inv-cal", "linear-kl", "em", "alter-svm"])
def test_classical_methods(method, tmp_path):
    model = LLPClassifier(method=method).fit(X, BAGS, SHARES)
    assert model.score(X, Y) > 0.9
    model.save(tmp_path / "model")
    assert (LLPClassifier.load(tmp_path / "model").predict_proba(X) == model.predict_proba(X)).all()


def test_methods_take_no_settings_of_networks():
    with pytest.raises(ValueError, match="method"):
        LLPClassifier(method="em", loss="rot").fit(X, BAGS, SHARES)


def test_missing_numbers_are_filled(tmp_path):
    holes = X.copy()
    holes[::9, 1] = np.nan
    by_hand = np.where(np.isnan(holes), np.nanmean(holes, axis=0), holes)
    filled = classifier(impute="mean").fit(holes, BAGS, SHARES)
    expected = classifier().fit(by_hand, BAGS, SHARES)
    np.testing.assert_allclose(filled.predict_proba(holes), expected.predict_proba(by_hand), atol=1e-5)
    filled.save(tmp_path / "model")
    assert (LLPClassifier.load(tmp_path / "model").predict_proba(holes) == filled.predict_proba(holes)).all()


def test_images():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 64)
    images = rng.integers(0, 80, (64, 8, 8), dtype=np.uint8)
    images[y == 1, :4] += 150
    bags = np.arange(64) // 4
    share = [y[bags == bag].mean() for bag in range(16)]
    parameters = {"network": "resnet18", "width": 4, "epochs": 3, "settings": {"augment.mirror": False, "augment.shift": 0}}
    model = LLPClassifier(**parameters).fit(images, bags, share)
    assert model.predict_proba(images).shape == (64, 2)
    with pytest.raises(ValueError, match="images of 8x8x3, the model was fitted on images of 8x8x1"):
        model.predict(np.stack([images] * 3, axis=-1))


def test_models_can_be_copied_and_kept(fitted, tmp_path):
    expected = fitted.predict_proba(X)
    for other in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        assert (other.predict_proba(X) == expected).all()
    fitted.save(tmp_path / "model")
    loaded = LLPClassifier.load(tmp_path / "model")
    assert (loaded.predict_proba(X) == expected).all() and loaded.classes_.tolist() == [0, 1, 2]
    (tmp_path / "file").mkdir()
    with pytest.raises(ValueError):
        fitted.save(tmp_path / "file")


def test_clones_have_the_parameters_alone(fitted):
    cloned = clone(fitted)
    assert cloned.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        cloned.predict(X)


def test_pipelines():
    pipeline = make_pipeline(StandardScaler(), classifier())
    pipeline.fit(X, BAGS, llpclassifier__proportions=SHARES)
    assert pipeline.score(X, Y) > 0.9


def test_posteriors_have_the_known_counts(fitted):
    posterior = fitted.disaggregate(X, BAGS, SHARES, alpha=0.0)
    for bag in range(40):
        np.testing.assert_allclose(posterior[BAGS == bag].sum(0), COUNTS[bag], atol=1e-6)
    accuracy = (posterior.argmax(1) == Y).mean()
    assert accuracy >= fitted.score(X, Y)


def test_bags_score_without_labels(fitted):
    scores = fitted.score_bags(X, BAGS, SHARES)
    assert set(scores) == {"kl", "l1", "count-l1", "count-likelihood"}
    worse = fitted.score_bags(X, BAGS, SHARES[:, ::-1])
    assert all(scores[name] < worse[name] for name in scores)


def test_folds_hold_whole_bags():
    folds = list(BagKFold(4).split(X, BAGS))
    assert len(folds) == 4
    for train, held_out in folds:
        assert not set(BAGS[train]) & set(BAGS[held_out])
    with pytest.raises(ValueError, match="bags is missing"):
        next(BagKFold(4).split(X))


def test_parameters_are_chosen_without_labels():
    grid = {"learning_rate": [1e-6, 0.003]}
    search = LLPSearchCV(classifier(), grid, cv=3).fit(X, BAGS, SHARES)
    assert search.best_params_ == {"learning_rate": 0.003}
    assert search.cv_results_["rank_test_score"].tolist() == [2, 1]
    assert len(search.cv_results_["params"]) == len(ParameterGrid(grid))
    assert (search.predict(X) == Y).mean() > 0.9 and search.classes_.tolist() == [0, 1, 2]
    assert -search.score_bags(X, BAGS, SHARES)["kl"] == pytest.approx(search.best_score_, abs=0.5)
    pipeline = make_pipeline(StandardScaler(), classifier())
    search = LLPSearchCV(pipeline, {"llpclassifier__network": ["mlp"]}, cv=2, criterion="count-l1")
    assert search.fit(X, BAGS, COUNTS).score_bags(X, BAGS, COUNTS)["count-l1"] < 0.2


def test_held_out_bags_are_in_the_history():
    history = classifier(validation_fraction=0.25).fit(X, BAGS, SHARES).history_
    assert {"held_out_kl", "held_out_count_l1"} <= set(history[0])


def test_notebooks_show_the_learning_curve():
    model = classifier(validation_fraction=0.25)
    assert "<svg" not in model._repr_mimebundle_()["text/html"].split("</style>")[-1]
    page = model.fit(X, BAGS, SHARES)._repr_mimebundle_()["text/html"]
    picture = ElementTree.fromstring(page[page.rindex("<svg") :])
    lines = [it.get("points").split() for it in picture.iter() if it.tag.endswith("polyline")]
    assert [len(line) for line in lines] == [15, 15]
    # The loss of the first epoch is the highest of the curve, at the top of the picture; that of the last stands below it.
    heights = [float(point.split(",")[1]) for point in lines[0]]
    assert heights[0] == min(heights)
    texts = [it.text for it in picture.iter() if it.text]
    assert f"training loss {model.history_[-1]['train_loss']:.4g}" in texts


def test_progress_is_shown(capsys):
    classifier(epochs=2, verbose=1).fit(X, BAGS, SHARES)
    assert "2/2" in capsys.readouterr().err


def mistake(**changes):
    arguments = {"X": X, "bags": BAGS, "proportions": SHARES, **changes}
    parameters = {name: arguments.pop(name) for name in list(arguments) if name not in ("X", "bags", "proportions")}
    classifier(**parameters).fit(**arguments)


@pytest.mark.parametrize(
    "changes, error, message",
    [
        ({"proportions": None}, ValueError, "proportions is missing"),
        ({"bags": BAGS[:-1]}, ValueError, r"bags has shape \[319\], expected \[320\]"),
        ({"bags": BAGS + 1}, ValueError, "'40' is no row of proportions, which has 40"),
        ({"bags": np.where(BAGS == 3, np.nan, BAGS)}, ValueError, "has none: give it a bag"),
        ({"proportions": SHARES[:, :1]}, ValueError, "at least two"),
        ({"proportions": SHARES / 2}, ValueError, "bag \"0\""),
        ({"proportions": COUNTS * 2}, ValueError, "bag \"0\""),
        ({"proportions": -SHARES}, ValueError, "below 0"),
        ({"proportions": SHARES > 0}, TypeError, "proportions has dtype bool"),
        ({"proportions": np.ma.masked_less(SHARES, 0.1)}, TypeError, "masked array"),
        ({"proportions": np.full((40, 3), np.nan)}, ValueError, "nothing is known of bag"),
        ({"proportions": np.full((40, 3), 1 / 3)}, ValueError, "all bags have the same proportions"),
        ({"X": np.where(np.arange(4) == 2, np.nan, X)}, ValueError, 'first in row 0, column 2'),
        ({"X": np.where(np.arange(4) == 2, np.inf, X)}, ValueError, 'column "x2"'),
        ({"X": X[:, 0]}, ValueError, "Reshape your data"),
        ({"X": X.astype(object)}, TypeError, "X has dtype object"),
        ({"X": X[:0], "bags": BAGS[:0]}, ValueError, r"X has 0 sample"),
        ({"X": X.reshape(-1, 2, 2)}, TypeError, "images as uint8"),
        ({"X": np.ma.masked_less(X, 0)}, TypeError, "masked array"),
        ({"network": "airbench"}, ValueError, "takes images"),
        ({"network": "mpl"}, ValueError, "network: .*mlp"),
        ({"learning_rate": -1.0}, ValueError, "learning_rate"),
        ({"hidden_layer_sizes": (8, 16)}, ValueError, "pass equal sizes"),
        ({"settings": {"optim.momentun": 0.9}}, ValueError, "optim.momentum"),
        ({"loss": "rot", "proportions": np.where(np.arange(3) > 0, np.nan, SHARES)}, ValueError, "rot"),
    ],
)
def test_mistakes_are_told(changes, error, message):
    with pytest.raises(error, match=message):
        mistake(**changes)


def test_bags_without_a_row_are_told():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(SHARES, columns=list("abc"))
    with pytest.raises(ValueError, match='bag "7" has no row in proportions'):
        classifier().fit(X, BAGS, frame.drop(index=7))
    with pytest.raises(ValueError, match=r"classes \['a', 'b'\], expected \['a', 'b', 'c'\]"):
        classifier().fit(X, BAGS, frame).score_bags(X, BAGS, frame[["a", "b"]])


def test_diverged_trainings_are_told():
    with pytest.raises(RuntimeError, match="diverged in epoch .*: try a smaller learning_rate"):
        classifier(learning_rate=1e30, settings={"optim.name": "sgd", "optim.warmup": 0.0}).fit(X, BAGS, SHARES)


def test_interrupts_end_the_training():
    program = """
import _thread, threading, time
from test_sklearn import X, BAGS, SHARES, LLPClassifier
threading.Timer(1.0, _thread.interrupt_main).start()
try:
    LLPClassifier(epochs=10**6).fit(X, BAGS, SHARES)
except KeyboardInterrupt:
    print("interrupted")
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=60)
    assert ended.stdout == "interrupted\n", ended.stderr


def test_weights_are_those_of_the_program(tmp_path):
    pandas = pytest.importorskip("pandas")
    features = pandas.DataFrame(X, columns=list("pqrs")).assign(kind=np.where(X[:, 0] > 2, "high", "low"), n=np.arange(len(X)) % 5)
    known = pandas.DataFrame(SHARES, columns=list("abc")).rename_axis("bag")
    features.assign(bag=BAGS).to_csv(tmp_path / "instances.csv", index=False)
    known.to_csv(tmp_path / "proportions.csv")
    for parameters, arguments in [
        ({"epochs": 3}, ["--epochs", "3"]),
        (
            {"epochs": 2, "loss": "rot", "alpha": 0.3, "network": "linear", "random_state": 5, "validation_fraction": 0.2},
            ["--epochs", "2", "--loss", "rot", "--alpha", "0.3", "--seed", "5"]
            + ["--set", "network.name=linear", "--set", "data.held_out=0.2"],
        ),
    ]:
        run = tmp_path / f"run{len(arguments)}"
        train = [sys.executable, "-c", "import sys; from llp_rs._program import main; sys.exit(main())", "train"]
        subprocess.run([*train, "--data", tmp_path, "--out", run, *arguments], check=True, capture_output=True)
        model = LLPClassifier(**parameters).fit(features, BAGS, known)
        of_program = LLPClassifier.load(run)
        assert weights(model) == weights(of_program)
        state, other = (json.loads(it.model_.files()["state.json"]) for it in (model, of_program))
        assert state["data_fingerprint"] == other["data_fingerprint"] and state["normalization"] == other["normalization"]
        assert (of_program.predict_proba(features) == model.predict_proba(features)).all()
        assert of_program.classes_.tolist() == list("abc")
        model.save(tmp_path / "saved")
        predict = [*train[:-1], "predict", tmp_path / "saved", tmp_path / "instances.csv", "--out", run / "labels.csv"]
        subprocess.run(predict, check=True, capture_output=True)
        labels = pandas.read_csv(run / "labels.csv")
        column = next(name for name in labels.columns if set(labels[name]) <= set("abc"))
        assert (labels[column] == model.predict(features)).all()
