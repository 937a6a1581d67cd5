"""Are they the same? Fingerprints, columns, and the most upstream step at which two ancestries part; no row is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from heirloom.diffs.result import Difference, Identity, SideSummary
from heirloom.diffs.sides import Side
from heirloom.errors import HeirloomError


def identity(a: Side, b: Side, tokens: tuple[int, int] | tuple[None, None] = (None, None)) -> Identity:
    """Return what can be said of the files.

    Parameters
    ----------
    tokens
        Tokens of A and B, where the rows have been read.
    """
    step, differences = lineage(a, b)
    return Identity(
        a=_summary(a, tokens[0]),
        b=_summary(b, tokens[1]),
        same_bytes=a.sha256 == b.sha256,
        schema=tuple(_differences(_columns(a), _columns(b))),
        lineage=tuple(differences),
        lineage_step=step,
    )


def lineage(a: Side, b: Side) -> tuple[str, list[Difference]]:
    """Return the most upstream step where two ancestries part, and what differs there, as `lineage.why_not` finds them.

    Where an ancestry cannot be followed, the step is empty and the one difference says why.
    """
    if a.artefact is None or b.artefact is None or a.sha256 == b.sha256:
        return "", []
    from heirloom.lineage.why_not import parting

    try:
        verdict = parting(a.artefact, b.artefact)
    except HeirloomError as error:
        return "", [Difference("ancestry not compared", None, str(error))]
    differences = [Difference(difference.what, difference.first, difference.second) for difference in verdict.differences]
    upstream = [Difference("artefact", verdict.first.name, verdict.second.name)] if verdict.way else []
    return verdict.first.step, [*upstream, *differences]


def _differences(a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[Difference]:
    for key in sorted(a.keys() | b.keys()):
        if a.get(key) != b.get(key):
            yield Difference(key, a.get(key), b.get(key))


def _columns(side: Side) -> dict[str, str]:
    return {field.name: str(field.type) for field in side.schema}


def _summary(side: Side, tokens: int | None) -> SideSummary:
    return SideSummary(side.name, side.sha256, side.num_rows, tokens, side.size, _columns(side))
