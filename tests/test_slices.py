"""A slice holds what a config chooses, so that a key which nobody uses reruns nothing."""

from __future__ import annotations

from typing import Any

from by_hand import fields_of
from heirloom import config as configuration

KEY = ("g", "arm", 0, 2)


def config(regime: dict[str, Any]) -> configuration.Config:
    experiment = {
        "family": {"name": "gaussian"},
        "source": {"name": "normal", "rows": 100},
        "regimes": ["arm"],
        "generations": 3,
        "rows": 10,
    }
    return configuration.parse({"regimes": {"arm": regime}, "experiments": {"g": experiment}})


def without_code(step: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in step.items() if key not in {"code", "num_threads"}}


def test_a_regime_that_uses_no_newer_key_has_the_slices_it_always_had() -> None:
    plain = config({"original": {"share": 0.1}})
    assert fields_of("mix", plain, *KEY)["mixing"] == {"original": {"share": 0.1}}
    fields = {"step": "sample", "regime": "arm", "seed": 0, "generation": 2, "family": "gaussian", "rows": 10, "sampling": {}}
    assert without_code(fields_of("sample", plain, *KEY)) == fields
    assert set(fields_of("chain", plain, "g", "arm", 0)["steps"]) == {"mix", "train", "sample", "evaluate"}


def test_rows_for_mauve_are_in_the_slice_of_the_measures_that_ask_for_them() -> None:
    def measured(**more: int) -> dict[str, Any]:
        source = {"name": "files", "paths": ["*.txt"], "text": {"vocab_size": 300, "row_tokens": 8}}
        experiment = {"family": {"name": "transformer"}, "source": source, "regimes": ["arm"], "generations": 3, "rows": 10, **more}
        return fields_of("evaluate", configuration.parse({"regimes": {"arm": {}}, "experiments": {"g": experiment}}), *KEY)

    assert "divergence_rows" not in measured()
    assert measured(divergence_rows=50) == {**measured(), "divergence_rows": 50}


def test_a_device_is_in_the_slice_of_every_step_that_runs_a_model_and_only_if_it_is_chosen() -> None:
    def parts(**more: str) -> list[dict[str, Any]]:
        source = {"name": "files", "paths": ["*.txt"], "text": {"vocab_size": 300, "row_tokens": 8}}
        experiment = {
            "family": {"name": "transformer"},
            "source": source,
            "regimes": ["arm"],
            "generations": 3,
            "rows": 10,
            "origin_rows": 20,
            **more,
        }
        selection = {"multiple": 2.0, "select": {"by": "likelihood", "share": 0.5}}
        parsed = configuration.parse({"regimes": {"arm": selection}, "experiments": {"g": experiment}})
        return [fields_of(step, parsed, *KEY) for step in ("train", "sample", "select", "evaluate", "mix")]

    plain = parts()
    assert not any("device" in step for step in plain)
    assert parts(device="auto") == plain
    assert parts(device="cuda") == [*({**step, "device": "cuda"} for step in plain[:-1]), plain[-1]]


def test_what_only_mix_reads_does_not_resample() -> None:
    plain, weighted = config({"fresh": 0.2}), config({"fresh": 0.2, "real_weight": 0.5})
    assert fields_of("sample", plain, *KEY) == fields_of("sample", weighted, *KEY)
    assert fields_of("mix", plain, *KEY) != fields_of("mix", weighted, *KEY)


def test_sizes_are_in_the_sample_and_the_judge_is_in_the_selection_alone() -> None:
    selecting_config = config({"multiple": 2.0, "select": {"by": "likelihood", "share": 0.5}})
    erring = config({"multiple": 2.0, "select": {"by": "likelihood", "share": 0.5, "true_keep": 1.0, "false_keep": 0.1}})
    assert fields_of("sample", selecting_config, *KEY)["sizes"] == {"multiple": 2.0}
    assert fields_of("sample", selecting_config, *KEY) == fields_of("sample", erring, *KEY)
    assert fields_of("select", selecting_config, *KEY)["select"] == {"by": "likelihood", "share": 0.5}
    assert fields_of("select", selecting_config, *KEY) != fields_of("select", erring, *KEY)
    assert "select" in fields_of("chain", selecting_config, "g", "arm", 0)["steps"]
