"""The rules as text: short, documented, logged, and without code in them."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from snakemake.io import is_flagged
from snakemake.iocontainers import Wildcards

from heirloom import config as configuration
from heirloom.artefacts import paths
from heirloom.snakefile.rule import Groups, Rule
from heirloom.workflow.steps import STEPS

ROOT = Path(__file__).parents[2]
GAUSSIAN = {
    "family": {"name": "gaussian"},
    "source": {"name": "normal", "rows": 40},
    "rows": 10,
    "generations": 1,
    "regimes": ["keep"],
}
_RULE = re.compile(r"^rule (?P<name>\w+):\n(?:[ \t].*\n|\n(?=[ \t]))*", re.MULTILINE)
_IN_A_LOOP = re.compile(r"^for (?P<name>\w+) in .*:\n\n(?P<rule>    rule:\n(?:[ \t].*\n|\n(?=[ \t]))*)", re.MULTILINE)
RULES = {
    f"{path.name}:{match['name'].lower()}": match[0] if pattern is _RULE else textwrap.dedent(match["rule"])
    for path in sorted((ROOT / "rules").glob("*.smk"))
    for pattern in (_RULE, _IN_A_LOOP)
    for match in pattern.finditer(path.read_text())
}
"""File and name → text of the rule; a rule that stands in a loop is called by the loop's variable."""


def test_there_are_rules() -> None:
    assert {name.split(":")[1] for name in RULES} >= {"real_text", "mix", "train", "sample", "evaluate", "chain", "summarise", "plot"}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_short_documented_and_logged(name: str) -> None:
    lines = RULES[name].rstrip().splitlines()
    assert len(lines) <= 30  # snakefmt gives every item a line of its own
    assert re.match(r'\s+""".+\."""', lines[1])
    makes_something = any(line.strip() == "output:" for line in lines)
    for directive in ("log:", "params:", "shell:") if makes_something else ():
        assert any(line.strip() == directive for line in lines), directive


@pytest.mark.parametrize("path", sorted((ROOT / "rules").glob("*.smk")), ids=lambda path: path.name)
def test_a_rule_file_says_what_it_needs_and_leaves_and_holds_no_code(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("#")
    assert "lambda" not in text
    assert not re.search(r"^\s*run:", text, re.MULTILINE)
    if path.name != "common.smk":
        header = text[: text.index("\n\n")]
        assert "Needs:" in header
        assert "Leaves:" in header
        assert "def " not in text
    else:
        assert not re.search(r"^rule ", text, re.MULTILINE)


def test_every_step_depends_on_fingerprints_and_takes_heavy_files_as_ancient() -> None:
    for name in ("mix.smk:mix", "train.smk:train", "sample.smk:sample", "evaluate.smk:evaluate", "chain.smk:chain"):
        inputs = re.search(r"input:\n(.*?)\n    output:", RULES[name], re.DOTALL)
        assert inputs is not None
        step = name.split(":")[1]
        assert [line.strip() for line in inputs[1].splitlines()] == [
            f"unpack({step.upper()}.inputs),",
            *(["shards=SAMPLE.shards,"] if step == "sample" else []),
        ]
    config = configuration.parse({"regimes": {"keep": {"original": {"share": 0.5}}}, "experiments": {"e": GAUSSIAN}})
    rule = Rule(STEPS["mix"], config, runs_here=True, groups=Groups(config, 0))
    taken = rule.inputs(Wildcards(fromdict={"experiment": "e", "regime": "keep", "seed": "0", "generation": "1"}))
    prints = taken.pop("fingerprints")
    assert list(taken) == ["pool", "original", "synthetic"]
    assert all(is_flagged(path, "ancient") for several in taken.values() for path in several)
    assert prints == [paths.fingerprint(path) for several in taken.values() for path in several]


def test_a_lineage_path_is_spelled_in_one_module_only() -> None:
    spelled = [
        path.relative_to(ROOT).as_posix()
        for folder in ("src", "rules")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".smk"} and "gen={" in _code(path)
    ]
    assert spelled == ["src/heirloom/artefacts/kinds.py"]


def _code(path: Path) -> str:
    """Return a file without comments and docstrings."""
    text = re.sub(r'"""(?:.|\n)*?"""', "", path.read_text()) if path.name != "kinds.py" else path.read_text()
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def test_the_only_finding_of_snakemakes_lint_is_that_pip_and_not_conda_installs() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "snakemake"), "--lint"], cwd=ROOT, text=True, capture_output=True, check=False, timeout=120
    )
    findings = re.findall(r"^    \* (.*?):", done.stderr + done.stdout, re.MULTILINE)
    assert set(findings) <= {"Specify a conda environment or container for each rule."}, done.stderr
