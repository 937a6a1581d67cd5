"""One experiment of the config: a family, a source of real data, the arms and the sizes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from heirloom.errors import short
from heirloom.runtime.device import Choice
from heirloom.specs.base import Strict
from heirloom.specs.checkpoints import Every
from heirloom.specs.family import Family, families_with
from heirloom.specs.grid import Name
from heirloom.specs.groups import ColumnGroups, Groups, row_misfits
from heirloom.specs.measures import CommandMeasure, OwnMeasure
from heirloom.specs.model_size import ModelSize
from heirloom.specs.population import Membership
from heirloom.specs.pretrained import Pretrained
from heirloom.specs.sizes import (
    MOST_BATCH_ROWS,
    MOST_GENERATIONS,
    MOST_PROCESSES,
    MOST_REPLICAS,
    MOST_ROWS,
    MOST_SEED,
    MOST_SHARDS,
    MOST_STEP_GENERATIONS,
)
from heirloom.specs.source import Source, TextSource
from heirloom.specs.tasks import Tasks
from heirloom.specs.text import TextSettings
from heirloom.specs.text_misfits import served_misfits, text_misfits
from heirloom.specs.until import Until, with_until
from heirloom.specs.vector_source import Law


class Experiment(Strict):
    """One family, one source of real data, one set of sizes."""

    family: Family = Field(description="The kind of model and its settings, by step.")
    source: Source = Field(description="Where the real data comes from.")
    regimes: list[Name] = Field(min_length=1, description="Arms: names of regimes.")
    seeds: list[Annotated[int, Field(ge=0, le=MOST_SEED)]] = Field([0], min_length=1, description="Seeds; one lineage a regime and seed.")
    generations: int = Field(ge=1, le=MOST_GENERATIONS, description="Last generation G; the chain is 0 … G.")
    until: Until | None = Field(None, description="Where a chain stops before; set from generations; not for config files.")
    rows: int = Field(
        ge=1, le=MOST_ROWS, description="Rows a generation: sampled from the parent, and the budget that the regimes share out."
    )
    origin_rows: Annotated[int, Field(ge=1, le=MOST_ROWS)] | Literal["all"] | None = Field(
        None, description="Real rows that the origin is trained on: a count, `all` of the training pool, or by default `rows`."
    )
    num_replicas: int = Field(1, ge=1, le=MOST_REPLICAS, description="Independent chains inside one lineage (vector families only).")
    granularity: Literal["step", "chain"] = Field(
        "step", description="`step`: every step a job; `chain`: a lineage is one job. Changes no byte of a snapshot."
    )
    snapshots: list[Annotated[int, Field(ge=1, le=MOST_GENERATIONS)]] = Field(
        [],
        description="Generations whose datasets and checkpoint a `chain` keeps; hashes and measures of all are kept anyway.",
    )
    chunk_rows: int = Field(128, ge=1, le=MOST_BATCH_ROWS, description="Rows sampled or scored together; changes the bytes, not the law.")
    shards: int = Field(
        1,
        ge=1,
        le=MOST_SHARDS,
        description="Jobs that a generation's synthetic text is shared out to, for clusters; one more gathers. Changes no byte.",
    )
    num_processes: int = Field(
        1,
        ge=1,
        le=MOST_PROCESSES,
        description="Processes (torchrun) that share each training batch and each sampling job; changes the bytes of training.",
    )
    num_nodes: int = Field(
        1, ge=1, le=MOST_PROCESSES, description="Machines that those processes are spread over; divides num_processes. Changes no byte."
    )
    num_gpus: int = Field(
        0,
        ge=0,
        le=MOST_PROCESSES,
        description="Accelerators that a scheduler is asked for, on each machine of a training, sampling, selection or evaluation.",
    )
    device: Choice = Field(
        "auto", description="Where a language model lives: `cuda`, `cpu`, or by default a GPU where there is one. Changes the bytes."
    )
    keep_checkpoints: Literal["all", "last", "none"] | Every = Field(
        "all",
        description="Which checkpoints after the origin's stay on disk when nothing in the run needs them any more: `all`, `last`, "
        "`{every: k}`, `none`. Manifests and fingerprints always stay. Changes no byte.",
    )
    evaluation_rows: int = Field(1000, ge=1, le=MOST_ROWS, description="At most this many held-out rows are scored each generation.")
    divergence_rows: int = Field(
        0,
        ge=0,
        le=MOST_BATCH_ROWS,
        description="Rows of generated and of real text, at most, that MAUVE compares by generation 0's features; 0 leaves it out.",
    )
    tasks: Tasks | None = Field(None, description="Tasks that each generation's language model is given; by default none.")
    measures: dict[Name, OwnMeasure] = Field(
        {}, description="Measures of your own, by name: a `command`, or without one the measure of an installed package that has this name."
    )
    groups: Groups | None = Field(None, description="Which rows belong together and are measured by themselves; by default none.")
    share_estimate: bool = Field(False, description="Whether a classifier estimates the synthetic share of training sets from rows alone.")
    variant_of: str | None = Field(None, description="Set by grid expansion; not for config files.")
    point: dict[str, str] = Field({}, description="Axis to label, set by grid expansion; not for config files.")
    membership: Membership | None = Field(None, description="Its place in a population, set by expansion; not for config files.")

    @property
    def original_rows(self) -> int | None:
        """Rows of the original set, a replica; None for the whole pool."""
        return None if self.origin_rows == "all" else self.origin_rows or self.rows

    @property
    def is_text(self) -> bool:
        """Whether rows are tokens rather than vectors."""
        return self.family.is_text

    @property
    def text(self) -> TextSettings | None:
        """How text becomes rows; None for vectors."""
        return self.source.text if isinstance(self.source, TextSource) else None

    @property
    def has_grouped_documents(self) -> bool:
        """Whether the document of a real row tells its group."""
        return self.is_text and isinstance(self.groups, ColumnGroups)

    @property
    def has_pools(self) -> bool:
        """Whether each seed draws its own pool of real rows, rather than share a corpus and its split with the others."""
        return isinstance(self.source, Law)

    def pool_of(self, seed: int) -> int:
        """Return the seed whose pool a seed's lineages are given: its own, or 0 where all share one."""
        return seed if self.has_pools else 0

    @property
    def pools(self) -> list[int]:
        """Seeds that a pool is made for, in the order of the seeds."""
        return list(dict.fromkeys(map(self.pool_of, self.seeds)))

    def share_rows(self, pool_rows: int) -> int:
        """Return how many rows of the real pool its lineages are given: all, or in a population a member's share."""
        return self.membership.share_rows(pool_rows) if self.membership else pool_rows

    @property
    def is_chain(self) -> bool:
        """Whether a lineage is one job."""
        return self.granularity == "chain"

    @property
    def kept_generations(self) -> list[int]:
        """The generations from 1 on whose datasets and checkpoints are written: all, or of a chain its snapshots."""
        return sorted(set(self.snapshots)) if self.is_chain else list(range(1, self.generations + 1))

    @property
    def pretrained(self) -> Pretrained | None:
        """The pretrained model that the family begins from, if it does."""
        return self.family.pretrained

    @property
    def model_size(self) -> ModelSize:
        """How large a generation's models are: the parameters of all replicas together, as the family says of one of them."""
        vocabulary = self.text.vocab_size or 0 if self.text else 0
        size = self.family.size(self.rows, self.source.row_numbers, vocabulary)
        return replace(size, parameters=self.num_replicas * size.parameters)

    @property
    def has_rows(self) -> bool:
        """Whether synthetic rows are drawn, and not only their sufficient statistics."""
        return self.family.has_rows

    @property
    def continues_rows(self) -> bool:
        """Whether synthetic rows are continuations of original rows."""
        return self.family.sampling.continues_rows

    def keeps_checkpoint(self, generation: int) -> bool:
        """Return whether a generation's checkpoint stays; the origin's does, because every arm begins from it."""
        match self.keep_checkpoints:
            case "last":
                return generation in {0, self.generations}
            case Every(every=period):
                return generation % period == 0
        return generation == 0 or self.keep_checkpoints == "all"

    @model_validator(mode="before")
    @classmethod
    def _tokenizer_of_the_model(cls, raw: Any) -> Any:
        """Fill in a pretrained model as the source's tokenizer: it is named once; and part where a chain stops from its generations."""
        raw = with_until(raw)
        match raw:
            case {"family": {"model": model}, "source": dict(source)} if isinstance(source.get("text", {}), dict):
                return {**raw, "source": {**source, "text": {"tokenizer": model, **source.get("text", {})}}}
        return raw

    @model_validator(mode="before")
    @classmethod
    def _column_of_the_source(cls, raw: Any) -> Any:
        """Tell a source of text which column its reader carries along: it is named once, in `groups`."""
        match raw:
            case {"groups": {"column": column}, "source": {"name": "files" | "hub"}}:
                return {**raw, "source": {"group_column": column, **raw["source"]}}
        return raw

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.source.name not in self.family.sources:
            fitting = ", ".join(self.family.sources)
            raise ValueError(f"family {self.family.name!r} needs one of the sources {fitting}, not {self.source.name!r}")
        of_server = served_misfits(self) if self.family.sampling.is_served else ()
        abilities = [*self._missing_abilities(), *self._measure_misfits(), *of_server]
        misfits = [*abilities, *self._contradictions(), *self._granularity_limits()]
        if misfits:
            raise ValueError("; ".join(misfits))
        return self

    def _missing_abilities(self) -> Iterator[str]:
        """Yield what the family cannot do, but is asked to."""
        family, abilities = self.family.name, self.family.abilities
        if self.family.is_single and self.num_replicas != 1:
            yield f"num_replicas is {self.num_replicas}; family {family!r} has 1: list more seeds instead"
        if self.shards > 1 and (not self.is_text or "programs" in abilities):
            yield f"shards is {self.shards}; rows of family {family!r} are written by 1 job: shards are for text"
        if self.num_processes > 1 and "share" not in abilities:
            yield f"num_processes is {self.num_processes}; family {family!r} has 1 (more: {', '.join(families_with('share'))})"
        if self.device != "auto" and "gpu" not in abilities:
            yield f"device is {self.device!r}; family {family!r} computes on the CPU (a choice have: {', '.join(families_with('gpu'))})"
        if self.divergence_rows and "features" not in abilities:
            candidates = ", ".join(families_with("features"))
            yield f"divergence_rows is {self.divergence_rows}; family {family!r} has no features (more: {candidates})"
        if self.tasks is not None and not self.family.is_opened_by_others:
            yield f"tasks are for whole models that transformers opens; checkpoints of this family {family!r} are none"
        if self.text is not None:
            yield from text_misfits(self, self.text)

    def _measure_misfits(self) -> Iterator[str]:
        """Yield why programs, groups and estimates cannot measure the generations."""
        yield from row_misfits(self)
        if self.measures and not self.has_rows:
            yield "measures read rows, of which family.path: statistics has none; use path: rows"
        has_programs = any(isinstance(measure, CommandMeasure) for measure in self.measures.values())
        if has_programs and self.num_replicas > 1:
            yield f"measures by command read the rows of one replica, but num_replicas is {self.num_replicas}: list more seeds instead"

    def _contradictions(self) -> Iterator[str]:
        """Yield which numbers contradict each other."""
        if self.num_processes % self.num_nodes:
            yield f"num_nodes is {self.num_nodes}, which does not divide num_processes, {self.num_processes}"
        lists: dict[str, list[Any]] = {"seeds": self.seeds, "regimes": self.regimes}
        for key, entries in lists.items():
            if len(set(entries)) < len(entries):
                yield f"{key} lists something twice: {short(str(entries), 200)}"
        late = [generation for generation in self.snapshots if generation > self.generations]
        if late:
            yield f"snapshots {short(str(late), 200)} are later than the last generation, {self.generations}"

    def _granularity_limits(self) -> Iterator[str]:
        """Yield what the granularity does not allow."""
        if self.is_chain and self.is_text:
            yield f"granularity: chain is for vector families; {self.family.name!r} runs by step"
        if self.is_chain and self.keep_checkpoints != "all":
            yield "keep_checkpoints is for granularity: step; a chain keeps the generations that snapshots lists"
        if self.until is not None and not self.is_chain:
            yield "generations.until is for granularity: chain; the jobs of granularity: step are planned before any of them is measured"
        if not self.is_chain and not self.has_rows:
            yield "family.path: statistics has no rows to hand from job to job; it needs granularity: chain"
        if self.granularity == "step" and self.generations > MOST_STEP_GENERATIONS:
            advice = "" if self.is_text else "; granularity: chain has more"
            yield f"generations is {self.generations}; with granularity: step at most {MOST_STEP_GENERATIONS} are allowed{advice}"
