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

from heirloom.artefacts import kinds
from heirloom.artefacts.kinds import Place
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

_GRAMMAR = re.compile(
    rf"(?P<experiment>{kinds.NAME})/(?:(?P<real>{kinds.REAL})(?:/(?P<pool>{kinds.NUMBER}))?"
    rf"|(?!{kinds.REAL}/)(?P<regime>{kinds.NAME})/(?P<seed>{kinds.NUMBER})(?:/(?P<generation>{kinds.NUMBER}))?)(?::(?P<what>\w+))?"
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
    found = _GRAMMAR.fullmatch(text)
    if found:
        return _path(text, **found.groupdict())
    if name_of(text) != text or Path(text).exists():
        return _inside(text)
    if _is_fingerprint(text):
        return _by_fingerprint(text, revision)
    raise HeirloomError(f"{text!r} is no reference: expected {_SPELLING}{_nearest(text)}")


def name_of(path: str | Path) -> str:
    """Return the reference of an artefact's path; any other path is its own name."""
    inside = _inside(path)
    for what, pattern in OF_REAL.items():
        if found := _exactly(inside, pattern):
            return f"{found['experiment']}/{kinds.REAL}:{what}"
    for what, pattern in OF_POOL.items():
        if found := _exactly(inside, pattern):
            return f"{found['experiment']}/{kinds.REAL}/{found['seed']}:{what}"
    for what, pattern in (OF_GENERATION | OF_LINEAGE).items():
        if found := _exactly(inside, pattern):
            parts = [found["experiment"], found["regime"], found["seed"], *([found["generation"]] if "generation" in found else [])]
            bare = "generation" in found and what == (kinds.SYNTHETIC if found["generation"] != "0" else kinds.TRAIN).name
            return "/".join(parts) + ("" if bare else f":{what}")
    return str(path)


def missing(text: str, path: str) -> str:
    """Return in words that nothing of a name is known, with the path that was looked for and the nearest names."""
    return f"{text}: no such artefact ({path} does not exist){_nearest(text)}"


def known() -> list[str]:
    """Return the references of all artefacts on disk or in the ledger, sorted."""
    return sorted(map(name_of, {*index.read_ledger(), *index.on_disk()}))


def complete(incomplete: str) -> list[str]:
    """Return the references that begin as typed so far: for the shell's completion."""
    return [name for name in known() if name.startswith(incomplete)]


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
    every = [unit for units in folders.lineages().values() for unit in units] if among is None else list(among)
    if text is None:
        return every
    parts = text.partition(":")[0].split("/")
    if text.startswith("data/") or not all(re.fullmatch(f"{kinds.NAME}|{kinds.NUMBER}", part) for part in parts):
        inside = [unit for unit in every if unit == folders.unit_of(_inside(text)) or unit.startswith(f"{_inside(text).rstrip('/')}/")]
    else:
        folder = Place("/".join(kinds.GENERATION.pattern.split("/")[: 1 + len(parts)])).path(*parts[:4])
        inside = [unit for unit in every if unit == folder or unit.startswith(f"{folder}/")]
    if not inside and _is_fingerprint(text):
        return units(_by_fingerprint(text, ""), every)
    if not inside:
        raise HeirloomError(f"{text!r}: nothing of that name lies under data/; run snakemake, or fetch it with dvc pull{_nearest(text)}")
    return inside


def _path(text: str, experiment: str, generation: str | None, what: str | None, **place: str | None) -> str:
    if generation == "0" and what == kinds.SYNTHETIC.name:
        raise HeirloomError(f"{text}: generation 0 has no synthetic set, only real rows; ask for {text.partition(':')[0]}:train")
    pool = int(place["pool"] or 0)
    parts, default = (OF_LINEAGE, kinds.TRAJECTORY.name) if not place["real"] else (OF_POOL if pool else OF_REAL, kinds.REAL_TRAIN.name)
    if generation is not None:
        parts, default = OF_GENERATION, (kinds.SYNTHETIC if int(generation) else kinds.TRAIN).name
    what = what or default
    if what not in parts:
        raise HeirloomError(f"{text}: no {what!r} there; it has {', '.join(parts)}")
    number = "" if generation is None else int(generation)
    return parts[what].path(experiment, place["regime"] or "", pool or place["seed"] or "", number)


def _is_fingerprint(text: str) -> bool:
    return re.fullmatch(f"[0-9a-f]{{{FEWEST_DIGITS},64}}", text) is not None


def _by_fingerprint(digits: str, revision: str) -> str:
    found = index.build(revision or None).beginning(digits)
    if not found:
        where = f"results/lineage.tsv of {revision} was" if revision else "data/ and results/lineage.tsv were"
        raise HeirloomError(f"{digits}: no artefact's fingerprint begins with these digits ({where} searched)")
    if len(found) > 1:
        raise HeirloomError(f"{digits}: several fingerprints begin so: {', '.join(sorted(found)[:4])}; give more digits")
    (artefacts,) = found.values()
    return next((path for path in artefacts if Path(path).exists()), artefacts[0])


def _exactly(path: str, place: Place) -> dict[str, str] | None:
    found = place.wildcards(path)
    return found if found is not None and place.pattern.format(**found) == path else None


def _inside(path: str | Path) -> str:
    """Return a path relative to the project's top folder, where it lies below it."""
    path = Path(path)
    return (path.relative_to(Path.cwd()) if path.is_absolute() and path.is_relative_to(Path.cwd()) else path).as_posix()


def _nearest(text: str) -> str:
    near = difflib.get_close_matches(text.partition(REVISION_MARK)[0], known(), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(dict.fromkeys(near))}?" if near else ""
