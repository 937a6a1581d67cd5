"""References: one way to name a dataset or a checkpoint, whoever asks: ``experiment/regime/seed/generation[:what][@revision]``.

A bare reference means the synthetic set, and at generation 0 the rows that the origin was trained on. An experiment's real data are
``experiment/real:train`` (or ``valid``, ``test``, ``tokenizer``, ``documents``), the pool that seed 1 drew for itself is
``experiment/real/1:train`` (or ``test``), a chain's measures are ``experiment/regime/seed:trajectory``.
Paths, with a revision too, and the first digits of a fingerprint name the same things.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

from heirloom.artefacts import kinds, paths
from heirloom.artefacts.kinds import Kind, Place
from heirloom.errors import HeirloomError
from heirloom.lineage import index
from heirloom.workflow import folders
from heirloom.workflow.steps import made_kinds

REVISION_MARK = "@"
FEWEST_DIGITS = 6
"""Of a fingerprint: fewer could be a word."""

OF_GENERATION = {kind.name: kind for kind in made_kinds() if kind.folder == kinds.GENERATION}
OF_LINEAGE = {kind.name: kind for kind in made_kinds() if kind.folder == kinds.LINEAGE}
OF_REAL = {kind.name: kind for kind in made_kinds() if kind.folder == kinds.REAL_FOLDER}
OF_POOL = {kind.name: kind.of_seed for kind in (kinds.REAL_TRAIN, kinds.REAL_TEST)}
_NAMED_PLACES = (*OF_REAL.items(), *OF_POOL.items(), *OF_LINEAGE.items(), *OF_GENERATION.items())

_GRAMMAR = re.compile(
    rf"(?P<experiment>{kinds.NAME})/(?:(?P<real>{kinds.REAL})(?:/(?P<pool>{kinds.NUMBER}))?"
    rf"|(?!{kinds.REAL}/)(?P<regime>{kinds.NAME})/(?P<seed>{kinds.NUMBER})(?:/(?P<generation>{kinds.NUMBER}))?)(?::(?P<name>\w+))?"
)
_SPELLING = f"experiment/regime/seed/generation[:{'|'.join(OF_GENERATION)}][@revision], a path, or the first digits of a fingerprint"


def is_reference(text: str) -> bool:
    """Return whether a text is spelled as ``experiment/regime/seed/generation[:what][@revision]`` or another form of it."""
    return _GRAMMAR.fullmatch(text.partition(REVISION_MARK)[0]) is not None


def find(text: str, revision: str = "") -> str:
    """Return the path of the artefact that a reference without revision names, on disk or not.

    Parameters
    ----------
    revision
        The commit whose ledger tells fingerprints; if empty, what lies on disk does, too.

    Raises
    ------
    HeirloomError
        If the text is no reference, or names a part that such a thing does not have.
    """
    match = _GRAMMAR.fullmatch(text)
    if match:
        return _path(text, **match.groupdict())
    path = paths.project_path(text)
    if kinds.key_of(path) or Path(text).exists():
        return path
    if _is_fingerprint(text):
        return _by_fingerprint(text, revision)
    if Path(text).suffix or text.startswith((".", "/", "data/")):
        raise HeirloomError(f"{text}: no such file; a name is {_SPELLING}{_nearest(text)}")
    raise HeirloomError(f"{text!r} is no reference: expected {_SPELLING}{_nearest(text)}")


def name_of(path: str | Path) -> str:
    """Return the reference of an artefact's path; any other path is its own name.

    For instance ``data/e/keep/seed=0/gen=3/synthetic.parquet`` is ``e/keep/0/3``, and ``train.parquet`` beside it ``e/keep/0/3:train``.
    At generation 0, where no model has written, it is ``train.parquet`` that has no ``:train``.
    """
    path_in_project = paths.project_path(path)
    for name, place in _NAMED_PLACES:
        keys = _exactly(path_in_project, place)
        if keys is not None:
            parts = (keys["experiment"], keys.get("regime", kinds.REAL), keys.get("seed"), keys.get("generation"))
            folder = "/".join(part for part in parts if part is not None)
            is_default = "generation" in keys and name == _default_of(keys["generation"]).name
            return folder if is_default else f"{folder}:{name}"
    return str(path)


def _default_of(generation: str) -> Kind:
    """Return what a bare reference to a generation means: its synthetic set, or the rows that the origin was trained on."""
    return kinds.SYNTHETIC if int(generation) else kinds.TRAIN


def no_such_artefact(text: str, path: str) -> str:
    """Return in words that nothing of a name is known, with the path that was looked for and the nearest names."""
    return f"{text}: no such artefact ({path} does not exist){_nearest(text)}"


def all_names() -> list[str]:
    """Return the references of all artefacts on disk or in the ledger, sorted."""
    return sorted(map(name_of, {*index.read_ledger(), *index.artefacts_on_disk()}))


def complete(incomplete: str) -> list[str]:
    """Return the references that begin as typed so far: for the shell's completion."""
    return [name for name in all_names() if name.startswith(incomplete)]


def units(text: str | None, among: Sequence[str] | None = None) -> list[str]:
    """Return the units that a reference covers: an experiment, an arm, a lineage, a generation, an artefact's unit, or all.

    Parameters
    ----------
    among
        The units to choose from; by default those on disk.

    Raises
    ------
    HeirloomError
        If nothing on disk lies there.
    """
    candidates = folders.all_units() if among is None else list(among)
    if text is None:
        return candidates
    matches = _units_below(text, candidates)
    if matches:
        return matches
    if _is_fingerprint(text):
        return units(_by_fingerprint(text, ""), candidates)
    raise HeirloomError(f"{text!r}: nothing of that name lies under data/; run snakemake, or fetch it with dvc pull{_nearest(text)}")


def _units_below(text: str, candidates: Sequence[str]) -> list[str]:
    """Return the units that a path or a reference covers."""
    parts = text.partition(":")[0].split("/")
    if text.startswith("data/") or not all(re.fullmatch(f"{kinds.NAME}|{kinds.NUMBER}", part) for part in parts):
        path = paths.project_path(text)
        folder, unit = path.rstrip("/"), folders.unit_of(path)
    else:
        pattern = "/".join(kinds.GENERATION.pattern.split("/")[: 1 + len(parts)])
        folder = unit = Place(pattern).path(*parts[:4])
    return [candidate for candidate in candidates if candidate == unit or candidate.startswith(f"{folder}/")]


def _path(text: str, experiment: str, generation: str | None, name: str | None, **place: str | None) -> str:
    if generation == "0" and name == kinds.SYNTHETIC.name:
        raise HeirloomError(f"{text}: generation 0 has no synthetic set, only real rows; ask for {text.partition(':')[0]}:train")
    pool = int(place["pool"] or 0)
    if generation is not None:
        parts, default = OF_GENERATION, _default_of(generation)
    elif place["real"]:
        parts, default = OF_POOL if pool else OF_REAL, kinds.REAL_TRAIN
    else:
        parts, default = OF_LINEAGE, kinds.TRAJECTORY
    name = name or default.name
    if name not in parts:
        raise HeirloomError(f"{text}: no {name!r} there; it has {', '.join(parts)}")
    number = "" if generation is None else int(generation)
    return parts[name].path(experiment, place["regime"] or "", pool or place["seed"] or "", number)


def _is_fingerprint(text: str) -> bool:
    return re.fullmatch(f"[0-9a-f]{{{FEWEST_DIGITS},64}}", text) is not None


def _by_fingerprint(digits: str, revision: str) -> str:
    paths_of = index.build(revision or None).beginning(digits)
    if not paths_of:
        scope = f"results/lineage.tsv of {revision} was" if revision else "data/ and results/lineage.tsv were"
        raise HeirloomError(f"{digits}: no artefact's fingerprint begins with these digits ({scope} searched)")
    if len(paths_of) > 1:
        raise HeirloomError(f"{digits}: several fingerprints begin so: {', '.join(sorted(paths_of)[:4])}; give more digits")
    (artefacts,) = paths_of.values()
    return next((path for path in artefacts if Path(path).exists()), artefacts[0])


def _exactly(path: str, place: Place) -> dict[str, str] | None:
    keys = place.wildcards(path)
    return keys if keys is not None and place.pattern.format(**keys) == path else None


def _nearest(text: str) -> str:
    names = difflib.get_close_matches(text.partition(REVISION_MARK)[0], all_names(), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(dict.fromkeys(names))}?" if names else ""
