"""Whether a config's experiments and regimes fit together, and how large the whole is: arithmetic, before anything is computed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from heirloom import population_faults, row_counts
from heirloom.artefacts.kinds import RESERVED
from heirloom.config_faults import suggestion
from heirloom.errors import short
from heirloom.specs.family import families_with
from heirloom.specs.judges import MeasureJudge, ModelJudge
from heirloom.specs.regime import Regime
from heirloom.specs.repair import Repair
from heirloom.specs.sizes import MOST_JOBS
from heirloom.specs.source import gives_same_rows
from heirloom.strict_yaml import Fault

if TYPE_CHECKING:
    from heirloom.specs.experiment import Experiment
    from heirloom.specs.text import TextSettings

Regimes = Mapping[str, Regime]


def faults(experiments: Mapping[str, Experiment], regimes: Regimes, section: Any) -> Iterator[Fault]:
    """Yield what is wrong between experiments and regimes that are sound each by itself.

    Parameters
    ----------
    section
        The regimes of the file, those that are not sound included; where it is no mapping, none is called undefined.
    """
    regimes_in_use = {regime for experiment in experiments.values() for regime in experiment.regimes}
    names: Collection[str] = section.keys() if isinstance(section, Mapping) else regimes_in_use
    yield from (Fault(("regimes", name), "the name is reserved") for name in sorted(RESERVED & set(names)))
    generations = sum(map(_generations, experiments.values()))
    if generations > MOST_JOBS:
        product = "experiments x regimes x seeds x generations x shards"
        yield Fault(("experiments",), f"{generations:,} generations in all ({product}); at most {MOST_JOBS:,} are allowed")
        return
    for name, experiment in experiments.items():
        misfits = [text for regime in experiment.regimes for text in _misfits(regime, experiment, regimes, names)]
        for regime in filter(regimes.__contains__, experiment.regimes):
            misfits += _judge_misfits(regime, experiment, experiments, regimes)
        yield from (Fault(("experiments", name, "regimes"), text) for text in misfits)
        if not misfits:
            sound_regimes = [regime for regime in experiment.regimes if regime in regimes]
            yield from (Fault(("experiments", name), text) for text in row_counts.faults(experiment, sound_regimes, regimes))
    yield from population_faults.faults(experiments, regimes)


def _generations(experiment: Experiment) -> int:
    return len(experiment.regimes) * len(experiment.seeds) * experiment.generations * experiment.shards


def _misfits(name: str, experiment: Experiment, regimes: Regimes, names: Collection[str]) -> Iterator[str]:
    """Yield why a regime cannot act on an experiment."""
    if name not in names:
        regime_names = ", ".join(sorted(map(str, names)))
        yield f"{name!r} is not defined under regimes{suggestion(name, map(str, names))} (defined: {short(regime_names, 300)})"
    if name not in regimes:
        return
    regime, family, abilities = regimes[name], experiment.family.name, experiment.family.abilities
    if not experiment.has_rows and regime.needs_rows:
        yield f"{name!r} needs rows to act on; family.path: statistics draws none"
    if regime.excludes_continuations and not experiment.continues_rows:
        condition = "with `sampling.prompts: none`" if experiment.is_text else f"in family {family!r}"
        yield f"{name!r} leaves out continuations of kept rows (`original.continuation: excluded`), but {condition} no row is continued"
    if not experiment.has_rows and regime.budget == "drawn" and "subset" not in abilities:
        yield (
            f"{name!r} draws from rows of earlier generations (`budget: drawn`), of which family.path: statistics has none for "
            f"{family!r}; use path: rows"
        )
    missing_abilities = sorted(regime.abilities - abilities)
    if missing_abilities:
        yield f"{name!r} asks to {' and '.join(missing_abilities)}, which {family!r} cannot"
    if regime.repair is not None and not missing_abilities:
        yield from (f"{name!r}: {fault}" for fault in _repair_misfits(regime.repair, experiment))
    if experiment.text is not None:
        yield from _text_misfits(name, regime, experiment.text)
        yield from _edit_misfits(name, regime, experiment)


def _repair_misfits(repair: Repair, experiment: Experiment) -> Iterator[str]:
    """Yield why a family that can be repaired cannot be so with its settings."""
    family = experiment.family
    if family.learns_in_steps:
        yield from repair.start_faults(family.training.begins_from)
    if not family.has_whole_weights:
        yield "`repair` needs whole weights; use family.training.lora.checkpoint: merged"


def _text_misfits(name: str, regime: Regime, text: TextSettings) -> Iterator[str]:
    """Yield why a regime cannot act on rows of text: edited rows are as long as original ones, and so are blocks that are mixed."""
    if text.pairs is not None:
        return
    is_odd = text.written_tokens != text.row_tokens
    if is_odd and regime.has_real_rows and regime.synthetic != "none":
        lengths = f"source.text.new_tokens is {text.written_tokens} and row_tokens {text.row_tokens}"
        yield f"{name!r} trains on real and synthetic blocks together, which must be equally long, but {lengths}"
    if regime.edit is not None and (is_odd or text.prompt_tokens is not None):
        yield f"{name!r} edits whole original rows: leave out source.text.prompt_tokens and new_tokens"


def _edit_misfits(name: str, regime: Regime, experiment: Experiment) -> Iterator[str]:
    """Yield why a regime cannot edit completions."""
    if regime.edit is None or experiment.text is None or experiment.text.pairs is None:
        return
    if {"edit", "edit_pairs"} & experiment.family.abilities == {"edit"}:
        candidates = ", ".join(families_with("edit_pairs"))
        yield f"{name!r} edits completions, and family {experiment.family.name!r} edits blocks alone (completions: {candidates})"
    if experiment.family.sampling.is_served:
        yield f"{name!r} edits rows, which no server does: leave out family.sampling.endpoint, or the regime"


def _judge_misfits(name: str, experiment: Experiment, experiments: Mapping[str, Experiment], regimes: Regimes) -> Iterator[str]:
    """Yield why the judges of a regime cannot judge the rows of an experiment."""
    for judge in regimes[name].judges:
        if judge.threshold is not None and experiment.num_replicas > 1:
            yield f"{name!r} keeps other numbers of rows in each replica (`keep: above`), but num_replicas is {experiment.num_replicas}"
        if isinstance(judge.asks, MeasureJudge) and judge.asks.is_of_text != experiment.is_text:
            rows = "text" if judge.asks.is_of_text else "vectors"
            yield f"{name!r} judges by {judge.asks.measure!r}, which rows of {rows} have, but family {experiment.family.name!r} has others"
        if judge.model is not None:
            faults = _model_faults(judge.model, experiment, experiments, regimes)
            yield from (f"{name!r} is judged by {judge.model.model!r}, {fault}" for fault in faults)


def _model_faults(model: ModelJudge, experiment: Experiment, experiments: Mapping[str, Experiment], regimes: Regimes) -> Iterator[str]:
    """Yield why a model of another experiment cannot judge: it is not made, or made of other rows, or its own rows wait for a judge."""
    name, regime, seed, generation = model.key
    home = experiments.get(name)
    if home is None:
        yield f"but this config has no sound experiment {name!r}{suggestion(name, experiments)}"
        return
    if (generation and regime not in home.regimes) or seed not in home.seeds or (generation or 0) > home.generations:
        yield f"but {name!r} has the regimes {', '.join(home.regimes)}, the seeds {home.seeds} and {home.generations} generations"
        return
    if generation and home.is_chain:
        yield f"but {name!r} is a chain, of whose generations only 0 can be asked for"
    if generation and regime in regimes and any(judge.model and judge.model.key.generation for judge in regimes[regime].judges):
        yield f"but {regime!r} is itself judged by a model after generation 0; judges may not wait for each other"
    if "select" not in home.family.abilities:
        yield f"but family {home.family.name!r} does not tell how likely rows are"
    if experiment.is_text and not gives_same_rows(home.source, experiment.source):
        yield f"but {name!r} reads another source: its tokens mean something else"
    sizes, own_sizes = ((each.source.row_numbers, each.num_replicas) for each in (home, experiment))
    if not experiment.is_text and (home.is_text or sizes != own_sizes):
        yield f"but its rows have {sizes[0]} numbers in {sizes[1]} replicas, and those to be judged {own_sizes[0]} in {own_sizes[1]}"
