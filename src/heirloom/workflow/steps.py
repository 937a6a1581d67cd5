"""The steps of the workflow, each declared once, in the order in which a generation is made.

Whoever needs to know what a step makes or takes, where its jobs may run or what they cost reads `STEPS`: rules, commands, plan, trace,
export and page. A step is an entry here, a module ``steps/<name>.py`` (its slice, and what it does) and a file ``rules/<name>.smk``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from heirloom.artefacts import kinds
from heirloom.artefacts.kinds import Key
from heirloom.workflow.inputs import (
    bases,
    has_grouped_documents,
    has_pairs,
    is_edited,
    is_later,
    is_prompted,
    is_repaired,
    is_shown,
    is_text,
    is_validated,
    judge_models,
    models,
    of_members,
    only_if,
    origins,
    parents,
    real,
    same_generation,
    starts,
    synthetic_sets,
)
from heirloom.workflow.step import Job, Role, Step

if TYPE_CHECKING:
    from heirloom.artefacts.kinds import Kind
    from heirloom.config import Config


def _always(config: Config, key: Key) -> bool:
    return True


def _is_pretrained(config: Config, key: Key) -> bool:
    return not key.seed and config.experiments[key.experiment].pretrained is not None


def _is_chain(config: Config, key: Key) -> bool:
    return key.regime != kinds.ORIGIN and config.experiments[key.experiment].is_chain


def _is_examined(config: Config, key: Key) -> bool:
    return config.experiments[key.experiment].tasks is not None


def _is_selected(config: Config, key: Key) -> bool:
    return is_later(config, key) and config.regimes[key.regime].select is not None


_ALL = (
    Step(
        "real",
        "Make an experiment's real data: pool and held-out rows, and for text the tokenizer and the index of documents.",
        makes={
            "train": kinds.REAL_TRAIN,
            "valid": kinds.REAL_VALID,
            "test": kinds.REAL_TEST,
            "tokenizer": kinds.TOKENIZER,
            "documents": kinds.DOCUMENTS,
        },
        optional=frozenset({"valid", "tokenizer", "documents"}),
        exists=_always,
        priority=40,
        work="heirloom.planning.work:reading",
    ),
    Step(
        "pretrained",
        "Fetch the pretrained model that an experiment begins from.",
        makes={"checkpoint": kinds.PRETRAINED},
        exists=_is_pretrained,
        priority=40,
        work="heirloom.planning.work:fetching",
    ),
    Step(
        "sample",
        "Sample a generation's synthetic set from its parent's model.",
        makes={"synthetic": kinds.SYNTHETIC},
        takes={
            "checkpoint": Role(models(parents(kinds.CHECKPOINT)), "The parent."),
            "train": Role(parents(kinds.TRAIN), "The training set of the checkpoint."),
            "prompts": Role(only_if(is_prompted, origins(kinds.TRAIN)), "Real rows to continue or to edit.", is_needed=False),
            "tokenizer": Role(only_if(is_text, real(kinds.TOKENIZER)), "The tokenizer of text.", is_needed=False),
            "judge": Role(
                only_if(is_edited, origins(kinds.CHECKPOINT)),
                "The checkpoint that says which tokens are too easy, where rows are edited.",
                is_needed=False,
            ),
        },
        exists=is_later,
        priority=30,
        is_accelerated=True,
        spread=frozenset({"machines", "processes", "shards"}),
        work="heirloom.planning.work:sampling",
    ),
    Step(
        "select",
        "Keep the rows of a synthetic set that a judge lets pass.",
        makes={"selected": kinds.SELECTED},
        takes={
            "synthetic": Role(same_generation(kinds.SYNTHETIC), "The synthetic set."),
            "origin": Role(
                only_if(is_shown("origin"), origins(kinds.CHECKPOINT)), "The checkpoint of generation 0, if it judges.", is_needed=False
            ),
            "parent": Role(
                only_if(is_shown("parent"), models(parents(kinds.CHECKPOINT))),
                "The model that wrote the rows, if it judges.",
                is_needed=False,
            ),
            "judges": Role(judge_models, "Checkpoints of other experiments that judge.", is_needed=False, is_many=True),
            "original": Role(
                only_if(is_shown("original"), origins(kinds.TRAIN)),
                "The training set of generation 0, for judges that read original rows.",
                is_needed=False,
            ),
        },
        exists=_is_selected,
        priority=30,
        is_accelerated=True,
        work="heirloom.planning.work:selecting",
    ),
    Step(
        "mix",
        "Mix a generation's training set.",
        makes={"train": kinds.TRAIN},
        takes={
            "pool": Role(real(kinds.REAL_TRAIN), "The real training rows."),
            "original": Role(only_if(is_later, origins(kinds.TRAIN)), "The training set of generation 0.", is_needed=False),
            "synthetic": Role(synthetic_sets, "Synthetic sets, oldest first, separated by spaces.", is_needed=False, is_many=True),
        },
        exists=_always,
        priority=30,
        work="heirloom.planning.work:mixing",
    ),
    Step(
        "train",
        "Train a generation's model.",
        makes={"checkpoint": kinds.CHECKPOINT},
        takes={
            "train": Role(same_generation(kinds.TRAIN), "The training set."),
            "start": Role(starts, "The checkpoint whose weights the training begins from.", is_needed=False),
            "valid": Role(
                only_if(is_validated, real(kinds.REAL_VALID)), "Real rows that choose the epoch whose weights are kept.", is_needed=False
            ),
        },
        exists=_always,
        priority=30,
        is_accelerated=True,
        spread=frozenset({"machines", "batches"}),
        counted=(kinds.TRAIN,),
        work="heirloom.planning.work:training",
    ),
    Step(
        "blend",
        "Move a generation's model along the line between it and the origin's or the one before.",
        makes={"repaired": kinds.REPAIRED},
        takes={
            "checkpoint": Role(same_generation(kinds.CHECKPOINT), "The model as it was trained."),
            "base": Role(bases, "The model that it is moved along with."),
        },
        exists=is_repaired,
        priority=30,
        work="heirloom.planning.work:blending",
    ),
    Step(
        "evaluate",
        "Measure a generation's model and synthetic set.",
        makes={"metrics": kinds.METRICS},
        takes={
            "checkpoint": Role(models(same_generation(kinds.CHECKPOINT)), "The generation's model."),
            "train": Role(same_generation(kinds.TRAIN), "Its training set."),
            "synthetic": Role(
                only_if(is_later, same_generation(kinds.SYNTHETIC)), "Its synthetic set; generation 0 has none.", is_needed=False
            ),
            "held_out": Role(real(kinds.REAL_TEST), "Real rows that no model is trained on."),
            "original": Role(origins(kinds.TRAIN), "The training set of generation 0."),
            "origin": Role(origins(kinds.CHECKPOINT), "The checkpoint of generation 0."),
            "tokenizer": Role(only_if(has_pairs, real(kinds.TOKENIZER)), "The tokenizer, where answers are read as text.", is_needed=False),
            "documents": Role(
                only_if(has_grouped_documents, real(kinds.DOCUMENTS)),
                "The index of documents, where a column of the source tells their groups.",
                is_needed=False,
            ),
        },
        exists=_always,
        is_accelerated=True,
        is_asked=True,
        counted=(kinds.SYNTHETIC, kinds.REAL_TEST),
        work="heirloom.planning.work:evaluating",
    ),
    Step(
        "examine",
        "Put tasks to a generation's model, and keep what it answers to each item.",
        makes={"task_items": kinds.TASK_ITEMS, "task_scores": kinds.TASK_SCORES},
        takes={
            "checkpoint": Role(same_generation(kinds.CHECKPOINT), "The generation's model."),
            "tokenizer": Role(real(kinds.TOKENIZER), "The tokenizer."),
        },
        exists=_is_examined,
        is_accelerated=True,
        is_asked=True,
        work="heirloom.planning.work:examining",
    ),
    Step(
        "chain",
        "Run a whole lineage, or all lineages of a population, in one job.",
        makes={"trajectory": kinds.TRAJECTORY},
        takes={
            "pool": Role(of_members(real(kinds.REAL_TRAIN)), "The real training rows, of each member.", is_many=True),
            "held_out": Role(of_members(real(kinds.REAL_TEST)), "Real rows that no model is trained on, of each member.", is_many=True),
            "original": Role(of_members(origins(kinds.TRAIN)), "The training set of generation 0, of each member.", is_many=True),
            "checkpoint": Role(of_members(origins(kinds.CHECKPOINT)), "The checkpoint of generation 0, of each member.", is_many=True),
            "judges": Role(judge_models, "Checkpoints of other experiments that judge.", is_needed=False, is_many=True),
        },
        leaves=(kinds.REPLICAS, kinds.SYNTHETIC, kinds.SELECTED, kinds.TRAIN, kinds.CHECKPOINT, kinds.REPAIRED),
        exists=_is_chain,
        priority=10,
        joins_members=True,
        is_asked=True,
        work="heirloom.planning.work:chaining",
    ),
)


STEPS: Mapping[str, Step] = MappingProxyType({step.name: step for step in _ALL})
"""Name → step."""


def position(name: str) -> int:
    """Return a step's place in the order of the workflow, from 0; that after the last one for a name that no step has."""
    names = [*STEPS]
    return names.index(name) if name in STEPS else len(names)


def made_kinds() -> list[Kind]:
    """Return the kinds of artefacts that there are: those that a step makes or leaves, in the order of the steps."""
    return [*dict.fromkeys(kind for step in STEPS.values() for kind in (*step.makes.values(), *step.leaves))]


def job_of(name: str, path: str) -> Job:
    """Return the job of a step that made what lies at a path; of a step that is not known, all that the path says."""
    key = kinds.key_of(path) or Key("")
    return STEPS[name].job(key) if name in STEPS else Job(name, *key)


def target_of(name: str, path: str) -> str:
    """Return what Snakemake is asked for to make the artefact of a step: its path, or of what the step only leaves, what it makes."""
    step, key = STEPS.get(name), kinds.key_of(path)
    if step is None or key is None or any(kind.at(key) == path for kind in step.makes.values()):
        return path
    return step.main.at(key)
