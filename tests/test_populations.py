"""A population is a grid whose points live together: its members, whose rows they read, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from heirloom import config as configuration
from heirloom.artefacts import kinds
from heirloom.artefacts.kinds import Key
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.specs.population import apportioned, matrix
from heirloom.workflow.steps import STEPS

EXPERIMENT: dict[str, Any] = {
    "family": {"name": "gaussian"},
    "source": {"name": "normal", "rows": 80, "test_rows": 1},
    "regimes": ["replace"],
    "generations": 2,
    "rows": 10,
}
AXES = {"kind": {"key": "family", "values": {"bell": {"name": "gaussian"}, "kernel": {"name": "kde"}}}}


def parsed(population: dict[str, Any], regimes: dict[str, Any] | None = None, **keys: Any) -> Config:
    experiment = {**EXPERIMENT, **keys, "population": population}
    experiment = {key: value for key, value in experiment.items() if value is not None}
    return configuration.parse({"regimes": regimes or {"replace": {}}, "experiments": {"e": experiment}})


def fault(population: dict[str, Any], regimes: dict[str, Any] | None = None, **keys: Any) -> str:
    with pytest.raises(HeirloomError) as error:
        parsed(population, regimes, **keys)
    (line,) = error.value.lines
    return line


def test_each_member_is_an_experiment_that_knows_its_place() -> None:
    config = parsed({"members": 3})
    assert [*config.experiments] == ["e__m1", "e__m2", "e__m3"]
    assert [experiment.point for experiment in config.experiments.values()] == [{"member": name} for name in ("m1", "m2", "m3")]
    second = config.experiments["e__m2"].membership
    assert second is not None
    assert (second.seat.name, second.seat.number, second.writers) == ("m2", 1, ["e__m1", "e__m2", "e__m3"])


def test_a_population_of_one_is_the_experiment_without_a_population() -> None:
    alone, plain = (
        parsed({"members": 1}).experiments["e__m1"],
        configuration.parse({"regimes": {"replace": {}}, "experiments": {"e": EXPERIMENT}}),
    )
    assert alone.membership is None
    assert alone.model_copy(update={"variant_of": None, "point": {}}) == plain.experiments["e"]


def test_a_grid_has_a_population_at_each_point_and_rows_are_shared_out() -> None:
    grid = {"models": {"key": "population.members", "values": {"one": 1, "four": 4}}}
    config = parsed({"members": 1, "rows": 40}, grid=grid, rows=None)
    assert {name: experiment.rows for name, experiment in config.experiments.items()} == {
        "e__one_m1": 40,
        "e__four_m1": 10,
        "e__four_m2": 10,
        "e__four_m3": 10,
        "e__four_m4": 10,
    }
    assert config.experiments["e__four_m2"].point == {"models": "four", "member": "m2"}


def test_axes_make_members_of_several_families() -> None:
    config = parsed({"members": AXES})
    assert {name: experiment.family.name for name, experiment in config.experiments.items()} == {"e__bell": "gaussian", "e__kernel": "kde"}


@pytest.mark.parametrize(
    ("synthetic_from", "expected"),
    [
        ({"all": 1.0}, [[1 / 3, 1 / 3, 1 / 3]] * 3),
        ({"self": 0.5, "others": 0.5}, [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.25, 0.5]]),
        ({"a": 0.75, "all": 0.25}, [[5 / 6, 1 / 12, 1 / 12]] * 3),
        ({"a": {"self": 1.0}, "b": {"a": 1.0}, "c": {"a": 0.5, "others": 0.5}}, [[1, 0, 0], [1, 0, 0], [0.75, 0.25, 0]]),
    ],
)
def test_weights_name_the_reader_the_others_all_or_a_member(synthetic_from: Any, expected: list[list[float]]) -> None:
    assert matrix(synthetic_from, ["a", "b", "c"]) == [pytest.approx(row) for row in expected]


def test_whole_rows_are_apportioned_so_that_equal_readers_read_each_writer_as_often() -> None:
    assert apportioned(10, [0.7, 0.3]) == [7, 3]
    assert apportioned(10, [0.25] * 4, first=3) == [3, 2, 2, 3]
    for total in range(30):
        rows = [apportioned(total, [0.25] * 4, reader) for reader in range(4)]
        assert [sum(row) for row in rows] == [total] * 4
        assert [sum(column) for column in zip(*rows, strict=True)] == [total] * 4


def test_a_member_s_training_set_waits_for_the_rows_of_all_whom_it_reads() -> None:
    who_reads_whom = {"m1": {"m3": 1.0}, "m2": {"others": 1.0}, "m3": {"self": 1.0}}
    config = parsed({"members": 3, "synthetic_from": who_reads_whom}, {"replace": {"multiple": 3.0}})
    taken = {member: STEPS["mix"].inputs(config, Key(f"e__{member}", "replace", 0, 2))["synthetic"] for member in ("m1", "m2", "m3")}
    assert taken == {
        "m1": [kinds.SYNTHETIC.path("e__m3", "replace", 0, 2)],
        "m2": [kinds.SYNTHETIC.path("e__m1", "replace", 0, 2), kinds.SYNTHETIC.path("e__m3", "replace", 0, 2)],
        "m3": [kinds.SYNTHETIC.path("e__m3", "replace", 0, 2)],
    }


@pytest.mark.parametrize(
    ("population", "words"),
    [
        (
            {"members": 2, "synthetic_from": {"self": 0.5, "others": 0.4}},
            "population.synthetic_from: the shares of m1 add up to 0.9, not to 1",
        ),
        ({"members": 2, "synthetic_from": {"m9": 1.0}}, "m9 names no member; the names are self, others, all, m1, m2"),
        ({"members": 2, "synthetic_from": {"m1": {"self": 1.0}}}, "says nothing of m2; shares by member must be given for each"),
        ({"members": 1, "synthetic_from": {"others": 1.0}}, "`others` has a share of 1, but m1 is the only member"),
        ({"members": 2, "shares": {"m1": 0.5}}, "population.shares: the shares add up to 0.5, not to 1"),
        ({"members": 2, "shares": {"m1": 0.5, "m7": 0.5}}, "m7 names no member; the names are m1, m2"),
        ({"members": 0}, "population.members"),
        ({"members": 2, "publik": 0.5}, "did you mean `public`?"),
        (
            {"members": {"kind": {"key": "family", "values": {"self": {"name": "kde"}, "b": {"name": "kde"}}}}},
            "no member may be called self",
        ),
        (
            {"members": {"n": {"key": "rows", "values": {"a": 10, "b": 8}}}},
            "several values of `rows`; an axis of a population may not set it",
        ),
        ({"members": {"d": {"key": "source.dim", "values": {"a": 1, "b": 2}}}}, "source 'normal' (1 numbers a row, 80 rows)"),
        ({"members": {"m": {"key": "source.mean", "values": {"a": 0.0, "b": 1.0}}}, "public": 0.5}, "no public rows in common"),
        ({"members": 10}, "origin_rows needs 10 real rows, but there are 8"),
        ({"members": 2, "rows": 20}, "the experiment has `rows`, too"),
        ({"members": 2, "synthetic_from": {"m1": 1.0}}, "the members read 20 rows of m1, which offers 10, and no row goes to two"),
    ],
    ids=str,
)
def test_bad_input_is_one_line(population: dict[str, Any], words: str) -> None:
    assert words in fault(population)


def test_rows_that_cannot_be_divided_evenly_are_refused() -> None:
    assert "21 rows cannot be divided evenly among 2 members" in fault({"members": 2, "rows": 21}, rows=None)


def test_regimes_whose_rows_cannot_be_dealt_are_refused() -> None:
    above = {"replace": {"budget": "drawn", "multiple": 2.0, "select": {"by": {"measure": "norm"}, "keep": "above", "threshold": 0.5}}}
    assert "so that nobody knows how many there are to deal" in fault({"members": 2}, above)
    chain: dict[str, Any] = {"granularity": "chain", "family": {"name": "gaussian", "path": "statistics"}}
    assert "family.path: statistics has no rows that could be dealt" in fault({"members": 2}, **chain)
