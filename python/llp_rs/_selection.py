"""Cross-validation over bags, and choosing hyper-parameters without any label of an instance."""

import time

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.model_selection import GroupKFold, ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

CRITERIA = ("kl", "l1", "count-l1", "count-likelihood")


class BagKFold(GroupKFold):
    """Folds of whole bags: :class:`sklearn.model_selection.GroupKFold` whose groups are the bags.

    ``split(X, bags)`` takes the bags where other splitters take labels.
    """

    def split(self, X, y=None, groups=None):
        """Indices of training and held-out instances of each fold; ``y`` is the bags."""
        bags = y if groups is None else groups
        if bags is None:
            raise ValueError("bags is missing: pass the bag of each instance, split(X, bags)")
        return super().split(X, y, bags)


def _has(method):
    def check(search):
        estimator = getattr(search, "best_estimator_", search.estimator)
        getattr(estimator, method)
        return True

    return check


class LLPSearchCV(MetaEstimatorMixin, BaseEstimator):
    """Chooses parameters by what held-out bags say, without any label of an instance.

    Parameters
    ----------
    estimator : LLPClassifier, or a pipeline that ends with one
    param_grid : dict or list of dict
        As for :class:`sklearn.model_selection.GridSearchCV`.
    criterion : {"kl", "l1", "count-l1", "count-likelihood"}
        What :meth:`LLPClassifier.score_bags` gives; the smallest mean over folds is chosen.
    cv : int or splitter
        Folds of bags, or an object with ``split(X, bags)``.
    refit : bool
        Whether to train the chosen parameters on all bags.
    random_state : int or None
        Seed of the folds, where ``cv`` is a number.

    Attributes
    ----------
    best_params_ : dict
    best_score_ : float
        Minus the mean criterion of the chosen parameters.
    best_index_ : int
    best_estimator_ : estimator
        With ``refit``.
    cv_results_ : dict
        As in :class:`sklearn.model_selection.GridSearchCV`; scores are minus the criterion.
    """

    def __init__(self, estimator, param_grid, *, criterion="kl", cv=5, refit=True, random_state=0):
        self.estimator = estimator
        self.param_grid = param_grid
        self.criterion = criterion
        self.cv = cv
        self.refit = refit
        self.random_state = random_state

    def fit(self, X, bags, proportions=None):
        """Tries every parameter on every fold; arguments are those of :meth:`LLPClassifier.fit`."""
        if self.criterion not in CRITERIA:
            raise ValueError(f"criterion is {self.criterion!r}: pass one of {', '.join(CRITERIA)}")
        splits = list(self._splitter(bags).split(X, bags))
        candidates = list(ParameterGrid(self.param_grid))
        scores = np.empty((len(candidates), len(splits)))
        times = np.empty_like(scores)
        for at, parameters in enumerate(candidates):
            for fold, (train, held_out) in enumerate(splits):
                start = time.perf_counter()
                estimator = clone(self.estimator).set_params(**clone(parameters, safe=False))
                _fit(estimator, _safe_indexing(X, train), _safe_indexing(bags, train), proportions)
                times[at, fold] = time.perf_counter() - start
                part = _safe_indexing(X, held_out), _safe_indexing(bags, held_out), proportions
                scores[at, fold] = -_score_bags(estimator, *part)[self.criterion]
        self._keep(candidates, scores, times)
        if self.refit:
            self.best_estimator_ = clone(self.estimator).set_params(**self.best_params_)
            _fit(self.best_estimator_, X, bags, proportions)
        return self

    def _splitter(self, bags):
        if hasattr(self.cv, "split"):
            return self.cv
        n_bags = len(set(np.asarray(bags).tolist()))
        if not 2 <= self.cv <= n_bags:
            raise ValueError(f"cv is {self.cv!r}: pass a number from 2 to {n_bags}, the number of bags, or a splitter")
        return BagKFold(self.cv, shuffle=True, random_state=self.random_state)

    def _keep(self, candidates, scores, times):
        means = scores.mean(axis=1)
        self.n_splits_ = scores.shape[1]
        self.best_index_ = int(means.argmax())
        self.best_params_ = candidates[self.best_index_]
        self.best_score_ = float(means[self.best_index_])
        self.cv_results_ = {
            "params": candidates,
            "mean_fit_time": times.mean(axis=1),
            "std_fit_time": times.std(axis=1),
            "mean_test_score": means,
            "std_test_score": scores.std(axis=1),
            "rank_test_score": (-means).argsort().argsort() + 1,
            **{f"split{fold}_test_score": scores[:, fold] for fold in range(scores.shape[1])},
            **{
                f"param_{name}": np.array([candidate.get(name) for candidate in candidates], dtype=object)
                for name in sorted({name for candidate in candidates for name in candidate})
            },
        }

    @property
    def classes_(self):
        """Those of the best estimator."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.classes_

    @available_if(_has("predict"))
    def predict(self, X):
        """By the best estimator."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.predict(X)

    @available_if(_has("predict_proba"))
    def predict_proba(self, X):
        """By the best estimator."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.predict_proba(X)

    def score_bags(self, X, bags, proportions):
        """By the best estimator."""
        check_is_fitted(self, "best_estimator_")
        return _score_bags(self.best_estimator_, X, bags, proportions)


def _fit(estimator, X, bags, proportions):
    if isinstance(estimator, Pipeline):
        return estimator.fit(X, bags, **{f"{estimator.steps[-1][0]}__proportions": proportions})
    return estimator.fit(X, bags, proportions)


def _score_bags(estimator, X, bags, proportions):
    if isinstance(estimator, Pipeline):
        return estimator[-1].score_bags(estimator[:-1].transform(X), bags, proportions)
    return estimator.score_bags(X, bags, proportions)
