"""What users pass, as arrays that the native module takes; messages name the argument."""

import numpy as np


def _checked(value, name):
    """An array of anything that is meant as one."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array, whose mask would be ignored: pass {name}.filled(...) or NaN")
    if not isinstance(value, np.ndarray):
        if hasattr(value, "columns"):
            raise TypeError(f"{name} is a data frame: pass {name}.to_numpy(), with its columns in the right order")
        if isinstance(value, (str, bytes, bytearray, dict, set)):
            raise TypeError(f"{name} is {type(value).__name__}: pass a NumPy array")
        if hasattr(value, "detach"):
            raise TypeError(f"{name} is a tensor: pass {name}.detach().cpu().numpy(), or use llp_rs.torch")
    array = np.asarray(value)
    if array.dtype == bool:
        raise TypeError(f"{name} is an array of truth values: pass numbers, such as {name}.astype(float)")
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} has dtype {array.dtype}: pass an array of numbers")
    return array


def _check_ndim(array, name, axes):
    if array.ndim != len(axes):
        shape = ", ".join(axes)
        raise ValueError(f"{name} has shape {list(array.shape)}, expected [{shape}]")


def floats(value, name, axes=("instance", "class")):
    """An array of float32 or float64, contiguous; the same memory if it is already."""
    array = _checked(value, name)
    _check_ndim(array, name, axes)
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        raise TypeError(f"{name} has dtype {array.dtype}: pass {name}.astype(numpy.float32) or float64")
    dtype = array.dtype.newbyteorder("=") if array.dtype.kind == "f" else np.dtype(np.float64)
    return np.ascontiguousarray(array, dtype=dtype)


def doubles(value, name, axes=("instance", "class")):
    """An array of float64, contiguous; the same memory if it is already."""
    return np.ascontiguousarray(floats(value, name, axes), dtype=np.float64)


def integers(value, name, axes=("bag",)):
    """An array of int64, contiguous; the same memory if it is already."""
    array = _checked(value, name)
    _check_ndim(array, name, axes)
    if array.size and array.dtype.kind == "f":
        raise TypeError(f"{name} has dtype {array.dtype}: pass whole numbers, such as {name}.astype(int)")
    if array.dtype.kind == "u" and array.size and array.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{name} has a number beyond 64 bits: pass smaller ones")
    return np.ascontiguousarray(array, dtype=np.int64)


def number(value, name):
    """A number, no truth value."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} is {value!r}: pass a number")
    return float(value)


def sweeps(solver, n_sweeps):
    """The number of sweeps of a solver, nothing for Newton's method."""
    if solver == "newton":
        return None
    if solver != "sinkhorn":
        raise ValueError(f"solver is {solver!r}: pass 'newton' or 'sinkhorn'")
    if isinstance(n_sweeps, bool) or not isinstance(n_sweeps, (int, np.integer)) or n_sweeps < 1:
        raise ValueError(f"sweeps is {n_sweeps!r}: pass a whole number of at least 1")
    return int(n_sweeps)
