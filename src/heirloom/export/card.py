"""Cards: the page on the hub that describes a dataset or checkpoint. It first says what is synthetic, then the origin."""

from __future__ import annotations

import json
from pathlib import Path

from huggingface_hub import DatasetCard, DatasetCardData, ModelCard, ModelCardData

from heirloom import results
from heirloom.export import model_tree, regimes
from heirloom.export.markdown import code, page, prose, table
from heirloom.export.subject import RowCounts, Subject, count_rows, training_counts
from heirloom.judges import notes
from heirloom.lineage import git, references
from heirloom.sources import counts as source_counts
from heirloom.sources.input_files import ROLES

_MAX_SOURCE_FILES = 20
"""Source files that a card names."""

_TAGS = ("heirloom", "model-collapse")
TRANSFORMERS = "transformers"
"""The library that opens the checkpoints of language models."""

_LOAD_TRANSFORMERS = """from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained(folder)
tokenizer = AutoTokenizer.from_pretrained(folder)"""
_LOAD_HEIRLOOM = """from pathlib import Path

from heirloom.families import family

model = family("{family}").load(Path(folder))"""
_LOAD_DATASET = """from datasets import load_dataset

rows = load_dataset(folder, split="{split}")"""
_TEXT_COLUMNS = "`tokens` and `text` (new ones only; the prompt is the row `parent`)"
_PAIR_COLUMNS = (
    "`prompt` and `prompt_text` (what is given), `tokens` and `text` (the completion), `stopped` (whether the end token is its last)"
)
_VECTOR_COLUMNS = "`x` (numbers), `replica`"
_TABLE_COLUMNS = "the columns of the source"
_COLUMNS = """Columns: `row` (id), {data}; and where a row comes from: `kind` (real or synthetic),
`born` (the generation that made it), `parent` (row id of its prompt, among the rows that generation 0 was trained on),
`model` (fingerprint of the checkpoint that wrote it){depth}."""
_DEPTH_COLUMNS = ", `depth` and `depth_max` (models since a human, mean and largest)"
_REAL_MODEL = "Trained on real rows only, in an experiment on models that learn from models. What it writes is synthetic."
_OPENING = """## Open it

With `folder` the path of this folder or its name on the hub:

```python
{python}
```"""
_MAKING = """## Make it again

In a clone of the project that made it, with its version of Heirloom installed:

```console
{checkout}heirloom run {target}
```

The bytes come out equal on the same processor type and thread count, with {libraries}.
`provenance/` holds the manifest: step, settings, seed, inputs, code, libraries."""

Facts = list[tuple[str, str]]
"""Rows of the card's table: what is stated, and its value."""


def dataset(subject: Subject, rows: Path, split: str, path_inside: str) -> DatasetCard:
    """Return the card of a dataset.

    Parameters
    ----------
    rows
        The Parquet file, read for its counts.
    split, path_inside
        The split's name on the hub, and the file's path inside the folder.
    """
    counts = count_rows(rows)
    data = DatasetCardData(
        pretty_name=f"Heirloom {subject.name}",
        license=subject.licence.tag,
        tags=tags_of(is_synthetic=counts.synthetic > 0),
        task_categories=["text-generation"] if subject.is_text else None,
        configs=[{"config_name": "default", "data_files": [{"split": split, "path": path_inside}]}],
    )
    facts = [("rows written by a model", counts.sentence), *_depth(counts)]
    content_columns = {"text": _TEXT_COLUMNS, "pairs": _PAIR_COLUMNS, "vectors": _VECTOR_COLUMNS, "table": _TABLE_COLUMNS}[subject.rows]
    columns = _COLUMNS.format(data=content_columns, depth=_DEPTH_COLUMNS if counts.depth else "")
    beginning = _beginning(subject, rows_warning(subject, counts), facts)
    ending = _ending(subject, _LOAD_DATASET.format(split=split))
    return DatasetCard(page(data, [*beginning, columns, *ending]))


def checkpoint(subject: Subject, config_results: results.Results, namespace: str = "") -> ModelCard:
    """Return the card of a checkpoint.

    Parameters
    ----------
    config_results
        Where the intervals of its measures are to be found.
    namespace
        Under which the artefacts of the project are published on a hub, if they are (`model_tree.tree`).
    """
    base_models, datasets = model_tree.tree(subject, namespace)
    scores = model_tree.scores(subject, config_results)
    is_transformer = subject.library == TRANSFORMERS
    counts = training_counts(subject)
    is_synthetic = counts.synthetic > 0 if counts else subject.generation != 0
    data = ModelCardData(
        license=subject.licence.tag,
        tags=tags_of(is_synthetic=is_synthetic),
        library_name=subject.library,
        pipeline_tag="text-generation" if is_transformer else None,
        base_model=_single(base_models),
        datasets=datasets or None,
        model_name=f"Heirloom {subject.name}" if scores else None,
        eval_results=scores or None,
    )
    if base_models:
        data["base_model_relation"] = model_tree.FINETUNE
    facts = [("training rows written by a model", counts.sentence), *_depth(counts)] if counts else []
    python = _LOAD_TRANSFORMERS if is_transformer else _LOAD_HEIRLOOM.format(family=subject.family)
    warning = _model_warning(subject, counts) if is_synthetic else _REAL_MODEL
    return ModelCard(page(data, [*_beginning(subject, warning, facts), *_ending(subject, python)]))


def _single(values: list[str]) -> str | list[str] | None:
    """Return the values as the hub spells them: one by itself, none as nothing."""
    return values[0] if len(values) == 1 else values or None


def tags_of(*, is_synthetic: bool) -> list[str]:
    """Return the tags of a card."""
    return [*_TAGS, "synthetic"] if is_synthetic else [*_TAGS]


def rows_warning(subject: Subject, counts: RowCounts) -> str:
    """Return what a reader of rows is to know first: how many of them a model wrote."""
    if not counts.synthetic:
        return "Every row is real: no model wrote any of them."
    if not subject.is_text:
        return f"**Synthetic.** {counts.sentence} were drawn from fitted models and observed nowhere. Do not take them for observations."
    return (
        f"**Synthetic.** {counts.sentence} were written by language models, not by people. Do not take them for human text, and do not "
        "let them into training data unmarked: models that learn from such rows lose the tails of what is real."
    )


def _model_warning(subject: Subject, counts: RowCounts | None) -> str:
    share = f": {counts.sentence} of its training set" if counts else ""
    return (
        f"**Learnt from models' output**{share}. This is generation {subject.generation} of an experiment on model collapse. What it "
        "writes is synthetic, must not be taken for human work, and may be worse than what the first generation writes."
    )


def _beginning(subject: Subject, warning: str, row_facts: Facts) -> list[str]:
    """Return the title, the warning, the table of facts, and the regime where there is one."""
    facts = [
        *_identity(subject),
        ("source of the real data", code(subject.source["name"])),
        *_sources(subject),
        *row_facts,
        *(("judge of the synthetic rows", prose(notes.sentence(note))) for note in subject.judge_notes),
        ("commit", _commit(subject.artefact.project.commit)),
        *_inputs(subject),
    ]
    return [f"# {code(subject.name)}", f"> {warning}", table(facts), *_regime(subject)]


def _identity(subject: Subject) -> Facts:
    facts = [("reference", code(subject.name)), ("fingerprint (sha256)", code(subject.artefact.sha256))]
    if subject.generation is not None:
        facts.append(("generation", str(subject.generation)))
    if subject.family:
        facts.append(("family", code(subject.family)))
    return facts


def _ending(subject: Subject, python: str) -> list[str]:
    """Return how to open it, how to make it again, and the licence."""
    commit = subject.artefact.project.commit or git.tree()[0]
    environment = subject.artefact.manifest.get("environment", {})
    versions = environment.get("libraries", {})
    libraries = ", ".join(f"{name} {version}" for name, version in versions.items())
    making = _MAKING.format(
        checkout=f"git checkout {commit}\n" if commit else "",
        target=subject.request,
        libraries=libraries or "the same libraries",
    )
    return [_OPENING.format(python=python), making, "## Licence", prose(subject.licence.sentence)]


def _regime(subject: Subject) -> list[str]:
    if subject.mixing is None:
        return []
    declaration = code(json.dumps(subject.mixing, sort_keys=True))
    return [f"{regimes.sentence(subject.key.regime, subject.mixing)} As declared: {declaration}."]


def _depth(counts: RowCounts) -> Facts:
    if counts.depth is None:
        return []
    mean, largest = counts.depth
    return [("depth (models since a human)", f"{mean:.2f} on average, {largest} at most")]


def _inputs(subject: Subject) -> Facts:
    facts = []
    for source in subject.artefact.inputs:
        name = code(references.name_of(source.name)) if source.name else "not recorded here"
        facts.append((f"made from: {source.role}", f"{name} {code(source.sha256)}"))
    return facts


def _sources(subject: Subject) -> Facts:
    """Return what the real data were made from: the number of documents, and the names and hashes of the first files."""
    documents = source_counts.sentence(subject.real.manifest)
    facts = [("documents of the real data", documents)] if documents else []
    if subject.generation is None:
        return facts
    files = [source for source in subject.real.inputs if source.role in ROLES]
    facts += [(f"real data made from: {file.role}", f"{code(file.name)} {code(file.sha256)}") for file in files[:_MAX_SOURCE_FILES]]
    if len(files) > _MAX_SOURCE_FILES:
        facts.append(("real data made from", f"{len(files) - _MAX_SOURCE_FILES:,} more files"))
    return facts


def _commit(recorded_commit: str | None) -> str:
    commit, changes = (recorded_commit, "") if recorded_commit else git.tree()
    if not commit:
        return "not recorded in git"
    note = f" with changes not committed ({code(changes)})" if changes else ""
    return code(commit) + note
