from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.model_selection import GroupKFold

__all__ = ["BagKFold", "LLPClassifier", "LLPSearchCV"]

class LLPClassifier(ClassifierMixin, BaseEstimator):
    classes_: NDArray[Any]
    n_features_in_: int
    feature_names_in_: NDArray[np.object_]
    history_: list[dict[str, float]]
    n_iter_: int
    model_: Any
    def __init__(
        self,
        *,
        method: Literal["mean-map", "lmm", "amm", "inv-cal", "linear-kl", "em", "alter-svm"] | None = None,
        impute: Literal["mean", "median"] | None = None,
        network: Literal["mlp", "linear", "airbench", "resnet18"] | None = None,
        hidden_layer_sizes: Sequence[int] | None = None,
        width: int | None = None,
        loss: Literal[
            "kl",
            "rot",
            "avg-kl",
            "l1",
            "l2",
            "interval",
            "marginal",
            "saddlepoint",
            "gaussian",
            "multinomial",
            "moments",
            "easyllp",
            "gupm",
            "dsq",
            "llpfc",
            "ci",
        ]
        | None = None,
        alpha: float | None = None,
        epsilon: float | None = None,
        learning_rate: float | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        weight_decay: float | None = None,
        validation_fraction: float | None = None,
        random_state: int | np.random.RandomState | None = 0,
        check_bags: bool = True,
        preset: str | None = None,
        settings: Mapping[str, Any] | None = None,
        verbose: int = 0,
    ) -> None: ...
    def fit(self, X: Any, bags: Any, proportions: Any = None) -> Self: ...
    def predict(self, X: Any) -> NDArray[Any]: ...
    def predict_proba(self, X: Any) -> NDArray[np.float64]: ...
    def decision_function(self, X: Any) -> NDArray[np.float64]: ...
    def disaggregate(
        self, X: Any, bags: Any, proportions: Any, *, alpha: float = 0.5, epsilon: float = 1.0
    ) -> NDArray[np.float64]: ...
    def score_bags(self, X: Any, bags: Any, proportions: Any) -> dict[str, float]: ...
    def save(self, path: str | PathLike[str]) -> None: ...
    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self: ...

class BagKFold(GroupKFold):
    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]: ...

class LLPSearchCV(MetaEstimatorMixin, BaseEstimator):
    best_estimator_: Any
    best_params_: dict[str, Any]
    best_score_: float
    best_index_: int
    cv_results_: dict[str, Any]
    n_splits_: int
    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        criterion: Literal["kl", "l1", "count-l1", "count-likelihood"] = "kl",
        cv: Any = 5,
        refit: bool = True,
        random_state: int | None = 0,
    ) -> None: ...
    @property
    def classes_(self) -> NDArray[Any]: ...
    def fit(self, X: Any, bags: Any, proportions: Any = None) -> Self: ...
    def predict(self, X: Any) -> NDArray[Any]: ...
    def predict_proba(self, X: Any) -> NDArray[np.float64]: ...
    def score_bags(self, X: Any, bags: Any, proportions: Any) -> dict[str, float]: ...
