"""A judge of an installed package: a function `score` that an entry point under `heirloom.judges` names.

Legend of shapes: R replicas, N rows of a replica.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError, short
from heirloom.runtime import packages
from heirloom.runtime.packages import JUDGES
from heirloom.runtime.streams import Stream
from heirloom.specs import packages as planned_packages
from heirloom.specs.judges import PlannedPackageJudge


class InstalledJudge(Protocol):
    """What an entry point under `heirloom.judges` names: a module with this function."""

    def score(self, rows: Dataset, settings: Mapping[str, Any], stream: Stream) -> NDArray[np.float64]:
        """Return the score of each row, shape (R, N); of text and tables R is 1.

        Parameters
        ----------
        settings
            What the config hands over.
        stream
            The only source of random numbers.
        """
        ...


def score(judge: PlannedPackageJudge, rows: Dataset, shape: tuple[int, int], stream: Stream) -> NDArray[np.float64]:
    """Return a package's scores, shape (R, N).

    Raises
    ------
    HeirloomError
        If the package is not as it was planned, cannot be imported, fails, or does not give each row one number.
    """
    planned_packages.check(judge.package)
    words = f"judge {judge.judge} of package {judge.package.package}"
    function = function_of(packages.load(JUDGES, judge.judge), "score", words)
    try:
        scores = np.asarray(function(rows, judge.settings, stream), dtype=np.float64)
    except HeirloomError:
        raise
    except Exception as error:
        raise HeirloomError(f"{words}: {type(error).__name__}: {short(' '.join(str(error).split()), 200)}") from error
    if scores.shape != shape:
        raise HeirloomError(f"{words}: `score` returned the shape {scores.shape}; it must be (replicas, rows) = {shape}")
    return scores


def function_of(module: Any, name: str, words: str) -> Any:
    """Return a function of the module that an entry point names.

    Raises
    ------
    HeirloomError
        If it names no module, or the module has no such function.
    """
    if not isinstance(module, ModuleType):
        raise HeirloomError(f"{words}: its entry point names a {type(module).__name__}; it must name a module")
    function = vars(module).get(name)
    if not callable(function):
        raise HeirloomError(f"{words}: its module {module.__name__} has no function `{name}`")
    return function
