"""Rankings: equal terms or none, a setting chosen by other seeds, and a placebo that ties."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from by_hand import slice_of
from heirloom import config as configuration
from heirloom.artefacts import kinds
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.report.page import ranking as on_page
from heirloom.report.ranking import table
from heirloom.report.ranking.comparison import LEVEL, pair_p_values
from heirloom.report.ranking.effort import effort
from heirloom.report.summary_tables import ranking_table
from heirloom.runtime.streams import Stream
from heirloom.steps import chain, mix, real, train

ROOT = Path(__file__).parents[2]
REGIMES = {
    "replace": {},
    "placebo": {},
    "merged": {"repair": {"merge": 0.5}},
    "keep": {"original": {"share": 0.1}},
    "half": {"multiple": 0.5, "synthetic": "all", "budget": "drawn"},
    "grows": {"growth": 1.0},
    "best": {"select": {"by": "likelihood", "best_of": 2}},
    "twice": {"multiple": 4.0, "select": [{"by": "detector", "share": 0.5}, {"by": "parent", "share": 0.5}]},
    "pool": {"pool": 0.5},
    "control": {"pool": 1.0, "synthetic": "none"},
}


def config(knobs: dict[str, list[str]], validation_seeds: int = 0, regimes: dict[str, Any] = REGIMES, **more: Any) -> Config:
    experiment = {
        "family": {"name": "gaussian"},
        "source": {"name": "normal", "rows": 60},
        "regimes": list(regimes),
        "seeds": list(range(8)),
        "generations": 6,
        "rows": 20,
        "num_replicas": 10,
        "granularity": "chain",
        **more,
    }
    ranking = {
        "measure": "wasserstein2_squared",
        "validation_seeds": validation_seeds,
        "baseline": "e/replace",
        "knobs": knobs,
        "beside": {"control": "e/control"},
    }
    return configuration.parse({"regimes": regimes, "experiments": {"e": experiment}, "rankings": {"r": ranking}})


def run(parsed: Config) -> pd.DataFrame:
    """Run every lineage of the experiment, and return the tidy rows."""
    parts = []
    for seed in range(8):
        pool, held_out = kinds.REAL_TRAIN.path("e", seed=seed), kinds.REAL_TEST.path("e", seed=seed)
        original, checkpoint = kinds.TRAIN.path("e", "origin", seed, 0), kinds.CHECKPOINT.path("e", "origin", seed, 0)
        real.run_vectors(slice_of("real", parsed, "e", seed=seed), {"train": pool, "test": held_out})
        mix.run(slice_of("mix", parsed, "e", "origin", seed, 0), {"pool": pool}, {"train": original})
        train.run(slice_of("train", parsed, "e", "origin", seed, 0), {"train": original}, {"checkpoint": checkpoint})
        inputs = {"pool": pool, "held_out": held_out, "original": original, "checkpoint": checkpoint}
        for regime in parsed.experiments["e"].regimes:
            trajectory = kinds.TRAJECTORY.path("e", regime, seed)
            chain.run(slice_of("chain", parsed, "e", regime, seed), inputs, {"trajectory": trajectory})
            parts.append(pd.read_parquet(trajectory).assign(regime=regime, seed=seed))
    return pd.concat(parts).assign(experiment="e", variant="")


def frame(values: dict[str, list[float]]) -> pd.DataFrame:
    """Return tidy rows with a measure of each arm and seed at the last generation."""
    lines = [{"regime": regime, "seed": seed, "value": value} for regime, of_seeds in values.items() for seed, value in enumerate(of_seeds)]
    return pd.DataFrame(lines).assign(experiment="e", variant="", generation=6, metric="wasserstein2_squared.median")


def test_a_placebo_ties_and_a_cure_wins_for_certain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    regimes = {name: REGIMES[name] for name in ("replace", "placebo", "merged", "control")}
    parsed = config({"placebo": ["e/placebo"], "merge": ["e/merged"]}, regimes=regimes)
    table.write(run(parsed), parsed)
    ranked = table.load(parsed)
    assert ranked is not None
    by_knob: Any = ranked.set_index("knob")
    assert by_knob.loc["merge", "place"] == 1
    assert by_knob.loc["merge", "p_baseline"] == 2 / 256
    assert set(str(by_knob.loc["merge", "better_than"]).split(", ")) == {"placebo", "baseline"}
    assert by_knob.loc["placebo", "p_baseline"] > LEVEL
    assert by_knob.loc[["placebo", "baseline"], "better_than"].tolist() == ["", ""]
    assert np.isnan(by_knob.loc["control", "place"])
    (shown,) = on_page.context(parsed)
    assert [row["place"] for row in shown["rows"]] == ["1", "2", "3", "beside"]
    ends = [end for row in shown["rows"] for end in row["ends"]]
    assert (min(ends), max(ends)) == (0.0, on_page.WIDTH)
    assert shown["rows"][0]["ends"][1] < shown["baseline"]
    assert ranking_table(ranked).row_count == 4
    Path(parsed.results.ranking).write_text("altered\n")
    with pytest.raises(HeirloomError, match=r"ranking\.csv: not the bytes"):
        table.load(parsed)


def test_a_pair_that_differs_in_every_seed_has_the_smallest_p_however_many_arms_there_are() -> None:
    noise_KS = 0.01 * Stream((0, "ranking")).generator().standard_normal((12, 8))
    losses_KS = noise_KS + np.arange(12)[:, None]
    p_KK = pair_p_values(losses_KS)
    assert p_KK[0, 11] == p_KK[11, 0] == p_KK[3, 4] == 2 / 256
    assert np.diag(p_KK).tolist() == [1.0] * 12


def test_equal_arms_are_rarely_called_different() -> None:
    trials = Stream((0, "null")).generator().standard_t(3, (400, 4, 8))
    alarms = sum(float(pair_p_values(losses_KS).min()) <= LEVEL for losses_KS in trials)
    assert alarms <= 400 * LEVEL + 4 * np.sqrt(400 * LEVEL * (1 - LEVEL))
    assert alarms > 0


def test_a_setting_is_chosen_by_the_seeds_that_are_not_ranked() -> None:
    parsed = config({"knob": ["e/placebo", "e/merged"], "other": ["e/best", "e/placebo"]}, validation_seeds=2)
    values = {name: [1.0] * 8 for name in REGIMES}
    values["placebo"] = [0.1] * 6 + [3.0] * 2
    values["merged"] = [0.5] * 6 + [2.0] * 2
    ranked: Any = table.table(frame(values), parsed).set_index("knob")
    assert ranked.loc["knob", ["arm", "value", "seeds"]].tolist() == ["e/merged", pytest.approx(0.5), 6]
    assert ranked.loc["other", "arm"] == "e/best"


def test_effort_is_counted_from_the_declaration() -> None:
    parsed = config({"placebo": ["e/placebo"]})
    experiment = parsed.experiments["e"]

    def of(regime: str) -> tuple[float, ...]:
        return tuple(effort(experiment, parsed.regimes[regime]))

    # 6 generations of 20 rows: real rows a generation, distinct real rows, pseudo-rows, rows sampled, model calls, tokens trained
    assert of("replace") == (0, 20, 0, 120, 120, 120)
    assert of("keep") == (2, 20, 0, 120, 120, 120)
    assert of("half") == (0, 20, 0, 60, 60, 120)
    assert of("best") == (0, 20, 0, 240, 240 + 240, 120)
    assert of("twice") == (0, 20, 0, 480, 480 + 2 * 480 + 240, 120)
    assert of("pool")[1] == pytest.approx(20 + 40 * (1 - (5 / 6) ** 6))
    assert of("control")[1] == pytest.approx(20 + 40 * (1 - (2 / 3) ** 6))
    assert of("control")[3:] == (0, 0, 120)


@pytest.mark.parametrize(
    ("knobs", "validation_seeds", "message"),
    [
        ({"a": ["f/replace"]}, 0, "knobs.a: there is no experiment 'f'"),
        ({"a": ["e/nothing"]}, 0, "knobs.a: experiment 'e' has no regime 'nothing'"),
        ({"a": ["e/placebo"], "b": ["e/best", "e/half"]}, 2, "each knob needs as many settings as the others"),
        ({"a": ["e/placebo", "e/merged"]}, 0, "validation_seeds is 0, but knobs have several settings"),
        ({"a": ["e/placebo"]}, 7, "experiments.e.seeds has to list 9 or more"),
        ({"a": ["e/keep"]}, 0, "e/keep sees 2 real rows at generation 1, the baseline 0; put it under beside"),
        ({"a": ["e/grows"]}, 0, "e/grows is trained on 40 rows at generation 1, the baseline on 20; put it under beside"),
    ],
)
def test_arms_on_unequal_terms_are_refused_in_one_line(knobs: dict[str, list[str]], validation_seeds: int, message: str) -> None:
    with pytest.raises(HeirloomError, match=r"^config: rankings\.r: ") as error:
        config(knobs, validation_seeds)
    assert message in str(error.value)


def test_the_preset_has_a_placebo_in_each_ranking_and_eight_ranked_seeds() -> None:
    parsed = configuration.load(ROOT / "configs/mitigations.yaml")
    assert len(parsed.rankings) == 8
    for ranking in parsed.rankings.values():
        experiment = parsed.experiments[ranking.baseline.partition("/")[0]]
        assert len(experiment.seeds) - ranking.validation_seeds == 8
        assert "placebo" in ranking.knobs
        assert list(ranking.beside) == ["accumulate", "control"]
