"""What Heirloom itself measures of rows that programs of the user's have written: what needs no look into a model."""

from __future__ import annotations

from collections.abc import Mapping

from heirloom.data import cells, pairs
from heirloom.data.dataset import Dataset
from heirloom.families import algebra, pictures
from heirloom.families.base import Measuring, Sets
from heirloom.measures import mixtures, replicas, tables, vectors


def measures_of_rows(sets: Sets, measuring: Measuring) -> dict[str, float]:
    """Return the measures of a generation's rows, of whichever kind they are."""
    columns = sets.sample.pieces[0].columns
    if pairs.are_in(sets.sample):
        from heirloom.families import answers  # which numbers have no need of

        return answers.describe(sets, measuring)
    if "tokens" in columns:
        return _texts(sets, measuring)
    if "x" not in columns:
        return tables.compare(_columns(sets.sample), _columns(sets.held_out), _columns(sets.original))
    return _vectors(sets, measuring) if measuring.truth else pictures.describe(sets)


def _vectors(sets: Sets, measuring: Measuring) -> dict[str, float]:
    """Return mean and covariance of vectors against the true law, and their tails."""
    truth, x_RND = mixtures.truth(measuring.truth), sets.sample.by_replica()
    covariance_RDD = algebra.scatter(x_RND)[1] / x_RND.shape[1]
    measured = {
        "covariance_trace": vectors.covariance_trace(covariance_RDD),
        "mean_squared_error": vectors.mean_squared_distance(x_RND.mean(axis=1), mixtures.moments(truth)[0][0]),
        **mixtures.tail_masses(x_RND, truth),
        **mixtures.mode_mixing(x_RND, truth),
    }
    return replicas.summarise_each(measured)


def _texts(sets: Sets, measuring: Measuring) -> dict[str, float]:
    """Return diversity, runs and words of texts of any lengths."""
    from heirloom.families import answers

    return {
        **answers.diversity(sets.sample, measuring.vocab_size),
        **answers.runs(sets, measuring.generation),
        **answers.surviving_words(sets, measuring.generation, Dataset.texts),
    }


def _columns(rows: Dataset) -> Mapping[str, tables.Column]:
    """Return the columns of a table's rows: numbers, or the texts of categories."""
    return {name: cells.values(rows, name) for name in cells.names(rows)}
