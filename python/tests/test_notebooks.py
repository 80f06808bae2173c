"""The notebooks of the documentation run from the first cell to the last."""

from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient")
import nbformat  # noqa: E402

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs/notebooks").glob("*.ipynb"))


def test_there_are_notebooks():
    assert len(NOTEBOOKS) == 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for package in ("pandas", "sklearn", "torch"):
        if f"import {package}" in "".join(cell.source for cell in notebook.cells):
            pytest.importorskip(package)
    kept = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    assert any(kept), f"{path.name} has no outputs to show: run `jupyter execute --inplace {path.name}`"
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
