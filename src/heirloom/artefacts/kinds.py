"""The kinds of artefacts, each declared once: where it lies, what it is called, how it is opened.

This is the only spelling of a path under ``data/``: ``data/{experiment}/{regime}/seed={seed}/gen={generation}/…``. A wildcard is a key into
the config, never a value. Names stand alone, numbers carry their key, so that table tools read ``seed=0`` and ``gen=3`` as columns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, Self

NAME = "[a-z][a-z0-9_]*"
"""What an experiment, variant or regime may be called: nothing that a shell or a path would read as more than a word."""

NUMBER = "[0-9]+"

ORIGIN = "origin"
REAL = "real"
RESERVED = frozenset({ORIGIN, REAL})

WILDCARDS = {"experiment": NAME, "regime": f"(?!{REAL}/){NAME}", "seed": NUMBER, "generation": NUMBER}
"""Wildcard of a pattern → what it may be."""

Form = Literal["rows", "model", "measures", "tokenizer", "index", "items"]
"""How an artefact is opened: rows of a dataset (Parquet), a checkpoint (a folder), numbers, a tokenizer, an index of documents, answers to
the items of tasks (Parquet)."""


class Key(NamedTuple):
    """Which experiment, lineage or generation something belongs to; what it lacks is None. Real data has the regime `REAL`."""

    experiment: str
    regime: str = REAL
    seed: int | None = None
    generation: int | None = None


@dataclass(frozen=True)
class Place:
    """A pattern of paths.

    Attributes
    ----------
    pattern
        The path with wildcards.
    """

    pattern: str

    def path(self, experiment: str, regime: str = "", seed: int | str = "", generation: int | str = "") -> str:
        """Return the path with the wildcards filled in; generation 0 of any regime is the origin's."""
        if str(generation) == "0":
            regime = ORIGIN
        return self.pattern.format(experiment=experiment, regime=regime, seed=seed, generation=generation)

    def at(self, key: Key) -> str:
        """Return the path of one key; what the pattern has no wildcard for is left out.

        Of real data only the experiment and the seed of the pool count. Generation 0 is the origin's, in every regime.
        """
        if key.regime == REAL:
            return self.of_pool(key.experiment, key.seed or 0)
        seed = "" if key.seed is None else key.seed
        generation = "" if key.generation is None else key.generation
        return self.path(key.experiment, key.regime, seed, generation)

    def of_pool(self, experiment: str, seed: int = 0) -> str:
        """Return the path of an experiment's real data, of the pool that a seed draws for itself (`Experiment.pool_of`)."""
        return (self.of_seed if seed else self).path(experiment, seed=seed)

    @property
    def of_seed(self) -> Self:
        """The same of the pool that one seed draws for itself, of seeds from 1 on."""
        return replace(self, pattern=self.pattern.replace(REAL_FOLDER.pattern, SEED_FOLDER.pattern))

    @property
    def glob(self) -> str:
        """The pattern of all paths here, for `Path.glob`."""
        return self.path("*", "*", "*", "*")

    def wildcards(self, path: str) -> dict[str, str] | None:
        """Return the wildcards of a path that lies here or below, or None."""
        match = _expression(self.pattern).match(path)
        return match.groupdict() if match else None


@dataclass(frozen=True)
class Kind(Place):
    """A kind of artefact.

    Attributes
    ----------
    name
        What references call it, ``experiment/regime/seed/generation:name``.
    word
        What people call it.
    form
        How it is opened.
    folder
        Where it lies: `REAL_FOLDER`, `LINEAGE` or `GENERATION`.
    """

    name: str = field(kw_only=True)
    word: str = field(kw_only=True)
    form: Form = field(kw_only=True)
    folder: Place = field(kw_only=True)

    @property
    def file(self) -> str:
        """Its file's, or folder's, own name."""
        return Path(self.pattern).name

    @property
    def is_drawn(self) -> bool:
        """Whether pictures of a lineage show it: datasets and models."""
        return self.form in {"rows", "model"}

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder, and not a file."""
        return self.form == "model"


def kind_in(folder: Place, file: str, word: str, form: Form) -> Kind:
    """Return the kind of an artefact in a folder, called by its file's name without the suffix."""
    return Kind(f"{folder.pattern}/{file}", name=file.split(".", maxsplit=1)[0], word=word, form=form, folder=folder)


REAL_FOLDER = Place("data/{experiment}/real")
SEED_FOLDER = Place(f"{REAL_FOLDER.pattern}/seed={{seed}}")
"""Real rows of one seed alone, of seeds from 1 on; those of seed 0, and those that all seeds share, lie in `REAL_FOLDER` itself."""
LINEAGE = Place("data/{experiment}/{regime}/seed={seed}")
GENERATION = Place(f"{LINEAGE.pattern}/gen={{generation}}")

REAL_TRAIN = kind_in(REAL_FOLDER, "train.parquet", "real rows", "rows")
REAL_VALID = kind_in(REAL_FOLDER, "valid.parquet", "real rows for validation", "rows")
REAL_TEST = kind_in(REAL_FOLDER, "test.parquet", "held-out real rows", "rows")
TOKENIZER = kind_in(REAL_FOLDER, "tokenizer.json", "tokenizer", "tokenizer")
DOCUMENTS = kind_in(REAL_FOLDER, "documents.parquet", "index of documents", "index")
PRETRAINED = kind_in(REAL_FOLDER, "pretrained", "pretrained model", "model")

TRAJECTORY = kind_in(LINEAGE, "trajectory.parquet", "measures of a lineage", "measures")
REPLICAS = kind_in(LINEAGE, "replicas.parquet", "measures of collapse of a chain's units of replicas", "measures")

SYNTHETIC = kind_in(GENERATION, "synthetic.parquet", "synthetic", "rows")
SELECTED = kind_in(GENERATION, "selected.parquet", "selected", "rows")
TRAIN = kind_in(GENERATION, "train.parquet", "training set", "rows")
CHECKPOINT = kind_in(GENERATION, "checkpoint", "checkpoint", "model")
REPAIRED = kind_in(GENERATION, "repaired", "repaired model", "model")
METRICS = kind_in(GENERATION, "metrics.json", "measures", "measures")
TASK_ITEMS = kind_in(GENERATION, "task_items.parquet", "answers to tasks, item by item", "items")
TASK_SCORES = kind_in(GENERATION, "task_scores.json", "scores of tasks", "measures")


MODELS = (CHECKPOINT, REPAIRED)
"""The models of a generation, the last of those that there are being the one that others read; `keep_checkpoints` is of them all."""


def generation_of_model(path: str) -> str | None:
    """Return the generation, as its path spells it, of a model of a lineage; None if a path is none's."""
    matches = (kind.wildcards(path) for kind in MODELS)
    return next((match["generation"] for match in matches if match is not None), None)


def key_of(path: str) -> Key | None:
    """Return the key of the folder that a path belongs to: a generation's, a lineage's or that of real data; None outside of them."""
    places = (GENERATION, LINEAGE, SEED_FOLDER, REAL_FOLDER)
    matches = (place.wildcards(path) for place in places)
    wildcards = next((match for match in matches if match is not None), None)
    if wildcards is None:
        return None
    numbers = {name: int(wildcards[name]) for name in ("seed", "generation") if name in wildcards}
    return Key(wildcards["experiment"], wildcards.get("regime", REAL), **numbers)


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    groups = {name: f"(?P<{name}>{expression})" for name, expression in WILDCARDS.items()}
    return re.compile(pattern.format(**groups) + "(?=/|$)")
