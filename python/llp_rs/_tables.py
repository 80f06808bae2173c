"""Features, bags and proportions in the forms that people have them, as tables for the native module."""

import numpy as np

_PARTS = ("_low", "_high", "_se")


def _is_pandas(value):
    return type(value).__module__.split(".")[0] == "pandas"


def _is_polars(value):
    return type(value).__module__.split(".")[0] == "polars"


def _is_frame(value):
    return hasattr(value, "columns") and (_is_pandas(value) or _is_polars(value))


def _texts(values):
    """Texts, and nothing where a cell is missing."""

    def text(value):
        is_missing = value is None or value != value or type(value).__name__ == "NAType"
        return None if is_missing else str(value)

    return [text(value) for value in values]


def _ids(values):
    """Names of bags: a whole number has one name, with or without a fraction."""
    return _texts([int(it) if isinstance(it, float) and it.is_integer() else it for it in values])


def _numbers(name, array):
    """A column of numbers or truth values; no column of anything else."""
    if array.dtype.kind in "bi" or (array.dtype.kind == "u" and array.dtype.itemsize < 8):
        return np.ascontiguousarray(array, dtype=np.int64)
    if array.dtype.kind in "uf":
        return np.ascontiguousarray(array, dtype=np.float64)
    raise TypeError(f"X: column {name!r} has dtype {array.dtype}: pass numbers, texts or categories")


def _pandas_column(name, series):
    kind = series.dtype
    if str(kind) in ("category", "object", "string", "str") or str(kind).startswith("string"):
        return _texts(series.tolist())
    if str(kind) == "boolean" or str(kind)[:3] in ("Int", "UIn", "Flo"):
        if series.isna().any():
            return np.ascontiguousarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
        return _numbers(name, series.to_numpy(dtype=str(kind).lower().replace("boolean", "bool")))
    return _numbers(name, series.to_numpy())


def _polars_column(name, series):
    kind = str(series.dtype)
    if kind.startswith(("String", "Categorical", "Enum", "Utf8")):
        return _texts(series.to_list())
    if kind == "Boolean":
        series = series.cast(int)
    return _numbers(name, series.to_numpy())


def _names(frame):
    names = [str(name) for name in frame.columns]
    repeated = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if repeated:
        raise ValueError(f"the frame has two columns called {repeated[0]!r}: rename one")
    return names


def _frame_columns(frame):
    names = _names(frame)
    if _is_polars(frame):
        return [(name, _polars_column(name, frame.get_column(name))) for name in names]
    return [(name, _pandas_column(name, frame.iloc[:, at])) for at, name in enumerate(names)]


def features(X):
    """Instances as the native module takes them, as :func:`_features` says; at least one."""
    table, names, n_instances = _features(X)
    if n_instances == 0:
        raise ValueError("X has 0 sample(s) while a minimum of 1 is required: pass at least one row")
    return table, names, n_instances


def _features(X):
    """Instances as the native module takes them, their names if they have some, and their number.

    A frame has columns of numbers, truth values, texts or categories. An array has shape ``[instance, feature]`` for
    numbers, or ``[instance, height, width]`` or ``[instance, height, width, channel]`` for images of uint8.
    """
    if isinstance(X, np.ma.MaskedArray):
        raise TypeError("X is a masked array, whose mask would be ignored: pass X.filled(...)")
    if _is_frame(X):
        columns = _frame_columns(X)
        if not columns:
            raise ValueError("X has 0 feature(s): pass a frame with at least one column")
        return columns, [name for name, _ in columns], len(X)
    if hasattr(X, "toarray"):
        raise TypeError("X is a sparse matrix: pass a dense one, X.toarray()")
    if hasattr(X, "detach"):
        X = X.detach().cpu().numpy()
    X = np.asarray(X)
    if X.ndim in (3, 4):
        if X.dtype != np.uint8:
            raise TypeError(f"X has dtype {X.dtype}: pass images as uint8 from 0 to 255")
        return np.ascontiguousarray(X if X.ndim == 4 else X[..., None]), None, len(X)
    if X.ndim != 2:
        raise ValueError(
            f"X has shape {list(X.shape)}, expected [instance, feature] or images [instance, height, width, channel]: "
            "Reshape your data, for instance by X.reshape(-1, 1)"
        )
    if X.dtype.kind not in "biuf":
        raise TypeError(f"X has dtype {X.dtype}: pass numbers, or a data frame where some columns are texts")
    if X.shape[1] == 0:
        raise ValueError(f"X has 0 feature(s) (shape={X.shape}) while a minimum of 1 is required.")
    return [(f"x{at}", _numbers(f"x{at}", X[:, at])) for at in range(X.shape[1])], None, len(X)


def check_complete(X):
    """Refuses an array of numbers with NaN."""
    X = None if _is_frame(X) else np.asarray(X)
    if X is None or X.ndim != 2 or X.dtype.kind != "f":
        return
    missing = np.isnan(X)
    if missing.any():
        row, column = np.argwhere(missing)[0]
        raise ValueError(
            f"X is NaN in {missing.sum()} of its {missing.size} cells, first in row {row}, column {column}: "
            "pass impute='mean' or 'median', or drop these rows"
        )


def bag_names(bags, n_instances):
    """The bag of each instance, as texts."""
    if bags is None:
        raise ValueError("bags is missing: pass the bag of each instance, [instance]")
    if isinstance(bags, np.ma.MaskedArray):
        raise TypeError("bags is a masked array, whose mask would be ignored: drop these instances")
    values = bags.to_numpy() if hasattr(bags, "to_numpy") else np.asarray(bags)
    if values.ndim != 1 or len(values) != n_instances:
        raise ValueError(f"bags has shape {list(values.shape)}, expected [{n_instances}], one for each row of X")
    if values.dtype.kind == "b":
        raise TypeError("bags is an array of truth values: pass integers or names")
    names = _ids(values.tolist())
    missing = next((row for row, name in enumerate(names) if not name), None)
    if missing is not None:
        raise ValueError(f"bags: row {missing} has none: give it a bag, or drop the row")
    return names


def proportions_table(proportions, bags):
    """The names of the bags in ``bags``, and the columns of what is known of them: names and numbers.

    Also the labels of the classes by the names of their columns. Rows of other bags are left out: those of a fold
    that is not looked at.
    """
    if proportions is None:
        raise ValueError("proportions is missing: pass the share of each class in each bag, [bag, class] or a frame")
    if isinstance(proportions, np.ma.MaskedArray):
        raise TypeError("proportions is a masked array, whose mask would be ignored: pass NaN for unknown shares")
    if _is_frame(proportions):
        names, columns, labels = _proportions_frame(proportions)
    else:
        names, columns, labels = _proportions_array(proportions, bags)
    wanted = set(bags)
    rows = [row for row, name in enumerate(names) if name in wanted]
    return [names[row] for row in rows], [(name, values[rows].tolist()) for name, values in columns], labels


def _proportions_frame(frame):
    names = _names(frame)
    if "bag" in names:
        ids = frame["bag"].to_numpy().tolist()
    elif _is_polars(frame):
        raise ValueError(f"proportions has no column 'bag' (there are {', '.join(names)}): add the bag of each row")
    else:
        ids = frame.index.tolist()
    columns, labels = [], {}
    for at, name in enumerate(names):
        if name == "bag":
            continue
        column = frame.get_column(name) if _is_polars(frame) else frame.iloc[:, at]
        columns.append((name, _shares(name, column)))
        labels[name] = frame.columns[at]
    return _ids(ids), columns, labels


def _shares(name, column):
    kind = str(column.dtype)
    if kind.lower() in ("bool", "boolean"):
        raise TypeError(f"proportions: column {name!r} holds truth values: pass shares or counts")
    try:
        if _is_polars(column):
            if not column.dtype.is_numeric():
                raise TypeError
            return column.cast(float).to_numpy()
        if kind in ("object", "str", "category") or kind.startswith(("string", "datetime")):
            raise TypeError
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        raise TypeError(f"proportions: column {name!r} holds {kind}: pass numbers, or drop it if it is no class") from None


def _proportions_array(proportions, bags):
    array = np.asarray(proportions)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"proportions has dtype {array.dtype}: pass shares or counts as numbers")
    array = array.astype(np.float64)
    if array.ndim == 1:
        array = np.stack([1.0 - array, array], axis=1)
    if array.ndim != 2:
        raise ValueError(f"proportions has shape {list(array.shape)}, expected [bag, class]")
    n_bags = len(array)
    names = [str(bag) for bag in range(n_bags)]
    known = set(names)
    stranger = next((bag for bag in bags if bag not in known), None)
    if stranger is not None:
        raise ValueError(
            f"bags: {stranger!r} is no row of proportions, which has {n_bags}: pass integers from 0 to {n_bags - 1}, "
            "or proportions as a data frame whose index holds the bags"
        )
    columns = [(str(at), array[:, at]) for at in range(array.shape[1])]
    return names, columns, {str(at): at for at in range(array.shape[1])}


def check_classes(columns, labels, classes):
    """The columns in the order of ``classes``; refuses those of other classes."""
    by_name = dict(columns)
    wanted = [str(label) for label in classes]
    given = [name for name in by_name if not _is_part(name, by_name)]
    if set(given) != set(wanted):
        raise ValueError(f"proportions has the classes {given}, expected {wanted}, those of the fit")
    parts = [name for name in by_name if _is_part(name, by_name)]
    return [(name, by_name[name]) for name in wanted + parts]


def _is_part(name, names):
    return any(name.endswith(part) and name[: -len(part)] in names for part in _PARTS)
