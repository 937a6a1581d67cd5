"""Cards: the page on the hub that describes a dataset or checkpoint. It first says what is synthetic, then the origin."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from heirloom.export import regimes
from heirloom.export.markdown import code, page, prose, table
from heirloom.export.subject import Rows, Subject, count, learnt_from
from heirloom.lineage import git, references
from heirloom.sources import counts
from heirloom.sources.input_files import ROLES

_LISTED = 20
"""Source files that a card names."""

_TAGS = ("heirloom", "model-collapse")
TRANSFORMERS = "transformers"
"""The library that opens the checkpoints of language models."""

_LOAD_TRANSFORMER = """from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained(folder)
tokenizer = AutoTokenizer.from_pretrained(folder)"""
_LOAD = """from pathlib import Path

from heirloom.families import family

model = family("{family}").load(Path(folder))"""
_COLUMNS = """Columns: `row` (id), {data}; and where a row comes from: `kind` (real or synthetic),
`born` (the generation that made it), `parent` (row id of its prompt, among the rows that generation 0 was trained on),
`model` (fingerprint of the checkpoint that wrote it){depth}."""
_DEPTH = ", `depth` and `depth_max` (models since a human, mean and largest)"
_REAL_MODEL = "Trained on real rows only, in an experiment on models that learn from models. What it writes is synthetic."
_MAKING = """## Make it again

In a clone of the project that made it:

```console
{checkout}make env
snakemake '{target}'
```

The bytes come out equal on the same processor type and thread count, with {libraries}.
`provenance/` holds the manifest: step, settings, seed, inputs, code, libraries."""

Facts = Sequence[tuple[str, str]]


def dataset(subject: Subject, rows: Path, split: str, inside: str) -> str:
    """Return the card of a dataset.

    Parameters
    ----------
    rows
        The Parquet file, read for its counts.
    split, inside
        The split's name on the hub, and the file's path inside the folder.
    """
    counts = count(rows)
    front: dict[str, Any] = {"pretty_name": f"Heirloom {subject.name}", "license": subject.licence.tag}
    front["tags"] = [*_TAGS, *(["synthetic"] if counts.synthetic else [])]
    if subject.is_text:
        front["task_categories"] = ["text-generation"]
    front["configs"] = [{"config_name": "default", "data_files": [{"split": split, "path": inside}]}]
    data = "`tokens` and `text` (new ones only; the prompt is the row `parent`)" if subject.is_text else "`x` (numbers), `replica`"
    python = f'from datasets import load_dataset\n\nrows = load_dataset(folder, split="{split}")'
    facts = [("rows written by a model", counts.sentence), *_depth(counts)]
    beginning = _beginning(subject, _dataset_warning(subject, counts), facts)
    return page(front, [*beginning, _COLUMNS.format(data=data, depth=_DEPTH if counts.depth else ""), *_ending(subject, python)])


def checkpoint(subject: Subject) -> str:
    """Return the card of a checkpoint."""
    is_transformer = subject.library == TRANSFORMERS
    learnt = learnt_from(subject)
    only_real = not learnt.synthetic if learnt else subject.generation == 0
    front: dict[str, Any] = {"license": subject.licence.tag, "tags": [*_TAGS, *([] if only_real else ["synthetic"])]}
    front["library_name"] = subject.library
    if is_transformer:
        front["pipeline_tag"] = "text-generation"
    facts = [("training rows written by a model", learnt.sentence), *_depth(learnt)] if learnt else []
    python = _LOAD_TRANSFORMER if is_transformer else _LOAD.format(family=subject.family)
    warning = _REAL_MODEL if only_real else _model_warning(subject, learnt)
    return page(front, [*_beginning(subject, warning, facts), *_ending(subject, python)])


def _dataset_warning(subject: Subject, rows: Rows) -> str:
    if not rows.synthetic:
        return "Every row is real: no model wrote any of them."
    if not subject.is_text:
        return f"**Synthetic.** {rows.sentence} were drawn from fitted models and observed nowhere. Do not take them for observations."
    return (
        f"**Synthetic.** {rows.sentence} were written by language models, not by people. Do not take them for human text, and do not "
        "let them into training data unmarked: models that learn from such rows lose the tails of what is real."
    )


def _model_warning(subject: Subject, learnt: Rows | None) -> str:
    share = f": {learnt.sentence} of its training set" if learnt else ""
    return (
        f"**Learnt from models' output**{share}. This is generation {subject.generation} of an experiment on model collapse. What it "
        "writes is synthetic, must not be taken for human work, and may be worse than what the first generation writes."
    )


def _beginning(subject: Subject, warning: str, counted: Facts) -> list[str]:
    facts = [
        ("reference", code(subject.name)),
        ("fingerprint (sha256)", code(subject.artefact.sha256)),
        *([("generation", str(subject.generation))] if subject.generation is not None else []),
        *([("family", code(subject.family))] if subject.family else []),
        ("source of the real data", code(subject.source["name"])),
        *_sources(subject),
        *counted,
        ("commit", _commit(subject.artefact.project.commit)),
        *_inputs(subject),
    ]
    return [f"# {code(subject.name)}", f"> {warning}", table(facts), *_regime(subject)]


def _ending(subject: Subject, python: str) -> list[str]:
    opening = f"## Open it\n\nWith `folder` the path of this folder or its name on the hub:\n\n```python\n{python}\n```"
    commit = subject.artefact.project.commit or git.tree()[0]
    environment = subject.artefact.manifest.get("environment", {})
    libraries = ", ".join(f"{name} {version}" for name, version in environment.get("libraries", {}).items())
    making = _MAKING.format(
        checkout=f"git checkout {commit}\n" if commit else "", target=subject.target, libraries=libraries or "the same libraries"
    )
    return [opening, making, "## Licence", prose(subject.licence.sentence)]


def _regime(subject: Subject) -> list[str]:
    if subject.mixing is None:
        return []
    declared = code(json.dumps(subject.mixing, sort_keys=True))
    return [f"{regimes.sentence(subject.key.regime, subject.mixing)} As declared: {declared}."]


def _depth(rows: Rows) -> list[tuple[str, str]]:
    return [("depth (models since a human)", f"{rows.depth[0]:.2f} on average, {rows.depth[1]} at most")] if rows.depth else []


def _inputs(subject: Subject) -> list[tuple[str, str]]:
    inputs = subject.artefact.inputs
    names = [code(references.name_of(one.name)) if one.name else "not recorded here" for one in inputs]
    return [(f"made from: {one.role}", f"{name} {code(one.sha256)}") for one, name in zip(inputs, names, strict=True)]


def _sources(subject: Subject) -> list[tuple[str, str]]:
    """Return what the real data were made from: the number of documents, and the names and hashes of the first files."""
    documents = counts.sentence(subject.real.manifest)
    facts = [("documents of the real data", documents)] if documents else []
    files = [] if subject.generation is None else [one for one in subject.real.inputs if one.role in ROLES]
    facts += [(f"real data made from: {one.role}", f"{code(one.name)} {code(one.sha256)}") for one in files[:_LISTED]]
    return facts + ([("real data made from", f"{len(files) - _LISTED:,} more files")] if len(files) > _LISTED else [])


def _commit(recorded: str | None) -> str:
    commit, changes = (recorded, "") if recorded else git.tree()
    if not commit:
        return "not recorded in git"
    return code(commit) + (f" with changes not committed ({code(changes)})" if changes else "")
