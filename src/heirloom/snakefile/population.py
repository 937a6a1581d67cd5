"""The rule of a population whose lineages one job makes together: its outputs lie in the folders of all members."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from heirloom.artefacts.kinds import Key
from heirloom.config import Config
from heirloom.snakefile.rule import Rule, Wildcards
from heirloom.specs.population import Membership


@dataclass(frozen=True, eq=False)
class PopulationRule(Rule):
    """A step as the rule of one population sees it. The first member stands for all: its key is that of the job.

    Attributes
    ----------
    membership
        That of the first member.
    """

    membership: Membership

    @property
    def name(self) -> str:
        """The name of the rule."""
        return f"{self.step.name}_of_{self._leader}"

    @property
    def _leader(self) -> str:
        return self.membership.experiments[0]

    def key(self, wildcards: Wildcards) -> Key:
        """Return the key of the job with these wildcards."""
        return super().key(wildcards)._replace(experiment=self._leader)

    def outputs(self, *roles: str, is_kept: bool = True, of_seed: bool = False) -> dict[str, Any]:
        """Return role → paths of what the step makes, one for each member, and the two notes beside each; parameters as in `Rule`."""
        outputs = super().outputs(*roles, is_kept=is_kept, of_seed=of_seed)
        notes = [path for pattern in outputs.pop("notes") for path in self._of_members(pattern)]
        return {role: self._of_members(pattern) for role, pattern in outputs.items()} | {"notes": notes}

    @property
    def log(self) -> str:
        """The log of a job."""
        return _filled(super().log, self._leader)

    def _of_members(self, pattern: str) -> list[str]:
        """Return the pattern of each member, which has no wildcard for the experiment any more."""
        return [_filled(pattern, name) for name in self.membership.experiments]


def leaders(config: Config) -> list[Membership]:
    """Return the memberships of the first members of the populations whose granularity is ``chain``, in the order of the config."""
    memberships = {name: experiment.membership for name, experiment in config.experiments.items() if experiment.is_chain}
    return [membership for name, membership in memberships.items() if membership and membership.experiments[0] == name]


def _filled(pattern: str, experiment: str) -> str:
    return pattern.replace("{experiment}", experiment)
