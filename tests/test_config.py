from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from heirloom import config as configuration
from heirloom import preflight, schema
from heirloom.errors import HeirloomError
from heirloom.steps import real

ROOT = Path(__file__).parents[1]
FROZEN = ROOT / "benchmarks/frozen.yaml"
SHIPPED = [ROOT / "config.yaml", *sorted((ROOT / "configs").glob("*.yaml")), ROOT / "tests/config.tiny.yaml", FROZEN]
HAS_NAMES_OF_OTHERS = ("config.tiny.yaml", FROZEN.name)
"""Configs that are run in clones of their own."""

VALID: dict[str, Any] = {
    "regimes": {"replace": {}, "fresh": {"fresh": 0.5}, "keep": {"original": {"share": 0.1}}},
    "experiments": {
        "gaussian": {
            "family": {"name": "gaussian"},
            "source": {"name": "normal", "rows": 50},
            "regimes": ["replace", "fresh"],
            "generations": 3,
            "rows": 10,
        }
    },
}


def changed(key: str, value: Any) -> dict[str, Any]:
    raw = copy.deepcopy(VALID)
    *parents, last = key.split(".")
    body = raw
    for parent in parents:
        body = body.setdefault(parent, {})
    body[last] = value
    return raw


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_config_is_valid(path: Path) -> None:
    assert list(configuration.load(path).lineages())


def test_experiment_names_are_unique_over_all_shipped_configs() -> None:
    names = [name for path in SHIPPED if path.name not in HAS_NAMES_OF_OTHERS for name in _experiments(path)]
    assert len(names) == len(set(names))


def test_the_config_that_bytes_and_speed_are_compared_on_never_changes() -> None:
    assert hashlib.sha256(FROZEN.read_bytes()).hexdigest() == "fe2a880a9b197d206f1a2784e4250d97eb98616e2a59246c88af0964fae75198"


def _experiments(path: Path) -> list[str]:
    return list(yaml.safe_load(path.read_text())["experiments"])


G = "experiments.gaussian"
CAUSAL: dict[str, Any] = {
    "family": {"name": "causal_lm", "model": {"path": "someone/something"}},
    "source": {"name": "files", "paths": ["*.txt"], "text": {"row_tokens": 16}},
}
SYNTHETIC = {"family": {**CAUSAL["family"], "training": {"best_epoch": "synthetic"}}}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (changed(f"{G}.family.training.dimm", 2), r"config: experiments.gaussian.family.training.dimm: no such key"),
        (
            changed(f"{G}.shards", 2),
            r"experiments.gaussian: shards is 2; rows of family 'gaussian' are written by 1 job: shards are for text",
        ),
        (changed(f"{G}.num_nodes", 2), "experiments.gaussian: num_nodes is 2, which does not divide num_processes, 1"),
        (changed(f"{G}.num_processes", 2), r"gaussian: num_processes is 2; family 'gaussian' has 1 \(more: causal_lm, transformer\)"),
        (
            changed(f"{G}.device", "cuda"),
            r"experiments.gaussian: device is 'cuda'; family 'gaussian' computes on the CPU \(a choice have: causal_lm, transformer\)",
        ),
        (
            changed(f"{G}.divergence_rows", 500),
            r"experiments.gaussian: divergence_rows is 500; family 'gaussian' has no features \(more: causal_lm, transformer\)",
        ),
        (changed(f"{G}.rows", "many"), r"experiments.gaussian.rows: Input should be a valid integer.*given: 'many'"),
        (changed(f"{G}.rows", 0), r"experiments.gaussian.rows: Input should be greater than or equal to 1 \(given: 0\)"),
        (changed("regimes.keep", {"original": {"share": 1.5}}), r"regimes.keep.original.share: .*less than or equal to 1 \(given: 1.5\)"),
        (changed("regimes.fresh", {"fresh": -0.1}), r"regimes.fresh.fresh: .*greater than or equal to 0 \(given: -0.1\)"),
        (changed("regimes.keep", {"original": {"share": 0.6}, "fresh": 0.6}), r"regimes.keep: the real shares add up to 1.2"),
        (changed("regimes.none", {"synthetic": "none"}), r"regimes.none: without synthetic rows the real shares must add up to 1, not 0"),
        (changed("regimes.all", {"synthetic": "all"}), r"regimes.all: `synthetic: all` needs `budget: grows`"),
        (
            changed("regimes.few", {"multiple": 0.5}),
            r"regimes.few: synthetic rows must fill 1 of the budget, but .* leave 0.5",
        ),
        (changed("regimes.judged", {"select": {"by": "likelihood", "share": 0.5}}), r"regimes.judged: .*leave 0.5; raise `multiple`"),
        (changed("regimes.w", {"fresh": 0.5, "real_weight": 1.0}), r"regimes.w.real_weight.*less than 1, or 'golden' \(given: 1.0\)"),
        (changed("regimes.w", {"fresh": 0.5, "real_weight": "silver"}), r"regimes.w.real_weight"),
        (changed("regimes.w", {"real_weight": 0.5}), r"regimes.w: `real_weight` needs real and synthetic rows in the training set"),
        (changed("regimes.w", {"fresh": 1.0, "real_weight": 0.5}), r"regimes.w: `real_weight` needs real and synthetic rows"),
        (
            changed("regimes.w", {"fresh": 0.5, "budget": "drawn", "real_weight": 0.5}),
            r"regimes.w: `real_weight` needs `budget: fixed` or `grows`",
        ),
        (changed("regimes.g", {"growth": 1.0, "synthetic": "all", "budget": "grows"}), r"regimes.g: `growth` needs `budget: fixed`"),
        (changed("regimes.n", {"pool": 1.0, "synthetic": "none", "multiple": 2.0}), r"regimes.n: without synthetic rows there is nothing"),
        (changed("regimes.s", {"select": {"by": "likelihood", "share": 1.0}}), r"regimes.s.select.share: .*less than 1 \(given: 1.0\)"),
        (changed("regimes.s", {"select": {"by": "likelihood", "share": 0.5, "true_keep": 0}}), r"true_keep and false_keep are both 0"),
        (changed("regimes.replace", {"edit": {"above": 0.9}}), r"gaussian.regimes: 'replace' asks to edit, which 'gaussian' cannot"),
        (changed("regimes.fresh", {"fresh": 0.5, "growth": 1.0}), r"regime 'fresh' .* needs 55 real rows, but there are 50"),
        (changed("regimes.origin", {}), r"regimes.origin: the name is reserved"),
        (changed("experiments.Bad name", {}), r"experiments.Bad name.*String should match pattern"),
        (changed("experiments.$(rm -rf ~)", {}), r"String should match pattern"),
        (changed("experiments.a__b", {}), r"experiments.a__b: '__' is kept for variants of a grid"),
        (changed(f"{G}.regimes", ["replace", "nowhere"]), r"experiments.gaussian.regimes: 'nowhere' is not defined under regimes"),
        (changed(f"{G}.source.rows", 20), r"experiments.gaussian: regime 'fresh' .* needs 25 real rows, but there are 20"),
        (changed(f"{G}.origin_rows", 51), r"experiments.gaussian: origin_rows needs 51 real rows, but there are 50"),
        (changed(f"{G}.family", {"name": "ngram"}), r"experiments.gaussian: family 'ngram' needs one of the sources wikipedia, files, hub"),
        (
            changed(f"{G}.family", {"name": "poisson"}),
            r"family 'poisson' needs one of the sources poisson, not 'normal'",
        ),
        (changed(f"{G}.family", {"name": "bert"}), r"experiments.gaussian.family.name: 'bert' is none of gaussian, gmm, kde"),
        (changed(f"{G}.snapshots", [4]), r"experiments.gaussian: snapshots \[4\] are later than the last generation, 3"),
        (changed(f"{G}.seeds", [1, 1]), r"seeds lists something twice"),
        (
            changed(f"{G}.grid", {"d": {"key": "family.nothing.divisor", "values": {"a": 1}}}),
            r"gaussian.family.nothing: no such key",
        ),
        (
            changed(f"{G}.grid", {"d": {"key": "rows", "values": {f"v{i}": i + 1 for i in range(501)}}}),
            r"501 variants, at most 500 are allowed",
        ),
        (
            changed(f"{G}.grid", {"a": {"key": "rows", "values": {"x": 1}}, "b": {"key": "rows", "values": {"y": 2}}}),
            r"experiments.gaussian.grid: the axes a and b both set 'rows'",
        ),
        (
            changed(
                f"{G}.grid",
                {"a": {"key": "family.training.divisor", "values": {"x": "n"}}, "b": {"key": "family.training", "values": {"y": {}}}},
            ),
            r"experiments.gaussian.grid: the axes a and b both set 'family.training.divisor'",
        ),
        (
            changed(
                f"{G}.grid",
                {
                    "a": {"key": "rows", "values": {"x": 1, "x_y": 2}},
                    "b": {"key": "generations", "values": {"y_z": 1, "z": 2}},
                },
            ),
            r"experiments.gaussian.grid: labels joined by '_' name two variants alike",
        ),
        (
            changed(G, {**VALID["experiments"]["gaussian"], "design": "sparse", "grid": {"a": {"key": "rows", "values": {"x": 1}}}}),
            r"experiments.gaussian.design: 'sparse' is none of crossed, switched",
        ),
        (changed(f"{G}.design", "crossed"), r"experiments.gaussian.design: no such key"),
        (
            changed(f"{G}.grid", {"a": {"key": "rows", "value": {"x": 1}}}),
            r"grid.a.value: no such key; did you mean `values`\?",
        ),
        (changed("schema_version", 99), r"schema_version: version 99 is newer than 1"),
        (changed("speed", "fast"), r"config: speed: no such key"),
        ([], r"config: expected a mapping"),
    ],
)
def test_bad_input_names_the_key_and_what_is_allowed_in_one_line(raw: Any, message: str) -> None:
    with pytest.raises(HeirloomError, match=message) as caught:
        configuration.parse(raw)
    assert "\n" not in str(caught.value)


TEN = {"source": {"name": "normal", "rows": 50}, "generations": 3, "rows": 10}


@pytest.mark.parametrize(
    ("regime", "more", "message"),
    [
        ({"original": {"share": 0.04}}, {}, r"regime 'r', generation 1: original.share 0.04 of 10 rows is less than half a row"),
        (
            {"fresh": 0.04, "original": {"share": 0.5}},
            {},
            r"generation 1: fresh 0.04 of 10 rows is less than half a row; raise it, or `rows`",
        ),
        ({"original": {"share": 0.5}, "fresh": 0.5}, {"rows": 3}, r"regime 'r', generation 1: the real shares round to 4 of 3 rows"),
        (
            {"original": {"share": 0.88}, "real_weight": 0.5},
            {"rows": 4},
            r"`real_weight` needs synthetic rows, but the real shares round to all",
        ),
        (
            {"multiple": 2.5, "select": {"by": "likelihood", "share": 0.45, "true_keep": 0.9}},
            {"rows": 5},
            r"generation 1: 5 synthetic rows are needed, but 4 of 12 are kept; raise `multiple`, `select.share` or `rows`",
        ),
        (
            {"original": {"share": 1.0}, "budget": "grows", "select": {"by": "likelihood", "share": 0.04}},
            {},
            r"generation 1: 1 synthetic rows are needed, but 0 of 10 are kept",
        ),
        (
            {"synthetic": "all", "budget": "drawn"},
            {"family": {"name": "gaussian", "path": "statistics"}, "granularity": "chain"},
            r"e.regimes: 'r' draws from rows of earlier generations \(`budget: drawn`\), of which family.path: statistics has none",
        ),
        (
            {"original": {"share": 0.9}},
            {"family": {"name": "gaussian", "path": "statistics"}, "granularity": "chain"},
            r"family.path: statistics needs more synthetic rows than dimensions \(1\), got 1; use path: rows",
        ),
        ({}, {"family": {"name": "gaussian", "training": {"divisor": "n-1"}}, "rows": 1}, r"'gaussian' as set needs at least 2 rows"),
        ({}, {"family": {"name": "gmm", "training": {"components": 11}}}, r"'gmm' as set needs at least 11 rows, but a generation has 10"),
        ({}, {**CAUSAL, "rows": 127}, r"'causal_lm' as set needs at least 128 rows, but a generation has 127: see family.training"),
        (
            {"original": {"share": 0.5, "continuation": "excluded"}},
            {},
            r"'r' leaves out continuations of kept rows \(`original.continuation: excluded`\), but in family 'gaussian' no row is",
        ),
        (
            {"original": {"share": 0.5, "continuation": "excluded"}},
            {**CAUSAL, "family": {**CAUSAL["family"], "sampling": {"prompts": "none"}}},
            r"'r' leaves out .*, but with `sampling.prompts: none` no row is continued",
        ),
        (
            {},
            {**CAUSAL, "family": {**CAUSAL["family"], "training": {"best_epoch": "last", "last_epoch": True}}},
            r"last_epoch reports the last epoch beside the best; with `best_epoch: last` it is the only one: leave it out",
        ),
        (
            {},
            {**CAUSAL, "origin_rows": 100, "rows": 128},
            r"(one original row per prompt) needs 128 real rows, but there are 100".replace("(", r"\(").replace(")", r"\)"),
        ),
        ({}, {"family": {"name": "kde"}, "origin_rows": 1}, r"'kde' as set needs at least 2 rows, but a generation has 1"),
        (
            {"original": {"share": 0.5}, "real_weight": 0.5},
            {"family": {"name": "kde"}},
            r"experiments.e.regimes: 'r' asks to weigh, which 'kde' cannot",
        ),
        (
            {"multiple": 2.0},
            {"family": {"name": "linear_regression"}, "source": {"name": "linear", "rows": 50}},
            r"regime 'r' \(one row of the design a label\) needs 20 real rows, but there are 10",
        ),
        ({"growth": 2.0, "fresh": 0.5}, {}, r"regime 'r' .* needs 155 real rows, but there are 50"),
        (
            {},
            {"source": {"name": "normal", "dim": 2, "covariance": [[1.0, 2.0], [2.0, 1.0]], "rows": 50}},
            r"experiments.e.source: covariance must be positive definite",
        ),
        (
            {},
            {"source": {"name": "mixture", "weights": [0.5, 0.4], "means": [[0.0], [1.0]], "covariances": [1.0, 1.0], "rows": 50}},
            r"experiments.e.source: weights must sum to 1, not 0.9",
        ),
    ],
)
def test_what_cannot_be_met_is_refused_before_any_job(regime: dict[str, Any], more: dict[str, Any], message: str) -> None:
    experiment = {"family": {"name": "gaussian"}, "regimes": ["r"], **TEN, **more}
    with pytest.raises(HeirloomError, match=message) as caught:
        configuration.parse({"regimes": {"r": regime}, "experiments": {"e": experiment}})
    assert "\n" not in str(caught.value)


def test_a_path_without_rows_needs_a_chain() -> None:
    raw = changed(f"{G}.family", {"name": "discrete", "path": "statistics"})
    raw["experiments"]["gaussian"]["source"] = {"name": "categorical", "rows": 50, "law": {"kind": "uniform", "types": 3}}
    with pytest.raises(HeirloomError, match=r"experiments.gaussian: family.path: statistics .* needs granularity: chain"):
        configuration.parse(raw)
    raw["experiments"]["gaussian"]["granularity"] = "chain"
    configuration.parse(raw)


def test_a_grid_expands_into_named_variants_that_cross_its_axes() -> None:
    raw = changed(
        f"{G}.grid",
        {
            "divisor": {"key": "family.training.divisor", "values": {"mle": "n", "unbiased": "n-1"}},
            "size": {"key": "rows", "values": {"small": 5, "large": 10}},
        },
    )
    expanded = configuration.parse(raw).experiments
    names = ["mle_small", "mle_large", "unbiased_small", "unbiased_large"]
    assert list(expanded) == [f"gaussian__{name}" for name in names]
    assert [(e.rows, e.family.training.divisor) for e in expanded.values()] == [(5, "n"), (10, "n"), (5, "n-1"), (10, "n-1")]  # type: ignore[union-attr]
    assert {e.variant_of for e in expanded.values()} == {"gaussian"}


def test_a_switched_grid_has_the_first_labels_each_other_label_alone_and_all_last_labels() -> None:
    axes = {
        "size": {"key": "rows", "values": {"few": 5, "some": 7, "many": 10}},
        "divisor": {"key": "family.training.divisor", "values": {"mle": "n", "unbiased": "n-1"}},
    }
    raw = changed(f"{G}.grid", axes)
    assert len(configuration.parse(raw).experiments) == 6
    raw["experiments"]["gaussian"]["design"] = "switched"
    names = ["few_mle", "some_mle", "many_mle", "few_unbiased", "many_unbiased"]
    assert list(configuration.parse(raw).experiments) == [f"gaussian__{name}" for name in names]
    assert configuration.parse(raw).experiments["gaussian__some_mle"].point == {"size": "some", "divisor": "mle"}
    del raw["experiments"]["gaussian"]["grid"]["divisor"]
    assert list(configuration.parse(raw).experiments) == ["gaussian__few", "gaussian__some", "gaussian__many"]


def test_nothing_of_a_config_can_be_changed_after_reading() -> None:
    config = configuration.parse(VALID)
    with pytest.raises(Exception, match="frozen"):
        config.num_threads = 2  # type: ignore[misc]


def test_a_file_that_is_missing_or_no_yaml_is_named(tmp_path: Path) -> None:
    with pytest.raises(HeirloomError, match=r"nowhere.yaml: no such config file"):
        configuration.load(tmp_path / "nowhere.yaml")
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(HeirloomError, match=r"bad.yaml: line 2: not valid YAML"):
        configuration.load(tmp_path / "bad.yaml")


def test_the_schema_file_is_in_step_with_the_models() -> None:
    assert json.loads((ROOT / "schemas/config.schema.json").read_text()) == schema.generate(configuration.Config)


def test_a_schema_out_of_step_is_an_error_that_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(HeirloomError, match="heirloom schema --fix"):
        schema.run(configuration.Config, fix=False, file=tmp_path / "schema.json")
    schema.run(configuration.Config, fix=True, file=tmp_path / "schema.json")
    schema.run(configuration.Config, fix=False, file=tmp_path / "schema.json")


def text_config(folder: Path, **more: Any) -> configuration.Config:
    source = {"name": "files", "paths": [str(folder / "*.txt")], "text": {"vocab_size": 300, "row_tokens": 8}}
    experiment = {"family": {"name": "ngram"}, "source": source, "regimes": ["replace"], "generations": 1, "rows": 20, **more}
    regimes = {**VALID["regimes"], "control": {"pool": 1.0, "synthetic": "none"}}
    return configuration.parse({"regimes": regimes, "experiments": {"text": experiment}})


def test_a_text_source_with_too_few_rows_is_found_before_any_job(corpus: Path) -> None:
    with pytest.raises(HeirloomError, match=r"experiments.text: origin_rows needs 99999 real rows, but there are \d+"):
        preflight.thorough(text_config(corpus, origin_rows=99999))
    preflight.thorough(text_config(corpus))


@pytest.mark.parametrize(("more", "is_idle"), [(0, True), (-1, False)])
def test_a_control_of_text_that_takes_its_whole_pool_is_told_before_any_job(
    more: int, is_idle: bool, corpus: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = real.count_rows(text_config(corpus).experiments["text"].source)  # type: ignore[arg-type]
    preflight.thorough(text_config(corpus, regimes=["control"], rows=rows + more))
    message = f"experiments.text, control: each of its generations takes all {rows} rows of the pool"
    assert [line.startswith(message) for line in caplog.messages] == [True] * is_idle


def test_prompts_are_original_rows_and_there_must_be_enough(corpus: Path) -> None:
    with pytest.raises(HeirloomError, match=r"rows \(one original row per prompt\) needs 20 real rows, but there are 10"):
        text_config(corpus, origin_rows=10)


def test_a_source_that_is_missing_or_empty_is_found_before_any_job(tmp_path: Path) -> None:
    with pytest.raises(HeirloomError, match=r"experiments.text: source.paths"):
        preflight.cheap(text_config(tmp_path / "nowhere"))
    (tmp_path / "empty.txt").write_text(" \n")
    with pytest.raises(HeirloomError, match=r"experiments.text: source"):
        preflight.cheap(text_config(tmp_path))
