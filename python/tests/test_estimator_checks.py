"""scikit-learn's own checks of classifiers.

They call ``fit(X, y)`` with the labels of single instances, which are bags of one instance. Those that cannot hold are
named with the reason.
"""

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")

from llp_rs.sklearn import LLPClassifier  # noqa: E402
from sklearn.utils import column_or_1d  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402
from sklearn.utils.multiclass import check_classification_targets  # noqa: E402

EXPECTED_FAILURES = {
    "check_dtype_object": "arrays of objects are refused, with the remedy: they may hold anything",
    "check_methods_subset_invariance": "the network computes in single precision: other numbers of rows round by 1e-6",
}


class BagsOfOne(LLPClassifier):
    """A classifier of labelled instances."""

    def fit(self, X, y):
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        classes, places = np.unique(y, return_inverse=True)
        if len(classes) == 1:
            raise ValueError("y has one class: pass at least two")
        super().fit(X, np.arange(len(places)), np.eye(len(classes))[places])
        self.classes_ = classes
        return self


@parametrize_with_checks(
    [BagsOfOne(epochs=60, batch_size=16, learning_rate=0.01, check_bags=False)],
    expected_failed_checks=lambda _: EXPECTED_FAILURES,
)
def test_scikit_learn(estimator, check):
    check(estimator)
