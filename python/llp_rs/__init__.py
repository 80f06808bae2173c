"""Learning from label proportions.

Instances come in bags, and of each bag only the share of every class is known.

- :mod:`llp_rs.ot`: optimal transport between the instances of bags and classes, on NumPy arrays;
- :mod:`llp_rs.torch`: losses of bags as PyTorch modules (needs ``torch``);
- :mod:`llp_rs.sklearn`: classifiers with ``fit`` and ``predict`` (needs ``scikit-learn``).
"""

from importlib.metadata import version as _version

__version__ = _version("llp-rs")

__all__ = ["__version__"]
