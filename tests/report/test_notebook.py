"""The notebook's functions, and the notebook that shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import heirloom
from heirloom.errors import HeirloomError

SHOWN = '"configs/quick.yaml", "quick"'
NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook.ipynb"


def test_measures_are_a_data_frame_and_can_be_narrowed(written: Path) -> None:
    frame = heirloom.load_metrics()
    assert list(frame.columns) == ["experiment", "variant", "regime", "seed", "generation", "metric", "value"]
    table = heirloom.load_metrics(experiment="words", regime="replace", metric="test_perplexity")
    assert table["generation"].tolist() == [1, 2, 3, 1, 2, 3]
    with pytest.raises(HeirloomError, match="regime 'kepe': not among the results, which have accumulate, control, keep"):
        heirloom.load_metrics(regime="kepe")


def test_both_names_of_an_experiment_of_a_grid_are_accepted(written: Path) -> None:
    variants = heirloom.load_metrics(experiment="crossed")
    assert set(variants["variant"]) == {"biased", "unbiased"}
    one = heirloom.load_metrics(experiment="crossed__biased")
    assert one.equals(variants[variants["variant"] == "biased"].reset_index(drop=True))
    single = heirloom.plot.curve("crossed__biased", "log_determinant.mean").to_dict()
    both = heirloom.plot.curve("crossed", "log_determinant.mean").to_dict()
    assert [part["title"] for part in both["vconcat"]] == ["crossed__biased", "crossed__unbiased"]
    assert both["vconcat"][0]["vconcat"][0]["height"] == single["height"]
    assert both["config"] == single["config"]
    of_variant, of_grid = (heirloom.plot.figure(name, "ancestry") for name in ("crossed__biased", "crossed"))
    assert [part["title"] for part in of_grid.to_dict()["vconcat"]] == ["crossed__biased", "crossed__unbiased"]
    assert "vconcat" not in of_variant.to_dict()


def test_a_notebook_in_a_folder_of_a_project_works_from_its_top(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (written / "docs/notes").mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(written / "docs/notes")
    assert heirloom.enter_project() == written.resolve() == Path.cwd()
    with pytest.raises(HeirloomError, match=r"\.\.: lies in no project, which would have config\.yaml and results/"):
        heirloom.enter_project("..")


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
def test_the_notebook_of_the_docs_runs_from_its_own_folder(written: Path) -> None:
    from nbclient import NotebookClient

    notebook = stored()
    first = notebook.cells[1]
    assert first.source.count(SHOWN) == 1
    first.source = first.source.replace(SHOWN, '"config.yaml", "words"')
    (written / "docs").mkdir(exist_ok=True)
    metadata = {"metadata": {"path": str(written / "docs")}}
    executed = NotebookClient(notebook, timeout=300, kernel_name="python3", resources=metadata).execute()
    assert [kinds_of(cell) for cell in executed.cells] == [kinds_of(cell) for cell in stored().cells]


def test_the_notebook_has_its_outputs_stored() -> None:
    cells = [cell for cell in stored().cells if cell.cell_type == "code"]
    assert [kinds_of(cell) for cell in cells[1:]] == [["execute_result"]] * (len(cells) - 1)
    pictures = [output for cell in cells for output in cell.outputs if "image/png" in output.data]
    assert len(pictures) == 2


def stored() -> Any:
    """Return the notebook as it is kept."""
    import nbformat

    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]


def kinds_of(cell: Any) -> list[str]:
    """Return the kind of each output of a cell: an error is one, and what a progress bar says is none."""
    return [output.output_type for output in cell.get("outputs", []) if output.output_type != "stream"]
