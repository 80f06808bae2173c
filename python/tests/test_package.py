"""The package as a whole: its stubs, its program, its panics."""

import ast
import importlib
import inspect
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import llp_rs
import pytest
from llp_rs import _native, ot


def signatures(text):
    """The names of functions and methods in a stub, and their parameters."""
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = [it.arg for it in node.args.args]
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    found[f"{node.name}.{method.name}"] = [it.arg for it in method.args.args]
    return found


def test_the_stub_has_the_native_functions():
    stub = signatures((Path(llp_rs.__file__).parent / "_native.pyi").read_text())
    native = {}
    for name, value in vars(_native).items():
        if inspect.isclass(value):
            methods = {f"{name}.{it}": getattr(value, it) for it in vars(value) if not it.startswith("__") or it == "__reduce__"}
            native |= {it: list(inspect.signature(method).parameters) for it, method in methods.items()}
        elif callable(value):
            native[name] = list(inspect.signature(value).parameters)
    assert stub == native


def parameters(node):
    return [it.arg for it in node.args.args + node.args.kwonlyargs]


@pytest.mark.parametrize("module", ["ot", "torch", "sklearn"])
def test_the_stubs_have_what_the_modules_have(module):
    pytest.importorskip(module) if module != "ot" else None
    module = importlib.import_module(f"llp_rs.{module}")
    stub = ast.parse(Path(module.__file__).with_suffix(".pyi").read_text())
    found = {node.name: node for node in stub.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    assert set(module.__all__) <= set(found)
    for name in module.__all__:
        own, node = getattr(module, name), found[name]
        if isinstance(node, ast.FunctionDef):
            assert parameters(node) == list(inspect.signature(own).parameters), name
            continue
        for method in node.body:
            is_property = isinstance(method, ast.FunctionDef) and isinstance(vars(own).get(method.name), property)
            if isinstance(method, ast.FunctionDef) and not is_property and method.name != "__call__":
                given = inspect.getattr_static(own, method.name)
                given = getattr(given, "__func__", getattr(given, "fn", given))
                assert parameters(method) == list(inspect.signature(given).parameters), f"{name}.{method.name}"


def test_the_program_is_installed():
    assert any(it.value == "llp_rs._program:main" for it in entry_points(group="console_scripts", name="llp"))


def test_the_program_runs_and_its_exit_codes_come_through():
    program = [sys.executable, "-c", "import sys; from llp_rs._program import main; sys.exit(main())"]
    version = subprocess.run([*program, "--version"], capture_output=True, text=True)
    assert (version.returncode, version.stdout) == (0, f"llp {llp_rs.__version__}\n")
    wrong = subprocess.run([*program, "tarin"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "train" in wrong.stderr
    missing = subprocess.run([*program, "evaluate", "no/such/run"], capture_output=True, text=True)
    assert missing.returncode == 2 and "no/such/run" in missing.stderr


def test_examples_of_the_documentation():
    import doctest

    assert doctest.testmod(ot).failed == 0


def test_examples_of_the_classifier():
    pytest.importorskip("sklearn")
    import doctest

    import llp_rs.sklearn

    assert doctest.testmod(llp_rs.sklearn).failed == 0


def test_examples_of_the_losses():
    pytest.importorskip("torch")
    import doctest

    import llp_rs.torch

    assert doctest.testmod(llp_rs.torch).failed == 0
