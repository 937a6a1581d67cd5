"""What a step takes: functions that find the artefacts of a role, from the config and the key of the job."""

from __future__ import annotations

from itertools import chain, product
from typing import TYPE_CHECKING

from heirloom.artefacts import kinds
from heirloom.artefacts.kinds import Key, Kind
from heirloom.workflow.step import Find

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from heirloom.config import Config


def real(kind: Kind) -> Find:
    """Find the real data that a lineage is given: those that its seed drew, where each seed draws its own."""

    def find(config: Config, key: Key) -> Sequence[str]:
        return [kind.of_pool(key.experiment, config.experiments[key.experiment].pool_of(key.seed or 0))]

    return find


def same_generation(kind: Kind) -> Find:
    """Find what the same generation has."""
    return _in_generation(kind, lambda number: number)


def parents(kind: Kind) -> Find:
    """Find what the generation before has."""
    return _in_generation(kind, lambda number: number - 1)


def origins(kind: Kind) -> Find:
    """Find what generation 0 has, which all arms share."""
    return _in_generation(kind, lambda _: 0)


def models(kind_of_generation: Find) -> Find:
    """Find models as others read them: the repaired one of a generation that has one, in place of the checkpoint of its training."""

    def find(config: Config, key: Key) -> Sequence[str]:
        return [_model(config, path) for path in kind_of_generation(config, key)]

    return find


def of_members(find: Find) -> Find:
    """Find something of every member of a population, in the order of the config; of an experiment without one, its own."""

    def find_all(config: Config, key: Key) -> Sequence[str]:
        membership = config.experiments[key.experiment].membership
        names = membership.experiments if membership else [key.experiment]
        return list(chain.from_iterable(find(config, key._replace(experiment=name)) for name in names))

    return find_all


def only_if(condition: Callable[[Config, Key], bool], find: Find) -> Find:
    """Find something where a condition holds, and else nothing."""

    def find_if(config: Config, key: Key) -> Sequence[str]:
        return find(config, key) if condition(config, key) else []

    return find_if


def synthetic_sets(config: Config, key: Key) -> Sequence[str]:
    """Find the synthetic sets that a regime mixes, oldest first: selected ones where it has a judge, in a population of all it reads.

    Generation 0 has none: nobody ever asks to sample it, so the recursion ends by itself.
    """
    generation = _number(key)
    if not generation:
        return []
    regime = config.regimes[key.regime]
    first = {"latest": generation, "all": 1, "none": generation + 1}[regime.synthetic]
    kind = kinds.SELECTED if regime.select else kinds.SYNTHETIC
    membership = config.experiments[key.experiment].membership
    writers = membership.writers if membership else [key.experiment]
    sets = product(range(first, generation + 1), writers)
    return [kind.path(writer, key.regime, key.seed or 0, number) for number, writer in sets]


def starts(config: Config, key: Key) -> Sequence[str]:
    """Find the checkpoint whose weights a training begins from; a pretrained model gives its architecture, too, where weights are new."""
    experiment, generation = config.experiments[key.experiment], _number(key)
    start = experiment.family.training.begins_from if generation else "scratch"
    if start in {"origin", "previous"}:
        find = origins(kinds.CHECKPOINT) if start == "origin" else models(parents(kinds.CHECKPOINT))
        return find(config, key)
    return real(kinds.PRETRAINED)(config, key) if experiment.pretrained else []


def bases(config: Config, key: Key) -> Sequence[str]:
    """Find the model that a repair moves a generation's along with."""
    repair = config.regimes[key.regime].repair
    find = models(parents(kinds.CHECKPOINT)) if repair and repair.base == "previous" else origins(kinds.CHECKPOINT)
    return find(config, key)


def is_repaired(config: Config, key: Key) -> bool:
    """Return whether a generation's model is moved after its training; the origin's never is."""
    return is_later(config, key) and config.regimes[key.regime].repair is not None


def is_later(config: Config, key: Key) -> bool:
    """Return whether a generation is not the origin."""
    return _number(key) > 0


def is_edited(config: Config, key: Key) -> bool:
    """Return whether a regime edits real rows."""
    return config.regimes[key.regime].edit is not None


def is_prompted(config: Config, key: Key) -> bool:
    """Return whether real rows are continued or edited."""
    return is_edited(config, key) or config.experiments[key.experiment].continues_rows


def is_text(config: Config, key: Key) -> bool:
    """Return whether an experiment's rows are tokens."""
    return config.experiments[key.experiment].is_text


def has_pairs(config: Config, key: Key) -> bool:
    """Return whether an experiment's rows are a prompt and its completion."""
    text = config.experiments[key.experiment].text
    return text is not None and text.pairs is not None


def has_grouped_documents(config: Config, key: Key) -> bool:
    """Return whether the document of a real row tells its group."""
    return config.experiments[key.experiment].has_grouped_documents


def is_validated(config: Config, key: Key) -> bool:
    """Return whether real rows choose the epoch whose weights are kept."""
    return config.experiments[key.experiment].family.validates


def is_shown(role: str) -> Callable[[Config, Key], bool]:
    """Return the condition that one of a regime's judges looks at the artefact of a role."""

    def shows(config: Config, key: Key) -> bool:
        return any(role in judge.roles for judge in config.regimes[key.regime].judges)

    return shows


def judge_models(config: Config, key: Key) -> Sequence[str]:
    """Find the checkpoints of other experiments that judge, in the order of the judges, one for each reference."""
    models = dict.fromkeys(judge.model for judge in config.regimes[key.regime].judges)
    return [kinds.CHECKPOINT.at(model.key) for model in models if model is not None]


def _model(config: Config, checkpoint: str) -> str:
    """Return the path of the model that stands for a checkpoint: its repaired one, where there is one."""
    key = kinds.key_of(checkpoint)
    return kinds.REPAIRED.at(key) if key is not None and key.regime != kinds.ORIGIN and is_repaired(config, key) else checkpoint


def _in_generation(kind: Kind, number_of: Callable[[int], int]) -> Find:
    def find(config: Config, key: Key) -> Sequence[str]:
        return [kind.path(key.experiment, key.regime, key.seed or 0, number_of(_number(key)))]

    return find


def _number(key: Key) -> int:
    """Return the number of a key's generation; a whole lineage begins from generation 0."""
    return key.generation or 0
