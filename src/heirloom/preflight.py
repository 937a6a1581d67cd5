"""Preflight: what can be found wrong with a config and its sources before any job starts, writing nothing.

`cheap` is fast enough for every start of Snakemake. `thorough` also counts the rows of text sources that might be too small, as
long as the real data have not been made.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from heirloom import controls, planned_files, reading, row_counts, sources
from heirloom.artefacts import kinds, paths
from heirloom.artefacts.kinds import Key
from heirloom.config import Config
from heirloom.errors import HeirloomError, first_of
from heirloom.families import pretrained
from heirloom.runtime.headway import laps
from heirloom.sources import strangers
from heirloom.specs.experiment import Experiment
from heirloom.specs.source import AnyTextSource
from heirloom.specs.vector_source import VectorSource
from heirloom.steps import pretrained as fetching
from heirloom.steps import real
from heirloom.tasks import files as task_files

_log = logging.getLogger(__name__)

_COUNTED_BYTES = 1 << 22
"""Rows of a source of so many bytes are made and counted by a thorough check, in seconds, even if they are ample."""


def guarded(check: Callable[[Config], None], config: Config) -> None:
    """Do `cheap` or `thorough` in a child process if the config names files of others.

    Raises
    ------
    HeirloomError
        As the check; or that a file has ended the child.
    """
    for name in config.experiments:
        _absent(config, name)  # hashes of code, which this process needs again, and a child would forget; it opens no file of others
    experiments = config.experiments.values()
    models = [experiment.pretrained for experiment in experiments if experiment.pretrained is not None]
    strangers.guarded(lambda: check(config), [experiment.source for experiment in experiments], models)


def cheap(config: Config) -> None:
    """Check sources that stand in files; counts that need no reading were checked with the config.

    Raises
    ------
    HeirloomError
        Naming the experiment and the file or key.
    """
    for name, experiment in config.experiments.items():
        absent = _absent(config, name)
        try:
            if "source files" not in absent:
                sources.preflight(experiment.source)
            if experiment.pretrained is not None and "model files" not in absent:
                pretrained.preflight(experiment.pretrained)
            if experiment.tasks is not None:
                task_files.check(experiment.tasks)
        except HeirloomError as error:
            raise HeirloomError(f"experiments.{name}: {error}") from None


def notes(config: Config) -> list[str]:
    """Return a line for each experiment that goes on without the files it was made from, because what was made is here."""
    lines = []
    for name in config.experiments:
        groups = " and ".join(_absent(config, name))
        if groups:
            lines.append(f"experiments.{name}: no {groups} on this machine; the run goes on with what was made from them")
    for name in config.experiments:
        files = _missing_files(config, name)
        if files:
            names = first_of(files, " and {} more")
            lines.append(f"experiments.{name}: {names}, which its data were made from, not here; they are made anew without")
    return lines


def _missing_files(config: Config, name: str) -> list[str]:
    """Return the files that an experiment's data were made from under the same settings, and that are gone, others being here."""
    return [
        path
        for settings, artefact, groups in _from_files(config, name)
        for group in groups
        if group.is_here
        for path in planned_files.missing_files(settings, artefact, group)
    ]


def _absent(config: Config, name: str) -> list[str]:
    """Return which of an experiment's files are not on this machine, where what was made from them under the same settings is."""
    return [
        group.words
        for settings, artefact, groups in _from_files(config, name)
        for group in groups
        if not group.is_here and planned_files.stand_in(settings, artefact, group)
    ]


def _from_files(config: Config, name: str) -> Iterator[tuple[dict[str, Any], str, list[planned_files.Group]]]:
    """Yield what an experiment makes from files: the settings, the artefact that tells of them, and the files.

    All pools of an experiment are made from the same files: the first one's tells of them.
    """
    experiment = config.experiments[name]
    pool = Key(name, seed=experiment.pools[0] or None)
    settings = real.settings_of(config, pool)
    yield settings.json_fields(), kinds.REAL_TRAIN.at(pool), planned_files.real_groups(experiment)
    if experiment.pretrained is not None:
        key = Key(name)
        fetch_settings = fetching.settings_of(config, key)
        yield fetch_settings.json_fields(), kinds.PRETRAINED.at(key), planned_files.model_groups(experiment)


def thorough(config: Config) -> None:
    """Check, beside what `cheap` does, that sources have the rows that experiments need, and that pretrained models can be had.

    Raises
    ------
    HeirloomError
        Naming the experiment, the key, and the rows needed and there.
    """
    cheap(config)
    for name, experiment in laps(config.experiments.items()):
        _check_model(name, experiment)
        _check_rows(name, experiment, config)
        pool_rows = _pool_rows(name, experiment, config)
        if pool_rows is not None:
            row_counts.check(name, experiment, config.regimes, pool_rows)
            _warn_of_controls(name, experiment, config, pool_rows)


def _warn_of_controls(name: str, experiment: Experiment, config: Config, pool_rows: int) -> None:
    """Say before any job which controls of text redraw nothing; of other rows `results/onset.csv` says it in every clone."""
    if experiment.is_text:
        message = "experiments.%s, %s: each of its generations takes all %d rows of the pool, so it redraws nothing and is no control"
        for control in controls.idle(experiment, config, pool_rows):
            _log.warning(message, name, control, pool_rows)


def _check_model(name: str, experiment: Experiment) -> None:
    """Refuse a pretrained model that cannot be had, or whose context or vocabulary is too small for the text that it is to read.

    One that has been fetched was looked at before.
    """
    if experiment.pretrained is None or Path(kinds.PRETRAINED.path(name)).is_dir():
        return
    text = experiment.source.text  # type: ignore[union-attr]
    positions = text.longest_context if experiment.continues_rows else text.written_tokens + 1
    try:
        pretrained.check_reach(experiment.pretrained, positions)
        if experiment.family.sampling.borrows_engine:
            from heirloom.families.lm.library import llama

            llama.check_native(experiment.pretrained)
        if text.tokenizer is not None:
            for note in pretrained.check_vocabulary(experiment.pretrained, text.tokenizer):
                _log.warning("experiments.%s: %s", name, note)
        pretrained.check_causal(experiment.pretrained)
    except HeirloomError as error:
        raise HeirloomError(f"experiments.{name}: {error}") from None


def _check_rows(name: str, experiment: Experiment, config: Config) -> None:
    """Read a small source through, and text that might not fill its vocabulary, as long as the real data have not been made from it.

    They have been made under the settings that the config has now. Pairs are looked at elsewhere.
    """
    has_pairs = experiment.text is not None and experiment.text.pairs is not None
    if has_pairs or _is_made(config, name):
        return
    try:
        if not isinstance(experiment.source, VectorSource):
            sources.check_vocabulary(experiment.source)
        sources.check_rows(experiment.source)
    except HeirloomError as error:
        raise HeirloomError(f"experiments.{name}: {error}") from None


def _is_made(config: Config, name: str) -> bool:
    """Return whether an experiment's real data were made from files on this machine under the settings that the config has now."""
    pool = Key(name, seed=config.experiments[name].pools[0] or None)
    settings = real.settings_of(config, pool).json_fields()
    return bool(planned_files.recorded_files(settings, kinds.REAL_TRAIN.at(pool)))


def _pairs_pool_rows(name: str, source: AnyTextSource) -> int | None:
    """Return how many training pairs a source gives, having looked at every one; None where it is large, a package's, or a hub's."""
    if not sources.is_small(source):
        return None
    try:
        return real.count_rows(source)
    except HeirloomError as error:
        raise HeirloomError(f"experiments.{name}: {error}") from None


def _pool_rows(name: str, experiment: Experiment, config: Config) -> int | None:
    """Return the size of a text pool; None where its bytes are ample or, on a hub, unknown before the download."""
    pool = Path(kinds.REAL_TRAIN.path(name))
    if pool.is_file() and Path(paths.fingerprint(pool)).is_file():  # without, a job was cut, and will make it anew
        return reading.dataset(pool).num_rows
    source = experiment.source
    if isinstance(source, VectorSource):
        return source.rows
    if source.text.pairs is not None:
        return _pairs_pool_rows(name, source)
    module = sources.module(source.name)
    text_bytes = module.text_bytes(source)
    rows = row_counts.most_needed(experiment, config.regimes)
    tokens = rows * source.text.row_tokens / source.text.split.train
    is_ample = text_bytes is None or text_bytes > tokens * module.AMPLE_BYTES_A_TOKEN
    if is_ample and not sources.is_small(source, _COUNTED_BYTES):
        return None
    try:
        return real.count_rows(source)
    except HeirloomError as error:
        raise HeirloomError(f"experiments.{name}: {error}") from None
