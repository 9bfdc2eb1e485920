"""The notebook runs from top to bottom without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "butterfly_sample_notebook.ipynb"


# Jupyter's own libraries warn about each other.
@pytest.mark.filterwarnings("default")
@pytest.mark.slow
def test_it_runs_without_a_network(tmp_path, monkeypatch):
    nbformat = pytest.importorskip("nbformat", reason="needs nbformat")
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient")
    pytest.importorskip("ipykernel", reason="needs ipykernel")
    monkeypatch.setenv("HYBRIDWING_OFFLINE", "1")
    monkeypatch.setenv("HYBRIDWING_SPECIMENS", "180")
    monkeypatch.setenv("HYBRIDWING_WORK", str(tmp_path / "work"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "outputs are not committed"
    imported = [
        line for cell in notebook.cells for line in cell.source.splitlines() if "hybridwing" in line.split("#")[0]
    ]
    assert [line for line in imported if line.startswith(("import", "from"))] == ["import hybridwing as hw"]
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    printed = "".join(output.text for output in shown if output.output_type == "stream" and output.name == "stdout")
    assert "working on a simulated collection" in printed
    pictures = sum("image/png" in output.get("data", {}) for output in shown)
    assert pictures == 3
    assert any("challenge_score" in output.get("data", {}).get("text/html", "") for output in shown)
    assert (tmp_path / "work" / "run-pattern" / "run.json").is_file()
