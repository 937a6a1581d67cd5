"""Closed forms beside simulated means: by how many standard errors the two differ, one row per arm and measure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from heirloom import digests
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.measures.replicas import HEAVY_TAILED
from heirloom.report import expected_curves
from heirloom.report.doubt import doubt
from heirloom.results import Results
from heirloom.specs.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("family", "regime", "measure", "generation", "chains", "expected", "mean", "se", "z", "note")
BEGIN, END = "<!-- begin: heirloom theory -->", "<!-- end: heirloom theory -->"
"""The lines that enclose the table in a page that `page_with_table` renews."""

ENDS = ("fixed_at_0", "fixed_at_1", "absorbed")
"""Measures of the number of chains that have ended."""
RARE = "few chains carry the mean: the largest are rarer than one in all chains"
ROUNDED = "arithmetic is rounded, and the closed form's is not"


class Check(NamedTuple):
    """A mean over chains, its standard error (NaN for one chain), the closed form of its expectation, and why z is missing, if it is."""

    expected: float
    mean: float
    se: float
    note: str = ""

    @property
    def z(self) -> float | None:
        """Return (mean - expected) / standard error; None without an error, or if the note says why there is no z."""
        return (self.mean - self.expected) / self.se if not self.note and self.se > 0 else None


def check(rows: pd.DataFrame, regime: str, experiment: Experiment, config: Config) -> dict[str, Check]:
    """Return the last generation's measures that have a closed form.

    Parameters
    ----------
    rows
        The tidy rows of the experiment.
    """
    from heirloom.report.numbers import estimates

    last_rows = rows[(rows["regime"] == regime) & (rows["generation"] == experiment.generations)]
    metric_means = last_rows.groupby("metric")["value"].mean()
    means = {str(metric): float(mean) for metric, mean in metric_means.items()}
    curves = expected_curves.curves(experiment, config.regimes[regime])
    closed_forms = {measure: float(curve[-1]) for measure, curve in curves.items()}
    checks = {}
    for measure, closed_form in closed_forms.items():
        if means.keys().isdisjoint([measure, f"{measure}.mean"]):
            continue  # such as the survival of types seen once, where there are none
        estimate = estimates(last_rows, [regime], measure).iloc[-1]
        se = float(estimate["se"])
        note = _note(measure, closed_forms, se, means, experiment)
        checks[measure] = Check(closed_form, float(estimate["mean"]), se, note)
    return checks


def _note(measure: str, closed_forms: Mapping[str, float], se: float, means: Mapping[str, float], experiment: Experiment) -> str:
    """Return why a mean with a standard error has no z; empty if it has one."""
    if _is_rounded(means, experiment, counts_absorbed="absorbed" in closed_forms):
        return ROUNDED
    if measure in HEAVY_TAILED and _rare_chains_carry_it(means, chains(experiment)):
        return RARE
    if not se > 0:
        return ""
    spread = _spread(closed_forms, means) if measure in HEAVY_TAILED else None
    alive = 1.0 - sum(closed_forms.get(end, 0.0) for end in ENDS)
    return doubt(measure, closed_forms[measure], se, chains(experiment), spread, alive)


def _spread(closed_forms: Mapping[str, float], means: Mapping[str, float]) -> float | None:
    """Return v = 2 (ln E - E ln) of the chains' variance, E in closed form and E ln as measured; None where one is missing."""
    expectation = closed_forms.get("covariance_trace", 0.0)
    mean_log = means.get("covariance_trace.mean_log")
    if mean_log is None or not expectation > 0:
        return None
    return 2 * (math.log(expectation) - mean_log)


def compares(measure: str, means: Mapping[str, float], experiment: Experiment) -> bool:
    """Return whether a measure's mean over chains can be compared with its closed form.

    It cannot where rare chains carry a heavy-tailed mean (`_rare_chains_carry_it`). It cannot where arithmetic was rounded, on
    purpose or because chains have shrunk to one point of their type. There the two differ for a known reason, so that a number of
    standard errors says nothing.

    Parameters
    ----------
    means
        An arm's metrics at the generation, mean over seeds.
    """
    if _is_rounded(means, experiment):
        return False
    return measure not in HEAVY_TAILED or not _rare_chains_carry_it(means, chains(experiment))


def _is_rounded(means: Mapping[str, float], experiment: Experiment, *, counts_absorbed: bool = False) -> bool:
    """Return whether arithmetic was rounded; not by chains that are absorbed where a closed form counts these."""
    family = experiment.family
    return family.is_rounded or (family.absorbs_by_rounding and not counts_absorbed and means.get("absorbed.mean", 0.0) > 0)


def chains(experiment: Experiment) -> int:
    """Return how many chains an arm has: seeds times replicas."""
    return len(experiment.seeds) * experiment.num_replicas


def _rare_chains_carry_it(means: Mapping[str, float], num_chains: int) -> bool:
    """Return whether chains that are rarer than one in N carry the expected variance.

    Take N lognormal numbers whose logarithms have the variance v. From v = ln(N) / 2 on, a few of the largest carry the sum of squares,
    and so the standard error. There a random energy model of N levels freezes (Derrida 1981, Random-energy model), for logarithms
    twice as large. v is 2 (ln E - E ln), both as measured. Under replacement it is about 2 t / n after t fits to n rows.
    """
    mean = means.get("covariance_trace.mean", 0.0)
    mean_log = means.get("covariance_trace.mean_log")
    if mean_log is None or not mean > 0:
        return False
    variance = 2 * (math.log(mean) - mean_log)
    return variance > math.log(num_chains) / 2


def table(rows: pd.DataFrame, experiment: Experiment, config: Config) -> pd.DataFrame:
    """Return one experiment's checks with the columns `COLUMNS`; z is NaN without an error, or if the note says why.

    Parameters
    ----------
    rows
        The tidy rows of the experiment.
    """
    import pandas as pd

    family, generation, num_chains = experiment.family.name, experiment.generations, chains(experiment)
    lines = []
    for regime in experiment.regimes:
        for measure, arm_check in check(rows, regime, experiment, config).items():
            z = math.nan if arm_check.z is None else arm_check.z
            place = (family, regime, measure, generation, num_chains)
            lines.append((*place, arm_check.expected, arm_check.mean, arm_check.se, z, arm_check.note))
    return pd.DataFrame(lines, columns=list(COLUMNS))


def load(results: Results) -> pd.DataFrame:
    """Return the table of a config's last run.

    Raises
    ------
    HeirloomError
        If there is none, or it does not have its recorded digest.
    """
    import pandas as pd

    if not Path(results.theory).is_file():
        raise HeirloomError(f"{results.theory}: missing; run {results.snakemake}")
    table = pd.read_csv(digests.check(results.theory, results.repair), dtype={"variant": str, "note": str})
    return table.fillna({"variant": "", "note": ""})


def markdown(frame: pd.DataFrame) -> str:
    """Return the table of all experiments (``theory.csv``) as Markdown."""
    lines = [
        "| family | experiment | regime | measure | generation | chains | closed form | simulated (s.e.) | z |",
        "|---|---|---|---|--:|--:|--:|--:|--:|",
    ]
    for row in frame.to_dict("records"):
        name = f"{row['experiment']}__{row['variant']}" if row["variant"] else row["experiment"]
        z = row.get("note", "") if math.isnan(row["z"]) else f"{row['z']:+.1f}"
        place = f"| {row['family']} | `{name}` | {row['regime']} | `{row['measure']}` | {row['generation']} | {row['chains']}"
        lines.append(f"{place} | {row['expected']:.5g} | {row['mean']:.5g} ({row['se']:.1g}) | {z} |")
    return "\n".join(lines) + "\n"


def page_with_table(page: str, lines: str) -> str:
    """Return a page with the text between `BEGIN` and `END` replaced.

    Raises
    ------
    HeirloomError
        If the page lacks one of the two.
    """
    page_head, begin_mark, remainder = page.partition(BEGIN)
    _, end_mark, page_tail = remainder.partition(END)
    if not (begin_mark and end_mark):
        raise HeirloomError(f"the page has no place for the table; it needs the lines {BEGIN} and {END}")
    return f"{page_head}{BEGIN}\n\n{lines}\n{END}{page_tail}"
