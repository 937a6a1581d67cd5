"""The smallest difference that seeds resolve: from the scatter of a control that has been run."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from heirloom.artefacts import kinds
from heirloom.artefacts.files import dumps
from heirloom.cli.plan import plan
from heirloom.config import Config
from heirloom.report import files, resolution, tables
from heirloom.report.intervals import interval
from heirloom.runtime.streams import Stream
from helpers import seal_alone


def test_a_difference_of_that_size_is_found_four_times_of_five() -> None:
    # t(0.975; 5) + t(0.8; 5) = 2.570582 + 0.919544
    size = resolution.smallest(1.0, 6)
    assert size == pytest.approx((2.570582 + 0.919544) * math.sqrt(2 / 6), rel=1e-6)
    lineages = Stream((0, "power")).generator().standard_normal((2, 2000, 6))
    found_share = np.mean([interval(differences).low > 0 for differences in lineages[0] - lineages[1] + size])
    assert abs(found_share - 0.8) < 0.03
    assert resolution.smallest(1.0, 1) == math.inf


def test_each_arm_with_a_control_has_a_row_and_a_positive_measure_a_share(run: Path, config: Config) -> None:
    rows = [("words", "", "control", seed, g, "test_perplexity", value) for (seed, g), value in zip(SEATS, PERPLEXITIES, strict=True)]
    frame = pd.DataFrame(rows, columns=list(tables.COLUMNS))
    resolutions = list(resolution.resolutions(config, frame))
    assert [
        (resolved.experiment, resolved.regime, resolved.measure, resolved.seeds, resolved.control_seeds) for resolved in resolutions
    ] == [
        ("words", "replace", "test_perplexity", 2, 2),
        ("words", "keep", "test_perplexity", 2, 2),
    ]
    # of generations 2 and 3, the seeds lie ln(1.1) apart: their standard deviation is ln(1.1) / sqrt(2)
    assert resolutions[0].deviation == pytest.approx(math.log(1.1) / math.sqrt(2))
    assert resolutions[0].difference(6) == pytest.approx(math.expm1(resolution.smallest(resolutions[0].deviation, 6)))
    assert [resolutions[0].words(seeds) for seeds in (1, 6)] == ["none", "15 %"]


SEATS = [(seed, generation) for seed in (0, 1) for generation in (1, 2, 3)]
PERPLEXITIES = [50.0, 100.0, 100.0, 90.0, 110.0, 110.0]


def test_one_seed_of_a_control_that_grows_resolves_nothing_and_of_a_constant_one_its_scatter_serves(config: Config) -> None:
    raw = config.model_dump()
    regimes = raw["regimes"] | {"grows": {"pool": 1.0, "synthetic": "none", "growth": 1.0}}
    rows = [("words", "", name, 0, g, "test_perplexity", 100.0 / g) for name in ("control", "grows") for g in (1, 2, 3, 4)]
    frame = pd.DataFrame(rows, columns=list(tables.COLUMNS))

    def resolved(*arms: str) -> list[str]:
        body = raw["experiments"]["words"] | {"seeds": [0], "regimes": list(arms)}
        changed_config = Config.model_validate(raw | {"regimes": regimes, "experiments": {"words": body}})
        return [row.regime for row in resolution.resolutions(changed_config, frame)]

    assert resolved("accumulate", "grows") == []
    assert resolved("accumulate", "grows", "control") == ["accumulate"]


def test_without_a_table_of_a_run_there_is_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: Config) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolution.of_last_run(config) == []


def test_the_plan_says_of_each_arm_what_its_seeds_resolve_and_what_six_would(
    run: Path, config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = config.model_dump(mode="json", exclude_unset=True)
    Path("config.yaml").write_text(yaml.safe_dump({**raw, "experiments": {"words": raw["experiments"]["words"]}}))
    plan(Path("config.yaml"))
    assert "smallest difference that the seeds resolve: not known before a control has run" in capsys.readouterr().out
    files.write(config)
    plan(Path("config.yaml"))
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  words ")]
    assert re.fullmatch(r"  words \(replace, keep\), test_perplexity: [\d.e+]+ % with 2 seeds; [\d.]+ % with 6", line)


def test_the_plan_says_how_many_seeds_would_decide_what_the_last_run_left_inconclusive(
    run: Path, config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = config.model_dump(mode="json", exclude_unset=True)
    told_apart = {"words": raw["experiments"]["words"], "not_run": {**raw["experiments"]["words"], "rows": 30}}
    Path("config.yaml").write_text(yaml.safe_dump({**raw, "experiments": told_apart}))
    file = Path(kinds.METRICS.path("words", "replace", 1, 3))
    file.write_text(dumps({**json.loads(file.read_text()), "test_perplexity": 80.0}))  # the other seed has 109.3
    seal_alone(file)
    files.write(config)
    plan(Path("config.yaml"))
    lines = capsys.readouterr().out.splitlines()
    (head,) = [place for place, line in enumerate(lines) if line.startswith("seeds that would decide what the last run left inconclusive")]
    # the logarithms of the ratios to the control, ln(109.3 / 60.72) and ln(80 / 61.72), have a mean of 0.424 and a deviation of 0.232
    assert "  forgets_real_text: 5 in words (2 now)" in lines[head + 1 :]
