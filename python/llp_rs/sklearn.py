"""Classifiers of single instances that learn from the proportions of bags, in the manner of scikit-learn.

Examples
--------
>>> import numpy as np
>>> from llp_rs.sklearn import LLPClassifier
>>> rng = np.random.default_rng(0)
>>> y = rng.integers(0, 2, 400)
>>> X = rng.normal(size=(400, 3)) + 3 * y[:, None]
>>> bags = np.arange(400) // 8
>>> proportions = [[np.mean(y[bags == bag] == label) for label in (0, 1)] for bag in range(50)]
>>> model = LLPClassifier(epochs=20).fit(X, bags, proportions)
>>> bool(model.score(X, y) > 0.9)
True
"""

import json
import sys
import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state, estimator_html_repr
from sklearn.utils.validation import check_is_fitted

from . import __version__, _native
from ._arrays import number
from ._curve import learning_curve
from ._selection import BagKFold, LLPSearchCV
from ._tables import bag_names, check_classes, check_complete, features, proportions_table

__all__ = ["BagKFold", "LLPClassifier", "LLPSearchCV"]

# Parameters and the keys of the configuration (docs/cli.md) that they set.
_KEYS = {
    "method": "method.name",
    "impute": "data.impute",
    "network": "network.name",
    "width": "network.width",
    "loss": "loss.name",
    "alpha": "loss.alpha",
    "epsilon": "loss.epsilon",
    "learning_rate": "optim.lr",
    "epochs": "optim.epochs",
    "batch_size": "optim.images_per_step",
    "weight_decay": "optim.weight_decay",
    "validation_fraction": "data.held_out",
}


class LLPClassifier(ClassifierMixin, BaseEstimator):
    """A network that is trained on bags of instances and predicts the class of single ones.

    With the same settings on the same table ``llp train`` gives the same weights, bit for bit. A parameter of None
    has the value of the preset.

    Parameters
    ----------
    method : {"mean-map", "lmm", "amm", "inv-cal", "linear-kl", "em", "alter-svm"}, optional
        A classical method for features in place of a network that is trained step by step; no setting of network, loss
        or optimizer goes with it.
    impute : {"mean", "median"}, optional
        What stands for missing numbers of X: that of the column in the training bags. By default they are refused.
    network : {"mlp", "linear", "airbench", "resnet18"}, optional
        The last two take images. By default "mlp" for features and "airbench" for images.
    hidden_layer_sizes : tuple of int, optional
        Units of the hidden layers of "mlp", all equal: (64, 64) by default.
    width : int, optional
        Channels of the first stage of "resnet18".
    loss : {"kl", "rot", "avg-kl", "l1", "l2", "interval", "marginal", "saddlepoint", "gaussian", "multinomial", "moments", "easyllp", "gupm", "dsq", "llpfc", "ci"}
        By default "kl"; optional, as all that follows.
    alpha, epsilon : float, optional
        Parameters of "rot".
    learning_rate, weight_decay : float, optional
        Those of the optimizer.
    epochs : int, optional
        Passes over the bags.
    batch_size : int, optional
        Instances of a step, which takes whole bags.
    validation_fraction : float, optional
        Fraction of the bags that are held out: ``history_`` has their losses.
    random_state : int, RandomState or None
        Seed of weights and order.
    check_bags : bool
        Whether to refuse bags that cannot teach the classes, such as bags of equal proportions.
    preset : str, optional
        Where defaults come from: "table" for features, "fast" or "cifar10-cpu" for images.
    settings : dict, optional
        Further keys of the configuration, such as ``{"optim.schedule": "cosine"}``.
    verbose : int
        1 shows the progress: by tqdm where it is installed, else as lines on standard error.

    Attributes
    ----------
    classes_ : array, ``[class]``
        The columns of proportions, or 0, 1 and so on.
    n_features_in_ : int
        Columns, of features only.
    feature_names_in_ : array, ``[feature]``
        Their names, where X was a frame.
    history_ : list of dict
        Losses of each epoch.
    model_ : object
        The trained network.
    """

    def __init__(
        self,
        *,
        method=None,
        impute=None,
        network=None,
        hidden_layer_sizes=None,
        width=None,
        loss=None,
        alpha=None,
        epsilon=None,
        learning_rate=None,
        epochs=None,
        batch_size=None,
        weight_decay=None,
        validation_fraction=None,
        random_state=0,
        check_bags=True,
        preset=None,
        settings=None,
        verbose=0,
    ):
        self.method = method
        self.impute = impute
        self.network = network
        self.hidden_layer_sizes = hidden_layer_sizes
        self.width = width
        self.loss = loss
        self.alpha = alpha
        self.epsilon = epsilon
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.check_bags = check_bags
        self.preset = preset
        self.settings = settings
        self.verbose = verbose

    def fit(self, X, bags, proportions=None):
        """Trains on bags.

        Parameters
        ----------
        X : array ``[instance, feature]``, data frame, or images of uint8 ``[instance, height, width, channel]``
        bags : array-like, ``[instance]``
            The bag of each instance: any labels with a frame of proportions, else rows of the array of proportions.
        proportions : array ``[bag, class]``, or data frame with a column of each class
            Shares or counts; NaN is an unknown share. A frame of pandas has the bags as its index, or in a column
            "bag"; one of Polars in a column "bag". Beside a column ``CLASS`` there may be ``CLASS_low`` and
            ``CLASS_high``, or ``CLASS_se``. An array of one dimension has the shares of class 1 of two classes. Rows
            of bags that have no instance in X are left out.

        Returns
        -------
        LLPClassifier
            Itself.
        """
        table, names, n_instances = features(X)
        if self.impute is None:
            check_complete(X)
        bags = bag_names(bags, n_instances)
        rows, columns, labels = proportions_table(proportions, bags)
        is_image = isinstance(table, np.ndarray)
        _, sizes = np.unique(bags, return_counts=True)
        settings = self._settings(is_image, int(sizes.max()))
        progress = _Progress(self.verbose)
        try:
            model, history, notes = _native.fit(
                table, bags, rows, columns, *settings, not self.check_bags, __version__, progress.callback()
            )
        finally:
            progress.close()
        for note in notes:
            warnings.warn(note, stacklevel=2)
        self._set(model, history, labels)
        if is_image:
            self._forget("n_features_in_", "feature_names_in_")
        else:
            self.n_features_in_ = len(table)
            if names is None:
                self._forget("feature_names_in_")
            else:
                self.feature_names_in_ = np.array(names, dtype=object)
        return self

    def predict(self, X):
        """The most probable class of each instance, ``[instance]``."""
        logits = self._logits(X)
        return self.classes_[logits.argmax(axis=1)]

    def predict_proba(self, X):
        """The probability of each class, ``[instance, class]``."""
        logits = self._logits(X)
        exp = np.exp(logits - logits.max(axis=1, keepdims=True))
        return exp / exp.sum(axis=1, keepdims=True)

    def decision_function(self, X):
        """The logits of the network, ``[instance, class]``; of two classes the difference of theirs, ``[instance]``.

        Positive values of the latter speak for ``classes_[1]``, as everywhere in scikit-learn.
        """
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def disaggregate(self, X, bags, proportions, *, alpha=0.5, epsilon=1.0):
        """The probability of each class where the proportions of the bags are known, ``[instance, class]``.

        ``alpha`` weighs the network against the proportions: at 0 the probabilities of each bag add up to exactly
        its counts. The other parameters are those of :meth:`fit` and of :func:`llp_rs.ot.disaggregate`.
        """
        arguments = self._bagged(X, bags, proportions)
        return self.model_.disaggregate(*arguments, number(alpha, "alpha"), number(epsilon, "epsilon"))

    def score_bags(self, X, bags, proportions):
        """What bags say of the network without any label; smaller is better.

        Returns
        -------
        dict
            "kl": the KL loss; "l1": the distance of mean predictions and proportions; "count-l1": the distance of
            predicted and known counts for each instance; "count-likelihood": minus the log-likelihood of the counts
            for each bag.
        """
        return self.model_.score_bags(*self._bagged(X, bags, proportions))

    def save(self, path):
        """Writes the network into the folder ``path``: a checkpoint that every command of ``llp`` reads."""
        check_is_fitted(self)
        self.model_.write(path)

    @classmethod
    def load(cls, path):
        """The classifier of a checkpoint, or of a run of ``llp train``."""
        model = _native.Model.read(path)
        state = json.loads(model.files()["state.json"])
        classifier = cls(network=state["network"]["name"])
        names = state["class_names"]
        are_numbers = names == [str(at) for at in range(len(names))]
        classifier._set(model, [], {name: at if are_numbers else name for at, name in enumerate(names)})
        schema = state.get("features")
        if schema is not None:
            columns = [column["name"] for column in schema["columns"]]
            classifier.n_features_in_ = len(columns)
            if columns != [f"x{at}" for at in range(len(columns))]:
                classifier.feature_names_in_ = np.array(columns, dtype=object)
        return classifier

    def _logits(self, X):
        check_is_fitted(self)
        return self.model_.logits(self._features(X)[0])

    def _html_repr(self):
        """What notebooks show: scikit-learn's own box, with the learning curve below."""
        return estimator_html_repr(self) + learning_curve(getattr(self, "history_", []))

    def _set(self, model, history, labels):
        state = json.loads(model.files()["state.json"])
        self.model_ = model
        self.classes_ = np.array([labels[name] for name in state["class_names"]])
        self.history_ = history
        schema = state.get("features") or {"columns": []}
        self._fills = any(column.get("fill") is not None for column in schema["columns"])
        self.n_iter_ = len(history)

    def _forget(self, *names):
        for name in names:
            if hasattr(self, name):
                delattr(self, name)

    def _bagged(self, X, bags, proportions):
        check_is_fitted(self)
        table, n_instances = self._features(X)
        bags = bag_names(bags, n_instances)
        rows, columns, labels = proportions_table(proportions, bags)
        return table, bags, rows, check_classes(columns, labels, self.classes_)

    def _features(self, X):
        """The columns of the fit, whatever their order in a frame."""
        table, names, n_instances = features(X)
        if not self._fills:
            check_complete(X)
        if isinstance(table, np.ndarray) or not hasattr(self, "n_features_in_"):
            return table, n_instances
        known = getattr(self, "feature_names_in_", None)
        if names is not None and known is not None:
            strange = [name for name in names if name not in set(known)]
            missing = [name for name in known if name not in set(names)]
            if strange or missing:
                parts = [f"lacks {missing}" if missing else "", f"has {strange} besides" if strange else ""]
                raise ValueError(f"X {' and '.join(filter(None, parts))}: pass the columns of the fit, {list(known)}")
            return table, n_instances
        if len(table) != self.n_features_in_:
            raise ValueError(
                f"X has {len(table)} features, but {type(self).__name__} is expecting {self.n_features_in_} features as input"
            )
        if known is not None:
            warnings.warn("X has no feature names, but the classifier was fitted with some: columns are taken in order", stacklevel=3)
            table = [(name, values) for name, (_, values) in zip(known, table)]
        elif names is not None:
            warnings.warn("X has feature names, but the classifier was fitted without: columns are taken in order", stacklevel=3)
            table = [(f"x{at}", values) for at, (_, values) in enumerate(table)]
        return table, n_instances

    def _settings(self, is_image, largest_bag):
        """The preset, and what is set over it: argument, key and text each."""
        if not is_image and self.network in ("airbench", "resnet18"):
            raise ValueError(f"network {self.network!r} takes images: pass them as X, or network='mlp'")
        preset = self.preset
        if preset is None:
            wants_resnet = self.network == "resnet18" or self.width is not None
            preset = ("cifar10-cpu" if wants_resnet else "fast") if is_image else "table"
        settings = [("X", "data.name", "X"), ("bags", "bags.size", str(largest_bag))]
        settings += [("settings", key, _text(value)) for key, value in (self.settings or {}).items()]
        settings += [
            (name, key, _text(getattr(self, name))) for name, key in _KEYS.items() if getattr(self, name) is not None
        ]
        if self.hidden_layer_sizes is not None:
            sizes = tuple(np.atleast_1d(self.hidden_layer_sizes).tolist())
            if not sizes or len(set(sizes)) > 1:
                raise ValueError(f"hidden_layer_sizes is {self.hidden_layer_sizes!r}: pass equal sizes, such as (64, 64)")
            settings += [
                ("hidden_layer_sizes", "network.hidden", _text(sizes[0])),
                ("hidden_layer_sizes", "network.depth", str(len(sizes))),
            ]
        settings.append(("random_state", "seed", str(self._seed())))
        return preset, settings

    def _seed(self):
        if isinstance(self.random_state, (int, np.integer)) and not isinstance(self.random_state, bool):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))


def _text(value):
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    return str(value.item() if isinstance(value, np.generic) else value)


class _Progress:
    """What a training tells while it runs."""

    def __init__(self, verbose):
        self._verbose = verbose
        self._bar = None

    def callback(self):
        return self._epoch if self._verbose else None

    def _epoch(self, n_epochs, record):
        losses = {name: f"{value:.4g}" for name, value in record.items() if name in ("train_loss", "held_out_loss")}
        if self._bar is None:
            self._bar = _bar(n_epochs)
        if self._bar:
            self._bar.set_postfix(losses, refresh=False)
            self._bar.update()
        else:
            text = ", ".join(f"{name} {value}" for name, value in losses.items())
            print(f"epoch {record['epoch']}/{n_epochs}: {text}", file=sys.stderr)

    def close(self):
        if self._bar:
            self._bar.close()


def _bar(n_epochs):
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return False
    return tqdm(total=n_epochs, unit="epoch")
