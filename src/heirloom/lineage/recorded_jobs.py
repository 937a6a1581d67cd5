"""Jobs, as exports list them: in the order in which they ran, each with the artefacts that it made."""

from __future__ import annotations

from collections.abc import Iterable

from heirloom.lineage.artefact import Artefact
from heirloom.workflow import folders
from heirloom.workflow.steps import position


def in_order(artefacts: Iterable[Artefact]) -> list[Artefact]:
    """Return artefacts in the order in which they are made: real data, the pretrained model, then generation by generation."""
    return sorted(artefacts, key=lambda artefact: (folders.order(artefact.path), position(artefact.step), artefact.path))


def outputs_by_job(artefacts: Iterable[Artefact]) -> dict[tuple[str, str], list[Artefact]]:
    """Return (step, folder) of each job → the artefacts that it made, in the order in which the jobs ran."""
    outputs: dict[tuple[str, str], list[Artefact]] = {}
    for artefact in in_order(artefacts):
        outputs.setdefault((artefact.step, artefact.job), []).append(artefact)
    return outputs
