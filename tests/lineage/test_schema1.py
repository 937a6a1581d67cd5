"""Runs of schema 1 name inputs by hash alone: which artefact was meant is inferred from role and place, and said to be."""

from __future__ import annotations

from heirloom.lineage import schema1
from heirloom.lineage.index import Index


def test_of_artefacts_with_equal_bytes_the_one_that_role_and_place_say_is_the_parent() -> None:
    places = ["data/a/real/train.parquet", "data/b/origin/seed=0/gen=0/train.parquet", "data/b/origin/seed=1/gen=0/train.parquet"]
    known_artefacts = Index(dict.fromkeys(places, "beef"), {"beef": places})
    model = "data/b/origin/seed=1/gen=0/checkpoint"
    assert schema1.likely_input(known_artefacts, "beef", "train", model) == (places[2], True)
    assert schema1.likely_input(known_artefacts, "dead", "train", model) == (None, False)


def test_a_training_set_that_is_its_input_whole_is_not_its_own_parent() -> None:
    pool, original = "data/a/real/train.parquet", "data/a/origin/seed=0/gen=0/train.parquet"
    selected, train = (f"data/a/filter/seed=0/gen=1/{name}.parquet" for name in ("selected", "train"))
    known_artefacts = Index({}, {"beef": [original, pool], "cafe": [selected, train]})
    assert schema1.likely_input(known_artefacts, "beef", "pool", original) == (pool, False)
    assert [schema1.likely_input(known_artefacts, "beef", role, train) for role in ("pool", "original")] == [(pool, True), (original, True)]
    assert schema1.likely_input(known_artefacts, "cafe", "synthetic", train) == (selected, False)
    assert schema1.likely_input(known_artefacts, "cafe", "train", "data/a/filter/seed=0/gen=1/checkpoint") == (train, True)


def test_two_models_with_the_same_bytes_are_told_apart_by_generation() -> None:
    checkpoints = [f"data/text/replace/seed=0/gen={number}/checkpoint" for number in (1, 2)]
    known_artefacts = Index({}, {"beef": checkpoints})
    sets = [f"data/text/replace/seed=0/gen={number}/synthetic.parquet" for number in (2, 3)]
    assert [schema1.likely_input(known_artefacts, "beef", "checkpoint", path)[0] for path in sets] == checkpoints
