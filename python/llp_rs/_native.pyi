from collections.abc import Callable
from os import PathLike
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

_Floats: TypeAlias = NDArray[np.float32] | NDArray[np.float64]
_Doubles: TypeAlias = NDArray[np.float64]
_Integers: TypeAlias = NDArray[np.int64]
_Cells: TypeAlias = _Integers | _Doubles | list[str | None]
_Table: TypeAlias = NDArray[np.uint8] | list[tuple[str, _Cells]]
_Columns: TypeAlias = list[tuple[str, list[float]]]

def rot_loss(
    logits: _Floats,
    bag_sizes: _Integers,
    proportions: _Doubles,
    alpha: float,
    epsilon: float,
    sweeps: int | None,
) -> tuple[_Floats, _Floats, _Doubles, _Doubles, _Integers, NDArray[np.bool_]]: ...
def rot_plan(
    logits: _Doubles,
    bag_sizes: _Integers,
    proportions: _Doubles,
    alpha: float,
    epsilon: float,
    sweeps: int | None,
) -> tuple[_Doubles, _Doubles, _Doubles, _Doubles, NDArray[np.bool_]]: ...
def assign(cost: _Doubles, bag_sizes: _Integers, counts: _Integers) -> tuple[_Integers, _Doubles]: ...
def counts_of(proportions: _Doubles, bag_sizes: _Integers) -> _Integers: ...
def disaggregate(
    probabilities: _Doubles, bag_sizes: _Integers, proportions: _Doubles, alpha: float, epsilon: float
) -> tuple[_Doubles, _Integers, _Doubles, _Doubles, _Doubles, NDArray[np.bool_]]: ...
def bag_loss(
    loss: str,
    logits: _Floats,
    bag_sizes: _Integers,
    proportions: _Doubles,
    lower: _Doubles | None,
    upper: _Doubles | None,
    standard_errors: _Doubles | None,
    prior: _Doubles | None,
    alpha: float,
    epsilon: float,
    sweeps: int | None,
    order: int,
) -> tuple[_Floats, _Floats]: ...
def fit(
    table: _Table,
    bags: list[str],
    names: list[str],
    columns: _Columns,
    preset: str,
    settings: list[tuple[str, str, str]],
    trains_anyway: bool,
    version: str,
    callback: Callable[[int, dict[str, Any]], None] | None,
) -> tuple[Model, list[dict[str, Any]], list[str]]: ...
def run_program(program: str | PathLike[str], arguments: list[str]) -> int: ...
@final
class Model:
    @staticmethod
    def read(path: str | PathLike[str]) -> Model: ...
    @staticmethod
    def from_files(files: dict[str, bytes]) -> Model: ...
    def write(self, path: str | PathLike[str]) -> None: ...
    def files(self) -> dict[str, bytes]: ...
    def logits(self, table: _Table) -> _Doubles: ...
    def __reduce__(self) -> tuple[Callable[[dict[str, bytes]], Model], tuple[dict[str, bytes]]]: ...
    def disaggregate(
        self,
        table: _Table,
        bags: list[str],
        names: list[str],
        columns: _Columns,
        alpha: float,
        epsilon: float,
    ) -> _Doubles: ...
    def score_bags(
        self, table: _Table, bags: list[str], names: list[str], columns: _Columns
    ) -> dict[str, float]: ...
