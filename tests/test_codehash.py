"""What counts as a change of code, on a package made for the test."""

from __future__ import annotations

import ast
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from by_hand import fields_of
from heirloom import codehash
from heirloom import config as configuration
from heirloom.codehash import canonical, modules, scopes
from heirloom.report import expected_curves

ROOT = Path(__file__).parents[1]

FILES = {
    "a.py": "from heirloom import b\nfrom heirloom.c import helper\nLIMIT = 3\n"
    "def train():\n    return helper() + LIMIT\ndef evaluate():\n    return b.measure()\n",
    "b.py": "def measure():\n    return 1\ndef unused():\n    return 2\n",
    "c.py": "from heirloom import d\ndef helper():\n    '''Words.'''\n    return d.deep\n",
    "d.py": "deep = 5\nother = 6\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(modules, "ROOT", tmp_path)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    for function in (modules.exists, modules.contents, modules.resolve, canonical.pieces, scopes.module_names):
        function.cache_clear()
    codehash._package_hash.cache_clear()


def hashes_after(package: Path, name: str, old: str, new: str) -> tuple[bool, bool]:
    """Return whether an edit changes the hash of ``train`` and of ``evaluate``."""
    digests_before = codehash.digest("heirloom.a:train"), codehash.digest("heirloom.a:evaluate")
    text = (package / name).read_text()
    assert old in text
    (package / name).write_text(text.replace(old, new))
    forget()
    digests_after = codehash.digest("heirloom.a:train"), codehash.digest("heirloom.a:evaluate")
    return digests_before[0] != digests_after[0], digests_before[1] != digests_after[1]


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("d.py", "deep = 5", "deep = 50", (True, False)),
        ("a.py", "LIMIT = 3", "LIMIT = 4", (True, False)),
        ("b.py", "return 1", "return 10", (False, True)),
        ("b.py", "return 2", "return 20", (False, False)),
        ("d.py", "other = 6", "other = 60", (False, False)),
        ("c.py", "'''Words.'''", "'''Other words.'''", (False, False)),
        ("c.py", "def helper():\n", "# a comment\n\n\ndef helper():\n", (False, False)),
        ("b.py", "def unused", "import os\nos.getcwd()\ndef unused", (False, True)),
    ],
)
def test_an_edit_counts_for_exactly_the_steps_that_run_it(
    package: Path, name: str, old: str, new: str, expected: tuple[bool, bool]
) -> None:
    assert hashes_after(package, name, old, new) == expected


def test_a_hash_is_kept_where_heirloom_works_and_never_used_for_other_code(
    package: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path_factory.mktemp("project")
    monkeypatch.chdir(project)
    computed = codehash.digest("heirloom.a:train")
    assert not any(project.iterdir())
    Path(".heirloom").mkdir()
    assert codehash.digest("heirloom.a:train") == computed
    (cache_file,) = Path(".heirloom/code").iterdir()
    assert json.loads(cache_file.read_text())["hashes"] == {"heirloom.a:train": computed}
    cache_file.write_text(codehash._with_checksum({"heirloom.a:train": "what is kept is used"}))
    assert codehash.digest("heirloom.a:train") == "what is kept is used"
    assert hashes_after(package, "d.py", "deep = 5", "deep = 50") == (True, False)
    assert codehash.digest("heirloom.a:train") != computed


@pytest.mark.parametrize("spoilt", ["", "{", "[]", "null", '{"hashes": {}}', "{}", "cut", "edited", "bytes"])
def test_a_spoilt_file_of_hashes_is_ignored_and_written_anew(
    package: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, spoilt: str
) -> None:
    project = tmp_path_factory.mktemp("project")
    monkeypatch.chdir(project)
    Path(".heirloom").mkdir()
    computed = codehash.digest("heirloom.a:train")
    (file,) = Path(".heirloom/code").iterdir()
    written = file.read_bytes()
    texts = {"cut": written[:-20], "edited": written.replace(computed[:4].encode(), b"0123"), "bytes": b"\xff\xfe"}
    file.write_bytes(texts.get(spoilt, spoilt.encode()))
    assert codehash.digest("heirloom.a:train") == computed
    assert file.read_bytes() == written


def test_the_closure_follows_names_over_modules(package: Path) -> None:
    assert codehash.closure("heirloom.a:train") == {"heirloom.a:train", "heirloom.a:LIMIT", "heirloom.c:helper", "heirloom.d:deep"}


def test_a_folder_that_is_left_behind_does_not_hide_the_file_of_its_name(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(package)  # no hash is remembered here
    digest = codehash.digest("heirloom.a:train")
    (package / "c/__pycache__").mkdir(parents=True)
    forget()
    assert codehash.digest("heirloom.a:train") == digest


def test_an_entry_that_does_not_exist_is_an_error(package: Path) -> None:
    with pytest.raises(ModuleNotFoundError):
        codehash.digest("heirloom.a:nothing")
    with pytest.raises(ModuleNotFoundError):
        codehash.digest("heirloom.nowhere:train")


def test_a_measure_retrains_nothing_and_a_family_depends_on_no_other() -> None:
    for family in ("gaussian", "ngram", "transformer"):
        for step in ("train", "sample"):
            reached = codehash.closure(f"heirloom.families.{family}:{step}")
            others = {"gaussian", "ngram", "transformer"} - {family}
            assert not any(entry.startswith("heirloom.measures") for entry in reached), (family, step)
            assert not any(f".{other_family}" in entry for other_family in others for entry in reached), (family, step)
    assert "heirloom.measures.text:distinct_n" in codehash.closure("heirloom.families.transformer:evaluate")
    assert "heirloom.families.lm.loop:train" in codehash.closure("heirloom.families.transformer:train")


def test_a_step_depends_on_its_own_keys_only() -> None:
    def config_with(**training: object) -> configuration.Config:
        source = {"name": "wikipedia"}
        family = {"name": "transformer", "training": training}
        experiment = {"family": family, "source": source, "regimes": ["replace"], "generations": 2, "rows": 10, "origin_rows": "all"}
        return configuration.parse({"regimes": {"replace": {}}, "experiments": {"lm": experiment}})

    plain = config_with()
    faster = config_with(generation={"epochs": 2, "learning_rate": 0.9, "batch_rows": 32})
    assert fields_of("train", plain, "lm", "replace", 0, 0) == fields_of("train", faster, "lm", "replace", 0, 0)
    assert fields_of("train", plain, "lm", "replace", 0, 1) != fields_of("train", faster, "lm", "replace", 0, 1)
    for step in ("mix", "sample", "evaluate"):
        assert fields_of(step, plain, "lm", "replace", 0, 1) == fields_of(step, faster, "lm", "replace", 0, 1)


STEPS = (
    "heirloom.steps.chain:run",
    "heirloom.families.kde:train",
    "heirloom.families.kde:expected_curves",
    "heirloom.families.transformer:train",
    "heirloom.sources.files:*",
    "heirloom.report.files:write",
    "heirloom.report.page.build:write",
)


def test_a_move_and_new_names_in_the_package_itself_change_no_hash_and_a_formula_changes_its_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests_before = {entry: codehash.digest(entry) for entry in STEPS}
    source = tmp_path / "heirloom"
    shutil.copytree(modules.ROOT, source, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(modules, "ROOT", source)
    (source / "theory/smoothing.py").rename(source / "bandwidths.py")
    theory, kde, gmm = source / "theory/__init__.py", source / "families/kde.py", source / "families/gmm.py"
    replace(theory, "regression, repair, smoothing", "regression, repair")
    for family in (kde, gmm):
        replace(family, "theory.smoothing.", "bandwidths.")
        replace(family, "import theory\n", "import bandwidths, theory\n")
        replace(family, "bandwidths.kernel(", "bandwidths.of_kernel(")
    replace(source / "report/expected_curves.py", "_parts", "_sizes")
    replace(source / "bandwidths.py", "def kernel(", "def of_kernel(")
    forget()
    assert {entry: codehash.digest(entry) for entry in STEPS} == digests_before
    replace(source / "theory/regimes.py", "    _check(", "    print(_check)\n    _check(")
    forget()
    changed = [entry for entry in STEPS if codehash.digest(entry) != digests_before[entry]]
    forget()
    assert changed == ["heirloom.families.kde:expected_curves", "heirloom.report.files:write", "heirloom.report.page.build:write"]


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_every_dotted_chain_of_the_closed_forms_is_in_the_closure_of_the_tables() -> None:
    files = [modules.ROOT / "theory/arm.py", *(modules.ROOT / "families").glob("*.py")]
    text = "\n".join(file.read_text() for file in files).replace("    return regimes.", "theory.regimes.")
    chains = set(re.findall(r"theory\.(\w+)\.(\w+)\(", text)) | set(re.findall(r"theory\.(regression)\.(\w+)", text))
    assert chains == {
        ("discrete", "boundaries_with_one_real_row"),
        ("discrete", "poisson_extinction"),
        ("discrete", "present"),
        ("discrete", "spectrum"),
        ("discrete", "survival"),
        ("priors", "rates"),
        ("priors", "shares"),
        ("priors", "variances"),
        ("regimes", "mixture"),
        ("regression", "accumulate"),
        ("regression", "control"),
        ("regression", "replace"),
        ("repair", "blended"),
        ("repair", "extrapolated"),
        ("smoothing", "kernel"),
        ("smoothing", "scott"),
    }
    preset = configuration.load(ROOT / "configs/theory.yaml")
    reached = codehash.closure("heirloom.report.files:write", *expected_curves.entries(preset))
    assert {f"heirloom.theory.{module}:{name}" for module, name in chains} <= reached


FILES_OF_PACKAGE = sorted((ROOT / "src/heirloom").rglob("*.py"))


def test_no_chain_from_an_imported_module_of_the_package_is_unseen() -> None:
    num_chains, unseen = 0, []
    for file in FILES_OF_PACKAGE:
        parts = file.relative_to(ROOT / "src").with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        top = ast.parse(file.read_text()).body
        for name, statements in modules.contents(module).definitions.items():
            reached = codehash._references(f"{module}:{name}")
            for chain in (chain_found for statement in statements for chain_found in chains(statement, top)):
                num_chains += 1
                if not is_seen(chain, reached):
                    unseen.append((module, name, chain))
    assert not unseen
    assert num_chains > 1000


def chains(statement: ast.AST, top: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Yield the chains of a definition that start at an imported module of the package: the module where each ends, and the name there."""
    nodes = list(ast.walk(statement))
    aliases = dict(alias for node in (*top, *nodes) if isinstance(node, ast.ImportFrom) for alias in imported_modules(node))
    local = {node.arg for node in nodes if isinstance(node, ast.arg)}
    local |= {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    for node in nodes:
        text = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
        root, *names = text.split(".")
        if root in aliases.keys() - local and all(name.isidentifier() for name in names):
            module = aliases[root]
            while is_module(f"{module}.{names[0]}") and names[1:]:
                module = f"{module}.{names.pop(0)}"
            yield module, names[0]


def imported_modules(node: ast.ImportFrom) -> Iterator[tuple[str, str]]:
    for alias in node.names:
        if is_module(f"{node.module}.{alias.name}"):
            yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def is_module(dotted: str) -> bool:
    path = (ROOT / "src").joinpath(*dotted.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def is_seen(chain: tuple[str, str], reached: frozenset[str]) -> bool:
    """Return whether the end of a chain is reached: where it is defined or, for what a package offers, under its name in the package."""
    module, name = chain
    path = (ROOT / "src").joinpath(*module.split("."))
    text = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
    if re.search(rf"^(def |class |){name}\b", text, re.MULTILINE):
        return f"{module}:{name}" in reached
    if is_module(f"{module}.{name}"):  # the rest of a longer chain, which is yielded too
        return any(entry.startswith((f"{module}.{name}:", f"{module}.{name}.")) for entry in reached)
    return any(entry.startswith(f"{module}.") and entry.endswith(f":{name}") for entry in reached)
