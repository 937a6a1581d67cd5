"""Judges in a config: what a selection depends on, what it takes, and what cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from by_hand import fields_of, slice_of
from heirloom import config as configuration
from heirloom.artefacts import kinds
from heirloom.artefacts.kinds import Key
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.lineage import references
from heirloom.specs.judges import ModelJudge
from heirloom.workflow.steps import STEPS

COMMAND = {"command": ["python", "gate.py", "{rows}", "{scores}"]}
NORMAL: dict[str, Any] = {"source": {"name": "normal", "rows": 100, "test_rows": 10}, "generations": 2, "rows": 10, "seeds": [0, 1]}
KEY = ("small", "judged", 1, 2)


def declared(select: Any, large: dict[str, Any] | None = None, regime: dict[str, Any] | None = None, **small: Any) -> Config:
    experiments = {
        "small": {"family": {"name": "gaussian"}, **NORMAL, "regimes": ["judged"], **small},
        "large": {"family": {"name": "kde"}, **NORMAL, "regimes": ["plain"], **(large or {})},
    }
    regimes = {"judged": {"multiple": 4.0, "select": select, **(regime or {})}, "plain": {}}
    return configuration.parse({"regimes": regimes, "experiments": experiments})


def inputs(select: Any) -> dict[str, list[str]]:
    taken = STEPS["select"].inputs(declared(select), Key(*KEY))
    return {role: paths for role, paths in taken.items() if paths}


SYNTHETIC, ORIGIN = "data/small/judged/seed=1/gen=2/synthetic.parquet", "data/small/origin/seed=1/gen=0"
PARENT = "data/small/judged/seed=1/gen=1/checkpoint"
LARGE = "data/large/origin/seed=0/gen=0/checkpoint"


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ({"by": "likelihood", "share": 0.5}, {"origin": [f"{ORIGIN}/checkpoint"]}),
        ({"by": "parent", "share": 0.5}, {"parent": [PARENT]}),
        ({"by": "detector", "best_of": 2}, {"origin": [f"{ORIGIN}/checkpoint"], "parent": [PARENT]}),
        ({"by": {"model": "large/plain/0/0"}, "share": 0.5}, {"judges": [LARGE]}),
        ({"by": {"measure": "norm"}, "share": 0.5}, {}),
        ({"by": COMMAND, "share": 0.5}, {}),
        ({"by": COMMAND, "share": 0.5, "hides_kind": True}, {"original": [f"{ORIGIN}/train.parquet"]}),
        ({"by": "likelihood", "keep": "random", "share": 0.5}, {}),
        (
            [{"by": {"model": "large/plain/1/2"}, "share": 0.5}, {"by": "parent", "keep": "above", "threshold": 0.0}],
            {"judges": ["data/large/plain/seed=1/gen=2/checkpoint"], "parent": [PARENT]},
        ),
    ],
)
def test_a_selection_takes_what_its_judges_look_at(select: Any, expected: dict[str, list[str]]) -> None:
    assert inputs(select) == {"synthetic": [SYNTHETIC], **expected}


def test_a_model_that_judges_is_named_as_everywhere() -> None:
    for reference in ("large/plain/0/0", "large/plain/1/2", "large/plain/1/2:checkpoint"):
        path = kinds.CHECKPOINT.at(ModelJudge(model=reference).key)
        assert path == references.find(f"{reference.removesuffix(':checkpoint')}:checkpoint")


def test_a_programs_code_and_version_are_in_the_slice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("gate.py").write_text("one")
    select = {"by": {**COMMAND, "code": ["*.py"], "version": ["python", "-c", "print(7)"], "settings": {"a": 1}}, "share": 0.5}
    first = fields_of("select", declared(select), *KEY)["select"]
    assert first["by"]["version"] == "7"
    assert first["by"]["settings"] == {"a": 1}
    assert [file["path"] for file in first["by"]["files"]] == ["gate.py"]
    Path("gate.py").write_text("another")
    assert fields_of("select", declared(select), *KEY)["select"] != first
    Path("gate.py").unlink()
    with pytest.raises(HeirloomError, match=r"select.by.code: '\*.py' names no file"):
        fields_of("select", declared(select), *KEY)


def test_a_models_family_and_its_code_are_in_the_slice() -> None:
    fields = fields_of("select", declared({"by": {"model": "large/plain/0/0"}, "best_of": 3}), *KEY)
    assert fields["select"] == {"by": {"family": "kde", "model": "large/plain/0/0"}, "best_of": 3}
    other = fields_of("select", declared({"by": {"measure": "norm"}, "best_of": 3}), *KEY)
    assert fields["code"] != other["code"]


def test_only_the_number_of_candidates_is_part_of_the_sampling() -> None:
    best = declared({"by": "likelihood", "best_of": 3})
    assert fields_of("sample", best, *KEY)["sizes"] == {"multiple": 4.0, "best_of": 3}
    assert slice_of("sample", best, *KEY).sizes.sampled_rows(10, 2) == 120
    assert best.regimes["judged"].trained_rows(10, 2) == 10
    half = declared({"by": "likelihood", "share": 0.5})
    assert fields_of("sample", half, *KEY) == fields_of("sample", declared({"by": COMMAND, "share": 0.25}), *KEY)


MODEL = {"by": {"model": "large/plain/0/2"}, "share": 0.5}
TEXT = {"name": "files", "paths": ["a.txt"], "text": {"vocab_size": 300, "row_tokens": 8}}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"select": {"by": "likely", "share": 0.5}}, r"regimes.judged.select.by: a judge is one of likelihood, parent.* not 'likely'"),
        ({"select": {"share": 0.5}}, r"regimes.judged.select: by is missing; a judge is one of"),
        ({"select": {"by": "parent"}}, r"regimes.judged.select: give either `share` or `best_of`"),
        ({"select": {"by": "parent", "share": 0.5, "best_of": 2}}, r"select: give either `share` or `best_of`"),
        ({"select": {"by": "parent", "best_of": 1}}, r"select.best_of: .*greater than or equal to 2 \(given: 1\)"),
        ({"select": {"by": "parent", "best_of": 2, "false_keep": 0.5}}, r"`best_of` keeps one of K rows: leave out `true_keep`"),
        ({"select": {"by": "parent", "keep": "above"}}, r"keep is 'above', which needs a `threshold`"),
        ({"select": {"by": "parent", "keep": "above", "threshold": 1, "share": 0.5}}, r"leave out `share` and `best_of`"),
        ({"select": {"by": "parent", "share": 0.5, "threshold": 1.0}}, r"threshold is for `keep: above`, not for 'highest'"),
        ({"select": {"by": "parent", "share": 0.5, "hides_kind": True}}, r"hides_kind is for a judge by `command`"),
        ({"select": {"by": {"command": ["a", "{rows}"]}, "share": 0.5}}, r"select.by: command lacks the placeholder \{scores\}"),
        (
            {"select": {"by": {"command": ["a", "{rows}", "--out={scores}"]}, "share": 0.5}},
            r"command has \{scores\} inside an argument; a placeholder must be a whole argument",
        ),
        ({"select": {"by": {**COMMAND, "time_limit": 0}, "share": 0.5}}, r"select.by.time_limit: .*greater than 0 \(given: 0\)"),
        ({"select": {"by": {**COMMAND, "kode": []}, "share": 0.5}}, r"select.by.kode: no such key; did you mean `code`\?"),
        ({"select": {"by": {"measure": "size"}, "share": 0.5}}, r"select.by.measure: .*'norm', 'tokens' or 'distinct_tokens'.*'size'"),
        ({"select": {"by": {"measure": "tokens"}, "share": 0.5}}, r"judges by 'tokens', which rows of text have, but family 'gaussian'"),
        ({"select": []}, r"regimes.judged.select: .*at least 1 item"),
        (
            {"select": [{"by": "parent", "share": 0.5}, {"by": "parent", "best_of": 2}]},
            r"`best_of` is for the first judge of `select`, which alone sees all candidates",
        ),
        (
            {"select": {"by": "parent", "keep": "above", "threshold": 1.0}, "regime": {"original": {"share": 1.0}, "budget": "grows"}},
            r"`keep: above` keeps as many rows as pass, which nobody knows before; it needs `budget: fixed` or `drawn`",
        ),
        (
            {"select": {"by": "parent", "keep": "above", "threshold": 1.0}, "num_replicas": 3},
            r"'judged' keeps other numbers of rows in each replica \(`keep: above`\), but num_replicas is 3",
        ),
        ({"select": {"by": {"model": "large"}, "share": 0.5}}, r"model is 'large'; it must be experiment/regime/seed/generation"),
        ({"select": {"by": {"model": "../a/0/0"}, "share": 0.5}}, r"model is '../a/0/0'; it must be experiment/regime/seed/generation"),
        ({"select": {"by": {"model": "largo/plain/0/0"}, "share": 0.5}}, r"no sound experiment 'largo'; did you mean `large`\?"),
        (
            {"select": {"by": {"model": "large/plain/7/0"}, "share": 0.5}},
            r"but 'large' has the regimes plain, the seeds",
        ),
        ({"select": {"by": {"model": "large/plain/0/3"}, "share": 0.5}}, r"but 'large' has the regimes plain"),
        ({"select": MODEL, "large": {"granularity": "chain"}}, r"'large' is a chain, of whose generations only 0 can be asked for"),
        ({"select": MODEL, "large": {"regimes": ["judged"]}}, r"'large' has the regimes judged"),
        (
            {"select": {"by": {"model": "small/judged/0/1"}, "share": 0.5}},
            r"'judged' is itself judged by a model after generation 0; judges may not wait for each other",
        ),
        (
            {"select": MODEL, "large": {"source": {**NORMAL["source"], "dim": 2}}},
            r"have 2 numbers in 1 replicas, .* 1 in 1",
        ),
        ({"select": MODEL, "large": {"family": {"name": "ngram"}, "source": TEXT}}, r"and those to be judged 1 in 1"),
    ],
)
def test_a_judge_that_cannot_be_is_one_line(config: dict[str, Any], message: str) -> None:
    with pytest.raises(HeirloomError, match=message) as caught:
        declared(**config)
    assert len(str(caught.value).splitlines()) == 1


def test_rows_of_text_are_judged_by_a_model_of_the_same_tokens_alone() -> None:
    text: dict[str, Any] = {"family": {"name": "ngram"}, "source": TEXT, "origin_rows": 50}
    judge = {"by": {"model": "large/origin/0/0"}, "share": 0.5}
    longer: dict[str, Any] = {**text, "source": {**TEXT, "text": {"vocab_size": 400, "row_tokens": 8}}}
    declared(judge, text, **text)
    with pytest.raises(HeirloomError, match="'large' reads another source: its tokens mean something else"):
        declared(judge, longer, **text)


def test_regimes_are_remembered_by_what_they_say() -> None:
    by = {**COMMAND, "settings": {"a": [1]}}
    first, second, other = (declared({"by": by, "share": share}).regimes["judged"] for share in (0.5, 0.5, 0.25))
    assert hash(first) == hash(second) != hash(other)
