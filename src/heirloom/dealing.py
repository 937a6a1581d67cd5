"""Dealing: which rows each member of a population is given, of the others' synthetic sets and of the real pool.

Rows of a set are dealt like cards: the set is shuffled, by a stream that all members share, and the members take their rows one after the
other. So no row goes to two members, and each member knows its own rows without the others' training sets. `mixing` then mixes what
a member was dealt as it mixes the synthetic set of any lineage.

Legend of shapes: R replicas; positions are arrays of shape (R, k), ascending within a replica.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from heirloom.data.choice import Positions, joined, require, take
from heirloom.data.dataset import Dataset
from heirloom.data.members import in_population
from heirloom.runtime.streams import Stream
from heirloom.specs.population import Exchange

_REMEMBERED = 16
"""Shuffles that are remembered: in one job, the members of a population are dealt the same sets one after the other."""


def share_of_pool(pool: Dataset, exchange: Exchange, member: int, num_replicas: int, stream: Stream) -> Dataset:
    """Return the real rows that a member reads, in the pool's order: the public ones and its own segment. Nobody has written them.

    Parameters
    ----------
    member
        Its place in the population, from 0.
    stream
        Shuffles the pool before it is cut; the same for all members.
    """
    num_rows = pool.num_rows // num_replicas
    num_public, segment = exchange.segment(member, num_rows)
    order = _shuffled(stream, num_rows, num_replicas)
    positions = np.concatenate([order[:, :num_public], order[:, segment.start : segment.stop]], axis=1)
    return in_population(take(pool, np.sort(positions, axis=1)), len(exchange.weights))


def dealt(sets: Sequence[Dataset], exchange: Exchange, member: int, rows: int, num_replicas: int, stream: Stream) -> Dataset:
    """Return the synthetic rows that a member is dealt of one generation, writer after writer.

    Parameters
    ----------
    sets
        The sets of the writers that the member reads, in the order of the config.
    member
        Its place in the population, from 0.
    rows
        Rows per replica that every member is dealt.
    stream
        The generation's, the same for all members.

    Raises
    ------
    HeirloomError
        If members are to be dealt more rows of a set than it has.
    """
    counts = exchange.counts(rows)
    writers = [writer for writer, weight in enumerate(exchange.weights[member]) if weight]
    parts = []
    for writer, source in zip(writers, sets, strict=True):
        read_before = [counts[reader][writer] for reader in range(member)]
        all_read = [reader_counts[writer] for reader_counts in counts]
        available = source.num_rows // num_replicas
        require(sum(all_read), available, "`synthetic_from`", "a member's synthetic set")
        if counts[member][writer]:
            positions = _shuffled(stream.child(writer), available, num_replicas)
            start = sum(read_before)
            parts.append(take(source, np.sort(positions[:, start : start + counts[member][writer]], axis=1)))
    return joined(parts)


@lru_cache(maxsize=_REMEMBERED)
def _shuffled(stream: Stream, num_rows: int, num_replicas: int) -> Positions:
    """Return a permutation a replica, of shape (R, num_rows)."""
    identity = np.broadcast_to(np.arange(num_rows), (num_replicas, num_rows))
    return stream.generator().permuted(identity, axis=1)
