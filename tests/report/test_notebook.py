"""The notebook's functions, and the notebook that shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

import heirloom
from heirloom.errors import HeirloomError

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook.ipynb"


def test_measures_are_a_data_frame_and_can_be_narrowed(written: Path) -> None:
    frame = heirloom.load_metrics()
    assert list(frame.columns) == ["experiment", "variant", "regime", "seed", "generation", "metric", "value"]
    table = heirloom.load_metrics(experiment="words", regime="replace", metric="test_perplexity")
    assert table["generation"].tolist() == [1, 2, 3, 1, 2, 3]
    with pytest.raises(HeirloomError, match="regime 'kepe': not among the results, which have accumulate, control, keep"):
        heirloom.load_metrics(regime="kepe")


def test_a_reference_opens_as_a_dataset(written: Path) -> None:
    rows = heirloom.load_dataset("words/replace/0/1")
    assert rows.num_rows == 6
    assert rows[0]["parent"] == 0
    with pytest.raises(HeirloomError, match=r"metrics\.json is no dataset"):
        heirloom.load_dataset("words/replace/0/1:metrics")


def test_charts_have_the_rows_of_every_arm(written: Path) -> None:
    chart = heirloom.plot.curve("toy", "log_determinant.mean").to_dict()
    (rows,) = chart["datasets"].values()
    assert len(rows) == 4 * 7
    assert heirloom.plot.figure("words", "diversity").to_dict()["hconcat"]
    with pytest.raises(HeirloomError, match="measure 'loss': words has test_perplexity, "):
        heirloom.plot.curve("words", "loss")
    with pytest.raises(HeirloomError, match="figure 'grid': words has test_perplexity, "):
        heirloom.plot.figure("words", "grid")
    with pytest.raises(HeirloomError, match="experiment 'word': there are figures of "):
        heirloom.plot.figure("word", "grid")
    with pytest.raises(HeirloomError, match="experiment 'word': the config has crossed__biased, crossed__unbiased, toy, words"):
        heirloom.plot.curve("word", "loss")


@pytest.mark.slow
def test_the_notebook_of_the_docs_runs(written: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    assert "transformer" in notebook.cells[1].source
    notebook.cells[1].source = notebook.cells[1].source.replace("transformer", "words")
    executed_notebook = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(written)}}
    ).execute()
    outputs = [output for cell in executed_notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output.output_type for output in outputs].count("execute_result") >= 4
    assert not any(output.output_type == "error" for output in outputs)
