"""Installed packages with families, measures and judges: real entry points, in a folder of installed packages."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner

import small_lineages
from by_hand import fields_of, slice_of
from heirloom import config as configuration
from heirloom import package_check
from heirloom.artefacts import kinds, manifest, paths
from heirloom.artefacts.files import read_json
from heirloom.cli import plugin
from heirloom.config import Config
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.families import family
from heirloom.specs.family import SPECS
from heirloom.steps import chain

LAPLACE = '''
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from heirloom.data.dataset import Dataset
from heirloom.families import arrays
from heirloom.families.base import Measuring, Sets
from heirloom.runtime.streams import Stream
from heirloom.specs.base import NoSettings as Sampling
from heirloom.specs.base import NoTraining as Fit
from heirloom.specs.declaration import DensityFamily


class Spec(DensityFamily):
    """A Laplace law."""

    abilities = frozenset({"select"})
    is_density = False
    name: Literal["laplace"]
    training: Fit = Fit()
    sampling: Sampling = Sampling()


@dataclass(frozen=True, eq=False)
class Model:
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]


def train(rows: Dataset, fit: Fit, start: Any, stream: Stream) -> Model:
    x = rows.by_replica()
    centre = np.median(x, axis=1)
    return Model(centre, np.abs(x - centre[:, None]).mean(axis=1))


def sample(
    model: Model, prompts: Iterable[NDArray[Any]] | None, num_rows: int, settings: Sampling, stream: Stream
) -> Iterator[NDArray[np.float64]]:
    noise = stream.child("rows").generator().laplace(size=(len(model.centre), num_rows, model.centre.shape[1]))
    yield model.centre[:, None] + model.scale[:, None] * noise


def evaluate(model: Model, sets: Sets, origin: Model, measuring: Measuring, stream: Stream) -> dict[str, float]:
    return {"scale": float(model.scale.mean())}


def log_likelihoods(model: Model, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    distance = np.abs(rows.by_replica() - model.centre[:, None]) / model.scale[:, None]
    return -(distance + np.log(2 * model.scale[:, None])).sum(axis=-1)


def save(model: Model, folder: Path) -> None:
    arrays.save(model, folder)


def load(folder: Path) -> Model:
    return arrays.load(Model, folder)
'''
JUDGE = "import numpy as np\n\n\ndef score(rows, settings, stream):\n    return settings.get('sign', 1) * rows.by_replica()[..., 0]\n"
MEASURE = "def measure(sets, settings, stream):\n    return {'largest': float(sets.sample.by_replica().max())}\n"
POINTS = {"families": {"laplace": "kit.laplace"}, "judges": {"first": "kit.judge"}, "measures": {"extremes": "kit.measure"}}


def install(site: Path, package: str = "heirloom-kit", top: str = "kit", points: Any = POINTS, **modules: str) -> None:
    """Write a package as pip leaves it: its modules, and beside them its metadata with entry points."""
    files = {"laplace": LAPLACE, "judge": JUDGE, "measure": MEASURE, "__init__": "", **modules}
    for name, text in files.items():
        (site / top).mkdir(parents=True, exist_ok=True)
        (site / top / f"{name}.py").write_text(text)
    info = site / f"{package.replace('-', '_')}-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.5\n")
    lines = [f"[heirloom.{group}]\n" + "".join(f"{name} = {target}\n" for name, target in each.items()) for group, each in points.items()]
    (info / "entry_points.txt").write_text("\n".join(lines))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages, with the kit in it."""
    folder = tmp_path / "site"
    install(folder)
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] in {"kit", "other"}]:
        del sys.modules[name]
    importlib.invalidate_caches()


def declared(**changes: Any) -> Config:
    experiment = {
        "family": {"name": "laplace"},
        "source": {"name": "normal", "rows": 40, "test_rows": 10},
        "regimes": ["judged", "likely"],
        "generations": 2,
        "rows": 10,
        "granularity": "chain",
        "snapshots": [1, 2],
        "measures": {"extremes": {}},
        **changes,
    }
    judge = {"by": {"judge": "first", "settings": {"sign": -1}}, "share": 0.5}
    regimes = {"judged": {"multiple": 2.0, "select": judge}, "likely": {"select": {"by": "parent", "best_of": 2}}}
    return configuration.parse({"regimes": regimes, "experiments": {"normal": experiment}})


def test_a_family_a_judge_and_a_measure_of_a_package_run_a_lineage(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = declared()
    inputs = small_lineages.make_origin(config, "normal")
    for regime in ("judged", "likely"):
        trajectory = kinds.TRAJECTORY.path("normal", regime, 0)
        chain.run(slice_of("chain", config, "normal", regime, 0), inputs, {"trajectory": trajectory})
    drawn, kept = (Dataset.open(kind.path("normal", "judged", 0, 2)).by_replica().ravel() for kind in (kinds.SYNTHETIC, kinds.SELECTED))
    assert sorted(kept) == sorted(drawn)[:10]
    recorded = manifest.read(paths.manifest(kinds.CHECKPOINT.path("normal", "judged", 0, 1)))["slice"]
    assert (recorded["package"]["package"], recorded["package"]["version"]) == ("heirloom-kit", "1.5")
    assert [file["path"] for file in recorded["package"]["files"]] == [
        f"kit/{name}.py" for name in ("__init__", "judge", "laplace", "measure")
    ]
    assert recorded["steps"]["select"]["select"]["by"]["judge"] == "first"
    origin = read_json(paths.manifest(kinds.CHECKPOINT.path("normal", "origin", 0, 0)))
    assert origin["slice"]["package"]["entry"] == "laplace"
    import pyarrow.parquet as pq

    assert {"scale", "extremes.largest"} <= set(pq.read_table(trajectory)["metric"].to_pylist())


def test_a_file_of_the_package_that_changes_runs_its_steps_anew(site: Path) -> None:
    steps = [("train", "normal", "judged", 0, 1), ("select", "normal", "judged", 0, 1), ("evaluate", "normal", "judged", 0, 1)]
    before = [fields_of(step, declared(), *key) for step, *key in steps]
    (site / "kit/data.txt").write_text("more")
    after = [fields_of(step, declared(), *key) for step, *key in steps]
    assert all(one != other for one, other in zip(before, after, strict=True))
    gaussian = declared(family={"name": "gaussian"}, measures={}, regimes=["likely"])
    assert "package" not in fields_of("train", gaussian, "normal", "likely", 0, 1)


def test_a_package_that_changed_since_the_planning_is_refused(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = declared()
    inputs = small_lineages.make_origin(config, "normal")
    step = slice_of("chain", config, "normal", "likely", 0)
    (site / "kit/judge.py").write_text("changed = True\n")
    with pytest.raises(HeirloomError, match="package heirloom-kit: is not as it was when this job was planned; run snakemake again"):
        chain.run(step, inputs, {"trajectory": kinds.TRAJECTORY.path("normal", "likely", 0)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"family": {"name": "laplac"}}, r"family.name: 'laplac' is none of gaussian"),
        ({"family": {"name": "laplace", "training": {"h": 1}}}, r"experiments.normal.family: training.h: Extra inputs are not permitted"),
        ({"source": {"name": "poisson", "rows": 40, "test_rows": 10}}, r"family 'laplace' needs one of the sources normal, mixture"),
    ],
)
def test_a_config_of_a_packages_family_is_checked_like_any_other(site: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(HeirloomError, match=message) as caught:
        declared(**change)
    assert len(str(caught.value).splitlines()) == 1
    assert declared().model_dump()["experiments"]["normal"]["family"]["name"] == "laplace"


def test_what_no_package_offers_is_one_line(site: Path) -> None:
    with pytest.raises(HeirloomError, match=r"no installed package offers 'extreme' under heirloom.measures \(installed: extremes\)"):
        fields_of("evaluate", declared(measures={"extreme": {}}), "normal", "likely", 0, 1)
    install(site, "other-kit", "other", {"judges": {"first": "other.judge"}})
    with pytest.raises(HeirloomError, match=r"the packages heirloom-kit and other-kit both offer 'first' under heirloom.judges"):
        fields_of("select", declared(), "normal", "judged", 0, 1)


def test_no_entry_point_is_read_where_no_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**selection: Any) -> None:
        raise AssertionError("read")

    monkeypatch.setattr(importlib.metadata, "entry_points", refuse)
    plain = declared(family={"name": "gaussian"}, measures={}, regimes=["likely"])
    assert fields_of("chain", plain, "normal", "likely", 0)["regime"] == "likely"


def check(package: str) -> tuple[int, str]:
    result = CliRunner().invoke(plugin.app, ["check", package])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, " ".join(result.output.split())


def test_a_good_package_keeps_every_promise(site: Path) -> None:
    status, output = check("heirloom-kit")
    assert status == 0
    assert output.count(" holds") == 12
    assert "broken" not in output
    for name in ("heirloom.families laplace", "heirloom.judges first", "heirloom.measures extremes"):
        assert name in output


BROKEN = {
    "missing method": (
        {"laplace": LAPLACE.replace("def evaluate(", "def evaluated(")},
        POINTS,
        "it lacks evaluate, or has them with other",
    ),
    "wrong shape": (
        {"laplace": LAPLACE.replace("num_rows, model", "num_rows + 1, model")},
        POINTS,
        "sample gave the shape (2, 25, 2); it must be (2, 24, 2)",
    ),
    "no Spec": ({"laplace": LAPLACE.replace("class Spec(", "class Specs(")}, POINTS, "it lacks Spec, or has them"),
    "ability": ({"laplace": LAPLACE.replace('frozenset({"select"})', "frozenset()")}, POINTS, "Spec.abilities says [], and the functions"),
    "random": ({"laplace": LAPLACE.replace('stream.child("rows").generator()', "np.random")}, POINTS, "or other rows"),
    "import": ({"judge": "import nowhere_to_be_found"}, POINTS, "cannot be imported: ModuleNotFoundError: No module named 'nowhere_to_be"),
    "no function": ({"judge": "scores = 1"}, POINTS, "its module kit.judge has no function `score`"),
    "judge's shape": ({"judge": "def score(rows, settings, stream):\n    return [1.0]\n"}, POINTS, "`score` returned the shape (1,)"),
    "judge's error": ({"judge": "def score(rows, settings, stream):\n    return 1 / 0\n"}, POINTS, "ZeroDivisionError: division by zero"),
    "measure": ({"measure": "def measure(sets, settings, stream):\n    return {'A': 1.0}\n"}, POINTS, "has the name 'A'; allowed are a-z"),
    "name": ({}, {"families": {"gaussian": "kit.laplace"}}, "the name 'gaussian' is taken by Heirloom itself; give another one"),
    "judge's name": ({}, {"judges": {"parent": "kit.judge"}}, "the name 'parent' is taken by Heirloom itself; give another one"),
    "measure's name": ({}, {"measures": {"spread": "kit.measure"}}, "the name 'spread' is taken by Heirloom itself; give another one"),
    "tasks": ({}, {"measures": {"task": "kit.measure"}}, "the name 'task' is taken by Heirloom itself; give another one"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_package_is_told_what_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    modules, points, message = BROKEN[fault]
    install(tmp_path / "site", points=points, **modules)
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setenv("COLUMNS", "400")
    try:
        status, output = check("heirloom-kit")
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "kit"]:
            del sys.modules[name]
    assert status == 1
    assert message in output


@pytest.mark.parametrize("group", POINTS)
def test_a_name_that_another_package_offers_is_refused(site: Path, monkeypatch: pytest.MonkeyPatch, group: str) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    ((name, _),) = POINTS[group].items()
    install(site, "other-kit", "other", {group: {name: "other.judge"}})
    status, output = check("heirloom-kit")
    assert status == 1
    assert output.count(" broken ") == 1
    assert f"the packages heirloom-kit and other-kit both offer '{name}' under heirloom.{group}; uninstall one of them" in output


def test_a_package_that_is_not_there_or_offers_nothing_is_one_line(site: Path) -> None:
    with pytest.raises(HeirloomError, match="'heirloom-kid': no such file or folder, and no package of this name is installed"):
        check("heirloom-kid")
    with pytest.raises(HeirloomError, match=r"package numpy: has no entry point under heirloom.families"):
        check("numpy")


DRAWN = {"normal", "categorical", "bernoulli", "poisson", "linear"}
SLOW = {"gmm"}


@pytest.mark.parametrize("name", [name for name, spec in SPECS.items() if DRAWN & {*spec.sources} and name not in SLOW])
def test_built_in_families_keep_the_promises_that_packages_are_tried_on(name: str) -> None:
    if "programs" in SPECS[name].abilities:
        pytest.skip("its programs are tried by a check of their own")
    for _, keep in package_check.family_promises(name, cast("Any", family(name))):
        keep()


def test_names_that_are_no_words_never_reach_a_package(site: Path) -> None:
    for name in ("../kit", "kit.laplace:load", "a b"):
        with pytest.raises(HeirloomError, match=r"family.name: .* is none of"):
            declared(family={"name": name})
        with pytest.raises(HeirloomError, match="String should match pattern"):
            declared(measures={name: {}})
