"""Trace: what an artefact was made from, down to real data, with the settings that mattered and the commit that each job ran at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heirloom.errors import HeirloomError
from heirloom.lineage import costs
from heirloom.lineage.artefact import Artefact
from heirloom.lineage.project import locate
from heirloom.lineage.settings import by_dotted_key
from heirloom.workflow.steps import job_of

_SAID_ELSEWHERE = frozenset({"step", "regime", "seed", "generation", "files"})
"""Keys of a slice that the artefact's name and its inputs say already."""


@dataclass(frozen=True)
class Trace:
    """An artefact's ancestry.

    Attributes
    ----------
    reference
        What was asked for.
    nodes
        Path → node, the artefact itself first, then nearest first.
    commits
        Path → commit at which the artefact's job last ran on this machine, and after a plus 16 digits that tell uncommitted changes apart;
        empty where the cost table does not say.
    """

    reference: str
    nodes: Mapping[str, Artefact]
    commits: Mapping[str, str]

    @property
    def root(self) -> str:
        """The path of the artefact itself."""
        return next(iter(self.nodes))


def trace(reference: str, depth: int | None = None) -> Trace:
    """Return the ancestry of what a reference names.

    Parameters
    ----------
    depth
        How many steps up to go, at least 0; down to the real data if None.

    Raises
    ------
    HeirloomError
        If there is no such artefact, it is here and not as it was recorded, a manifest on the way is missing or does not match, or
        the data of a revision cannot be had.
    """
    if depth is not None and depth < 0:
        raise HeirloomError(f"--depth {depth}: how many steps up to go, 0 or more")
    artefact = locate(reference)
    project = artefact.project
    if not project.commit and artefact.is_here:
        artefact.data()
    nodes = project.ancestors([artefact], depth)
    commit_of_job = {} if project.commit else costs.commits(project.root)
    commits = {path: commit_of_job.get(job_of(node.step, path), "") for path, node in nodes.items()}
    return Trace(reference, nodes, commits)


def settings(node: Artefact) -> dict[str, Any]:
    """Return dotted key → value of a step's slice, without what the artefact's name and its inputs say already."""
    fields = by_dotted_key(node.slice)
    return {key: value for key, value in fields.items() if key not in _SAID_ELSEWHERE and not key.endswith(".step")}


def distinguishing(fields: Mapping[str, Any], other_runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the settings of a step that tell it from the most similar of other runs; if there are none, all that are set."""
    if not other_runs:
        return {key: value for key, value in fields.items() if value is not None}
    return min((_unlike(fields, other_run) for other_run in other_runs), key=len)


def _unlike(fields: Mapping[str, Any], other_run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that another run has otherwise, or that only one of the two has."""
    return {key: fields.get(key) for key in {**fields, **other_run} if fields.get(key) != other_run.get(key)}
