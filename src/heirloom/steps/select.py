"""Select: let judges keep some of a generation's synthetic rows, before they are mixed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from heirloom.artefacts.kinds import Key
from heirloom.data.dataset import Dataset
from heirloom.families import family, module_name
from heirloom.judges import bench
from heirloom.judges.bench import JudgeModel, Witnesses
from heirloom.runtime.packages import JUDGES
from heirloom.specs import packages
from heirloom.specs.base import Many
from heirloom.specs.judges import LIKELIHOODS, CommandJudge, ModelJudge, PackageJudge, PlannedModel, PlannedPackageJudge
from heirloom.specs.selection import Judgement, Select
from heirloom.steps import slices
from heirloom.steps.common import Paths, finish, naming

if TYPE_CHECKING:
    from heirloom.config import Config

Notes = list[dict[str, Any]]
"""Of each judge: who it was, how many rows it was given and how many it kept."""

_FUNCTIONS = ("log_likelihoods", "load")


def _as_list(judgements: Any) -> Any:
    return judgements if isinstance(judgements, list | tuple) else [judgements]


def _as_declared(judgements: tuple[Judgement, ...]) -> Any:
    """Return judges as a config has them: one alone, or a list of several."""
    settings = [slices.non_default_settings(judgement) for judgement in judgements]
    return settings[0] if len(settings) == 1 else settings


class Slice(slices.GenerationSlice):
    """What a selection depends on: the judges and their errors."""

    name = "select"

    family: str
    select: Annotated[Many[Judgement], BeforeValidator(_as_list), PlainSerializer(_as_declared)]
    chunk_rows: int = 1


def slice_of(config: Config, key: Key) -> Slice:
    """Return the slice of a generation's selection, of a regime that has one."""
    experiment, judges = config.experiments[key.experiment], config.regimes[key.regime].judges
    judgements = tuple(_judgement(judge, config) for judge in judges)
    return Slice(
        **slices.common(config, Slice, "heirloom.steps.select:run", *family_code(config, key)),
        **slices.place(config, key),
        **slices.chunks(experiment),
        **slices.device(experiment),
        **slices.package(experiment),
        family=experiment.family.name,
        select=judgements,
    )


def family_code(config: Config, key: Key) -> list[str]:
    """Return the entries, for the hash of the code, of what the judges of a regime call of families."""
    experiment, judges = config.experiments[key.experiment], config.regimes[key.regime].judges
    entries = slices.family_code(experiment, _FUNCTIONS) if any(judge.asks in LIKELIHOODS for judge in judges) else []
    models = [judge.model for judge in judges if judge.model is not None]
    names = sorted({config.experiments[model.key.experiment].family.name for model in models})
    return [*entries, *(f"{module_name(name)}:{function}" for name in names for function in _FUNCTIONS)]


def _judgement(judge: Select, config: Config) -> Judgement:
    """Return what a job has to know of a judge; a program's code is read, and its version asked for."""
    rule = judge.model_dump(exclude_unset=True, exclude={"by"})
    match judge.asks:
        case CommandJudge(program=program):
            return Judgement(**rule, by=program)
        case ModelJudge(model=reference, key=key):
            return Judgement(**rule, by=PlannedModel(model=reference, family=config.experiments[key.experiment].family.name))
        case PackageJudge(judge=name, settings=settings):
            package = packages.planned(JUDGES, name)
            return Judgement(**rule, by=PlannedPackageJudge(judge=name, settings=settings, package=package))
        case by:
            return Judgement(**rule, by=by)


def run(step: Slice, inputs: Paths, outputs: Paths) -> None:
    """Write the synthetic rows that are kept.

    Parameters
    ----------
    inputs
        ``synthetic``: the generation's synthetic set. Where a judge looks at it, ``origin``: generation 0's checkpoint; ``parent``: the
        checkpoint of the model that wrote the rows; ``judges``: checkpoints of other experiments; ``original``: generation 0's training
        set.
    outputs
        ``selected``: the file to write.
    """
    models = {role: _loaded(step.family, inputs.get(role, "")) for role in ("origin", "parent")}
    original = Dataset.open(inputs["original"]) if inputs.get("original") else None
    witnesses = Witnesses(models["origin"], models["parent"], judge_models(step, inputs), original, step.chunk_rows)
    selected_rows, notes = select(step, Dataset.open(inputs["synthetic"]), witnesses, step.generation)
    selected_rows.write(outputs["selected"])
    finish(step, {**inputs, "judges": inputs.get("judges", "").split()}, [outputs["selected"]], judges=notes)


def judge_models(step: Slice, inputs: Paths) -> dict[str, JudgeModel]:
    """Return the models of other experiments that judge, by their references."""
    planned_models = dict.fromkeys(judgement.by for judgement in step.select if isinstance(judgement.by, PlannedModel))
    checkpoints = inputs.get("judges", "").split()
    pairs = zip(planned_models, checkpoints, strict=True)
    return {planned.model: JudgeModel(planned.family, family(planned.family).load(Path(path))) for planned, path in pairs}


def select(step: Slice, synthetic: Dataset, witnesses: Witnesses, generation: int) -> tuple[Dataset, Notes]:
    """Return the rows that a slice's judges keep, and what each of them did."""
    with naming(generation):
        rows, counts = bench.select(synthetic, step.select, witnesses, step.stream(generation))
    return rows, list(_named(step, counts))


def _named(step: Slice, counts: list[dict[str, float]]) -> Iterator[dict[str, Any]]:
    for judgement, judge_counts in zip(step.select, counts, strict=True):
        yield {"judge": judgement.words, **judge_counts}


def _loaded(name: str, checkpoint: str) -> JudgeModel | None:
    return JudgeModel(name, family(name).load(Path(checkpoint))) if checkpoint else None
